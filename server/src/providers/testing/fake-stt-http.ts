import { readWav } from '../../audio/wav.ts';
import type { VendorAnswer, VendorRequest } from './fake-http-vendor.ts';

/** Recognition by request at the paths of its vendors; 404 to what a vendor would not understand. */
export function answerAsRecogniser(text: string, request: VendorRequest): VendorAnswer | null {
  const { path, headers, body, query } = request;
  if (path.endsWith('/audio/transcriptions')) {
    const isRight = headers.authorization?.startsWith('Bearer ') && partOf(body, 'model');
    return isRight && sampleRateOf(body) === 8_000 ? json({ text }) : null;
  }
  if (path === '/speech-to-text') {
    const isRight =
      headers['api-subscription-key'] && /^[a-z]{2}-IN$/.test(partOf(body, 'language_code'));
    return isRight && sampleRateOf(body) === 8_000
      ? json({ transcript: text, language_code: 'en-IN' })
      : null;
  }
  if (path === '/speech/recognition/conversation/cognitiveservices/v1') {
    const isRight =
      headers['ocp-apim-subscription-key'] &&
      headers['content-type'] === 'audio/wav; codecs=audio/pcm; samplerate=16000' &&
      /^[a-z]{2}-[A-Z]{2}$/.test(query.get('language') ?? '') &&
      readWav(body).sampleRateHz === 16_000;
    const best = { Confidence: 0.91, Lexical: text, Display: text };
    return isRight ? json({ RecognitionStatus: 'Success', NBest: [best] }) : null;
  }
  return null;
}

function json(value: unknown): VendorAnswer {
  return { contentType: 'application/json', parts: [JSON.stringify(value)] };
}

/** The value of a field of a multipart form. */
function partOf(body: Buffer, name: string): string {
  const text = body.toString('latin1');
  return new RegExp(`name="${name}"\r\n\r\n([^\r]*)\r\n`).exec(text)?.[1] ?? '';
}

function sampleRateOf(body: Buffer): number {
  const at = body.indexOf('RIFF');
  return at < 0 ? 0 : body.readUInt32LE(at + 24);
}
