import type { CallSummaryRow } from '../db/queries/calls.ts';
import type { CallCost } from '../wallet/price-call.ts';
import { FINAL_STATUSES } from './call-status.ts';

/** What is known of a call when it is finished. */
export interface FinishedFields {
  /** From the answer to the end of the line. */
  durationMs: number | null;
  cost: CallCost | null;
  recordingKey: string | null;
  recordingDurationMs: number | null;
  summary: string | null;
  extractedData: Record<string, unknown> | null;
  analysis: unknown;
}

const UNFINISHED: FinishedFields = {
  durationMs: null,
  cost: null,
  recordingKey: null,
  recordingDurationMs: null,
  summary: null,
  extractedData: null,
  analysis: null,
};

/**
 * What a call shows of its end: all at once with its final status, nothing before, so that nobody
 * reads at `call-disconnected` what is not complete.
 */
export function finishedFields(call: CallSummaryRow): FinishedFields {
  if (!FINAL_STATUSES.has(call.status)) return UNFINISHED;
  const { answeredAt, disconnectedAt, recordingKey, recordingDurationMs } = call;
  return {
    durationMs:
      call.durationMs ??
      (answeredAt && disconnectedAt ? disconnectedAt.getTime() - answeredAt.getTime() : null),
    cost: call.cost as CallCost | null,
    recordingKey,
    recordingDurationMs,
    summary: call.summary,
    extractedData: call.extractedData,
    analysis: call.analysis,
  };
}
