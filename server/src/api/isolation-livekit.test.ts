import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dispatchMethods } from './livekit/dispatch-methods.ts';
import { dispatchRuleMethods } from './livekit/dispatch-rule-methods.ts';
import { egressMethods } from './livekit/egress-methods.ts';
import type { LiveKitContext } from './livekit/livekit-context.ts';
import { participantMethods } from './livekit/participant-methods.ts';
import { roomMethods } from './livekit/room-methods.ts';
import { sipParticipantMethods } from './livekit/sip-participants.ts';
import { sipTrunkMethods } from './livekit/sip-trunks.ts';
import { openApiLab, type Answer, type ApiLab } from './testing/api-lab.ts';
import {
  headersFor,
  JUDGED_ROOM,
  openAccount,
  type Account,
  type Operation,
} from './testing/api-operations.ts';

/** LiveKit's procedures are in no OpenAPI document: the same judgement over their own list. */

const UNIQUE_ID = /^(ST|SDR|RM|AD|EG|PA|SCL|TR)_\w+$/;

let lab: ApiLab;
let ours: Account;
let theirs: Account;
let procedures: string[];

beforeAll(async () => {
  lab = await openApiLab();
  ours = await openAccount(lab, lab.workspaceId);
  const { rows } = await lab.calls.db.pool.query<{ id: string }>(
    'select id from workspaces where id <> $1',
    [lab.workspaceId],
  );
  theirs = await openAccount(lab, rows[0]?.id ?? '');
  const context = lab.context as unknown as LiveKitContext;
  procedures = [
    sipTrunkMethods(context),
    dispatchRuleMethods(context),
    sipParticipantMethods(context),
    roomMethods(context),
    participantMethods(context),
    dispatchMethods(context),
    egressMethods(context),
  ].flatMap((methods) => Object.keys(methods));
});
afterAll(() => lab.close());

function ask(procedure: string, account: Account, body: object): Promise<Answer> {
  const path = `/twirp/${procedure}`;
  return lab.send('POST', path, JSON.stringify(body), {
    ...headersFor({ path } as Operation, account),
    'content-type': 'application/json',
  });
}

/** Every id in an answer, by the form that LiveKit's ids have. */
function idsIn(answers: readonly Answer[]): string[] {
  const ids = new Set<string>();
  for (const { body } of answers) {
    JSON.stringify(body ?? null, (_name, value: unknown) => {
      if (typeof value === 'string' && UNIQUE_ID.test(value)) ids.add(value);
      return value;
    });
  }
  return [...ids];
}

async function snapshot(): Promise<string> {
  const tenant = lab.calls.db.tenant(ours.workspaceId);
  const lines: unknown[] = [];
  for (const table of ['trunks', 'dispatch_rules', 'rooms', 'room_dispatches', 'numbers']) {
    lines.push((await tenant.query(`select to_jsonb(t) from ${table} t order by id`)).rows);
  }
  return JSON.stringify(lines);
}

describe('another workspace, by LiveKit’s procedures', () => {
  it('neither finds, sees nor changes what is ours by its id', async () => {
    const trunk = { name: 'ours', address: '127.0.0.1', numbers: ['+14155550188'] };
    const made = [
      await ask('livekit.SIP/CreateSIPOutboundTrunk', ours, { trunk }),
      await ask('livekit.SIP/CreateSIPInboundTrunk', ours, {
        trunk: { name: 'ours', numbers: ['+14155550189'] },
      }),
      await ask('livekit.SIP/CreateSIPDispatchRule', ours, {
        rule: { dispatchRuleDirect: { roomName: JUDGED_ROOM } },
        name: 'ours',
      }),
      await ask('livekit.RoomService/CreateRoom', ours, { name: JUDGED_ROOM }),
      await ask('livekit.AgentDispatchService/CreateDispatch', ours, {
        room: JUDGED_ROOM,
        agentName: 'lab',
      }),
    ];
    expect(made.map(({ status, text }) => (status === 200 ? '' : text))).toEqual(
      made.map(() => ''),
    );
    const ids = idsIn(made);
    expect(ids.length).toBeGreaterThanOrEqual(4);
    expect(procedures.length).toBeGreaterThan(40);
    const before = await snapshot();
    const wrong: string[] = [];
    for (const procedure of procedures) {
      // It takes a name, not an id: theirs would be a room of that name beside ours.
      if (procedure.endsWith('/CreateRoom')) continue;
      for (const value of [...ids, JUDGED_ROOM]) {
        const body = {
          room: value,
          roomName: value,
          name: value,
          identity: value,
          participantIdentity: 'x',
          sipTrunkId: value,
          sipDispatchRuleId: value,
          sipCallTo: '+15005550101',
          transferTo: 'tel:+15005550101',
          trunkIds: [value],
          dispatchId: value,
          egressId: value,
          agentName: 'lab',
          update: { metadata: 'theirs' },
        };
        const { status, text } = await ask(procedure, theirs, body);
        const shown = ids.filter((id) => id !== value && text.includes(id));
        const seen = status === 200 && /ours/.test(text.replaceAll(JUDGED_ROOM, ''));
        if (shown.length > 0 || seen || (status >= 500 && status !== 501)) {
          wrong.push(`${procedure} with ${value}: ${status} ${text.slice(0, 200)}`);
        }
      }
    }
    expect(wrong).toEqual([]);
    expect(await snapshot()).toBe(before);
    for (const [procedure, field] of [
      ['GetSIPOutboundTrunk', 'sipTrunkId'],
      ['DeleteSIPTrunk', 'sipTrunkId'],
      ['DeleteSIPDispatchRule', 'sipDispatchRuleId'],
    ] as const) {
      for (const id of ids.filter((one) => one.startsWith('S'))) {
        const { status } = await ask(`livekit.SIP/${procedure}`, theirs, { [field]: id });
        expect([procedure, id, status]).toEqual([procedure, id, 404]);
      }
    }
    const list = await ask('livekit.SIP/ListSIPOutboundTrunk', ours, {});
    expect(idsIn([list]).some((id) => ids.includes(id))).toBe(true);
  });
});
