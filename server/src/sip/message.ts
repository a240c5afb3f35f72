/** A header field as it stands in a message; `name` is in its long form, case as received. */
export interface SipHeader {
  name: string;
  value: string;
}

interface SipMessageBase {
  /** In order of appearance; several values of one field are several entries where they came so. */
  headers: SipHeader[];
  /** Empty where there is none. SIP bodies here are text (SDP, sipfrag, DTMF). */
  body: string;
}

export interface SipRequest extends SipMessageBase {
  kind: 'request';
  method: string;
  /** The Request-URI as text. */
  uri: string;
}

export interface SipResponse extends SipMessageBase {
  kind: 'response';
  status: number;
  reason: string;
}

export type SipMessage = SipRequest | SipResponse;

export type SipTransportName = 'udp' | 'tcp' | 'tls';

/** One end of the wire. */
export interface SipAddress {
  host: string;
  port: number;
  transport: SipTransportName;
  /** The name that its certificate must show, where `host` is not it (RFC 5922 §4). */
  serverName?: string;
}

/** RFC 3261 §7.3.3: compact forms. */
const COMPACT_NAMES: Record<string, string> = {
  a: 'Accept-Contact',
  b: 'Referred-By',
  c: 'Content-Type',
  d: 'Request-Disposition',
  e: 'Content-Encoding',
  f: 'From',
  i: 'Call-ID',
  j: 'Reject-Contact',
  k: 'Supported',
  l: 'Content-Length',
  m: 'Contact',
  o: 'Event',
  r: 'Refer-To',
  s: 'Subject',
  t: 'To',
  u: 'Allow-Events',
  v: 'Via',
  x: 'Session-Expires',
};

/** The long form of a field name that may be compact (RFC 3261 §7.3.3). */
export function longHeaderName(name: string): string {
  return name.length === 1 ? (COMPACT_NAMES[name.toLowerCase()] ?? name) : name;
}

/** The first value of a field, compared without case; undefined where it is missing. */
export function getHeader(message: SipMessage, name: string): string | undefined {
  const wanted = name.toLowerCase();
  return message.headers.find((header) => header.name.toLowerCase() === wanted)?.value;
}

/** Every value of a field, one entry a header line, in order. */
export function getHeaders(message: SipMessage, name: string): string[] {
  const wanted = name.toLowerCase();
  return message.headers
    .filter((header) => header.name.toLowerCase() === wanted)
    .map((header) => header.value);
}

/** Replaces every value of a field by one. */
export function setHeader(message: SipMessage, name: string, value: string): void {
  const wanted = name.toLowerCase();
  const at = message.headers.findIndex((header) => header.name.toLowerCase() === wanted);
  message.headers = message.headers.filter((header) => header.name.toLowerCase() !== wanted);
  message.headers.splice(at < 0 ? message.headers.length : at, 0, { name, value });
}
