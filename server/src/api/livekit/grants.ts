import { allows, type Scope } from '../../workspaces/scopes.ts';
import { TwirpError } from './twirp-error.ts';

/** What a token allows; the claims `sip` and `video` of LiveKit. */
export interface Grants {
  sip: { admin?: boolean; call?: boolean };
  video: {
    roomCreate?: boolean;
    roomList?: boolean;
    roomAdmin?: boolean;
    roomRecord?: boolean;
    room?: string;
    destinationRoom?: string;
  };
}

/** Who asks, by a LiveKit token. */
export interface LiveKitCaller {
  workspaceId: string;
  /** Issuer of the token. */
  apiKey: string;
  grants: Grants;
  /** Of the pair that signed the token. */
  scopes: ReadonlySet<Scope>;
}

/** What a method needs. `room` and `destinationRoom` are those of the request. */
export type Needed =
  | 'sip-admin'
  | 'sip-call'
  | 'room-create'
  | 'room-list'
  | 'room-record'
  | { room: string; destinationRoom?: string; sipCall?: boolean };

/** A token grants no more than the pair may do that signed it. */
const SCOPES: Record<Exclude<Needed, object>, Scope> = {
  'sip-admin': 'write',
  'sip-call': 'calls',
  'room-create': 'write',
  'room-list': 'read',
  'room-record': 'write',
};

/** @throws TwirpError `unauthenticated`, as LiveKit answers a missing grant. */
export function requireGrant({ grants, scopes }: LiveKitCaller, needed: Needed): void {
  const scope =
    typeof needed === 'string' ? SCOPES[needed] : needed.sipCall === true ? 'calls' : 'write';
  if (!isGranted(grants, needed) || !allows(scopes, scope)) {
    throw new TwirpError('unauthenticated', 'permissions denied');
  }
}

function isGranted({ sip, video }: Grants, needed: Needed): boolean {
  switch (needed) {
    case 'sip-admin':
      return sip.admin === true;
    case 'sip-call':
      return sip.call === true;
    case 'room-create':
      return video.roomCreate === true;
    case 'room-list':
      return video.roomList === true;
    case 'room-record':
      return video.roomRecord === true;
    default:
      return (
        video.roomAdmin === true &&
        video.room === needed.room &&
        (needed.sipCall !== true || sip.call === true) &&
        (needed.destinationRoom === undefined || video.destinationRoom === needed.destinationRoom)
      );
  }
}

/** The grants of a token's payload; whatever is of another type grants nothing. */
export function grantsOf(payload: Record<string, unknown>): Grants {
  const video = objectOf(payload['video']);
  const sip = objectOf(payload['sip']);
  const isTrue = (value: unknown): boolean => value === true;
  return {
    sip: { admin: isTrue(sip['admin']), call: isTrue(sip['call']) },
    video: {
      roomCreate: isTrue(video['roomCreate']),
      roomList: isTrue(video['roomList']),
      roomAdmin: isTrue(video['roomAdmin']),
      roomRecord: isTrue(video['roomRecord']),
      ...(typeof video['room'] === 'string' && { room: video['room'] }),
      ...(typeof video['destinationRoom'] === 'string' && {
        destinationRoom: video['destinationRoom'],
      }),
    },
  };
}

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
