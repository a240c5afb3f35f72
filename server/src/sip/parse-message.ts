import { dropEscapedControls, hasControls } from './control-characters.ts';
import {
  getHeader,
  longHeaderName,
  type SipHeader,
  type SipMessage,
  type SipRequest,
} from './message.ts';
import { parseStartLine, type StartLine } from './parse-start-line.ts';
import { isToken } from './quoted-string.ts';

export { splitHeaderValues } from './split-header-values.ts';

/** Largest message taken, start line to end of body. */
export const MAX_MESSAGE_BYTES = 65_536;
/** Most header fields taken in one message. */
export const MAX_HEADERS = 100;

export type SipParseErrorCode =
  /** Nothing but line ends: a keep-alive. */
  | 'empty'
  /** No SIP at all; never answered. */
  | 'not-sip'
  | 'too-large'
  | 'bad-start-line'
  | 'bad-version'
  | 'bad-header'
  | 'too-many-headers'
  /** The empty line after the headers is missing. */
  | 'no-header-end'
  | 'bad-content-length'
  /** Fewer body bytes than Content-Length says. */
  | 'truncated-body';

/** Why bytes are no message. A value, never thrown. */
export interface SipParseError {
  code: SipParseErrorCode;
  /** What was expected and what came, without contents of the message. */
  message: string;
  /** Status that answers it: 400, 505 for another version, 513 for size. */
  status: 400 | 505 | 513;
  /** The request as far as it was read, where that is enough to answer it; never an ACK. */
  request?: SipRequest;
}

export type ParseResult = { ok: true; message: SipMessage } | { ok: false; error: SipParseError };

export interface ParseOptions {
  /** Whether the bytes are from a stream, where Content-Length must be there. Default false. */
  stream?: boolean;
}

const HEADER_END = Buffer.from('\r\n\r\n');
const LONE_LINE_BREAK = /[^\r]\n|\r(?!\n)/;

/**
 * Reads one message (RFC 3261 §7). Empty lines before it are skipped (§7.5), folded lines joined
 * (§7.3.1), compact names made long (§7.3.3). No field that is returned holds a control character
 * other than HTAB (§25.1): escaped ones are left out, others refused. A datagram may be longer than Content-Length says, the
 * rest is dropped; shorter is an error (§18.3). Fields other than Content-Length are not looked into.
 */
export function parseMessage(bytes: Uint8Array, options: ParseOptions = {}): ParseResult {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let start = 0;
  while (buffer[start] === 0x0d || buffer[start] === 0x0a) start++;
  if (start === buffer.length) return fail('empty', 'no bytes but line ends');
  const foundEnd = buffer.indexOf(HEADER_END, start);
  const headEnd = foundEnd < 0 ? buffer.length : foundEnd;
  if (headEnd - start > MAX_MESSAGE_BYTES) {
    return fail('too-large', `head has ${headEnd - start} bytes, at most ${MAX_MESSAGE_BYTES}`);
  }
  const head = buffer.toString('utf8', start, headEnd);
  const lineEnd = head.indexOf('\r\n');
  const startLine = parseStartLine(lineEnd < 0 ? head : head.slice(0, lineEnd));
  if (startLine.kind === 'not-sip') return fail('not-sip', 'first line is no SIP start line');
  const headers: SipHeader[] = [];
  const headerError =
    (LONE_LINE_BREAK.test(head) ? lineBreakError() : null) ??
    readHeaders(head, lineEnd < 0 ? head.length : lineEnd + 2, headers);
  if (startLine.error) return fail(...startLine.error, answerable(startLine, headers));
  if (headerError) return fail(...headerError, answerable(startLine, headers));
  if (foundEnd < 0) {
    return fail('no-header-end', 'no empty line after headers', answerable(startLine, headers));
  }
  if (buffer.length - start > MAX_MESSAGE_BYTES) {
    const text = `message has ${buffer.length - start} bytes, at most ${MAX_MESSAGE_BYTES}`;
    return fail('too-large', text, answerable(startLine, headers));
  }
  const bodyStart = headEnd + HEADER_END.length;
  const length = bodyLength(headers, buffer.length - bodyStart, options.stream === true);
  if (typeof length !== 'number') return fail(...length, answerable(startLine, headers));
  const body = length === 0 ? '' : buffer.toString('utf8', bodyStart, bodyStart + length);
  return { ok: true, message: build(startLine, headers, body) };
}

