import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openApiLab, type ApiLab } from '../testing/api-lab.ts';
import { bolnaDocument } from './testing/bolna-document.ts';

type Body = Record<string, unknown>;

let lab: ApiLab;
beforeAll(async () => {
  lab = await openApiLab();
});
afterAll(() => lab.close());

const userpass = {
  name: 'My trunk',
  provider: 'twilio',
  auth_type: 'userpass',
  auth_username: 'trunkuser',
  auth_password: 'trunk-secret',
  gateways: [
    { gateway_address: 'backup.example.com', priority: 20 },
    { gateway_address: 'bolna-trunk.pstn.twilio.com', port: 5070, priority: 10 },
  ],
};

let count = 0;

async function made(body: object = {}): Promise<Body & { id: string }> {
  const whole = 'auth_type' in body ? body : { ...userpass, ...body };
  const named = { ...whole, name: (body as Body)['name'] ?? `My trunk ${++count}` };
  const answer = await lab.send('POST', '/sip-trunks/trunks', named);
  expect(answer.status, answer.text).toBe(201);
  return answer.body as Body & { id: string };
}

describe('/sip-trunks/trunks', () => {
  it('creates a trunk with Bolna’s defaults and its numbers, and never shows the password', async () => {
    const trunk = await made({ phone_numbers: [{ phone_number: '+14155550171', name: 'Main' }] });
    expect(trunk).toMatchObject({
      name: 'My trunk 1',
      provider: 'twilio',
      auth_type: 'userpass',
      auth_username: 'trunkuser',
      gateways: [
        { gateway_address: 'bolna-trunk.pstn.twilio.com', port: 5070, priority: 10 },
        { gateway_address: 'backup.example.com', port: 5060, priority: 20 },
      ],
      ip_identifiers: [],
      allow: 'ulaw,alaw',
      disallow: 'all',
      transport: 'transport-udp',
      direct_media: false,
      rtp_symmetric: true,
      force_rport: true,
      media_encryption: 'no',
      media_encryption_optimistic: false,
      qualify_frequency: 60,
      inbound_enabled: false,
      outbound_leading_plus_enabled: true,
      is_active: true,
      phone_numbers: [
        {
          id: expect.stringMatching(/^[0-9a-f]{32}$/),
          phone_number: '+14155550171',
          name: 'Main',
          byot_trunk_id: trunk.id,
          telephony_provider: 'sip-trunk',
          deleted: false,
        },
      ],
    });
    const shown = await lab.send('GET', `/sip-trunks/trunks/${trunk.id}`);
    expect(shown.body).toEqual(trunk);
    expect(shown.text).not.toContain('trunk-secret');
  });

  it('has names that are unique in the account, also when one is changed', async () => {
    const first = await made({ name: 'Only one' });
    const second = await made({ name: 'Only two' });
    const again = await lab.send('POST', '/sip-trunks/trunks', { ...userpass, name: 'Only one' });
    expect(again).toMatchObject({ status: 400, body: { details: [{ field: 'name' }] } });
    const path = `/sip-trunks/trunks/${second.id}`;
    expect((await lab.send('PATCH', path, { name: 'Only one' })).status).toBe(400);
    expect((await lab.send('PATCH', path, { name: 'Only two' })).status).toBe(200);
    const other = { authorization: `Bearer ${lab.otherKey}` };
    const theirs = { ...userpass, name: 'Only one' };
    const free = await lab.send('POST', '/sip-trunks/trunks', theirs, other);
    expect(free.status, free.text).toBe(201);
    const { id: theirId } = free.body as { id: string };
    await lab.send('DELETE', `/sip-trunks/trunks/${theirId}`, undefined, other);
    await lab.send('DELETE', `/sip-trunks/trunks/${first.id}`);
    expect((await lab.send('PATCH', path, { name: 'Only one' })).status).toBe(200);
  });

  it('gives a name to one of two who ask for it at once', async () => {
    const body = { ...userpass, name: 'At once' };
    const answers = await Promise.all(
      [1, 2, 3].map(() => lab.send('POST', '/sip-trunks/trunks', body)),
    );
    expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([201, 400, 400]);
  });

  it('changes only what is given', async () => {
    const { id } = await made();
    const answer = await lab.send('PATCH', `/sip-trunks/trunks/${id}`, {
      outbound_leading_plus_enabled: false,
      inbound_enabled: true,
      is_active: false,
      allow: 'alaw',
      transport: 'transport-tcp',
    });
    expect(answer.body).toMatchObject({
      outbound_leading_plus_enabled: false,
      inbound_enabled: true,
      is_active: false,
      allow: 'alaw',
      transport: 'transport-tcp',
      auth_username: 'trunkuser',
      gateways: [{ priority: 10 }, { priority: 20 }],
    });
    const replaced = await lab.send('PATCH', `/sip-trunks/trunks/${id}`, {
      gateways: [{ gateway_address: '203.0.113.5' }],
    });
    expect(replaced.body).toMatchObject({
      transport: 'transport-tcp',
      gateways: [{ gateway_address: '203.0.113.5', port: 5060, priority: 1 }],
    });
    const inactive = (await lab.send('GET', '/sip-trunks/trunks?is_active=false')).body as Body[];
    expect(inactive.map((trunk) => trunk['id'])).toEqual([id]);
  });

  it('speaks G.722 and Opus where `allow` names them, in its order', async () => {
    const trunk = await made({ name: 'Wide', allow: 'opus, G722,ulaw' });
    expect(trunk).toMatchObject({ allow: 'opus,g722,ulaw' });
  });

  it('refuses by name what cannot be', async () => {
    const refused = async (body: object, words: string): Promise<void> => {
      const answer = await lab.send('POST', '/sip-trunks/trunks', { ...userpass, ...body });
      expect([answer.status, answer.text]).toEqual([422, expect.stringContaining(words)]);
    };
    await refused({ auth_password: undefined }, 'auth_password');
    await refused({ auth_username: undefined }, 'auth_username');
    await refused({ auth_type: 'ip-based' }, 'ip_identifiers');
    await refused({ gateways: [] }, 'gateways');
    await refused({ media_encryption: 'sdes' }, 'transport-tls');
    await refused({ allow: 'g729' }, 'allow');
    await refused({ disallow: 'ulaw' }, 'disallow');
    await refused({ ip_identifiers: [{ ip_address: '0.0.0.0/0' }] }, 'ip_identifiers');
    for (const address of ['0.0.0.0/0', 'nowhere', '10.0.0.0/99', '']) {
      const answer = await lab.send('POST', '/sip-trunks/trunks', {
        ...userpass,
        ip_identifiers: [{ ip_address: address }],
      });
      expect(answer.text).not.toContain('allowed_sources');
    }
    await refused({ direct_media: true }, 'direct_media');
    await refused({ colour: 'red' }, 'colour');
    await refused({ gateways: [{ gateway_address: 'no host!' }] }, 'gateways');
    const { id } = await made();
    const encrypted = await lab.send('PATCH', `/sip-trunks/trunks/${id}`, {
      media_encryption: 'sdes',
    });
    expect([encrypted.status, encrypted.text]).toEqual([
      422,
      expect.stringContaining('transport-tls'),
    ]);
  });

  it('makes an ip-based trunk with its addresses', async () => {
    const trunk = await made({
      name: 'by address',
      provider: 'plivo',
      auth_type: 'ip-based',
      gateways: [{ gateway_address: 'XXXX.zt.plivo.com' }],
      ip_identifiers: [{ ip_address: '203.0.113.0/24' }],
    });
    expect(trunk).toMatchObject({
      auth_type: 'ip-based',
      auth_username: null,
      ip_identifiers: [{ ip_address: '203.0.113.0/24' }],
    });
  });

  it('makes neither trunk nor numbers where one number cannot be', async () => {
    const name = 'all or nothing';
    const answer = await lab.send('POST', '/sip-trunks/trunks', {
      ...userpass,
      name,
      phone_numbers: [{ phone_number: '+14155550172' }, { phone_number: 'nonsense' }],
    });
    expect(answer.status).toBe(422);
    const all = (await lab.send('GET', '/sip-trunks/trunks')).body as Body[];
    expect(all.filter((trunk) => trunk['name'] === name)).toEqual([]);
    // The number is free again.
    await made({ phone_numbers: [{ phone_number: '+14155550172' }] });
  });

  it('adds, lists and removes numbers, and deletes the trunk with them', async () => {
    const { id } = await made();
    const at = `/sip-trunks/trunks/${id}/numbers`;
    const added = await lab.send('POST', at, { phone_number: '+14155550173', name: 'Sales' });
    expect(added.status, added.text).toBe(201);
    const number = added.body as { id: string };
    expect((await lab.send('GET', at)).body).toEqual([added.body]);
    const taken = await lab.send('POST', at, { phone_number: '+14155550173' });
    expect([taken.status, taken.text]).toEqual([400, expect.stringContaining('belongs')]);
    expect((await lab.send('DELETE', `${at}/${number.id}`)).body).toEqual({
      message: 'Phone number removed successfully',
    });
    expect((await lab.send('DELETE', `${at}/${number.id}`)).status).toBe(404);
    await lab.send('POST', at, { phone_number: '+14155550173' });
    await lab.send('POST', at, { phone_number: '+14155550174' });
    expect((await lab.send('DELETE', `/sip-trunks/trunks/${id}`)).body).toEqual({
      message: 'Trunk deleted successfully. 2 phone number(s) removed.',
    });
    expect((await lab.send('GET', `/sip-trunks/trunks/${id}`)).status).toBe(404);
  });

  it('of another workspace is not there', async () => {
    const { id } = await made();
    const other = { authorization: `Bearer ${lab.otherKey}` };
    for (const method of ['GET', 'DELETE']) {
      expect((await lab.send(method, `/sip-trunks/trunks/${id}`, undefined, other)).status).toBe(
        404,
      );
    }
    expect((await lab.send('GET', '/sip-trunks/trunks', undefined, other)).body).toEqual([]);
  });
});

