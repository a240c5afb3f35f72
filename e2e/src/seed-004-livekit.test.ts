import {
  AgentDispatchClient,
  RoomConfiguration,
  RoomServiceClient,
  SipClient,
  type CreateSipOutboundTrunkOptions,
  type ParticipantInfo,
} from 'livekit-server-sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startProgram, type Program } from './harness/program.ts';
import { startTonePhone, type TonePhone } from './harness/tone-phone.ts';

const KEY = 'APIe2ekey';
const SECRET = 'e2e-livekit-secret-that-is-long-enough';

/** As the course writes them; the client's types ask for a transport that its users leave out. */
const CREDENTIALS = {
  authUsername: 'your-username',
  authPassword: 'your-password',
} as CreateSipOutboundTrunkOptions;

/** By name: the client does not export the enum. */
function kindOf(participant: ParticipantInfo): string {
  return (participant.toJson() as { kind?: string }).kind ?? 'STANDARD';
}

let program: Program;
let sip: SipClient;
let rooms: RoomServiceClient;
let agents: AgentDispatchClient;
const phones: TonePhone[] = [];

beforeAll(async () => {
  program = await startProgram({ env: { LIVEKIT_API_KEY: KEY, LIVEKIT_API_SECRET: SECRET } });
  sip = new SipClient(program.url, KEY, SECRET);
  rooms = new RoomServiceClient(program.url, KEY, SECRET);
  agents = new AgentDispatchClient(program.url, KEY, SECRET);
  // Real numbers are dialled here, at any hour that somebody runs the tests.
  await program.client.request('PATCH', '/v1/guardrails', {
    calling_windows: { enabled: false },
    destinations: { allowed_countries: ['US'] },
  });
});
afterAll(async () => {
  await Promise.all(phones.map((phone) => phone.close()));
  await program.stop();
});

/** A phone behind a trunk of LiveKit's form. */
async function trunkToPhone(toneHz: (called: string) => number): Promise<{
  phone: TonePhone;
  trunkId: string;
}> {
  const phone = await startTonePhone({ toneHz });
  phones.push(phone);
  const trunk = await sip.createSipOutboundTrunk(
    'Dental Office Outbound',
    `127.0.0.1:${phone.port}`,
    ['+15551234567'],
    CREDENTIALS,
  );
  return { phone, trunkId: trunk.sipTrunkId };
}

describe('Creating an outbound trunk via the API', () => {
  it('takes the address as the course writes it, and shows no password', async () => {
    const trunk = await sip.createSipOutboundTrunk(
      'Dental Office Outbound',
      'sip:trunk.provider.com',
      ['+15551234567'],
      CREDENTIALS,
    );
    expect(trunk.sipTrunkId).toMatch(/^ST_/);
    expect(trunk).toMatchObject({ address: 'trunk.provider.com', authPassword: '' });
    const listed = await sip.listSipOutboundTrunk();
    expect(listed.map(({ sipTrunkId }) => sipTrunkId)).toContain(trunk.sipTrunkId);
  });
});

describe('Making a call with CreateSIPParticipant', () => {
  it('shows the trunk’s number to the callee, who is in the room as a SIP participant', async () => {
    const { phone, trunkId } = await trunkToPhone(() => 0);
    const participant = await sip.createSipParticipant(
      trunkId,
      '+15559876543',
      'confirmation-001',
      { participantIdentity: 'patient-callback', waitUntilAnswered: true },
    );
    const call = await phone.nextCall();
    expect(call.called).toContain('15559876543');
    expect(call.from).toContain('+15551234567');
    expect(participant).toMatchObject({
      participantIdentity: 'patient-callback',
      roomName: 'confirmation-001',
    });
    const inside = await rooms.getParticipant('confirmation-001', 'patient-callback');
    expect(inside.sid).toBe(participant.participantId);
    expect(inside.attributes).toMatchObject({
      'sip.callStatus': 'active',
      'sip.callID': participant.sipCallId,
      'sip.trunkID': trunkId,
      'sip.phoneNumber': '+15559876543',
      'sip.trunkPhoneNumber': '+15551234567',
    });
    await rooms.removeParticipant('confirmation-001', 'patient-callback');
    await call.ended;
  });
});

