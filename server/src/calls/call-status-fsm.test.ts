import { describe, expect, it } from 'vitest';
import { CALL_EDGES, isLegalEdge, isOver, statusesBefore } from './call-status-fsm.ts';
import { CALL_STATUSES, FINAL_STATUSES } from './call-status.ts';

describe('call status', () => {
  it('never leaves a final status', () => {
    for (const from of FINAL_STATUSES) {
      for (const to of CALL_STATUSES) expect(isLegalEdge(from, to)).toBe(false);
    }
  });

  it('has a way out of every status that is not final', () => {
    for (const status of CALL_STATUSES) {
      expect(CALL_EDGES[status].length === 0).toBe(FINAL_STATUSES.has(status));
    }
  });

  it('reaches a final status from everywhere', () => {
    for (const start of CALL_STATUSES) {
      const seen = new Set([start]);
      for (const status of seen) for (const next of CALL_EDGES[status]) seen.add(next);
      expect([...seen].some((status) => FINAL_STATUSES.has(status))).toBe(true);
    }
  });

  it('completes a call only after it was disconnected', () => {
    expect(statusesBefore('completed')).toEqual(['call-disconnected']);
    expect(statusesBefore('call-disconnected')).toEqual(['in-progress']);
  });

  it('never goes back to the queue once it was dialled', () => {
    for (const from of ['initiated', 'ringing', 'in-progress', 'call-disconnected'] as const) {
      expect(isLegalEdge(from, 'queued')).toBe(false);
      expect(isLegalEdge(from, 'rescheduled')).toBe(false);
    }
    expect(statusesBefore('initiated')).toEqual(['queued']);
  });

  it('never goes from one status to itself, nor to a status that is not known', () => {
    for (const from of CALL_STATUSES) {
      expect(CALL_EDGES[from]).not.toContain(from);
      for (const to of CALL_EDGES[from]) expect(CALL_STATUSES).toContain(to);
    }
  });

  it('is over when it is final or disconnected', () => {
    expect(isOver('call-disconnected')).toBe(true);
    expect(isOver('busy')).toBe(true);
    expect(isOver('in-progress')).toBe(false);
  });
});
