import type { SipMessage } from './message.ts';
import { isToken } from './quoted-string.ts';

const LINE_BREAK = /[\r\n]/;

/**
 * The bytes of a message. Content-Length is set to the bytes of the body, whatever the headers
 * say. Throws TypeError where a method or name is no token, or a value holds a line break: such a
 * value would let whoever supplied it write headers of their own.
 */
export function serializeMessage(message: SipMessage): Buffer {
  let text = startLine(message);
  for (const { name, value } of message.headers) {
    if (!isToken(name)) throw new TypeError(`header name ${JSON.stringify(name)} is no token`);
    if (LINE_BREAK.test(value)) throw new TypeError(`value of ${name} holds a line break`);
    if (name.length === 14 && name.toLowerCase() === 'content-length') continue;
    text += `${name}: ${value}\r\n`;
  }
  const length = Buffer.byteLength(message.body);
  return Buffer.from(`${text}Content-Length: ${length}\r\n\r\n${message.body}`);
}

function startLine(message: SipMessage): string {
  if (message.kind === 'request') {
    if (!isToken(message.method)) throw new TypeError('method is no token');
    if (message.uri === '' || /\s/.test(message.uri)) {
      throw new TypeError('Request-URI is empty or holds white space');
    }
    return `${message.method} ${message.uri} SIP/2.0\r\n`;
  }
  if (!Number.isInteger(message.status) || message.status < 100 || message.status > 699) {
    throw new TypeError(`status ${message.status} is not between 100 and 699`);
  }
  if (LINE_BREAK.test(message.reason)) throw new TypeError('reason phrase holds a line break');
  return `SIP/2.0 ${message.status} ${message.reason}\r\n`;
}
