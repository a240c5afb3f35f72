import { RoomError, type RoomErrorCode } from '../../calls/rooms/room-error.ts';
import { TwirpError, type TwirpCode } from './twirp-error.ts';

const CODES: Record<RoomErrorCode, TwirpCode> = {
  'room-not-found': 'not_found',
  'participant-not-found': 'not_found',
  'dispatch-not-found': 'not_found',
  'recording-not-found': 'not_found',
  'agent-not-found': 'failed_precondition',
  'identity-taken': 'already_exists',
  'room-full': 'resource_exhausted',
  'invalid-option': 'invalid_argument',
  'no-call': 'invalid_argument',
  'not-live': 'failed_precondition',
  'not-movable': 'failed_precondition',
  'recording-over': 'failed_precondition',
};

/** A room's refusal in Twirp's form; null: it is none. */
export function twirpErrorOfRoom(error: unknown): TwirpError | null {
  return error instanceof RoomError ? new TwirpError(CODES[error.code], error.message) : null;
}
