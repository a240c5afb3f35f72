import os from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { isCidr } from './egress/address-gate.ts';
import { KEY_NAMES } from './providers/vendors.ts';

const ROLES = ['api', 'voice', 'jobs', 'carrier'] as const;
export type Role = (typeof ROLES)[number];

/** A whole number; the message says what was expected and what came. */
function whole(min: number, max: number) {
  return z
    .string()
    .refine((text) => /^\d+$/.test(text) && Number(text) >= min && Number(text) <= max, {
      error: ({ input }) => `expected a whole number from ${min} to ${max}, got "${String(input)}"`,
    })
    .transform(Number);
}

const port = whole(0, 65_535);
const seconds = whole(0, 86_400);
const threads = whole(1, 64);
const list = z.string().transform((text) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
);

/** Every variable that the program reads, with its default; docs/reference/configuration.md has them too. */
export const environmentSchema = z.object({
  HTTP_HOST: z.string().default('127.0.0.1'),
  HTTP_PORT: port.default(8080),
  SIP_HOST: z.string().default('127.0.0.1'),
  SIP_PORT: port.default(5060),
  SIP_TLS_PORT: port.optional(),
  SIP_TLS_CERT: z.string().optional(),
  SIP_TLS_KEY: z.string().optional(),
  SIP_TLS_CA: z.string().optional(),
  SIP_TLS_CLIENT_CERT: z.enum(['on', 'off']).default('off'),
  PUBLIC_IP: z.string().optional(),
  RTP_PORT_MIN: port.default(10_000),
  RTP_PORT_MAX: port.default(20_000),
  CARRIER_SIP_PORT: port.default(5080),
  CARRIER_SIP_TLS_PORT: port.optional(),
  CARRIER_HOST: z.string().default('127.0.0.1'),
  CARRIER_PUBLIC_IP: z.string().optional(),
  CARRIER_DOMAIN: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i, 'expected a host name such as sip.example.com')
    .max(200)
    .optional(),
  CARRIER_RTP_PORT_MIN: port.default(20_002),
  CARRIER_RTP_PORT_MAX: port.default(24_000),
  SANDBOX: z.enum(['on', 'off']).default('on'),
  SANDBOX_PERSON: z.enum(['confirm', 'cancel', 'reschedule']).default('confirm'),
  TRUNKLINE_DATA_DIR: z.string().default('./data'),
  DATABASE_URL: z.string().optional(),
  TRUNKLINE_MASTER_KEY: z.string().optional(),
  TRUNKLINE_API_KEY: z.string().optional(),
  LIVEKIT_API_KEY: z.string().max(200).optional(),
  LIVEKIT_API_SECRET: z.string().max(1000).optional(),
  OPENAI_API_KEY: z.string().optional(),
  ANTHROPIC_API_KEY: z.string().optional(),
  ASSEMBLYAI_API_KEY: z.string().optional(),
  AZURE_OPENAI_API_KEY: z.string().optional(),
  AZURE_SPEECH_API_KEY: z.string().optional(),
  CARTESIA_API_KEY: z.string().optional(),
  DEEPGRAM_API_KEY: z.string().optional(),
  ELEVENLABS_API_KEY: z.string().optional(),
  GOOGLE_API_KEY: z.string().optional(),
  SARVAM_API_KEY: z.string().optional(),
  SONIOX_API_KEY: z.string().optional(),
  PUBLIC_URL: z.url({ protocol: /^https?$/ }).optional(),
  RECORDING_URL_TTL_S: whole(60, 604_800).default(86_400),
  S3_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
  S3_BUCKET: z.string().optional(),
  S3_REGION: z.string().default('us-east-1'),
  S3_ACCESS_KEY_ID: z.string().optional(),
  S3_SECRET_ACCESS_KEY: z.string().optional(),
  OPENAI_BASE_URL: z.string().default('https://api.openai.com/v1'),
  ROLES: list
    .pipe(z.array(z.enum(ROLES, { error: `expected a comma list of ${ROLES.join(', ')}` })))
    .default([...ROLES]),
  VOICE_WORKERS: threads.optional(),
  MAX_CALLS: whole(1, 10_000).optional(),
  SPEECH_BACKEND: z.enum(['auto', 'native', 'wasm']).default('auto'),
  SPEECH_STT_THREADS: threads.optional(),
  SPEECH_TTS_THREADS: threads.default(1),
  ALLOW_PRIVATE_TARGETS: list
    .pipe(
      z.array(
        z.string().refine(isCidr, {
          error: ({ input }) => `expected CIDRs such as 10.0.0.0/8, got "${String(input)}"`,
        }),
      ),
    )
    .optional(),
  DRAIN_TIMEOUT_S: seconds.default(300),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  LOG_FILE: z.string().optional(),
});

/** TLS of SIP. Paths are of PEM files. */
export interface SipTlsConfig {
  port: number;
  /** Null: a certificate that nobody vouches for is made and kept in the data folder. */
  files: { cert: string; key: string } | null;
  /** Authorities besides those of the system. */
  ca: string | null;
  requireClientCert: boolean;
}

