import { describe, expect, it } from 'vitest';
import { sipFailure, twirpCodeOfSip } from './twirp-error.ts';

describe('Twirp errors', () => {
  it.each([
    [300, 'invalid_argument', 400],
    [302, 'not_found', 404],
    [401, 'permission_denied', 403],
    [403, 'permission_denied', 403],
    [404, 'not_found', 404],
    [407, 'unauthenticated', 401],
    [408, 'deadline_exceeded', 408],
    [416, 'out_of_range', 400],
    [480, 'resource_exhausted', 429],
    [482, 'failed_precondition', 412],
    [484, 'invalid_argument', 400],
    [486, 'resource_exhausted', 429],
    [487, 'aborted', 409],
    [488, 'invalid_argument', 400],
    [500, 'failed_precondition', 412],
    [503, 'failed_precondition', 412],
    [504, 'deadline_exceeded', 408],
    [580, 'failed_precondition', 412],
    [600, 'resource_exhausted', 429],
    [603, 'permission_denied', 403],
    [604, 'not_found', 404],
    [606, 'invalid_argument', 400],
    [608, 'permission_denied', 403],
  ] as const)('gives SIP %i the code %s and HTTP %i', (status, code, http) => {
    expect(twirpCodeOfSip(status)).toBe(code);
    expect(sipFailure({ code: status, reason: 'x' }).status).toBe(http);
  });

  it('tells the SIP answer in its meta, as text', () => {
    const error = sipFailure({ code: 486, reason: 'Busy Here' });
    expect(error.toBody()).toEqual({
      code: 'resource_exhausted',
      msg: 'sip status 486: Busy Here',
      meta: { sip_status_code: '486', sip_status: 'Busy Here' },
    });
  });
});
