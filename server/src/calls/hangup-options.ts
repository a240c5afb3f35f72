import type { CallEndCause } from './call-end.ts';

const UNAVAILABLE = { status: 480, reason: 'Temporarily Unavailable' };

/** RFC 3326: says to the far end why; `status` is for an inbound leg that was not answered. */
export function hangupOptions(cause: CallEndCause): {
  reasonHeader: string;
  status: number;
  reason: string;
} {
  switch (cause.type) {
    case 'bad-sdp':
      return {
        reasonHeader: 'SIP;cause=488;text="Not Acceptable Here"',
        status: 488,
        reason: 'Not Acceptable Here',
      };
    case 'ring-timeout':
      return { reasonHeader: 'Q.850;cause=19;text="No answer"', ...UNAVAILABLE };
    case 'media-timeout':
      return { reasonHeader: 'Q.850;cause=102;text="No audio"', ...UNAVAILABLE };
    case 'agent-not-ready':
    case 'shutdown':
    case 'voice-crashed':
    case 'platform-error':
      return { reasonHeader: 'Q.850;cause=41', status: 503, reason: 'Service Unavailable' };
    default:
      return { reasonHeader: 'Q.850;cause=16', ...UNAVAILABLE };
  }
}