type Failure = [code: SipParseErrorCode, message: string];

function build(line: StartLine, headers: SipHeader[], body: string): SipMessage {
  return line.kind === 'request'
    ? { kind: 'request', method: line.method, uri: line.uri, headers, body }
    : { kind: 'response', status: line.status, reason: line.reason, headers, body };
}

function lineBreakError(): Failure {
  return ['bad-header', 'a carriage return or line feed stands alone'];
}

/** Fills `headers`; stops at the first field that is malformed, but skips values that are. */
function readHeaders(head: string, from: number, headers: SipHeader[]): Failure | null {
  const mayHoldControls = hasControls(head);
  let failure: Failure | null = null;
  let at = from;
  while (at < head.length) {
    let end = lineEndAt(head, at);
    const colon = head.indexOf(':', at);
    if (colon < 0 || colon > end) return ['bad-header', `field ${headers.length} has no colon`];
    // RFC 3261 §25.1, HCOLON: white space may stand before the colon.
    const name = head.slice(at, colon).trimEnd();
    if (!isToken(name)) return ['bad-header', `name of field ${headers.length} is no token`];
    if (headers.length === MAX_HEADERS) {
      return ['too-many-headers', `more than ${MAX_HEADERS} header fields`];
    }
    let value = head.slice(colon + 1, end);
    if (isSpaceAt(head, end + 2)) {
      const lines = [value];
      while (isSpaceAt(head, end + 2)) {
        const next = lineEndAt(head, end + 2);
        lines.push(head.slice(end + 2, next));
        end = next;
      }
      value = lines.map((line) => line.trim()).join(' ');
    }
    at = end + 2;
    if (mayHoldControls) {
      value = dropEscapedControls(value);
      if (hasControls(value)) {
        // The fields after it may be what an answer needs.
        failure ??= ['bad-header', `value of ${name} holds a control character`];
        continue;
      }
    }
    headers.push({ name: longHeaderName(name), value: value.trim() });
  }
  return failure;
}

function lineEndAt(head: string, from: number): number {
  const end = head.indexOf('\r\n', from);
  return end < 0 ? head.length : end;
}

function isSpaceAt(head: string, at: number): boolean {
  const code = at < head.length ? head.charCodeAt(at) : 0;
  return code === 0x20 || code === 0x09;
}

/** Bytes of the body, or why they cannot be told (RFC 3261 §18.3, §20.14). */
function bodyLength(headers: SipHeader[], available: number, stream: boolean): number | Failure {
  let stated: number | null = null;
  for (const header of headers) {
    if (header.name.length !== 14 || header.name.toLowerCase() !== 'content-length') continue;
    const length = /^\d{1,10}$/.test(header.value) ? Number(header.value) : -1;
    if (length < 0) return ['bad-content-length', 'Content-Length is no number of bytes'];
    if (stated !== null && stated !== length) {
      return ['bad-content-length', `Content-Length is both ${stated} and ${length}`];
    }
    stated = length;
  }
  if (stated === null) {
    return stream ? ['bad-content-length', 'Content-Length is missing on a stream'] : available;
  }
  if (stated > MAX_MESSAGE_BYTES) {
    return ['too-large', `body has ${stated} bytes, at most ${MAX_MESSAGE_BYTES}`];
  }
  if (stated > available) {
    return ['truncated-body', `body needs ${stated} bytes, got ${available}`];
  }
  return stated;
}

/** The fields that a response copies from its request (RFC 3261 §8.2.6.2). */
const COPIED_FIELDS = ['Via', 'From', 'To', 'Call-ID', 'CSeq'];

function answerable(line: StartLine, headers: SipHeader[]): SipRequest | undefined {
  // RFC 3261 §17.1.1.3: an ACK is never answered.
  if (line.kind !== 'request' || line.method === 'ACK' || line.method === '') return undefined;
  const request: SipRequest = {
    kind: 'request',
    method: line.method,
    uri: line.uri,
    headers,
    body: '',
  };
  const complete = COPIED_FIELDS.every((name) => getHeader(request, name) !== undefined);
  return complete ? request : undefined;
}

function fail(code: SipParseErrorCode, message: string, request?: SipRequest): ParseResult {
  const status = code === 'bad-version' ? 505 : code === 'too-large' ? 513 : 400;
  return { ok: false, error: { code, message, status, ...(request ? { request } : {}) } };
}