describe('inbound', () => {
  it('maps a number to an agent and back to nobody', async () => {
    const trunk = await made({ phone_numbers: [{ phone_number: '+14155550175' }] });
    const [number] = trunk['phone_numbers'] as { id: string }[];
    const agent = await lab.send('POST', '/v2/agent', bolnaDocument({ llm: 'fake' }));
    const { agent_id } = agent.body as { agent_id: string };
    const set = await lab.send('POST', '/inbound/setup', { agent_id, phone_number_id: number?.id });
    expect(set.body).toEqual({
      url: 'sip:+14155550175@192.0.2.1:25060',
      phone_number: '+14155550175',
      id: number?.id,
    });
    const all = (await lab.send('GET', '/phone-numbers/all')).body as Body[];
    expect(all.find(({ id }) => id === number?.id)).toMatchObject({
      agent_id,
      telephony_provider: 'sip-trunk',
      rented: false,
    });
    const unlinked = await lab.send('POST', '/inbound/unlink', { phone_number_id: number?.id });
    expect(unlinked.body).toMatchObject({ url: null, phone_number: '+14155550175' });
    const withMenu = (ivr_config: object) =>
      lab.send('POST', '/inbound/setup', { agent_id, phone_number_id: number?.id, ivr_config });
    for (const config of [
      { enabled: true },
      {},
      { steps: [] },
      { enabled: false, colour: 'red' },
    ]) {
      const menu = await withMenu(config);
      expect([menu.status, menu.text]).toEqual([422, expect.stringContaining('ivr_config')]);
    }
    expect((await withMenu({ enabled: false, steps: [] })).status).toBe(200);
    expect((await lab.send('DELETE', `/phone-numbers/${number?.id}`)).body).toMatchObject({
      state: 'deleted',
    });
  });
});

