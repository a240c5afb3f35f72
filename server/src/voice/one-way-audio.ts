import type { RtpStream } from '../rtp/media-engine.ts';
import type { OneWayKind } from './media-watch.ts';
import type { VoiceCallEvent } from './worker-protocol.ts';

/** What there is to tell of a far end that is not heard: where its audio was to come from and go to. */
export function oneWayAudio(
  { remote, localPort, stats }: Pick<RtpStream, 'remote' | 'localPort' | 'stats'>,
  seconds: number,
  kind: OneWayKind,
): VoiceCallEvent {
  const isHeardThere = stats.packetsSent > 0;
  return { type: 'one-way-audio', seconds, kind, remote, localPort, isHeardThere };
}