describe('Outbound calls need an agent in the room', () => {
  it('an agent whose pattern is outbound-* is there before the phone rings, and confirms the appointment', async () => {
    const participant = await sip.createSipParticipant(
      'ST_sandbox',
      '+15005550101',
      'outbound-confirmation-001',
      { participantIdentity: 'patient-callback', waitUntilAnswered: true },
    );
    const inside = await rooms.listParticipants('outbound-confirmation-001');
    expect(new Set(inside.map(kindOf))).toEqual(new Set(['SIP', 'AGENT']));
    const callId = participant.sipCallId.replace('SCL_', 'call_');
    for await (const event of program.client.callEvents(callId)) {
      if (event.type === 'call.status') break;
    }
    const call = await program.client.getCall(callId);
    expect(call).toMatchObject({ status: 'completed' });
    expect(call.transcript).toMatch(/appointment/i);
    expect(call.transcript).toMatch(/confirmed/i);
  });

  it('nobody is called while the agent that was sent does not exist', async () => {
    await agents.createDispatch('no-agent', 'somebody-else');
    await expect(
      sip.createSipParticipant('ST_sandbox', '+15005550101', 'no-agent', {
        participantIdentity: 'patient',
      }),
    ).rejects.toMatchObject({ code: 'failed_precondition' });
    expect(await rooms.listParticipants('no-agent')).toEqual([]);
  });
});

describe('Handling voicemail and no-answer', () => {
  it.each([
    ['busy', '+15005550102', 486, 'resource_exhausted', 429],
    ['a number that does not exist', '+15005550106', 404, 'not_found', 404],
    ['a decline', '+15005550105', 603, 'permission_denied', 403],
  ] as const)('%s is told with its SIP code', async (_what, number, status, code, http) => {
    const room = `outbound-${status}`;
    const error: unknown = await sip
      .createSipParticipant('ST_sandbox', number, room, { waitUntilAnswered: true })
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      name: 'SipCallError',
      sipStatusCode: status,
      code,
      status: http,
    });
    const inside = await rooms.listParticipants(room);
    expect(inside.filter((one) => kindOf(one) === 'SIP')).toEqual([]);
  });

  it('a phone that nobody answers is given up when the time is over', async () => {
    const error: unknown = await sip
      .createSipParticipant('ST_sandbox', '+15005550103', 'outbound-no-answer', {
        waitUntilAnswered: true,
        ringingTimeout: 3,
      })
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'deadline_exceeded' });
  });
});

describe('a room of several phones', () => {
  it('lets each hear the others, and not itself', async () => {
    const tones: Record<string, number> = {
      '+14155550101': 500,
      '+14155550102': 800,
      '+14155550103': 1_100,
    };
    const { phone, trunkId } = await trunkToPhone(
      (called) => tones[`+${called.replace('+', '')}`] ?? 0,
    );
    const join = async (number: string) => {
      await sip.createSipParticipant(trunkId, number, 'conference', {
        participantIdentity: number,
        waitUntilAnswered: true,
      });
      return phone.nextCall();
    };
    const a = await join('+14155550101');
    const b = await join('+14155550102');
    await Promise.all([a.hears([800], [500]), b.hears([500], [800])]);
    const c = await join('+14155550103');
    await Promise.all([
      a.hears([800, 1_100], [500]),
      b.hears([500, 1_100], [800]),
      c.hears([500, 800], [1_100]),
    ]);
    const [track] = (await rooms.getParticipant('conference', '+14155550101')).tracks;
    const muted = await rooms.mutePublishedTrack(
      'conference',
      '+14155550101',
      track?.sid ?? '',
      true,
    );
    expect(muted).toMatchObject({ sid: track?.sid, muted: true });
    await Promise.all([b.hears([1_100], [500]), c.hears([800], [500]), a.hears([800, 1_100])]);
    await rooms.updateSubscriptions(
      'conference',
      '+14155550103',
      [(await rooms.getParticipant('conference', '+14155550102')).tracks[0]?.sid ?? ''],
      false,
    );
    await c.hearsNothing();
    await rooms.deleteRoom('conference');
    await Promise.all([a.ended, b.ended, c.ended]);
    expect(await rooms.listRooms(['conference'])).toEqual([]);
  });

  it('presses keys after the answer and before anybody speaks', async () => {
    const { phone, trunkId } = await trunkToPhone(() => 0);
    await sip.createSipParticipant(trunkId, '+14155550104', 'with-keys', {
      participantIdentity: 'desk',
      dtmf: '1w23#',
      headers: { 'X-Trace': 't1' },
      displayName: 'Bright Smile',
      waitUntilAnswered: true,
    });
    const call = await phone.nextCall();
    expect(call.header('X-Trace')).toBe('t1');
    expect(call.from).toContain('Bright Smile');
    await expect.poll(() => call.digits).toBe('123#');
    await expect
      .poll(
        async () => (await rooms.getParticipant('with-keys', 'desk')).attributes['sip.callStatus'],
      )
      .toBe('active');
    call.hangup();
    await expect.poll(async () => (await rooms.listParticipants('with-keys')).length).toBe(0);
  });

  it('transfers a caller to somebody else, under the same roof', async () => {
    const { phone, trunkId } = await trunkToPhone((called) =>
      called.endsWith('0106') ? 900 : 600,
    );
    await sip.createSipParticipant(trunkId, '+14155550105', 'transfer', {
      participantIdentity: 'caller',
      waitUntilAnswered: true,
    });
    const caller = await phone.nextCall();
    await sip.transferSipParticipant('transfer', 'caller', 'tel:+14155550106');
    const target = await phone.nextCall();
    await Promise.all([caller.hears([900], [600]), target.hears([600], [900])]);
    target.hangup();
    await caller.ended;
  });
});

