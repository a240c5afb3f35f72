import type { CallRow } from '../../db/queries/calls.ts';
import type { TracedMessage } from '../../db/queries/sip-traces.ts';
import { parseMessage } from '../../sip/parse-message.ts';
import type { ExaminedCall, MediaCounts, SeenMessage } from './evidence.ts';

/** A stored call as the doctor looks at it. */
export function examinedCall(row: CallRow, trace: readonly TracedMessage[]): ExaminedCall {
  return {
    id: row.id,
    direction: row.direction,
    status: row.status,
    endReason: row.endReason,
    sipCode: row.sipCode,
    sipReason: row.sipReason,
    from: row.fromNumber,
    to: row.toNumber,
    answered: row.answeredAt !== null,
    durationMs: row.durationMs,
    media: mediaCounts(row.media),
    messages: trace.flatMap(seenMessage),
  };
}

function seenMessage({ direction, peer, text }: TracedMessage): SeenMessage[] {
  const parsed = parseMessage(Buffer.from(text, 'utf8'));
  return parsed.ok ? [{ direction, peer, message: parsed.message }] : [];
}

function mediaCounts(stored: unknown): MediaCounts | null {
  if (typeof stored !== 'object' || stored === null) return null;
  const counts = stored as Partial<Record<keyof MediaCounts, unknown>>;
  const count = (name: keyof MediaCounts): number => Number(counts[name]) || 0;
  return {
    packetsSent: count('packetsSent'),
    packetsReceived: count('packetsReceived'),
    packetsInvalid: count('packetsInvalid'),
    packetsFromStrangers: count('packetsFromStrangers'),
  };
}
