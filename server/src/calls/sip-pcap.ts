import { isIPv6 } from 'node:net';
import type { TracedMessage } from '../db/queries/sip-traces.ts';

const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
const ETHERNET_BYTES = 14;
const IPV4_BYTES = 20;
const IPV6_BYTES = 40;
const UDP_BYTES = 8;
const SNAPLEN_BYTES = 0xffff;
/** An IP packet counts its bytes with 16 bits. */
const MAX_SIP_BYTES = 0xffff - IPV6_BYTES - UDP_BYTES;
const UDP_PROTOCOL = 17;
const HOP_LIMIT = 64;
/** RFC 5737: for an end that has no address, such as a name. */
const NO_ADDRESS = '192.0.2.1';
/** Analysers know SIP by its port. */
const SIP_PORT = 5_060;
/** Locally administered addresses of the two ends. */
const OUR_MAC = Buffer.from([0x02, 0, 0, 0, 0, 0x01]);
const THEIR_MAC = Buffer.from([0x02, 0, 0, 0, 0, 0x02]);

interface End {
  host: string;
  port: number;
}

/**
 * The SIP messages of a call as a capture (libpcap 2.4, Ethernet) that Wireshark opens. What went over
 * TCP or TLS stands in UDP packets too, in clear: it is the messages that are to be looked at.
 */
export function sipPcap(messages: readonly TracedMessage[]): Buffer {
  const records = messages.map((message) => record(message));
  const header = Buffer.alloc(FILE_HEADER_BYTES);
  // https://www.ietf.org/archive/id/draft-gharris-opsawg-pcap-01.html §4.
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(SNAPLEN_BYTES, 16);
  header.writeUInt32LE(1, 20);
  return Buffer.concat([header, ...records]);
}

/** `host:port` of a trace; an IPv6 address may stand without brackets. */
export function traceEnd(text: string | null): End {
  const colon = text?.lastIndexOf(':') ?? -1;
  const host = text?.slice(0, Math.max(0, colon)).replace(/^\[|\]$/g, '') ?? '';
  const port = Number(text?.slice(colon + 1));
  const isPort = Number.isInteger(port) && port >= 1 && port <= 0xffff;
  return { host: host === '' ? NO_ADDRESS : host, port: isPort ? port : SIP_PORT };
}

function record({ at_ms: atMs, direction, peer, local, text }: TracedMessage): Buffer {
  const payload = Buffer.from(text, 'utf8').subarray(0, MAX_SIP_BYTES);
  const [ours, theirs] = [traceEnd(local ?? null), traceEnd(peer)];
  const isSent = direction === 'sent';
  const [from, to] = isSent ? [ours, theirs] : [theirs, ours];
  const isV6 = isIPv6(from.host) || isIPv6(to.host);
  const packet = isV6 ? ipv6Packet(from, to, payload) : ipv4Packet(from, to, payload);
  const header = Buffer.alloc(RECORD_HEADER_BYTES);
  header.writeUInt32LE(Math.floor(atMs / 1_000), 0);
  header.writeUInt32LE(Math.floor((atMs % 1_000) * 1_000), 4);
  header.writeUInt32LE(ETHERNET_BYTES + packet.length, 8);
  header.writeUInt32LE(ETHERNET_BYTES + packet.length, 12);
  const type = Buffer.from(isV6 ? [0x86, 0xdd] : [0x08, 0x00]);
  const macs = isSent ? [THEIR_MAC, OUR_MAC] : [OUR_MAC, THEIR_MAC];
  return Buffer.concat([header, ...macs, type, packet]);
}

/** RFC 791 §3.1. */
function ipv4Packet(from: End, to: End, payload: Buffer): Buffer {
  const header = Buffer.alloc(IPV4_BYTES);
  header.writeUInt8(0x45, 0);
  header.writeUInt16BE(IPV4_BYTES + UDP_BYTES + payload.length, 2);
  header.writeUInt8(HOP_LIMIT, 8);
  header.writeUInt8(UDP_PROTOCOL, 9);
  ipv4Bytes(from.host).copy(header, 12);
  ipv4Bytes(to.host).copy(header, 16);
  header.writeUInt16BE(checksum(header), 10);
  return Buffer.concat([header, udpDatagram(from, to, payload, header.subarray(12, 20))]);
}

/** RFC 8200 §3. */
function ipv6Packet(from: End, to: End, payload: Buffer): Buffer {
  const header = Buffer.alloc(IPV6_BYTES);
  header.writeUInt8(0x60, 0);
  header.writeUInt16BE(UDP_BYTES + payload.length, 4);
  header.writeUInt8(UDP_PROTOCOL, 6);
  header.writeUInt8(HOP_LIMIT, 7);
  ipv6Bytes(from.host).copy(header, 8);
  ipv6Bytes(to.host).copy(header, 24);
  return Buffer.concat([header, udpDatagram(from, to, payload, header.subarray(8, 40))]);
}

/** RFC 768; `addresses` are what the pseudo header has of them. */
function udpDatagram(from: End, to: End, payload: Buffer, addresses: Buffer): Buffer {
  const datagram = Buffer.concat([Buffer.alloc(UDP_BYTES), payload]);
  datagram.writeUInt16BE(from.port, 0);
  datagram.writeUInt16BE(to.port, 2);
  datagram.writeUInt16BE(datagram.length, 4);
  const pseudo = Buffer.from([0, UDP_PROTOCOL, datagram.length >> 8, datagram.length & 0xff]);
  // A checksum of 0 means none.
  datagram.writeUInt16BE(checksum(Buffer.concat([addresses, pseudo, datagram])) || 0xffff, 6);
  return datagram;
}

/** RFC 1071. */
function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) {
    sum += bytes.readUInt8(at) * 256 + (at + 1 < bytes.length ? bytes.readUInt8(at + 1) : 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
}

function ipv4Bytes(host: string): Buffer {
  const parts = host.split('.').map(Number);
  const isAddress = parts.length === 4 && parts.every((part) => part >= 0 && part <= 255);
  return isAddress ? Buffer.from(parts) : ipv4Bytes(NO_ADDRESS);
}

function ipv6Bytes(host: string): Buffer {
  // RFC 4291 §2.5.5.2: an IPv4 address among the others.
  if (!isIPv6(host))
    return Buffer.concat([Buffer.alloc(10), Buffer.from([255, 255]), ipv4Bytes(host)]);
  const address = host.split('%', 1)[0] ?? '';
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address);
  const tail = dotted?.[2] === undefined ? null : ipv4Bytes(dotted[2]);
  const groups = tail
    ? `${dotted?.[1] ?? ''}${tail.subarray(0, 2).toString('hex')}:${tail.subarray(2).toString('hex')}`
    : address;
  const [head = '', rest] = groups.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = rest === undefined || rest === '' ? [] : rest.split(':');
  const zeroes = Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0');
  const bytes = Buffer.alloc(16);
  [...before, ...zeroes, ...after].slice(0, 8).forEach((group, i) => {
    bytes.writeUInt16BE(Number.parseInt(group, 16) & 0xffff, 2 * i);
  });
  return bytes;
}