describe('a transfer of somebody who talks with the agent', () => {
  it('that is declined leaves the agent, and one that is taken lets it go', async () => {
    await sip.createSipParticipant('ST_sandbox', '+15005550111', 'outbound-transfer', {
      participantIdentity: 'patient',
      waitUntilAnswered: true,
    });
    await expect(
      sip.transferSipParticipant('outbound-transfer', 'patient', 'tel:+15005550105'),
    ).rejects.toMatchObject({
      name: 'SipCallError',
      sipStatusCode: 603,
      code: 'permission_denied',
    });
    const kinds = async (): Promise<string[]> =>
      (await rooms.listParticipants('outbound-transfer')).map(kindOf);
    expect(new Set(await kinds())).toEqual(new Set(['SIP', 'AGENT']));
    await sip.transferSipParticipant('outbound-transfer', 'patient', 'tel:+15005550110');
    expect(await kinds()).toEqual(['SIP', 'SIP']);
    await expect(
      sip.transferSipParticipant('outbound-transfer', 'patient', 'mailto:x@y'),
    ).rejects.toMatchObject({ code: 'invalid_argument' });
    await expect(
      sip.transferSipParticipant('outbound-transfer', 'nobody', 'tel:+15005550110'),
    ).rejects.toMatchObject({ status: 404 });
    await rooms.removeParticipant('outbound-transfer', 'patient');
    await expect.poll(kinds).toEqual([]);
  });
});

describe('Inbound vs outbound trunks', () => {
  it('leads a call that comes in to the room of its rule, where the agent answers', async () => {
    const phone = await startTonePhone({ toneHz: () => 0 });
    phones.push(phone);
    const trunk = await sip.createSipInboundTrunk('In', ['+14155550120'], {
      allowedAddresses: ['127.0.0.1'],
      headersToAttributes: { 'X-Cust': 'cust.id' },
    });
    const rule = await sip.createSipDispatchRule(
      { type: 'individual', roomPrefix: 'call-' },
      {
        trunkIds: [trunk.sipTrunkId],
        attributes: { desk: 'front' },
        roomConfig: new RoomConfiguration({
          agents: [{ agentName: 'demo', metadata: '{"patient_name":"Ann"}' }],
        }),
      },
    );
    const call = await phone.call({
      port: program.sipPort,
      from: '+14155550121',
      to: '+14155550120',
      headers: { 'X-Cust': 'c-17' },
    });
    const room = (await rooms.listRooms()).find(({ name }) =>
      name.startsWith('call-_+14155550121_'),
    );
    const inside = await rooms.listParticipants(room?.name ?? '');
    const caller = inside.find((one) => kindOf(one) === 'SIP');
    expect(inside.some((one) => kindOf(one) === 'AGENT')).toBe(true);
    expect(caller).toMatchObject({ identity: 'sip_+14155550121', name: 'Phone +14155550121' });
    expect(caller?.attributes).toMatchObject({
      'sip.ruleID': rule.sipDispatchRuleId,
      'sip.trunkID': trunk.sipTrunkId,
      'sip.phoneNumber': '+14155550121',
      'sip.trunkPhoneNumber': '+14155550120',
      'cust.id': 'c-17',
      desk: 'front',
    });
    const callId = caller?.attributes['sip.callID']?.replace('SCL_', 'call_') ?? '';
    for await (const event of program.client.callEvents(callId)) {
      if (event.type === 'call.turn' && event.data['speaker'] === 'agent') {
        expect(event.data['text']).toMatch(/Ann/);
        break;
      }
    }
    call.hangup();
    await expect.poll(async () => (await rooms.listParticipants(room?.name ?? '')).length).toBe(0);
  });
});
