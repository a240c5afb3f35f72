import type { LiveFeed } from '../../events/live-feed.ts';
import { newId } from '../../shared/ids.ts';
import { bolnaHexId, bolnaId } from '../../webhooks/formats/bolna-execution.ts';
import { LAB_FROM, type Answer, type ApiLab } from './api-lab.ts';
import {
  headersFor,
  namesWorkspace,
  openAccount,
  pathWith,
  payloadOf,
  type Account,
  type Operation,
} from './api-operations.ts';

/** Where one example is sent: a workspace of its own, so that none depends on another. */
interface Stage {
  lab: ApiLab;
  account: Account;
  agentId: string;
  /** A sandbox trunk with one number. */
  trunkId: string;
  numberId: string;
  /** E.164. */
  number: string;
}

/** Names of agents and of people in rooms that examples have. */
const AGENT_NAME = 'Front desk';
const ROOM = 'order-4711';
const IDENTITY = 'customer';
const CHARGED_MICROS = 5_000_000;

/**
 * What stands in the place of a path's parameters, made anew. The path is the longest that an
 * operation's begins with.
 */
const IN_PATH: Record<string, (stage: Stage) => Promise<object> | object> = {
  '/v1/agents/{id}': ({ agentId: id }) => ({ id }),
  '/v1/calls/{id}/transfer': talkingOnCall,
  '/v1/dispatch-rules/{id}': async (stage) => ({
    id: await made(stage, '/v1/dispatch-rules', { kind: 'direct', room: 'support' }),
  }),
  '/v1/numbers/{id}': ({ numberId: id }) => ({ id }),
  '/v1/provider-keys/{provider}': () => ({ provider: 'openai' }),
  '/v1/rates/{id}': async (stage) => ({
    id: await made(stage, '/v1/rates', { kind: 'platform', unit: 'minute', micros_per_unit: 1 }),
  }),
  '/v1/rooms/{name}': () => ({ name: ROOM }),
  '/v1/rooms/{name}/recordings': talkingInRoom,
  '/v1/rooms/{name}/participants/{identity}': talkingInRoom,
  '/v1/trunks/{id}': async (stage) => ({ id: await plainTrunk(stage) }),
  '/v1/webhooks/{id}': async (stage) => ({
    id: await made(stage, '/v1/webhooks', { url: 'https://example.com/hooks' }),
  }),
  '/v1/workspaces/{id}': async (stage) => ({
    id: await made(stage, '/v1/workspaces', { name: 'Branch' }),
  }),
  '/v2/agent/{agent_id}': ({ agentId }) => ({ agent_id: bolnaId(agentId) }),
  '/agent/{agent_id}': ({ agentId }) => ({ agent_id: bolnaId(agentId) }),
  '/v1/call/{execution_id}': async (stage) => ({ execution_id: bolnaId(await call(stage)) }),
  '/sip-trunks/trunks/{trunk_id}': async (stage) => ({ trunk_id: await plainTrunk(stage) }),
  '/sub-accounts/{sub_account_id}': async (stage) => ({
    sub_account_id: await made(stage, '/sub-accounts/create', {
      name: 'Branch',
      allow_concurrent_calls: 1,
    }),
  }),
  '/dispositions/{disposition_id}': async (stage) => ({
    disposition_id: await made(stage, '/dispositions', {
      name: 'callback',
      question: 'When may we call back?',
      is_subjective: true,
    }),
  }),
  '/extractions/{template_id}': async (stage) => {
    const template = { name: 'city', json_schema: { type: 'object', properties: {} } };
    const { data } = await bodyOf<{ data: { id: string } }>(stage, '/extractions', template);
    return { template_id: data.id };
  },
  '/workspaces/{workspace_id}/agents/{agent_id}': ({ agentId }) => ({ agent_id: agentId }),
  '/workspaces/{workspace_id}/phone-numbers/{phone_number_id}': ({ numberId }) => ({
    phone_number_id: numberId,
  }),
  '/workspaces/{workspace_id}/webhooks/{webhook_id}': async (stage) => ({
    webhook_id: await made(stage, `/workspaces/${stage.account.workspaceId}/webhooks`, {
      url: 'https://example.com/hooks',
    }),
  }),
  '/v1/Account/{auth_id}/Zentrunk/Trunk/{trunk_id}': async (stage) => ({
    trunk_id: await inboundTrunk(stage),
  }),
  '/v1/Account/{auth_id}/Zentrunk/Credential/{uuid}': async (stage) => ({
    uuid: await credential(stage),
  }),
  '/v1/Account/{auth_id}/Zentrunk/IPAccessControlList/{uuid}': async (stage) => ({
    uuid: await zentrunk(
      stage,
      'IPAccessControlList',
      { ip_addresses: ['192.0.2.1'] },
      'ipacl_uuid',
    ),
  }),
  '/v1/Account/{auth_id}/Zentrunk/URI/{uuid}': async (stage) => ({ uuid: await uri(stage) }),
  '/v1/Account/{auth_id}/Number/{number}': ({ number }) => ({ number: number.slice(1) }),
};