/** Settings of the running program, complete. */
export interface Config {
  http: { host: string; port: number };
  /** `advertisedHost` is what the far ends are told to send to. */
  sip: { host: string; port: number; advertisedHost: string; tls: SipTlsConfig };
  rtp: { portMin: number; portMax: number };
  sandbox: {
    enabled: boolean;
    person: 'confirm' | 'cancel' | 'reschedule';
  };
  /** The trunk service: on with the sandbox, and without it where it has a domain. */
  carrier: {
    enabled: boolean;
    /** Address to bind. */
    host: string;
    advertisedHost: string;
    sipPort: number;
    sipTlsPort: number;
    rtpPortMin: number;
    rtpPortMax: number;
    /** Trunks are reached at `<trunk id>.<domain>`. */
    domain: string;
  };
  dataDir: string;
  databaseUrl: string | null;
  masterKey: string | null;
  apiKey: string | null;
  /** The pair that LiveKit clients of the default workspace sign with. */
  livekit: { apiKey: string; secret: string } | null;
  openai: { apiKey: string | null; baseUrl: string };
  /** Keys of the other vendors by the names of their variables. */
  providerKeys: Readonly<Record<string, string>>;
  /** Where clients reach the API, without a slash at the end; null: where it listens. */
  publicUrl: string | null;
  recordings: { urlTtlS: number; s3: S3Config | null };
  /** CIDRs of addresses that are not public and may be asked on somebody's behalf. */
  allowPrivateTargets: readonly string[];
  roles: ReadonlySet<Role>;
  voice: { workers: number; maxCalls: number };
  speech: { backend: 'auto' | 'native' | 'wasm'; sttThreads: number; ttsThreads: number };
  drainTimeoutMs: number;
  log: { level: 'debug' | 'info' | 'warn' | 'error' | 'silent'; destination: string };
}

/** The bucket that recordings go to. */
export interface S3Config {
  endpoint: string;
  bucket: string;
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
}

/** Calls that one voice worker carries well. */
const CALLS_PER_WORKER = 250;

/** A variable has a value that the program cannot use. The message names it. */
export class ConfigError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ConfigError';
  }
}

/**
 * Reads the environment. Empty variables count as unset.
 * @throws ConfigError with one line a variable that is wrong.
 */
export function readConfig(environment: NodeJS.ProcessEnv = process.env): Config {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = environmentSchema.safeParse(given);
  if (!parsed.success) {
    const lines = parsed.error.issues.map(
      (issue) =>
        `${String(issue.path[0])}: ${issue.message.charAt(0).toLowerCase()}${issue.message.slice(1)}`,
    );
    throw new ConfigError(lines.join('\n'));
  }
  const env = parsed.data;
  if (env.RTP_PORT_MAX - env.RTP_PORT_MIN < 2) {
    throw new ConfigError(
      `RTP_PORT_MIN (${env.RTP_PORT_MIN}) and RTP_PORT_MAX (${env.RTP_PORT_MAX}) leave no pair of ports`,
    );
  }
  if (env.CARRIER_RTP_PORT_MAX - env.CARRIER_RTP_PORT_MIN < 2) {
    throw new ConfigError('CARRIER_RTP_PORT_MIN and CARRIER_RTP_PORT_MAX leave no pair of ports');
  }
  const cores = os.availableParallelism();
  const dataDir = path.resolve(env.TRUNKLINE_DATA_DIR);
  const workers = env.VOICE_WORKERS ?? Math.max(1, Math.floor(cores / 2));
  return {
    http: { host: env.HTTP_HOST, port: env.HTTP_PORT },
    sip: {
      host: env.SIP_HOST,
      port: env.SIP_PORT,
      advertisedHost: env.PUBLIC_IP ?? addressOf(env.SIP_HOST),
      tls: tlsOf(env),
    },
    rtp: { portMin: env.RTP_PORT_MIN, portMax: env.RTP_PORT_MAX },
    sandbox: { enabled: env.SANDBOX === 'on', person: env.SANDBOX_PERSON },
    carrier: {
      enabled: env.SANDBOX === 'on' || env.CARRIER_DOMAIN !== undefined,
      host: env.CARRIER_HOST,
      advertisedHost: env.CARRIER_PUBLIC_IP ?? addressOf(env.CARRIER_HOST),
      sipPort: env.CARRIER_SIP_PORT,
      sipTlsPort: env.CARRIER_SIP_TLS_PORT ?? (env.CARRIER_SIP_PORT === 5080 ? 5081 : 0),
      rtpPortMin: env.CARRIER_RTP_PORT_MIN,
      rtpPortMax: env.CARRIER_RTP_PORT_MAX,
      domain: env.CARRIER_DOMAIN?.toLowerCase() ?? 'localhost',
    },
    dataDir,
    databaseUrl: env.DATABASE_URL ?? null,
    masterKey: env.TRUNKLINE_MASTER_KEY ?? null,
    apiKey: env.TRUNKLINE_API_KEY ?? null,
    livekit: liveKitPair(env.LIVEKIT_API_KEY, env.LIVEKIT_API_SECRET),
    openai: { apiKey: env.OPENAI_API_KEY ?? null, baseUrl: env.OPENAI_BASE_URL },
    providerKeys: providerKeysOf(env),
    publicUrl: env.PUBLIC_URL?.replace(/\/+$/, '') ?? null,
    recordings: { urlTtlS: env.RECORDING_URL_TTL_S, s3: s3Of(env) },
    allowPrivateTargets: env.ALLOW_PRIVATE_TARGETS ?? [],
    roles: new Set(env.ROLES),
    voice: { workers, maxCalls: env.MAX_CALLS ?? workers * CALLS_PER_WORKER },
    speech: {
      backend: env.SPEECH_BACKEND,
      sttThreads: env.SPEECH_STT_THREADS ?? Math.max(1, Math.ceil(cores / 2)),
      ttsThreads: env.SPEECH_TTS_THREADS,
    },
    drainTimeoutMs: env.DRAIN_TIMEOUT_S * 1000,
    log: {
      level: env.LOG_LEVEL,
      destination: env.LOG_FILE ?? path.join(dataDir, 'trunkline.log'),
    },
  };
}

