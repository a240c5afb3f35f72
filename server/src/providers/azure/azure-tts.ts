import { endpointUrl } from '../net/endpoint-url.ts';
import { createHttpTts } from '../net/http-tts.ts';
import type { TtsAdapterOptions } from '../net/tts-options.ts';
import type { TtsProvider } from '../tts.ts';

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};
const FIRST_PRINTABLE = 0x20;

/** Azure AI Speech, REST: SSML in, mu-law at 8 kHz out. */
export function createAzureTts(options: TtsAdapterOptions & { baseUrl: string }): TtsProvider {
  const { apiKey, baseUrl, language } = options;
  return createHttpTts({
    name: 'azure',
    access: options,
    format: { encoding: 'mulaw', sampleRateHz: 8_000 },
    maxChars: 3_000,
    request: (text, voice, speed) => ({
      url: endpointUrl(baseUrl, '/cognitiveservices/v1'),
      headers: {
        'ocp-apim-subscription-key': apiKey,
        'content-type': 'application/ssml+xml',
        'x-microsoft-outputformat': 'raw-8khz-8bit-mono-mulaw',
        'user-agent': 'trunkline',
      },
      body: ssml(text, voice, speed, language ?? languageOf(voice)),
    }),
  });
}

function ssml(text: string, voice: string, speed: number, language: string): string {
  const percent = Math.round((speed - 1) * 100);
  const words = escaped(text);
  const rate = `${percent > 0 ? '+' : ''}${percent}%`;
  const spoken = percent === 0 ? words : `<prosody rate="${rate}">${words}</prosody>`;
  return (
    '<speak version="1.0" xmlns="http://www.w3.org/2001/10/synthesis" ' +
    `xml:lang="${escaped(language)}"><voice name="${escaped(voice)}">${spoken}</voice></speak>`
  );
}

/** Voices are named after their language: `en-US-JennyNeural`. */
function languageOf(voice: string): string {
  return /^[a-z]{2,3}-[A-Z]{2}/.exec(voice)?.[0] ?? 'en-US';
}

function escaped(text: string): string {
  const characters = Array.from(text, (character) =>
    // XML 1.0 2.2: control characters are none of a document, escaped or not.
    (character.codePointAt(0) ?? 0) < FIRST_PRINTABLE ? ' ' : (ESCAPES[character] ?? character),
  );
  return characters.join('');
}
