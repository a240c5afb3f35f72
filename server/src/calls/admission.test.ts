import { agentConfigSchema } from '../agents/agent-config.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as agents from '../db/queries/agents.ts';
import { createNumberStore } from '../trunks/number-store.ts';
import { createTrunkStore } from '../trunks/trunk-store.ts';
import { systemClock } from '../shared/clock.ts';
import { newId } from '../shared/ids.ts';
import { AdmissionError } from './admission-error.ts';
import { admitCall, type CallRequest } from './admission.ts';
import {
  AGENT_CONFIG,
  FROM,
  openCallLab,
  TO,
  type CallLab,
  type LabNode,
} from './testing/call-lab.ts';

let lab: CallLab;
let node: LabNode;
let offAgentId: string;
let scriptlessId: string;
const REAL = '+14155552671';
const PAUSED = '+14155552672';
const BARE = '+14155552673';

beforeAll(async () => {
  lab = await openCallLab();
  node = await lab.node({ carriesCalls: false });
  await lab.trunk([5060]);
  const { db, secrets, workspaceId } = lab;
  const clock = systemClock;
  const trunks = createTrunkStore({ db, secrets, clock });
  const numbers = createNumberStore({ db, clock });
  const gateways = [{ host: 'sip.example.com', port: 5060, transport: 'udp' as const }];
  for (const [e164, input] of [
    [REAL, { name: 'real', gateways }],
    [PAUSED, { name: 'paused', gateways, active: false }],
    [BARE, { name: 'bare' }],
  ] as const) {
    const trunk = await trunks.create(workspaceId, { ...input });
    await numbers.add(workspaceId, { e164, trunkId: trunk.id, agentId: null });
  }
  const insert = async (config: unknown): Promise<string> =>
    (await agents.insert(db.pool, { id: newId('agent', clock.now()), workspaceId, config })).id;
  offAgentId = await insert({ nonsense: true });
  scriptlessId = await insert({ name: 'x', type: 'scripted' });
});
afterAll(() => lab.close());

function admit(request: Partial<CallRequest>): ReturnType<typeof admitCall> {
  return admitCall(
    lab.db.pool,
    { workspaceId: lab.workspaceId, to: TO, ...request },
    systemClock.now(),
  );
}

describe('admission', () => {
  it('tells a sub-account that the sandbox is the main account’s, and what to do', async () => {
    await lab.db.pool.query(
      `insert into workspaces (id, name, parent_id) values ('ws_sub', 'sub', $1)`,
      [lab.workspaceId],
    );
    await expect(admit({ workspaceId: 'ws_sub' })).rejects.toMatchObject({
      code: 'from-not-found',
      field: 'from',
      message: expect.stringMatching(/sub-account.*main account/) as string,
    });
  });

  it('takes trunk, number and agent of the sandbox where a request names none', async () => {
    expect(await admit({})).toMatchObject({
      from: FROM,
      to: TO,
      agentRow: { id: lab.agentId },
      agent: { type: 'llm' },
    });
  });

  it('calls from the agent’s own number, but test numbers from the sandbox', async () => {
    const agentId = (
      await agents.insert(lab.db.pool, {
        id: newId('agent', systemClock.now()),
        workspaceId: lab.workspaceId,
        config: agentConfigSchema.parse({ name: 'own number', type: 'llm' }),
      })
    ).id;
    const own = '+14155552674';
    const { trunk } = await admit({ from: REAL, to: '+14155552675', agentId });
    const numbers = createNumberStore({ db: lab.db, clock: systemClock });
    await numbers.add(lab.workspaceId, { e164: own, trunkId: trunk.id, agentId });
    expect(await admit({ agentId, to: '+14155552675' })).toMatchObject({ from: own });
    expect(await admit({ agentId, to: '+1 500 555 0101' })).toMatchObject({ from: FROM });
  });

  it('accepts a real number from a real trunk', async () => {
    const admitted = await admit({ from: REAL, to: '+1 415 555 2675', agentId: lab.agentId });
    expect(admitted).toMatchObject({ from: REAL, to: '+14155552675' });
  });

  it.each<[string, Partial<CallRequest>, string, number]>([
    ['a destination that is no number', { to: 'sip:me' }, 'invalid-to', 422],
    ['a test number over a real trunk', { from: REAL }, 'invalid-to', 422],
    ['a from-number that is none', { from: 'me' }, 'invalid-from', 422],
    ['an emergency number', { to: '911' }, 'guardrail', 403],
    ['a from-number of nobody', { from: '+14155552679' }, 'guardrail', 403],
    ['another workspace’s from-number', { workspaceId: 'ws_x', from: REAL }, 'guardrail', 403],
    ['a workspace without a sandbox', { workspaceId: 'ws_x' }, 'from-not-found', 422],
    ['a trunk that is switched off', { from: PAUSED }, 'trunk-inactive', 409],
    ['a trunk without a gateway', { from: BARE }, 'trunk-without-gateway', 409],
    ['an agent that is not there', { agentId: 'agent_x' }, 'agent-not-found', 404],
    ['a number without an agent', { from: REAL, to: '+14155552675' }, 'agent-not-found', 404],
    ['a time long ago', { scheduledAt: new Date(0) }, 'invalid-schedule', 422],
    ['a time that is none', { scheduledAt: new Date(Number.NaN) }, 'invalid-schedule', 422],
  ])('refuses %s with one sentence', async (_name, request, code, httpStatus) => {
    const refusal = await admit(request).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(AdmissionError);
    expect(refusal).toMatchObject({ code, httpStatus });
    expect((refusal as AdmissionError).message).not.toMatch(/[.\n]$/);
  });

  it('refuses an agent that cannot run', async () => {
    for (const agentId of [offAgentId, scriptlessId]) {
      await expect(admit({ agentId })).rejects.toMatchObject({ code: 'agent-not-usable' });
    }
  });

  it('answers the same idempotency key with the same call, also when asked twice at once', async () => {
    const request = { workspaceId: lab.workspaceId, to: TO, idempotencyKey: 'once' };
    const placed = await Promise.all([1, 2, 3].map(() => node.service.place(request)));
    expect(new Set(placed.map(({ call }) => call.id)).size).toBe(1);
    expect(placed.filter(({ created }) => created)).toHaveLength(1);
    await expect(node.service.place({ ...request, to: '+15005550102' })).rejects.toMatchObject({
      code: 'idempotency-conflict',
      httpStatus: 409,
    });
  });

  it('stores nothing when it refuses', async () => {
    const before = (await node.service.list(lab.workspaceId)).data.length;
    await node.service.place({ workspaceId: lab.workspaceId, to: 'x' }).catch(() => undefined);
    expect((await node.service.list(lab.workspaceId)).data).toHaveLength(before);
  });

  it('is the same agent whose document is stored', async () => {
    expect((await admit({})).agentRow?.config).toEqual(AGENT_CONFIG);
  });
});
