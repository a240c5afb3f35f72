import { isIP } from 'node:net';
import { srtpMismatch, type Case } from './case.ts';
import type { ExaminedCall, Finding } from './evidence.ts';

/** Fewer lost packets of silence say nothing. */
const MANY_PACKETS = 50;
/** RFC 3261 §13.3.1.4: the far end gives up when our ACK does not come. */
const ACK_LIMIT_MS = { min: 30_000, max: 34_000 };

/** What went wrong with the audio of a call that was answered. */
export function mediaFindings(one: Case): Finding[] {
  const { call, facts, advertisedHost } = one;
  const findings: Finding[] = [];
  const { offered, answered } = facts;
  if (offered && answered && /SAVP/.test(offered.protocol) !== /SAVP/.test(answered.protocol)) {
    findings.push(
      srtpMismatch('certain', [
        `offered was ${offered.protocol}, the answer is ${answered.protocol}`,
      ]),
    );
  } else if (offered && answered?.hasCrypto === true && !offered.hasCrypto) {
    findings.push(
      srtpMismatch('certain', ['the answer carries a key (a=crypto) that nobody offered']),
    );
  } else if (call.endReason === 'media-incompatible' && answered && call.sipCode === 200) {
    findings.push({
      code: 'codec-mismatch',
      confidence: 'certain',
      title: 'The carrier answered with a codec that was not offered',
      evidence: [
        `offered: ${offered?.codecs.join(', ') ?? ''}; answered: ${answered.codecs.join(', ')}`,
      ],
      fix: 'Allow PCMU and PCMA (ulaw, alaw) at the carrier and in codecs of the trunk.',
    });
  }
  if (call.answered && call.media) findings.push(...flow(one, call.media));
  if (
    call.answered &&
    call.endReason === 'dialog-lost' &&
    call.durationMs !== null &&
    call.durationMs >= ACK_LIMIT_MS.min &&
    call.durationMs <= ACK_LIMIT_MS.max
  ) {
    findings.push({
      code: 'ack-lost',
      confidence: 'likely',
      title: 'The call dropped after 32 s: an ACK did not arrive',
      evidence: [
        `it lasted ${Math.round(call.durationMs / 1000)} s`,
        `we advertise ${advertisedHost}`,
      ],
      fix: 'Set PUBLIC_IP to the address under which the carrier reaches this machine.',
    });
  }
  return findings;
}

function flow(
  { call, facts, trunk, advertisedHost }: Case,
  counts: NonNullable<ExaminedCall['media']>,
): Finding[] {
  const { packetsSent, packetsReceived, packetsInvalid, packetsFromStrangers } = counts;
  if (packetsReceived > 0 || packetsSent < MANY_PACKETS) return [];
  if (packetsInvalid >= MANY_PACKETS) {
    return [
      {
        code: 'media-not-understood',
        confidence: 'likely',
        title: 'Audio came in that nobody agreed on: another codec, or encrypted',
        evidence: [`${packetsInvalid} packets of a wrong form came in, none that could be played`],
        fix: 'Switch SRTP off at the carrier, and allow PCMU and PCMA (ulaw, alaw) only.',
      },
    ];
  }
  const seen = [`${packetsSent} packets left, none came in`];
  if (packetsFromStrangers >= MANY_PACKETS && !trunk.rtpSymmetric) {
    return [
      {
        code: 'one-way-audio',
        confidence: 'certain',
        title: 'One-way audio: the far end sends from another address than it named',
        evidence: [...seen, `${packetsFromStrangers} packets came from elsewhere`],
        fix: 'Set rtp_symmetric to true.',
      },
    ];
  }
  const hidden =
    isPrivate(advertisedHost) && facts.answered?.host != null && !isPrivate(facts.answered.host);
  return [
    {
      code: 'one-way-audio',
      confidence: hidden ? 'certain' : 'likely',
      title: 'One-way audio: nothing is heard from the far end',
      evidence: [
        ...seen,
        `we asked for audio at ${advertisedHost}`,
        ...(hidden ? ['that address is private and the far end is not'] : []),
        ...(trunk.forceRport ? [] : ['force_rport is off']),
      ],
      fix: hidden
        ? 'Set PUBLIC_IP to the public address of this machine and open the RTP ports.'
        : `Open the RTP ports (RTP_PORT_MIN to RTP_PORT_MAX, UDP) for the carrier’s media addresses, set PUBLIC_IP where a NAT is between, and keep rtp_symmetric and force_rport on. The call ended with ${call.endReason ?? 'no reason'}.`,
    },
  ];
}

/** RFC 1918, RFC 6598, loopback and link-local. */
function isPrivate(host: string): boolean {
  if (isIP(host) === 6) return /^(::1|f[cd]|fe80)/i.test(host);
  return /^(10\.|127\.|169\.254\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.)/.test(
    host,
  );
}
