import type { TtsProvider } from '../tts.ts';
import { AudioReader, type AudioFormat } from './audio-reader.ts';
import { httpStream, malformed, type HttpAccess, type HttpRequest } from './http-request.ts';

export interface HttpTtsOptions {
  name: string;
  access: HttpAccess;
  format: AudioFormat;
  /** The most characters of one request; a longer text is spoken in several, one after the other. */
  maxChars: number;
  request: (text: string, voice: string, speed: number) => HttpRequest;
}

const AUDIO = /^(audio\/|application\/octet-stream|binary\/)/i;

/** A voice that streams its audio as the answer to a POST. */
export function createHttpTts(options: HttpTtsOptions): TtsProvider {
  const { name, access, format, maxChars, request } = options;
  return {
    name,
    async *synthesize({ text, voice, speed, signal }) {
      signal.throwIfAborted();
      for (const part of splitText(text, maxChars)) {
        const reader = new AudioReader(format);
        let hasAudio = false;
        const bytes = httpStream(name, access, request(part, voice, speed), {
          signal,
          mediaType: AUDIO,
        });
        for await (const chunk of bytes) {
          const samples = reader.read(chunk);
          if (samples.length === 0) continue;
          hasAudio = true;
          yield samples;
        }
        const rest = reader.end();
        if (rest.length > 0) yield rest;
        if (!hasAudio && rest.length === 0) throw malformed(name, 'no audio');
      }
    },
  };
}

/** Text in parts of at most `maxChars`, cut between words where there are any. */
export function splitText(text: string, maxChars: number): string[] {
  const parts: string[] = [];
  let rest = text.trim();
  while (rest.length > maxChars) {
    const space = rest.lastIndexOf(' ', maxChars);
    const at = space > 0 ? space : maxChars;
    parts.push(rest.slice(0, at).trim());
    rest = rest.slice(at).trim();
  }
  if (rest !== '') parts.push(rest);
  return parts;
}
