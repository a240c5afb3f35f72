import { malformed } from './http-request.ts';

/** An event of a server that sends events, as its `data` lines say. */
export interface SseEvent {
  /** Empty: the stream names none. */
  name: string;
  data: string;
}

/** No vendor's event comes near to it. */
const MAX_EVENT_CHARS = 1_000_000;

/** Reads `text/event-stream` (WHATWG HTML 9.2.6): fields of one event up to an empty line. */
export async function* sseEvents(
  provider: string,
  bytes: AsyncIterable<Uint8Array>,
): AsyncGenerator<SseEvent, void, void> {
  const decoder = new TextDecoder('utf-8');
  let rest = '';
  let name = '';
  let data: string[] = [];
  let dataChars = 0;
  for await (const part of bytes) {
    rest += decoder.decode(part, { stream: true });
    if (rest.length > MAX_EVENT_CHARS) throw malformed(provider, 'a line without end');
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) yield { name, data: data.join('\n') };
        name = '';
        data = [];
        dataChars = 0;
        continue;
      }
      const [field, value] = fieldOf(line);
      if (field === 'event') name = value;
      if (field === 'data') {
        dataChars += value.length;
        if (dataChars > MAX_EVENT_CHARS) throw malformed(provider, 'an event without end');
        data.push(value);
      }
    }
  }
}

/** The event's JSON object. Throws ProviderError where it is none. */
export function jsonOf(provider: string, event: SseEvent): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(event.data);
  } catch {
    // The parser's message quotes what was said.
    throw malformed(provider, 'an event that is no JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw malformed(provider, 'an event that is no object');
  }
  return value as Record<string, unknown>;
}

function fieldOf(line: string): [field: string, value: string] {
  const colon = line.indexOf(':');
  if (colon < 0) return [line, ''];
  return [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, '')];
}
