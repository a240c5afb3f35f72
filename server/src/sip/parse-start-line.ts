import { hasControls, stripControls } from './control-characters.ts';
import { isToken } from './quoted-string.ts';

type StartLineError = [code: 'bad-start-line' | 'bad-version', message: string];

/** A first line, with `error` where it is SIP but wrong; then the parts are what could be read. */
export type StartLine =
  | { kind: 'request'; method: string; uri: string; error: StartLineError | null }
  | { kind: 'response'; status: number; reason: string; error: StartLineError | null };

const RESPONSE = /^SIP\/(\d{1,5}\.\d{1,5}) (\d+)(?: (.*))?$/is;
const LOOSE_REQUEST = /^\s*(\S+)\s(.*)\sSIP\/(\d{1,5}\.\d{1,5})\s*$/is;

/**
 * Reads a Request-Line or Status-Line (RFC 3261 §7.1, §7.2). Control characters make a request
 * malformed; they are left out of a reason phrase, since a final response that is dropped for its
 * words would leave its INVITE without an end.
 */
export function parseStartLine(line: string): StartLine | { kind: 'not-sip' } {
  if (/^SIP\//i.test(line)) return parseStatusLine(line);
  if (hasControls(line)) return controlInRequest(line);
  const first = line.indexOf(' ');
  const last = line.lastIndexOf(' ');
  const method = line.slice(0, Math.max(0, first));
  const uri = line.slice(first + 1, Math.max(first + 1, last));
  // RFC 3261 §7.1: single spaces, no other white space, the URI not in angle brackets.
  if (line.slice(last + 1).toUpperCase() === 'SIP/2.0' && isToken(method) && isUri(uri)) {
    return { kind: 'request', method, uri, error: null };
  }
  return looseRequest(line);
}

function isUri(uri: string): boolean {
  return uri !== '' && !/[\s<>"]/.test(uri);
}

function parseStatusLine(line: string): StartLine {
  const match = RESPONSE.exec(line);
  const status = Number(match?.[2] ?? 0);
  const base = { kind: 'response', status, reason: stripControls(match?.[3] ?? '') } as const;
  if (!match) return { ...base, error: ['bad-start-line', 'status line is malformed'] };
  if (match[1] !== '2.0') return { ...base, error: ['bad-version', 'version is not SIP/2.0'] };
  if (match[2]?.length !== 3 || status < 100 || status > 699) {
    return { ...base, error: ['bad-start-line', 'status code is not between 100 and 699'] };
  }
  return { ...base, error: null };
}

function controlInRequest(line: string): StartLine | { kind: 'not-sip' } {
  const read = looseRequest(stripControls(line));
  if (read.kind !== 'request') return read;
  return { ...read, error: ['bad-start-line', 'request line holds a control character'] };
}

function looseRequest(line: string): StartLine | { kind: 'not-sip' } {
  const match = LOOSE_REQUEST.exec(line);
  if (!match) return { kind: 'not-sip' };
  const token = match[1] ?? '';
  const method = isToken(token) ? token : '';
  const error: StartLineError =
    match[3] === '2.0'
      ? ['bad-start-line', 'request line is malformed']
      : ['bad-version', 'version is not SIP/2.0'];
  return { kind: 'request', method, uri: (match[2] ?? '').trim(), error };
}
