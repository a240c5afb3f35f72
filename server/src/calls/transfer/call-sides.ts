import type { CallRow } from '../../db/queries/calls.ts';

/** Whose number is whose, whoever called. */
export function agentNumbers({
  direction,
  fromNumber,
  toNumber,
}: Pick<CallRow, 'direction' | 'fromNumber' | 'toNumber'>): { theirs: string; ours: string } {
  return direction === 'outbound'
    ? { theirs: toNumber, ours: fromNumber }
    : { theirs: fromNumber, ours: toNumber };
}