function liveKitPair(apiKey: string | undefined, secret: string | undefined): Config['livekit'] {
  if (apiKey !== undefined && secret !== undefined) return { apiKey, secret };
  if (apiKey === undefined && secret === undefined) return null;
  throw new ConfigError('LIVEKIT_API_KEY and LIVEKIT_API_SECRET are a pair; set both or none');
}

/** The keys that are set, OpenAI's apart, which has an endpoint of the server's own. */
function providerKeysOf(env: z.output<typeof environmentSchema>): Record<string, string> {
  const set = KEY_NAMES.filter((name) => name !== 'OPENAI_API_KEY').flatMap((name) => {
    const value = (env as Partial<Record<string, unknown>>)[name];
    return typeof value === 'string' && value !== '' ? [[name, value] as const] : [];
  });
  return Object.fromEntries(set);
}

/** All of it, or nothing: half a bucket would lose recordings. */
function s3Of(env: z.output<typeof environmentSchema>): S3Config | null {
  const { S3_ENDPOINT, S3_BUCKET, S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY } = env;
  if (!S3_BUCKET && !S3_ENDPOINT && !S3_ACCESS_KEY_ID && !S3_SECRET_ACCESS_KEY) return null;
  if (!S3_BUCKET || !S3_ACCESS_KEY_ID || !S3_SECRET_ACCESS_KEY) {
    const missing = [
      S3_BUCKET ? '' : 'S3_BUCKET',
      S3_ACCESS_KEY_ID ? '' : 'S3_ACCESS_KEY_ID',
      S3_SECRET_ACCESS_KEY ? '' : 'S3_SECRET_ACCESS_KEY',
    ].filter((name) => name !== '');
    throw new ConfigError(`${missing.join(', ')}: not set, and recordings go to S3 with it only`);
  }
  return {
    endpoint: S3_ENDPOINT ?? `https://s3.${env.S3_REGION}.amazonaws.com`,
    bucket: S3_BUCKET,
    region: env.S3_REGION,
    accessKeyId: S3_ACCESS_KEY_ID,
    secretAccessKey: S3_SECRET_ACCESS_KEY,
  };
}

const SIP_PORT_DEFAULT = 5060;
const SIP_TLS_PORT_DEFAULT = 5061;

/** A second program with another SIP_PORT must not stumble over the first one's TLS port. */
function tlsOf(env: z.output<typeof environmentSchema>): SipTlsConfig {
  const { SIP_TLS_CERT: cert, SIP_TLS_KEY: key } = env;
  if ((cert === undefined) !== (key === undefined)) {
    throw new ConfigError('SIP_TLS_CERT and SIP_TLS_KEY go together: set both or neither');
  }
  return {
    port: env.SIP_TLS_PORT ?? (env.SIP_PORT === SIP_PORT_DEFAULT ? SIP_TLS_PORT_DEFAULT : 0),
    files: cert !== undefined && key !== undefined ? { cert, key } : null,
    ca: env.SIP_TLS_CA ?? null,
    requireClientCert: env.SIP_TLS_CLIENT_CERT === 'on',
  };
}

const WILDCARDS: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/**
 * The address behind a host to bind: of a wildcard, the machine's first address that others can
 * reach. 0.0.0.0 itself would tell the far end that the call is on hold (RFC 3264 §8.4).
 */
function addressOf(host: string): string {
  if (!WILDCARDS.has(host)) return host;
  const family = host === '::' ? 'IPv6' : 'IPv4';
  const found = Object.values(os.networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find((address) => !address.internal && address.family === family);
  if (found) return found.address;
  throw new ConfigError(
    `PUBLIC_IP: SIP_HOST is ${host} and this machine has no ${family} address to tell the far ends; set it`,
  );
}