/** What stands in the place of the ids that a body names, by the name of the field. */
const IN_BODY: Record<string, (stage: Stage, isBolna: boolean) => Promise<string> | string> = {
  agent_id: ({ agentId }, isBolna) => (isBolna ? bolnaId(agentId) : agentId),
  trunk_id: ({ trunkId }) => trunkId,
  phone_number_id: ({ numberId }, isBolna) => (isBolna ? bolnaHexId(numberId) : numberId),
  call_id: chargedCall,
  app_id: inboundTrunk,
  credential_uuid: credential,
  primary_uri_uuid: uri,
};

/** What happens besides while a request waits for its answer, or has happened before. */
const BESIDES: Record<string, (stage: Stage, send: () => Promise<Answer>) => Promise<Answer>> = {
  transferRoomParticipant: whoeverIsCalledAnswers,
  transferCall: whoeverIsCalledAnswers,
  // A credit is of what was charged.
  refundToWallet: async (stage, send) => {
    await chargedCall(stage);
    return send();
  },
};

/** Sends an example of an operation to its path, where everything that both name is there. */
export async function sendExample(
  lab: ApiLab,
  operation: Operation,
  example: unknown,
): Promise<Answer> {
  const stage = await openStage(lab);
  const { account } = stage;
  const path = await pathOf(stage, operation);
  const body = await withRealIds(stage, operation, example);
  const { text, headers } = payloadOf(operation, body);
  const send = (): Promise<Answer> =>
    lab.send(operation.method, path, text, { ...headersFor(operation, account), ...headers });
  const answer = await (BESIDES[operation.operationId]?.(stage, send) ?? send());
  await freeNumbers(lab, account.workspaceId);
  return answer;
}

async function openStage(lab: ApiLab): Promise<Stage> {
  const { clock, numbers, trunks } = lab.context;
  const workspaceId = newId('ws', clock.now());
  await lab.calls.db.pool.query('insert into workspaces (id, name) values ($1, $1)', [workspaceId]);
  const account = await openAccount(lab, workspaceId);
  const { id: trunkId } = await trunks.create(workspaceId, {
    name: 'stage',
    sandbox: true,
    gateways: [{ host: '127.0.0.1', port: 9, transport: 'udp' }],
  });
  const stage = { lab, account, agentId: '', trunkId, numberId: '', number: LAB_FROM };
  const agent = { name: AGENT_NAME, type: 'llm', llm: { provider: 'fake' } };
  stage.agentId = await made(stage, '/v1/agents', agent);
  const { agentId, number: e164 } = stage;
  await freeNumbers(lab, lab.workspaceId);
  stage.numberId = (await numbers.add(workspaceId, { e164, trunkId, agentId })).id;
  return stage;
}

/** A number belongs to one workspace only, and every stage has the same ones. */
async function freeNumbers({ context }: ApiLab, workspaceId: string): Promise<void> {
  const { data } = await context.numbers.list(workspaceId);
  for (const { id } of data) await context.numbers.remove(workspaceId, id);
}

async function pathOf(stage: Stage, { path }: Operation): Promise<string> {
  const [known = ''] = Object.keys(IN_PATH)
    .filter((start) => path === start || path.startsWith(`${start}/`))
    .sort((a, b) => b.length - a.length);
  const values = { ...(await IN_PATH[known]?.(stage)) } as Record<string, string>;
  return pathWith(path, (name) => {
    const value = namesWorkspace(name) ? stage.account.workspaceId : values[name];
    if (value === undefined) throw new Error(`nothing makes {${name}} of ${path}: add it here`);
    return encodeURIComponent(value);
  });
}

