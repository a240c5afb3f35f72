import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../shared/clock.ts';

/** What a link is made of. */
export interface RecordedCall {
  id: string;
  workspaceId: string;
  /** Null: there is no recording. */
  recordingKey: string | null;
}

export type LinkVerdict = 'good' | 'expired' | 'wrong';

/** Links to recordings that need no key, tell nothing, and end. */
export interface RecordingUrls {
  /** Null where there is no recording. */
  urlOf(call: RecordedCall): string | null;
  /** Whether a link was made here and still holds. */
  verify(link: {
    workspaceId: string;
    callId: string;
    expires: string;
    signature: string;
  }): LinkVerdict;
}

export interface RecordingUrlsOptions {
  masterKey: Buffer;
  clock: Clock;
  /** How long a link holds. */
  ttlS: number;
  /** Where clients reach us, without a slash at the end. */
  publicUrl: () => string;
}

const CONTEXT = 'trunkline-recording-urls-v1';

/** Signs with a key of its own made from the master key, so that no other MAC can be used here. */
export function createRecordingUrls(options: RecordingUrlsOptions): RecordingUrls {
  const key = createHmac('sha256', options.masterKey).update(CONTEXT).digest();
  const macOf = (workspaceId: string, callId: string, expires: string): Buffer =>
    createHmac('sha256', key).update(`${workspaceId}\n${callId}\n${expires}`).digest();
  return {
    urlOf({ id, workspaceId, recordingKey }) {
      if (recordingKey === null) return null;
      const expires = String(Math.floor(options.clock.now() / 1_000) + options.ttlS);
      const signature = macOf(workspaceId, id, expires).toString('base64url');
      return `${options.publicUrl()}/recordings/${workspaceId}/${id}.wav?expires=${expires}&signature=${signature}`;
    },
    verify({ workspaceId, callId, expires, signature }) {
      const given = Buffer.from(signature, 'base64url');
      const expected = macOf(workspaceId, callId, expires);
      if (given.length !== expected.length || !timingSafeEqual(given, expected)) return 'wrong';
      return Number(expires) * 1_000 > options.clock.now() ? 'good' : 'expired';
    },
  };
}
