import { getHeader, type SipResponse } from './message.ts';
import { cseqOf, fieldValues } from './message-fields.ts';

/** RFC 3262 §7.1: RSeq is below 2^32. */
const MAX_RSEQ = 2 ** 32 - 1;

/** What becomes of a provisional response above 100. */
export type ProvisionalOrder =
  /** It needs no acknowledgement. */
  | { type: 'unreliable' }
  /** The next in order: it is acknowledged with this RAck. */
  | { type: 'next'; rseq: number; rack: string }
  /** A retransmission, or one after a gap: neither acknowledged nor looked at. */
  | { type: 'ignored' };

/**
 * Whether a response to our INVITE must be acknowledged by PRACK (RFC 3262 §4).
 * @param last RSeq of the last one in this early dialog; null: none yet.
 */
export function provisionalOrder(last: number | null, response: SipResponse): ProvisionalOrder {
  const required = fieldValues(response, 'Require').some((one) => one.toLowerCase() === '100rel');
  if (!required) return { type: 'unreliable' };
  const text = (getHeader(response, 'RSeq') ?? '').trim();
  const rseq = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (rseq < 1 || rseq > MAX_RSEQ) return { type: 'ignored' };
  if (last !== null && rseq !== last + 1) return { type: 'ignored' };
  const { sequence, method } = cseqOf(response);
  return { type: 'next', rseq, rack: `${rseq} ${sequence} ${method}` };
}
