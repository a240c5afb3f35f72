import { describe, expect, it } from 'vitest';
import type { LegFailure } from '../sip/leg.ts';
import { callEnd, statusAfterAnswer, type CallEndCause } from './call-end.ts';
import { FINAL_STATUSES } from './call-status.ts';
import { isLegalEdge } from './call-status-fsm.ts';
import { END_REASONS, isEndReason, type EndReason } from './end-reasons.ts';

function response(status: number, reason = 'Reason'): LegFailure {
  return {
    cause: 'response',
    status,
    reason,
    provisionalSeen: false,
    local: false,
    reasonHeader: null,
    retryAfterS: null,
  };
}

const dialling = { direction: 'outbound', answered: false, sip: null } as const;
const talking = {
  direction: 'outbound',
  answered: true,
  sip: { code: 200, reason: 'OK' },
} as const;

describe('the end of a call', () => {
  it.each([
    [300, 'failed', 'redirected', 'carrier'],
    [302, 'failed', 'redirected', 'carrier'],
    [400, 'failed', 'rejected', 'carrier'],
    [401, 'failed', 'auth-failed', 'carrier'],
    [402, 'failed', 'no-credit', 'carrier'],
    [403, 'failed', 'forbidden', 'carrier'],
    [404, 'failed', 'invalid-number', 'carrier'],
    [407, 'failed', 'auth-failed', 'carrier'],
    [408, 'no-answer', 'request-timeout', 'carrier'],
    [410, 'failed', 'invalid-number', 'carrier'],
    [415, 'failed', 'media-incompatible', 'carrier'],
    [420, 'failed', 'negotiation-failed', 'carrier'],
    [421, 'failed', 'negotiation-failed', 'carrier'],
    [422, 'failed', 'negotiation-failed', 'carrier'],
    [428, 'failed', 'identity-rejected', 'carrier'],
    [436, 'failed', 'identity-rejected', 'carrier'],
    [437, 'failed', 'identity-rejected', 'carrier'],
    [438, 'failed', 'identity-rejected', 'carrier'],
    [480, 'no-answer', 'unavailable', 'callee'],
    [482, 'failed', 'routing-loop', 'carrier'],
    [483, 'failed', 'routing-loop', 'carrier'],
    [484, 'failed', 'invalid-number', 'carrier'],
    [485, 'failed', 'invalid-number', 'carrier'],
    [486, 'busy', 'user-busy', 'callee'],
    [487, 'no-answer', 'request-terminated', 'carrier'],
    [488, 'failed', 'media-incompatible', 'carrier'],
    [500, 'failed', 'carrier-error', 'carrier'],
    [502, 'failed', 'carrier-error', 'carrier'],
    [503, 'failed', 'congestion', 'carrier'],
    [504, 'failed', 'carrier-error', 'carrier'],
    [580, 'failed', 'carrier-error', 'carrier'],
    [600, 'busy', 'user-busy', 'callee'],
    [603, 'failed', 'declined', 'callee'],
    [604, 'failed', 'invalid-number', 'carrier'],
    [606, 'failed', 'media-incompatible', 'carrier'],
    [607, 'failed', 'carrier-blocked', 'carrier'],
    [608, 'failed', 'carrier-blocked', 'carrier'],
    [699, 'failed', 'rejected', 'carrier'],
  ])('refused with %i is %s, %s, ended by the %s', (code, status, endReason, endedBy) => {
    expect(callEnd({ type: 'leg-failed', failure: response(code) }, dialling)).toEqual({
      status,
      endReason,
      endedBy,
      sipCode: code,
      sipReason: 'Reason',
    });
  });

  it('tells a limit of the carrier from congestion by its words', () => {
    for (const [code, text] of [
      [503, 'CPS limit exceeded'],
      [503, 'Maximum concurrent calls reached'],
      [403, 'Channel limit'],
    ] as const) {
      const end = callEnd({ type: 'leg-failed', failure: response(code, text) }, dialling);
      expect(end.endReason).toBe('channel-limit');
      expect(end.sipCode).toBe(code);
    }
  });

  it('does not invent a SIP code where nothing came from the far end', () => {
    for (const cause of ['timeout', 'transport'] as const) {
      const failure = { ...response(cause === 'timeout' ? 408 : 503), cause, local: true };
      expect(callEnd({ type: 'leg-failed', failure }, dialling)).toMatchObject({
        status: 'failed',
        endReason: 'trunk-unreachable',
        sipCode: null,
        sipReason: null,
      });
    }
  });

  it('does not invent the 487 of a CANCEL that nobody answered', () => {
    const failure = { ...response(487), cause: 'cancelled', local: true } as const;
    expect(callEnd({ type: 'leg-failed', failure }, dialling)).toMatchObject({
      sipCode: null,
      sipReason: null,
    });
  });

  it('RFC 3261 §15: of an inbound call before the ACK to our 200 is no completed call', () => {
    const ringing = { direction: 'inbound', answered: false, sip: null } as const;
    expect(
      callEnd({ type: 'leg-ended', end: { by: 'remote', reasonHeader: null } }, ringing),
    ).toMatchObject({ status: 'canceled', endReason: 'caller-canceled', endedBy: 'caller' });
    expect(
      callEnd({ type: 'leg-ended', end: { by: 'timeout', reasonHeader: null } }, ringing),
    ).toMatchObject({ status: 'failed', endReason: 'dialog-lost', endedBy: 'system' });
  });

  it('is legal from wherever the call stands, for every cause', () => {
    const reports = ['remote', 'local', 'timeout'] as const;
    const failures = ['response', 'timeout', 'transport', 'cancelled'] as const;
    const causes: CallEndCause[] = [
      ...reports.map((by) => ({ type: 'leg-ended', end: { by, reasonHeader: null } }) as const),
      ...failures.flatMap((cause) =>
        [200, 302, 404, 486, 487, 503, 603, 699].map(
          (status) => ({ type: 'leg-failed', failure: { ...response(status), cause } }) as const,
        ),
      ),
      ...[...Object.keys(END_REASONS), 'because I can'].map(
        (reason) => ({ type: 'agent', reason }) as const,
      ),
      ...(['first-packet', 'lost', 'hold'] as const).map(
        (phase) => ({ type: 'media-timeout', phase }) as const,
      ),
      ...(
        [
          'api-stop',
          'ring-timeout',
          'bad-sdp',
          'agent-not-ready',
          'trunk-inactive',
          'trunk-secret',
          'caller-gone',
          'unknown-number',
          'caller-not-allowed',
          'no-capacity',
          'voice-crashed',
          'platform-error',
          'node-lost',
          'shutdown',
        ] as const
      ).map((type) => ({ type })),
    ];
    for (const cause of causes) {
      for (const direction of ['inbound', 'outbound'] as const) {
        const before = callEnd(cause, { direction, answered: false, sip: null });
        for (const from of ['initiated', 'ringing'] as const) {
          expect([cause, from, before.status, isLegalEdge(from, before.status)]).toContain(true);
        }
        const after = callEnd(cause, { direction, answered: true, sip: null });
        const last = statusAfterAnswer(after.endReason);
        expect(FINAL_STATUSES.has(last)).toBe(true);
        expect([cause, last, isLegalEdge('call-disconnected', last)]).toContain(true);
      }
    }
  });

  it('takes a phone that rang until the network gave up as not answered', () => {
    const failure = {
      ...response(408),
      cause: 'timeout',
      local: true,
      provisionalSeen: true,
    } as const;
    expect(callEnd({ type: 'leg-failed', failure }, dialling).status).toBe('no-answer');
  });

  it('keeps the code that came before when a limit of ours ended the ringing', () => {
    const sip = { code: 487, reason: 'Request Terminated' };
    expect(callEnd({ type: 'ring-timeout' }, { ...dialling, sip })).toEqual({
      status: 'no-answer',
      endReason: 'ring-timeout',
      endedBy: 'system',
      sipCode: 487,
      sipReason: 'Request Terminated',
    });
  });

  it.each<[CallEndCause, string, string, string]>([
    [
      { type: 'leg-ended', end: { by: 'remote', reasonHeader: null } },
      'completed',
      'callee-hangup',
      'callee',
    ],
    [
      { type: 'leg-ended', end: { by: 'timeout', reasonHeader: null } },
      'completed',
      'dialog-lost',
      'system',
    ],
    [{ type: 'agent', reason: 'agent-goodbye' }, 'completed', 'agent-goodbye', 'agent'],
    [
      { type: 'agent', reason: 'do-not-call-requested' },
      'completed',
      'do-not-call-requested',
      'agent',
    ],
    [{ type: 'agent', reason: 'because I can' }, 'completed', 'agent-goodbye', 'agent'],
    [{ type: 'agent', reason: 'silence' }, 'completed', 'silence', 'system'],
    [{ type: 'agent', reason: 'max-duration' }, 'completed', 'max-duration', 'system'],
    [{ type: 'agent', reason: 'provider-error' }, 'completed', 'provider-error', 'system'],
    [{ type: 'agent', reason: 'voice-worker-crashed' }, 'error', 'voice-worker-crashed', 'system'],
    [{ type: 'api-stop' }, 'stopped', 'api-stopped', 'api'],
    [{ type: 'media-timeout', phase: 'lost' }, 'completed', 'media-timeout', 'system'],
    [{ type: 'media-timeout', phase: 'first-packet' }, 'completed', 'media-timeout', 'system'],
    [{ type: 'media-timeout', phase: 'hold' }, 'completed', 'hold-timeout', 'system'],
    [{ type: 'voice-crashed' }, 'error', 'voice-worker-crashed', 'system'],
    [{ type: 'platform-error' }, 'error', 'platform-error', 'system'],
    [{ type: 'node-lost' }, 'error', 'node-lost', 'system'],
    [{ type: 'shutdown' }, 'stopped', 'shutdown', 'system'],
    [{ type: 'bad-sdp' }, 'failed', 'media-incompatible', 'system'],
  ])('after the answer: %o is %s, %s, ended by %s', (cause, status, endReason, endedBy) => {
    const end = callEnd(cause, talking);
    expect(end).toEqual({ status, endReason, endedBy, sipCode: 200, sipReason: 'OK' });
    // What is stored is the end reason: the final status must follow from it again.
    expect(statusAfterAnswer(end.endReason)).toBe(status);
  });

  it('is a cancellation when the API stops a call that was not answered', () => {
    expect(callEnd({ type: 'api-stop' }, dialling)).toMatchObject({
      status: 'canceled',
      endReason: 'canceled',
      endedBy: 'api',
    });
  });

  it('names the caller on inbound calls', () => {
    const inbound = { ...talking, direction: 'inbound' } as const;
    expect(
      callEnd({ type: 'leg-ended', end: { by: 'remote', reasonHeader: null } }, inbound),
    ).toMatchObject({ endReason: 'caller-hangup', endedBy: 'caller' });
    const failure = { ...response(487, 'Request Terminated'), cause: 'cancelled' } as const;
    expect(
      callEnd({ type: 'leg-failed', failure }, { ...inbound, answered: false, sip: null }),
    ).toMatchObject({
      status: 'canceled',
      endReason: 'caller-canceled',
      endedBy: 'caller',
      sipCode: 487,
    });
  });

  it.each([
    ['SIP;cause=200;text="Call completed elsewhere"', 'answered-elsewhere'],
    ['sip ; text="x" ; cause=200', 'answered-elsewhere'],
    ['Q.850;cause=26', 'answered-elsewhere'],
    ['Q.850;cause=16, SIP;cause=200', 'answered-elsewhere'],
    ['SIP;cause=487', 'caller-canceled'],
    ['SIP;cause=2000', 'caller-canceled'],
    ['Q.850;cause=16', 'caller-canceled'],
    [null, 'caller-canceled'],
  ])(
    'T31 RFC 3326: of an inbound call that is taken back with %s is %s',
    (reasonHeader, reason) => {
      const failure: LegFailure = {
        cause: 'cancelled',
        status: 487,
        reason: 'Request Terminated',
        local: false,
        provisionalSeen: true,
        reasonHeader,
        retryAfterS: null,
      };
      const context = { direction: 'inbound', answered: false, sip: null } as const;
      expect(callEnd({ type: 'leg-failed', failure }, context)).toMatchObject({
        status: 'canceled',
        endReason: reason,
      });
    },
  );

  it('gives every SIP code from 300 to 699 one final status and one listed reason', () => {
    for (let code = 300; code < 700; code++) {
      const end = callEnd({ type: 'leg-failed', failure: response(code) }, dialling);
      expect(FINAL_STATUSES.has(end.status)).toBe(true);
      expect(isEndReason(end.endReason)).toBe(true);
      expect(end.sipCode).toBe(code);
    }
  });

  it('has a final status after the answer for every reason', () => {
    for (const reason of Object.keys(END_REASONS) as EndReason[]) {
      expect(FINAL_STATUSES.has(statusAfterAnswer(reason))).toBe(true);
    }
  });
});
