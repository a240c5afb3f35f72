import {
  AudioMixing,
  type EncodedFileOutput,
  type ParticipantEgressRequest,
  type RoomCompositeEgressRequest,
  type RoomEgress,
  type TrackCompositeEgressRequest,
} from '@livekit/protocol';
import type { RoomRecordingRow } from '../../db/queries/room-recordings.ts';
import { TwirpError } from './twirp-error.ts';

type FileRequest =
  RoomCompositeEgressRequest | ParticipantEgressRequest | TrackCompositeEgressRequest;

/** What the names in braces of a file's path stand for. */
export type PathValues = Record<string, string>;

/** Recordings are WAV, whatever was asked for. */
const SUFFIX = '.wav';
const KNOWN_SUFFIX = /\.(wav|ogg|mp3|mp4|m4a)$/i;

/**
 * The one file that an audio recording goes to. What cannot be made of audio here is refused rather
 * than left out: somebody waits for it.
 * @throws TwirpError
 */
export function fileOf(request: FileRequest): EncodedFileOutput {
  const refused = [
    ['stream_outputs', request.streamOutputs.length],
    ['segment_outputs', request.segmentOutputs.length],
    ['image_outputs', request.imageOutputs.length],
    ['webhooks', request.webhooks.length],
  ] as const;
  for (const [field, count] of refused) if (count > 0) throw unserved(field);
  // Clients send the list and, for servers of old, its only entry once more.
  const old = 'output' in request ? request.output : undefined;
  if (old?.case === 'stream' || old?.case === 'segments') throw unserved(old.case);
  const files =
    request.fileOutputs.length > 0 ? request.fileOutputs : old?.case === 'file' ? [old.value] : [];
  const [file, ...more] = files;
  if (!file) {
    throw new TwirpError('invalid_argument', 'request has missing or invalid field: output');
  }
  if (more.length > 0) throw unserved('more than one of file_outputs');
  if (file.output.case !== undefined) {
    throw new TwirpError(
      'unimplemented',
      `recordings are stored where this installation keeps them; leave ${file.output.case} out`,
      { argument: 'file_outputs' },
    );
  }
  return file;
}

function unserved(field: string): TwirpError {
  return new TwirpError('unimplemented', `${field}: only files of audio are written here`, {
    argument: field,
  });
}

/** The path with its names filled in, as a WAV. */
export function pathOf(filepath: string, values: PathValues): string {
  const template = filepath === '' ? '{room_name}-{time}' : filepath;
  const named = template.replace(/\{([a-z_]+)\}/g, (whole, name: string) => values[name] ?? whole);
  const path = named.endsWith('/') ? `${named}${values['room_name'] ?? 'room'}` : named;
  return path.replace(KNOWN_SUFFIX, '') + SUFFIX;
}

/** @throws TwirpError */
export function channelsOf(mixing: AudioMixing): RoomRecordingRow['channels'] {
  switch (mixing) {
    case AudioMixing.DEFAULT_MIXING:
      return 'mono';
    case AudioMixing.DUAL_CHANNEL_AGENT:
      return 'agent-right';
    case AudioMixing.DUAL_CHANNEL_ALTERNATE:
      throw new TwirpError(
        'unimplemented',
        'audio_mixing can be DEFAULT_MIXING or DUAL_CHANNEL_AGENT',
      );
  }
}

/** @throws TwirpError where a room is to start more by itself than one recording of all. */
export function roomEgressOf(egress: RoomEgress | undefined): RoomCompositeEgressRequest | null {
  if (egress?.participant || egress?.tracks) {
    throw new TwirpError(
      'unimplemented',
      'a room starts a recording of everybody by itself, none of single participants',
      { argument: 'egress' },
    );
  }
  return egress?.room ?? null;
}