describe('the account', () => {
  it('keeps keys of providers it has, masked, and refuses others by name', async () => {
    const add = await lab.send('POST', '/providers', {
      provider_name: 'OPENAI_API_KEY',
      provider_value: 'sk-0123456789abcdef',
    });
    expect(add.body).toEqual({ message: 'successful', status: 'added' });
    const list = await lab.send('GET', '/providers');
    expect(list.body).toMatchObject([{ provider_name: 'openai', provider_value: '********cdef' }]);
    expect(list.text).not.toContain('sk-0123');
    const other = await lab.send('POST', '/providers', {
      provider_name: 'COHERE_API_KEY',
      provider_value: 'x',
    });
    expect([other.status, other.text]).toEqual([422, expect.stringContaining('COHERE_API_KEY')]);
    expect((await lab.send('DELETE', '/providers/OPENAI_API_KEY')).body).toEqual({
      message: 'successful',
      status: 'removed',
    });
    expect((await lab.send('DELETE', '/providers/OPENAI_API_KEY')).status).toBe(404);
  });

  it('says who it is, which voices there are, and names model endpoints', async () => {
    expect((await lab.send('GET', '/user/me')).body).toMatchObject({
      wallet: 0,
      concurrency: { current: expect.any(Number) },
    });
    const voices = (await lab.send('GET', '/me/voices')).body as Body[];
    expect(voices.map((voice) => voice['voice_id'])).toEqual(['slt', 'rms', 'awb', 'kal']);
    const named = await lab.send('POST', '/user/model/custom', {
      custom_model_name: 'house-model',
      custom_model_url: 'http://127.0.0.1:11434/v1',
    });
    expect(named.body).toMatchObject({ status: 'added' });
    const document = bolnaDocument({ llm: 'custom' });
    const config = document.agent_config.tasks[0]?.tools_config.llm_agent.llm_config;
    Object.assign(config ?? {}, { model: 'house-model', base_url: null });
    const agent = await lab.send('POST', '/v2/agent', document);
    expect(agent.status, agent.text).toBe(200);
    const list = (await lab.send('GET', '/v1/agents')).body as { data: Body[] };
    expect(list.data[0]).toMatchObject({
      llm: { model: 'house-model', base_url: 'http://127.0.0.1:11434/v1' },
    });
  });

  it('makes sub-accounts with keys that work, and shows what they use', async () => {
    const create = await lab.send('POST', '/sub-accounts/create', {
      name: 'Branch',
      allow_concurrent_calls: 5,
    });
    expect(create.status, create.text).toBe(200);
    const branch = create.body as { id: string; api_key: string };
    expect(branch.api_key).toMatch(/^sa-[a-f0-9]{32}$/);
    const own = { authorization: `Bearer ${branch.api_key}` };
    expect((await lab.send('GET', '/user/me', undefined, own)).body).toMatchObject({
      id: branch.id,
      name: 'Branch',
      concurrency: { max: 5 },
    });
    const list = await lab.send('GET', '/sub-accounts/all');
    expect(list.body).toMatchObject([{ id: branch.id, allow_concurrent_calls: 5 }]);
    expect(list.text).not.toContain(branch.api_key);
    await lab.send('PATCH', `/sub-accounts/${branch.id}`, { allow_concurrent_calls: 7 });
    expect((await lab.send('GET', `/sub-accounts/${branch.id}/usage`)).body).toMatchObject({
      total_records: 0,
      total_cost: 0,
      status_map: {},
    });
    expect((await lab.send('GET', '/sub-accounts/all/usage')).body).toMatchObject([
      { sub_account_id: branch.id, sub_account_name: 'Branch' },
    ]);
    const long = `/sub-accounts/${branch.id}/usage?from=2026-01-01&to=2026-06-01`;
    const tooLong = await lab.send('GET', long);
    expect(tooLong.status).toBe(422);
    expect(tooLong.body).toMatchObject({ error: expect.any(String), status: 'failure' });
    expect((await lab.send('DELETE', `/sub-accounts/${branch.id}`)).body).toMatchObject({
      state: 'deleted',
    });
    expect((await lab.send('GET', '/user/me', undefined, own)).status).toBe(403);
  });
});
