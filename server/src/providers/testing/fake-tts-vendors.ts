import { encodeMulaw } from '../../audio/g711.ts';
import { Resampler } from '../../audio/resample.ts';
import type { VendorAnswer, VendorRequest } from './fake-http-vendor.ts';

/** What a voice was asked to say, whoever was asked. */
export interface SpokenText {
  text: string;
  voice: string;
}

const SAMPLES_PER_CHAR = 400;
const AMPLITUDE = 8_000;
const CHUNK_SAMPLES = 800;

/** The audio of a text: a tone of 50 ms for each character, linear at 8 kHz. */
export function fakeVoice(text: string): Int16Array {
  return Int16Array.from({ length: text.length * SAMPLES_PER_CHAR }, (_, n) =>
    Math.round(AMPLITUDE * Math.sin((2 * Math.PI * 200 * n) / 8_000)),
  );
}

/**
 * All voices of the network at their vendors' paths, each strict about what its API insists on:
 * a header or field that is missing or wrong gives 404.
 */
export function answerAsVoice(request: VendorRequest): VendorAnswer | null {
  const asked = spokenText(request);
  if (asked === null) return null;
  const samples = fakeVoice(asked.text);
  return request.path.endsWith('/audio/speech')
    ? { contentType: 'audio/pcm', parts: linear24(samples) }
    : { contentType: 'audio/basic', parts: chunks(encodeMulaw(samples)) };
}

/** What a request wants to have said; null: no vendor would understand it. */
export function spokenText({
  method,
  path,
  query,
  headers,
  body,
}: VendorRequest): SpokenText | null {
  if (method !== 'POST') return null;
  if (path === '/cognitiveservices/v1') return readSsml(headers, body.toString('utf8'));
  const json = JSON.parse(body.toString('utf8')) as Record<string, unknown>;
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  const elevenLabs = /^\/v1\/text-to-speech\/([^/]+)\/stream$/.exec(path);
  if (elevenLabs?.[1] !== undefined) {
    const isRight = headers['xi-api-key'] && query.get('output_format') === 'ulaw_8000';
    return isRight && json['model_id'] ? { text: text(json['text']), voice: elevenLabs[1] } : null;
  }
  switch (path) {
    case '/v1/speak': {
      const isRight =
        headers.authorization?.startsWith('Token ') &&
        query.get('encoding') === 'mulaw' &&
        query.get('sample_rate') === '8000' &&
        query.get('container') === 'none';
      return isRight ? { text: text(json['text']), voice: query.get('model') ?? '' } : null;
    }
    case '/tts/bytes': {
      const format = JSON.stringify(json['output_format']);
      const isRight =
        headers.authorization?.startsWith('Bearer ') &&
        headers['cartesia-version'] &&
        format === '{"container":"raw","encoding":"pcm_mulaw","sample_rate":8000}';
      const voice = json['voice'] as { mode?: string; id?: string } | undefined;
      return isRight && voice?.id ? { text: text(json['transcript']), voice: voice.id } : null;
    }
    case '/audio/speech':
    case '/v1/audio/speech': {
      const isRight =
        headers.authorization?.startsWith('Bearer ') && json['response_format'] === 'pcm';
      return isRight ? { text: text(json['input']), voice: text(json['voice']) } : null;
    }
    case '/text-to-speech/stream': {
      const isRight =
        headers['api-subscription-key'] &&
        json['output_audio_codec'] === 'mulaw' &&
        json['speech_sample_rate'] === 8_000 &&
        /^[a-z]{2}-IN$/.test(text(json['target_language_code']));
      return isRight ? { text: text(json['text']), voice: text(json['speaker']) } : null;
    }
    default:
      return null;
  }
}

function readSsml(headers: VendorRequest['headers'], ssml: string): SpokenText | null {
  const isRight =
    headers['ocp-apim-subscription-key'] &&
    headers['content-type'] === 'application/ssml+xml' &&
    headers['x-microsoft-outputformat'] === 'raw-8khz-8bit-mono-mulaw';
  const voice = /<voice name="([^"]+)">(.*)<\/voice><\/speak>$/s.exec(ssml);
  if (!isRight || !voice) return null;
  const text = (voice[2] ?? '').replace(/<\/?prosody[^>]*>/g, '');
  // A document that is not well-formed is refused.
  if (/[<>]|&(?!amp;|lt;|gt;|quot;|apos;)/.test(text)) return null;
  return { text: text.replace(/&\w+;/g, '&'), voice: voice[1] ?? '' };
}

function linear24(samples: Int16Array): Uint8Array[] {
  const resampler = new Resampler(8_000, 24_000);
  const wide = [resampler.process(samples), resampler.flush()];
  const bytes = Buffer.concat(
    wide.map((part) => Buffer.from(part.buffer, part.byteOffset, part.byteLength)),
  );
  // Odd pieces: a sample may be cut in two.
  return chunks(bytes, 4_801);
}

function chunks(bytes: Uint8Array, size = CHUNK_SAMPLES): Uint8Array[] {
  const count = Math.max(1, Math.ceil(bytes.length / size));
  return Array.from({ length: count }, (_, n) => bytes.subarray(n * size, (n + 1) * size));
}
