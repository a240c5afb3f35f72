import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as calls from '../../db/queries/calls.ts';
import * as sipTraces from '../../db/queries/sip-traces.ts';
import { NO_RTP_STATS } from '../../rtp/no-rtp-stats.ts';
import { openApiLab, type ApiLab } from '../testing/api-lab.ts';

let lab: ApiLab;
let callId: string;
beforeAll(async () => {
  lab = await openApiLab();
  callId = await lab.placeCall();
  await lab.playCall(callId);
  const message = { at_ms: 1_700_000_000_123, transport: 'udp', peer: '203.0.113.7:5060' } as const;
  const local = '192.0.2.9:5060';
  await sipTraces.append(lab.calls.db.pool, {
    callId,
    workspaceId: lab.workspaceId,
    messages: [
      { ...message, local, direction: 'sent', text: 'INVITE sip:a@b SIP/2.0\r\n\r\n' },
      { ...message, local, direction: 'received', text: 'SIP/2.0 486 Busy Here\r\n\r\n' },
      { ...message, direction: 'sent', text: 'ACK sip:a@b SIP/2.0\r\n\r\n' },
    ],
  });
});
afterAll(() => lab.close());

const asOther = () => ({ authorization: `Bearer ${lab.otherKey}` });

describe('GET /v1/calls/{id}/sip', () => {
  it('tells each message with its time and both ends', async () => {
    const { status, body } = await lab.send('GET', `/v1/calls/${callId}/sip`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      messages: [
        {
          at: '2023-11-14T22:13:20.123Z',
          direction: 'sent',
          from: '192.0.2.9:5060',
          to: '203.0.113.7:5060',
          transport: 'udp',
          summary: 'INVITE sip:a@b SIP/2.0',
          text: 'INVITE sip:a@b SIP/2.0\r\n\r\n',
        },
        { direction: 'received', from: '203.0.113.7:5060', to: '192.0.2.9:5060' },
        { summary: 'ACK sip:a@b SIP/2.0', from: null, to: '203.0.113.7:5060' },
      ],
    });
  });

  it('knows no call of another workspace', async () => {
    for (const path of ['sip', 'sip.pcap']) {
      const url = `/v1/calls/${callId}/${path}`;
      const { status, body } = await lab.send('GET', url, undefined, asOther());
      expect([status, body]).toMatchObject([404, { error: { code: 'not_found' } }]);
    }
  });

  it('is empty where nothing was said by SIP', async () => {
    const id = await lab.placeCall();
    const { body } = await lab.send('GET', `/v1/calls/${id}/sip`);
    expect(body).toEqual({ messages: [] });
    const pcap = await lab.send('GET', `/v1/calls/${id}/sip.pcap`);
    expect([pcap.status, pcap.headers['content-length']]).toEqual([200, '24']);
  });
});

describe('GET /v1/calls/{id}/sip.pcap', () => {
  it('gives a capture to be saved', async () => {
    const answer = await lab.app.inject({
      method: 'GET',
      url: `/v1/calls/${callId}/sip.pcap`,
      headers: { authorization: `Bearer ${lab.key}` },
    });
    expect(answer.statusCode).toBe(200);
    expect(answer.headers).toMatchObject({
      'content-type': 'application/vnd.tcpdump.pcap',
      'content-disposition': `attachment; filename="${callId}.pcap"`,
    });
    expect(answer.rawPayload.readUInt32LE(0)).toBe(0xa1b2c3d4);
    expect(answer.rawPayload.includes('486 Busy Here')).toBe(true);
  });
});

describe('`quality` of a call', () => {
  const qualityOf = async (id: string): Promise<unknown> =>
    ((await lab.send('GET', `/v1/calls/${id}`)).body as { quality: unknown }).quality;

  it('is told each way when the line is closed', async () => {
    expect(await qualityOf(await lab.placeCall())).toBeNull();
    const stats = { ...NO_RTP_STATS, codec: 'PCMA', packetsReceived: 990, packetsExpected: 1_000 };
    await calls.update(lab.calls.db.pool, callId, {
      media: { ...stats, packetsLost: 10, packetsSent: 1_000, jitterMs: 2, rttMs: 40 },
    });
    expect(await qualityOf(callId)).toMatchObject({
      codec: 'PCMA',
      encryption: null,
      round_trip_ms: 40,
      received: { packets: 990, lost: 10, late: 0, loss_percent: 1, jitter_ms: 2, delay_ms: 80 },
      sent: { packets: 1_000, lost: null, mos: null },
    });
  });
});

describe('`sip_days`', () => {
  it('is part of what is kept how long', async () => {
    const change = await lab.send('PATCH', '/v1/retention', { sip_days: 14 });
    expect(change.body).toMatchObject({ sip_days: 14, recording_days: null });
    expect((await lab.send('GET', '/v1/retention')).body).toMatchObject({ sip_days: 14 });
    expect((await lab.send('PATCH', '/v1/retention', { sip_days: -1 })).status).toBe(400);
    const none = await lab.send('PATCH', '/v1/retention', { sip_days: null });
    expect(none.body).toMatchObject({ sip_days: null });
  });
});
