import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SRTP_SUITES, type SrtpSuite } from '../sdp/sdp.ts';
import { writeRtpHeader } from './rtp-packet.ts';
import { sessionKeys, SRTP_PROFILES } from './srtp-keys.ts';
import { SrtpSession } from './srtp.ts';

const SSRC = 0xcafebabe;

function key(suite: SrtpSuite, fill: number): string {
  const { masterKeyBytes, masterSaltBytes } = SRTP_PROFILES[suite];
  return Buffer.alloc(masterKeyBytes + masterSaltBytes, fill).toString('base64');
}

function pair(suite: SrtpSuite): { here: SrtpSession; there: SrtpSession } {
  const [a, b] = [key(suite, 1), key(suite, 2)];
  return {
    here: new SrtpSession({ suite, localKey: a, remoteKey: b }),
    there: new SrtpSession({ suite, localKey: b, remoteKey: a }),
  };
}

function rtp(sequenceNumber: number, text = 'audio', ssrc = SSRC): Buffer {
  const packet = Buffer.alloc(12 + text.length);
  writeRtpHeader(packet, {
    marker: false,
    payloadType: 0,
    sequenceNumber,
    rtpTimestamp: 160,
    ssrc,
  });
  packet.write(text, 12);
  return packet;
}

function rtcp(): Buffer {
  const packet = Buffer.from('81c8000612345678aabbccddeeff00112233445566778899aabbccdd', 'hex');
  return packet;
}

describe('RFC 3711 appendix B.3', () => {
  it('T44: derives the session keys of its example', () => {
    const inline = Buffer.from(
      'E1F97A0D3E018BE0D64FA32C06DE41390EC675AD498AFEEBB6960B3AABE6',
      'hex',
    ).toString('base64');
    const keys = sessionKeys('AES_CM_128_HMAC_SHA1_80', inline);
    expect(keys?.rtpKey.export().toString('hex').toUpperCase()).toBe(
      'C61E7A93744F39EE10734AFE3FF7A087',
    );
    expect(keys?.rtpSalt.toString('hex').toUpperCase()).toBe('30CBBC08863D8C85D49DB34A9AE1');
    expect(keys?.rtpAuthKey.export().toString('hex').toUpperCase()).toBe(
      'CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4',
    );
  });
});

describe('RFC 6188 §7.2', () => {
  it('T44: derives the session keys of its example', () => {
    const inline = Buffer.from(
      'f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b63b04803de51ee7c96423ab5b78d2',
      'hex',
    ).toString('base64');
    const keys = sessionKeys('AES_256_CM_HMAC_SHA1_80', inline);
    expect(keys?.rtpKey.export().toString('hex')).toBe(
      '5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4',
    );
    expect(keys?.rtpSalt.toString('hex')).toBe('fa31791685ca444a9e07c6c64e93');
    expect(keys?.rtpAuthKey.export().toString('hex')).toBe(
      'fd9c32d39ed5fbb5a9dc96b30818454d1313dc05',
    );
  });
});

describe.each(SRTP_SUITES)('%s', (suite) => {
  it('T44: carries packets both ways, unreadable on the way', () => {
    const { here, there } = pair(suite);
    const secret = here.protectRtp(rtp(7));
    expect(secret.includes('audio')).toBe(false);
    expect(secret.length).toBe(17 + SRTP_PROFILES[suite].rtpTagBytes);
    expect(there.unprotectRtp(secret)).toEqual(rtp(7));
    expect(here.unprotectRtp(there.protectRtp(rtp(9, 'back')))).toEqual(rtp(9, 'back'));
  });

  it('T44 RFC 3711 §3.3.2: takes no packet twice, and one that is late once', () => {
    const { here, there } = pair(suite);
    const packets = [10, 11, 12, 200].map((sequence) => here.protectRtp(rtp(sequence)));
    const [first, second, third, far] = packets as [Buffer, Buffer, Buffer, Buffer];
    expect(there.unprotectRtp(first)).not.toBeNull();
    expect(there.unprotectRtp(third)).not.toBeNull();
    expect(there.unprotectRtp(second)).not.toBeNull();
    expect(there.unprotectRtp(second)).toBeNull();
    expect(there.unprotectRtp(first)).toBeNull();
    expect(there.unprotectRtp(far)).not.toBeNull();
    expect(there.unprotectRtp(third)).toBeNull();
  });

  it('T44 RFC 3711 §3.3.1: goes on over the end of the sequence numbers, also out of order', () => {
    const { here, there } = pair(suite);
    const order = [0xfffe, 0xffff, 0, 1];
    const secrets = order.map((sequence) => here.protectRtp(rtp(sequence)));
    for (const at of [0, 2, 1, 3]) {
      expect(there.unprotectRtp(secrets[at] as Buffer)).toEqual(rtp(order[at] as number));
    }
  });

  it('T44 RFC 3711 §3.3.1: counts every wrap: what was recorded before one is not taken after it', () => {
    const { here, there } = pair(suite);
    const old = here.protectRtp(rtp(100));
    expect(there.unprotectRtp(old)).toEqual(rtp(100));
    // Steps below half of the numbers, so that no wrap is overlooked.
    for (let step = 1; step <= 9; step++) {
      const sequence = (100 + step * 0x4000) & 0xffff;
      const secret = here.protectRtp(rtp(sequence));
      expect(there.unprotectRtp(secret)).toEqual(rtp(sequence));
    }
    expect(there.unprotectRtp(old)).toBeNull();
    expect(there.unprotectRtp(here.protectRtp(rtp(0x4065)))).toEqual(rtp(0x4065));
  });

  it('T44: takes nothing that was changed, of another key, or too short', () => {
    const { here, there } = pair(suite);
    const secret = here.protectRtp(rtp(1));
    for (let i = 0; i < secret.length; i++) {
      const changed = Buffer.from(secret);
      changed.writeUInt8(changed.readUInt8(i) ^ 1, i);
      expect(there.unprotectRtp(changed)).toBeNull();
    }
    expect(there.unprotectRtp(there.protectRtp(rtp(1)))).toBeNull();
    expect(there.unprotectRtp(secret.subarray(0, 14))).toBeNull();
    expect(there.unprotectRtp(secret)).toEqual(rtp(1));
  });

  it('T44: carries RTCP, once each', () => {
    const { here, there } = pair(suite);
    const secret = here.protectRtcp(rtcp());
    expect(secret.subarray(8, 24)).not.toEqual(rtcp().subarray(8, 24));
    expect(there.unprotectRtcp(secret)).toEqual(rtcp());
    expect(there.unprotectRtcp(secret)).toBeNull();
    const changed = here.protectRtcp(rtcp());
    changed.writeUInt8(changed.readUInt8(10) ^ 1, 10);
    expect(there.unprotectRtcp(changed)).toBeNull();
  });

  it('T44: never throws, and takes no garbage', () => {
    const { there } = pair(suite);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(there.unprotectRtp(Buffer.from(bytes))).toBeNull();
        expect(there.unprotectRtcp(Buffer.from(bytes))).toBeNull();
      }),
    );
  });

  it('T44: refuses keys of a wrong length', () => {
    expect(() => new SrtpSession({ suite, localKey: 'AAAA', remoteKey: 'AAAA' })).toThrow(suite);
  });
});
