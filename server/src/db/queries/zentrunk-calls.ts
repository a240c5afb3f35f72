import { selectOffsetPage, type OffsetPage, type OffsetRequest } from './offset-page.ts';
import type { Queryable } from './queryable.ts';
import { countTouched, selectOne } from './row.ts';
import { storableJson, storableText } from './storable-text.ts';

/** The record of one call over one trunk of the trunk service. */
export interface ZentrunkCallRow {
  id: string;
  workspaceId: string;
  trunkId: string;
  trunkDomain: string;
  sipCallId: string;
  direction: 'outbound' | 'inbound';
  fromNumber: string;
  toNumber: string;
  /** ISO 3166-1 alpha-2. */
  fromCountry: string | null;
  toCountry: string | null;
  initiatedAt: Date;
  answeredAt: Date | null;
  endedAt: Date;
  billDurationS: number;
  hangupCode: number;
  hangupName: string;
  hangupSource: 'customer' | 'carrier' | 'zentrunk';
  transport: 'udp' | 'tcp' | 'tls';
  srtp: boolean;
  secure: boolean;
  postDialDelayMs: number | null;
  media: ZentrunkCallMedia | null;
  /** The rule that refused it. */
  guardrail: string | null;
}

/** What was measured of the audio of the caller and of the called side; null: nothing came. */
export interface ZentrunkCallMedia {
  from: ZentrunkMediaSide | null;
  to: ZentrunkMediaSide | null;
}

export interface ZentrunkMediaSide {
  packets: number;
  lost: number;
  jitterMs: number;
  /** Null: no RTCP told. */
  rttMs: number | null;
}

export type ZentrunkComparison = 'gt' | 'gte' | 'lt' | 'lte' | 'eq';

export interface ZentrunkCallFilter {
  /** Digits; exact or the beginning. */
  fromNumber?: string | undefined;
  toNumber?: string | undefined;
  direction?: ZentrunkCallRow['direction'] | undefined;
  hangupCode?: number | undefined;
  hangupSource?: ZentrunkCallRow['hangupSource'] | undefined;
  billDurationS?: Partial<Record<ZentrunkComparison, number>>;
  endedAt?: Partial<Record<ZentrunkComparison, Date>>;
}

const OPERATORS: Record<ZentrunkComparison, string> = {
  gt: '>',
  gte: '>=',
  lt: '<',
  lte: '<=',
  eq: '=',
};
const COLUMNS = `id, workspace_id, trunk_id, trunk_domain, sip_call_id, direction, from_number, to_number,
  from_country, to_country, initiated_at, answered_at, ended_at, bill_duration_s, hangup_code,
  hangup_name, hangup_source, transport, srtp, secure, post_dial_delay_ms, media, guardrail`;

export async function insert(client: Queryable, row: ZentrunkCallRow): Promise<void> {
  await client.query(
    `insert into zentrunk_calls (${COLUMNS})
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
       $20, $21, $22, $23) on conflict (id) do nothing`,
    [
      row.id,
      row.workspaceId,
      row.trunkId,
      row.trunkDomain,
      storableText(row.sipCallId),
      row.direction,
      storableText(row.fromNumber),
      storableText(row.toNumber),
      row.fromCountry,
      row.toCountry,
      row.initiatedAt,
      row.answeredAt,
      row.endedAt,
      row.billDurationS,
      row.hangupCode,
      row.hangupName,
      row.hangupSource,
      row.transport,
      row.srtp,
      row.secure,
      row.postDialDelayMs,
      row.media === null ? null : storableJson(row.media),
      row.guardrail,
    ],
  );
}

export async function get(
  client: Queryable,
  workspaceId: string,
  id: string,
): Promise<ZentrunkCallRow | null> {
  return selectOne(client, 'select * from zentrunk_calls where workspace_id = $1 and id = $2', [
    workspaceId,
    id,
  ]);
}

/** Latest first. */
export async function list(
  client: Queryable,
  workspaceId: string,
  filter: ZentrunkCallFilter,
  page: OffsetRequest,
): Promise<OffsetPage<ZentrunkCallRow>> {
  const values: unknown[] = [workspaceId];
  const where = ['workspace_id = $1'];
  const equals = (column: string, value: unknown): void => {
    if (value !== undefined) where.push(`${column} = $${values.push(value)}`);
  };
  const startsWith = (column: string, digits: string | undefined): void => {
    if (digits !== undefined) {
      where.push(`starts_with(ltrim(${column}, '+'), $${values.push(digits)})`);
    }
  };
  startsWith('from_number', filter.fromNumber);
  startsWith('to_number', filter.toNumber);
  equals('direction', filter.direction);
  equals('hangup_code', filter.hangupCode);
  equals('hangup_source', filter.hangupSource);
  for (const [column, comparisons] of [
    ['bill_duration_s', filter.billDurationS],
    ['ended_at', filter.endedAt],
  ] as const) {
    for (const [comparison, value] of Object.entries(comparisons ?? {})) {
      const operator = OPERATORS[comparison as ZentrunkComparison];
      where.push(`${column} ${operator} $${values.push(value)}`);
    }
  }
  const order = 'ended_at desc, id';
  return selectOffsetPage(client, { from: 'zentrunk_calls', where, values, order }, page);
}

/** Deletes what ended before; how many there were. */
export async function removeBefore(client: Queryable, before: Date): Promise<number> {
  return countTouched(client, 'delete from zentrunk_calls where ended_at < $1', [before]);
}
