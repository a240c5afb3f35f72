import { parse } from 'csv-parse/sync';
import type { InboundSettings } from '../agents/inbound-schema.ts';
import type { SafeFetch } from '../egress/safe-fetch.ts';

/** Secret of an agent that its lookup is signed in with. */
export const LOOKUP_TOKEN = 'INBOUND_LOOKUP_TOKEN';
const MAX_RESPONSE_BYTES = 65_536;
const MAX_CONTACTS = 20_000;
/** Parsed lists that are kept: reading one takes milliseconds on the loop that serves all calls. */
const MAX_KEPT_LISTS = 50;

/** What is known about somebody who calls. */
export type LookupResult =
  | { type: 'known'; variables: Record<string, unknown> }
  | { type: 'unknown' }
  /** Nobody could say; the call goes on. */
  | { type: 'failed'; message: string };

export interface CallerLookupOptions {
  lookup: NonNullable<InboundSettings['lookup']>;
  caller: string;
  agentId: string;
  executionId: string;
  /** Null: none. */
  token: string | null;
  fetch: SafeFetch | null;
  signal: AbortSignal;
}

type Contacts = ReadonlyMap<string, Record<string, unknown>>;
const keptLists = new Map<string, Contacts>();

/** Asks who calls. Never throws, and never takes longer than the lookup's time. */
export async function lookUpCaller(options: CallerLookupOptions): Promise<LookupResult> {
  try {
    const { lookup, caller } = options;
    if (lookup.type === 'api') return await askApi(options, lookup);
    const contact = contactsOf(lookup.csv, lookup.number_column).get(caller);
    return contact ? { type: 'known', variables: contact } : { type: 'unknown' };
  } catch (error) {
    return { type: 'failed', message: (error as Error).message };
  }
}

/** What is wrong with a list of contacts, for whoever saves it; null: nothing. */
export function contactsProblem(csv: string, numberColumn: string): string | null {
  try {
    readContacts(csv, numberColumn);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

async function askApi(
  { caller, agentId, executionId, token, fetch, signal }: CallerLookupOptions,
  { url, timeout_ms: timeoutMs }: { url: string; timeout_ms: number },
): Promise<LookupResult> {
  if (!fetch) return { type: 'failed', message: 'this server makes no requests' };
  const target = new URL(url);
  target.searchParams.set('contact_number', caller);
  target.searchParams.set('agent_id', agentId);
  target.searchParams.set('execution_id', executionId);
  const response = await fetch(target.href, {
    headers: {
      accept: 'application/json',
      ...(token !== null && { authorization: `Bearer ${token}` }),
    },
    timeoutMs,
    maxResponseBytes: MAX_RESPONSE_BYTES,
    signal,
  });
  if (response.status === 404 || response.status === 204) return { type: 'unknown' };
  if (!response.ok) return { type: 'failed', message: `the lookup answered ${response.status}` };
  const body = response.json();
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return { type: 'failed', message: 'expected a JSON object of the lookup, got something else' };
  }
  const variables = body as Record<string, unknown>;
  return Object.keys(variables).length === 0 ? { type: 'unknown' } : { type: 'known', variables };
}

function contactsOf(csv: string, numberColumn: string): Contacts {
  const key = `${numberColumn}\n${csv}`;
  const kept = keptLists.get(key);
  if (kept) return kept;
  const contacts = readContacts(csv, numberColumn);
  const oldest = keptLists.size >= MAX_KEPT_LISTS ? keptLists.keys().next().value : undefined;
  if (oldest !== undefined) keptLists.delete(oldest);
  keptLists.set(key, contacts);
  return contacts;
}

function readContacts(csv: string, numberColumn: string): Contacts {
  const rows: Record<string, string>[] = parse(csv, {
    columns: true,
    bom: true,
    trim: true,
    skip_empty_lines: true,
    to: MAX_CONTACTS + 1,
  });
  if (rows.length > MAX_CONTACTS) throw new Error(`expected at most ${MAX_CONTACTS} contacts`);
  const [first] = rows;
  if (first && !(numberColumn in first)) {
    throw new Error(`expected a column ${numberColumn}, got ${Object.keys(first).join(', ')}`);
  }
  return new Map(
    rows.map((row) => [(row[numberColumn] ?? '').replace(/[\s().-]/g, ''), { ...row }]),
  );
}
