import type { SocketGuard } from '../egress/socket-guard.ts';
import type { Clock } from '../shared/clock.ts';
import { DEFAULT_OPENAI_BASE_URL } from './openai/openai-llm.ts';
import type { LlmChoice, PlacedChoice, SttChoice, TtsChoice } from './provider-config.ts';
import { ProviderError } from './provider-error.ts';
import { isVendorsOwn, VENDORS, type VendorName } from './vendors.ts';

/** What the server itself brings to the providers of every agent. */
export interface ProviderDefaults {
  openaiBaseUrl: string;
  openaiApiKey: string | null;
  /** Keys of the server by the names of their secrets. Default none. */
  keys?: Readonly<Record<string, string>> | undefined;
  /** How long the first token may take. Default 10,000. */
  llmTimeoutMs?: number;
  /** How endpoints are asked that a sub-account named. Default: they are not. */
  guardedFetch?: typeof fetch | undefined;
  /** How sockets are opened that a sub-account named. Default: they are not. */
  socketGuard?: SocketGuard | undefined;
}

export interface AccessOptions {
  /** Secrets of the workspace and the agent; they go before the server's own keys. */
  secrets: Readonly<Record<string, string>>;
  defaults: ProviderDefaults;
  /** Whether the agent's own endpoints are such that a sub-account named. Default false. */
  guarded?: boolean | undefined;
  clock: Clock;
}

/** Everything that an adapter is made with besides its model. */
export interface ProviderAccess {
  apiKey: string;
  clock: Clock;
  timeoutMs: number;
  /** Undefined: the vendor's own. */
  baseUrl: string | undefined;
  fetch: typeof fetch | undefined;
  guard: SocketGuard | undefined;
  hasNext: boolean;
}

type Choice = SttChoice | TtsChoice | LlmChoice;

/** How long a provider may keep silent: with somebody else in line, only what a caller bears. */
const TIMEOUT_MS = {
  stt: { alone: 4_000, withNext: 2_000 },
  tts: { alone: 8_000, withNext: 2_000 },
  llm: { alone: 10_000, withNext: 3_500 },
};
/** Sent where an endpoint wants none: clients insist on one. */
const NO_KEY = 'none';

/** @throws ProviderError, not retryable, that says what the agent lacks. */
export function accessOf(
  part: 'stt' | 'tts' | 'llm',
  vendor: VendorName,
  { path, choice }: PlacedChoice<Choice>,
  options: AccessOptions & { hasNext: boolean },
): ProviderAccess {
  const { defaults, clock, hasNext, guarded = false } = options;
  const isGuarded = guarded && choice.base_url !== undefined;
  if (isGuarded && (!defaults.guardedFetch || (part === 'stt' && !defaults.socketGuard))) {
    // Nothing is better than an open door.
    throw new ProviderError(vendor, 'the endpoint of the agent cannot be asked from here', {
      retryable: false,
    });
  }
  const standard = TIMEOUT_MS[part][hasNext ? 'withNext' : 'alone'];
  return {
    apiKey: chooseKey(vendor, { path, choice }, options),
    clock,
    timeoutMs:
      choice.timeout_ms ?? (part === 'llm' ? (defaults.llmTimeoutMs ?? standard) : standard),
    baseUrl: baseUrlOf(part, vendor, choice, defaults),
    fetch: isGuarded ? defaults.guardedFetch : undefined,
    guard: isGuarded ? defaults.socketGuard : undefined,
    hasNext,
  };
}

/**
 * The key that a choice is asked with. The server's own goes to the vendor (and, of OpenAI, to the
 * server's own endpoint) only: an agent that names an endpoint of its choice must not be sent it.
 * @throws ProviderError where the vendor wants one and there is none.
 */
export function chooseKey(
  vendor: VendorName,
  { path, choice }: PlacedChoice<Choice>,
  { secrets, defaults }: Pick<AccessOptions, 'secrets' | 'defaults'>,
): string {
  const { keyName, label } = VENDORS[vendor];
  const own = secrets[keyName];
  if (own !== undefined && own !== '') return own;
  const isOpenAi = vendor === 'openai';
  const url = choice.base_url ?? (isOpenAi ? defaults.openaiBaseUrl : null);
  const isVendors =
    url === null ||
    isVendorsOwn(vendor, url) ||
    (isOpenAi && isSameOrigin(url, DEFAULT_OPENAI_BASE_URL));
  const isServers =
    isOpenAi &&
    (choice.base_url === undefined || isSameOrigin(choice.base_url, defaults.openaiBaseUrl));
  const servers = isOpenAi ? defaults.openaiApiKey : defaults.keys?.[keyName];
  if (servers && (isVendors || isServers)) return servers;
  if (!isVendors) return NO_KEY;
  const article = /^[AEIO]/.test(label) ? 'an' : 'a';
  throw new ProviderError(
    vendor,
    `agent needs ${article} ${label} key: set ${keyName} or ${path}.base_url`,
    { retryable: false, kind: 'auth' },
  );
}

function baseUrlOf(
  part: 'stt' | 'tts' | 'llm',
  vendor: VendorName,
  choice: Choice,
  defaults: ProviderDefaults,
): string | undefined {
  if (choice.base_url !== undefined) return choice.base_url;
  if (vendor === 'openai') return defaults.openaiBaseUrl;
  if (vendor === 'azure' && 'region' in choice && choice.region !== undefined) {
    return `https://${choice.region}.${part}.speech.microsoft.com`;
  }
  return undefined;
}

function isSameOrigin(a: string, b: string): boolean {
  const [first, second] = [URL.parse(a), URL.parse(b)];
  return first !== null && second !== null && first.origin === second.origin;
}
