import type { NegotiatedAudio } from '../sdp/sdp.ts';
import type { CallReady, CallReport, RoomAgent, RoomTap, SeatState } from './worker-protocol.ts';

/** One open call, seen from the main thread. */
export interface VoiceCallHandle extends CallReady {
  readonly callId: string;
  /** The room that its line is in; null: one of its own. */
  readonly roomId: string | null;
  /** The far end's media is known or has changed (early media, answer, re-INVITE). */
  media(audio: NegotiatedAudio): void;
  /** The far end has answered: the agent may speak. `atMs`: wall clock of the answer. */
  answered(atMs: number): void;
  /** Says `text` (null: nothing) and resolves when it has been heard, or cannot be any more. */
  finish(text: string | null): Promise<void>;
  /** Resolves when the last digit has left; rejects where nobody listens yet. */
  sendDtmf(digits: string): Promise<void>;
  /** A digit of the far end that the signalling tells of; once a press, whatever the audio tells. */
  hearDigit(digit: string, durationMs: number): void;
  /** Says who hears whom in the call's room. */
  seat(who: 'caller' | 'agent', state: SeatState): void;
  /**
   * Takes the line into another room, its stream unbroken; its agent stops. Resolves when it is there
   * and recordings of the old room that end with its leaving are complete. Doing it twice is harmless.
   */
  enterRoom(roomId: string, state: SeatState): Promise<void>;
  /**
   * Lets a call that has a room of its own go on in one that others can come into; its agent goes on.
   * Doing it twice is harmless.
   */
  shareRoom(roomId: string): Promise<void>;
  /** Begins a recording of the call's room; it ends with the room's last call. */
  startTap(tap: RoomTap): Promise<void>;
  /** Completes a recording of the room. */
  stopTap(tapId: string): Promise<void>;
  /**
   * Stops the agent at once and lets it out of the room; the call goes on.
   * @param transferred because the caller talks with somebody else from now on. Default false.
   */
  dismissAgent(transferred?: boolean): Promise<void>;
  /** Lets an agent into the call's room. Rejects when it cannot be made ready. */
  attachAgent(agent: RoomAgent): Promise<void>;
  /** Stops media at once. Idempotent; always resolves, after a crash with what was known by then. */
  close(): Promise<CallReport>;
}
