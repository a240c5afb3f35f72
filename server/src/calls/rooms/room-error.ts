export type RoomErrorCode =
  | 'room-not-found'
  | 'participant-not-found'
  | 'dispatch-not-found'
  | 'recording-not-found'
  | 'agent-not-found'
  | 'identity-taken'
  | 'room-full'
  | 'invalid-option'
  | 'no-call'
  | 'not-live'
  | 'not-movable'
  | 'recording-over';

/** A room cannot do what was asked for. The message is one sentence for the caller. */
export class RoomError extends Error {
  readonly code: RoomErrorCode;

  constructor(code: RoomErrorCode, message: string) {
    super(message);
    this.name = 'RoomError';
    this.code = code;
  }
}
