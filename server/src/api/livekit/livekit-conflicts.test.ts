import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../shared/clock.ts';
import { createLiveKitKey } from '../../workspaces/livekit-keys.ts';
import { openApiLab, type ApiLab } from '../testing/api-lab.ts';

let lab: ApiLab;
let bearer: string;

beforeAll(async () => {
  lab = await openApiLab();
  const { db, secrets } = lab.calls;
  const pair = await createLiveKitKey(
    db.pool,
    { clock: systemClock, secrets },
    { workspaceId: lab.workspaceId, name: 'lab' },
  );
  bearer = await new SignJWT({ sip: { admin: true } })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer(pair.apiKey)
    .setExpirationTime(Math.floor(systemClock.now() / 1_000) + 600)
    .sign(new TextEncoder().encode(pair.secret));
});
afterAll(() => lab.close());

async function twirp(
  method: string,
  body: object,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const answer = await lab.send('POST', `/twirp/livekit.${method}`, body, {
    authorization: `Bearer ${bearer}`,
  });
  return { status: answer.status, body: answer.body as Record<string, unknown> };
}

describe('an object that would take the calls of another', () => {
  const inbound = (fields: object): ReturnType<typeof twirp> =>
    twirp('SIP/CreateSIPInboundTrunk', { trunk: { name: 'In', ...fields } });
  const idOf = ({ body }: { body: Record<string, unknown> }): string =>
    (body['sip_trunk_id'] ?? body['sip_dispatch_rule_id']) as string;

  it('is refused as an inbound trunk, unless each has callers of its own', async () => {
    const number = '+14155550188';
    const first = await inbound({ numbers: [number], allowed_numbers: ['+14155550101'] });
    expect(first.status).toBe(200);
    const second = await inbound({ numbers: [number] });
    expect(second.status).toBe(200);
    const third = await inbound({ numbers: ['14155550188', '+14155550189'] });
    expect(third).toMatchObject({ status: 400, body: { code: 'invalid_argument' } });
    expect(third.body['msg']).toContain(`"${idOf(second)}"`);
    const numbers = async (): Promise<string[]> =>
      ((await lab.send('GET', '/v1/numbers')).body as { data: { number: string }[] }).data.map(
        (row) => row.number,
      );
    expect(await numbers()).not.toContain('+14155550189');
    // A trunk is no conflict of its own.
    const update = {
      sip_trunk_id: idOf(second),
      replace: { name: 'In', numbers: [number], metadata: 'changed' },
    };
    expect(await twirp('SIP/UpdateSIPInboundTrunk', update)).toMatchObject({ status: 200 });
    const clash = { ...update, sip_trunk_id: idOf(first) };
    expect(await twirp('SIP/UpdateSIPInboundTrunk', clash)).toMatchObject({ status: 400 });
    // The number was the first one's; it stays as long as another names it.
    await twirp('SIP/DeleteSIPTrunk', { sip_trunk_id: idOf(first) });
    expect(await numbers()).toContain(number);
    await twirp('SIP/DeleteSIPTrunk', { sip_trunk_id: idOf(second) });
    expect(await numbers()).not.toContain(number);
  });

  it('is refused as a dispatch rule, unless trunk, number or PIN differ', async () => {
    const trunk = idOf(await inbound({ numbers: ['+14155550187'] }));
    const rule = (pin: string, fields: object = {}): ReturnType<typeof twirp> =>
      twirp('SIP/CreateSIPDispatchRule', {
        dispatch_rule: {
          rule: { dispatch_rule_direct: { room_name: 'r', pin } },
          trunk_ids: [trunk],
          ...fields,
        },
      });
    const first = await rule('1234');
    expect(first.status).toBe(200);
    const twin = await rule('1234');
    expect(twin).toMatchObject({ status: 400, body: { code: 'invalid_argument' } });
    expect(twin.body['msg']).toContain(`"${idOf(first)}"`);
    const other = await rule('9999');
    const callers = await rule('1234', { inbound_numbers: ['+14155550102'] });
    expect([other.status, callers.status]).toEqual([200, 200]);
    const update = (pin: string): object => ({
      sip_dispatch_rule_id: idOf(other),
      update: { rule: { dispatch_rule_direct: { room_name: 'r2', pin } } },
    });
    // A rule is no twin of its own; an update without a PIN keeps the one that it has.
    expect((await twirp('SIP/UpdateSIPDispatchRule', update(''))).status).toBe(200);
    expect((await twirp('SIP/UpdateSIPDispatchRule', update('1234'))).status).toBe(400);
  });
});

describe('the trunk of the sandbox', () => {
  it('is not deleted, and the answer says what to do', async () => {
    const { trunks } = lab.context;
    const { id } = await trunks.create(lab.workspaceId, { id: 'trunk_sandbox', name: 'sandbox' });
    expect(await twirp('SIP/DeleteSIPTrunk', { sip_trunk_id: id })).toMatchObject({
      status: 409,
      body: { code: 'aborted', msg: expect.stringContaining('SANDBOX=off') as string },
    });
    expect(await trunks.get(lab.workspaceId, id)).not.toBeNull();
  });
});
