import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openApiLab, type Answer, type ApiLab } from '../testing/api-lab.ts';

type Json = Record<string, unknown>;

let lab: ApiLab;
beforeAll(async () => {
  lab = await openApiLab();
});
afterAll(() => lab.close());

function send(method: string, path: string): Promise<Answer> {
  const text = Buffer.from(`${lab.workspaceId}:${lab.key}`).toString('base64');
  const headers = { authorization: `Basic ${text}` };
  return lab.send(method, `/v1/Account/${lab.workspaceId}/${path}`, undefined, headers);
}

describe('records of calls', () => {
  async function keep(fields: Json): Promise<void> {
    const row: Json = {
      id: crypto.randomUUID(),
      workspace_id: lab.workspaceId,
      trunk_id: '121784177241578',
      trunk_domain: '121784177241578.carrier.test',
      sip_call_id: 'abc',
      direction: 'outbound',
      from_number: '+14155550177',
      to_number: '+442079460958',
      from_country: 'US',
      to_country: 'GB',
      initiated_at: '2026-11-20T10:00:00Z',
      answered_at: '2026-11-20T10:00:05Z',
      ended_at: '2026-11-20T10:01:10Z',
      bill_duration_s: 65,
      hangup_code: 3010,
      hangup_name: 'normal_hangup',
      hangup_source: 'customer',
      transport: 'tls',
      srtp: true,
      secure: true,
      post_dial_delay_ms: 1200,
      media: JSON.stringify({
        from: { packets: 980, lost: 20, jitterMs: 3.4, rttMs: 24.4 },
        to: null,
      }),
      ...fields,
    };
    const names = Object.keys(row);
    await lab.calls.db.pool.query(
      `insert into zentrunk_calls (${names.join(', ')})
       values (${names.map((_name, at) => `$${at + 1}`).join(', ')})`,
      Object.values(row),
    );
  }
  const since = 'end_time__gte=2026-11-01%2000:00';

  beforeAll(async () => {
    await keep({});
    await keep({ hangup_code: 4410, hangup_source: 'carrier', bill_duration_s: 0, media: null });
    await keep({ ended_at: '2020-01-01T00:00:00Z', direction: 'inbound' });
  });

  it('are read with the documented fields', async () => {
    const { body } = await send('GET', `Zentrunk/Call/?hangup_cause_code=3010&${since}`);
    const [record] = (body as { objects: Json[] }).objects;
    expect(record).toMatchObject({
      call_id: 'abc',
      from_number: '+14155550177',
      call_direction: 'outbound',
      call_duration: 70,
      bill_duration: 65,
      billed_duration: 120,
      initiation_time: '2026-11-20 10:00:00',
      answer_time: '2026-11-20 10:00:05',
      end_time: '2026-11-20 10:01:10',
      hangup_cause_name: 'normal_hangup',
      transport_protocol: 'tls',
      srtp: true,
      secure_trunking: true,
      total_amount: '0.00000',
      to_country: 'GB',
      stir_verification: 'Not Applicable',
      guardrail: null,
    });
    const uuid = String(record?.['call_uuid']);
    expect((await send('GET', `Zentrunk/Call/${uuid}/`)).body).toMatchObject({ object: record });
    expect((await send('GET', `Zentrunk/Call/${uuid}/Insights/`)).body).toMatchObject({
      call_uuid: uuid,
      from: { number: '+14155550177', region: 'US' },
      hangup_cause: 'normal_hangup',
      rtt: '24',
      jitter: '3',
      packet_loss: '2',
      post_dial_delay: 1200,
      plivo_quality_score: '4.3',
    });
  });

  it.each([
    ['from_number=14155550177', 2],
    ['from_number=1415', 2],
    ['from_number=%2B1415', 0],
    ['to_number=44', 2],
    ['call_direction=inbound', 0],
    ['hangup_source=carrier', 1],
    ['bill_duration__gt=10', 1],
    ['bill_duration=0', 1],
    ['bill_duration__lte=65&bill_duration__gte=65', 1],
    ['stir_verification=Verified', 0],
    ['stir_verification=Not%20Applicable', 2],
    ['end_time__lt=2026-11-20%2010:01:10', 0],
  ])('narrowed by %s are %d', async (filter, count) => {
    const { status, body } = await send('GET', `Zentrunk/Call/?${filter}&${since}`);
    expect(status).toBe(200);
    expect((body as { meta: Json }).meta).toMatchObject({ total_count: count });
  });

  it('of years ago are found by their time only', async () => {
    const old = 'Zentrunk/Call/?end_time__gte=2019-12-31%2000:00&end_time__lte=2020-01-02%2000:00';
    expect((await send('GET', old)).body).toMatchObject({ meta: { total_count: 1 } });
    expect((await send('GET', 'Zentrunk/Call/?call_direction=inbound')).body).toMatchObject({
      meta: { total_count: 0 },
    });
  });

  it.each([
    'end_time__lte=2026-11-20%2010:00',
    'end_time__gte=yesterday',
    'call_direction=up',
    'trunk_id=1',
    'hangup_cause_code=busy',
  ])('cannot be narrowed by %s', async (filter) => {
    expect((await send('GET', `Zentrunk/Call/?${filter}`)).status).toBe(400);
  });
});