async function withRealIds(stage: Stage, { tags }: Operation, example: unknown): Promise<unknown> {
  if (typeof example === 'string') return example;
  const real = new Map<string, string>();
  for (const [name, make] of Object.entries(IN_BODY)) {
    if (!JSON.stringify(example).includes(`"${name}":"`)) continue;
    real.set(name, await make(stage, tags[0] === 'bolna'));
  }
  return JSON.parse(JSON.stringify(example), (name, value: unknown) => real.get(name) ?? value);
}

/** The answer of a POST that makes something. */
async function bodyOf<Body>({ lab, account }: Stage, path: string, body: object): Promise<Body> {
  const operation = { path } as Operation;
  const { text, headers } = payloadOf(operation, body);
  const answer = await lab.send('POST', path, text, {
    ...headersFor(operation, account),
    ...headers,
  });
  if (answer.status >= 300) throw new Error(`expected POST ${path} to work, got ${answer.text}`);
  return answer.body as Body;
}

async function made(stage: Stage, path: string, body: object): Promise<string> {
  return (await bodyOf<{ id: string }>(stage, path, body)).id;
}

/** A trunk of a carrier's, which nobody asks. */
function plainTrunk(stage: Stage): Promise<string> {
  return made(stage, '/v1/trunks', { name: 'plain' });
}

function call(stage: Stage): Promise<string> {
  return made(stage, '/v1/calls', { to: '+15005550101', agent_id: stage.agentId });
}

async function chargedCall(stage: Stage): Promise<string> {
  const { lab, account } = stage;
  const callId = await call(stage);
  const charge = { workspaceId: account.workspaceId, callId, micros: CHARGED_MICROS };
  await lab.calls.db.transaction((client) => lab.calls.wallet.settle(client, charge));
  return callId;
}

async function talkingInRoom(stage: Stage): Promise<object> {
  const order = { to: '+15005550101', identity: IDENTITY };
  const path = `/v1/rooms/${ROOM}/participants`;
  const { call_id: callId } = await bodyOf<{ call_id: string }>(stage, path, order);
  await answer(stage, callId);
  return { name: ROOM, identity: IDENTITY };
}

/** A call of a room: one that has none is in nobody's ears here. */
async function talkingOnCall(stage: Stage): Promise<object> {
  const order = { to: '+15005550101', identity: IDENTITY };
  const path = `/v1/rooms/${ROOM}/participants`;
  const { call_id: id } = await bodyOf<{ call_id: string }>(stage, path, order);
  await answer(stage, id);
  return { id };
}

async function answer({ lab }: Stage, callId: string): Promise<void> {
  for (const status of ['initiated', 'ringing', 'in-progress'] as const) {
    await lab.move(callId, status);
  }
}

/** The first call that is placed meanwhile. */
async function whoeverIsCalledAnswers(stage: Stage, send: () => Promise<Answer>): Promise<Answer> {
  const { workspaceId } = stage.account;
  const feed = stage.lab.calls.feed.subscribe({ workspaceId });
  const answered = answerFirst(stage, feed);
  try {
    return await send();
  } finally {
    feed.close();
    await answered;
  }
}

async function answerFirst(stage: Stage, feed: ReturnType<LiveFeed['subscribe']>): Promise<void> {
  for await (const { callId, type } of feed) {
    if (type !== 'call.queued') continue;
    await answer(stage, callId);
    return;
  }
}

async function zentrunk(
  stage: Stage,
  collection: string,
  body: object,
  id: string,
): Promise<string> {
  const path = `/v1/Account/${stage.account.workspaceId}/Zentrunk/${collection}/`;
  return (await bodyOf<Record<string, string>>(stage, path, body))[id] ?? '';
}

function credential(stage: Stage): Promise<string> {
  const body = { username: 'staged1', password: 'Staged#2026' };
  return zentrunk(stage, 'Credential', body, 'credential_uuid');
}

function uri(stage: Stage): Promise<string> {
  return zentrunk(stage, 'URI', { uri: 'stage.example.com' }, 'uri_uuid');
}

async function inboundTrunk(stage: Stage): Promise<string> {
  const body = { trunk_direction: 'inbound', primary_uri_uuid: await uri(stage) };
  return zentrunk(stage, 'Trunk', body, 'trunk_id');
}
