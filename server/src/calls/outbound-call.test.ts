import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as calls from '../db/queries/calls.ts';
import { storeGateway } from '../db/queries/trunk-health.ts';
import type { Leg } from '../sip/leg.ts';
import type { TurnRecord } from '../voice/worker-protocol.ts';
import { openCallLab, TO, type CallLab, type LabNode } from './testing/call-lab.ts';
import {
  onlyRing,
  pickUp,
  refuseWith,
  startCallee,
  type CalleeScript,
  type ScriptedCallee,
} from './testing/scripted-callee.ts';

const PATIENT = { timeout: 30_000 };

let lab: CallLab;
let callee: ScriptedCallee;
let second: ScriptedCallee;
let node: LabNode;

beforeEach(async () => {
  lab = await openCallLab();
  callee = await startCallee();
  second = await startCallee();
});
afterEach(async () => {
  await lab.close();
  await callee.close();
  await second.close();
});

async function place(): Promise<string> {
  const { call } = await node.service.place({ workspaceId: lab.workspaceId, to: TO });
  return call.id;
}

function turnOf(speaker: 'agent' | 'caller', startedMs: number, text: string): TurnRecord {
  return {
    id: `${speaker}-${startedMs}`,
    speaker,
    text,
    startedMs,
    endedMs: startedMs + 1_000,
    interrupted: false,
    confidence: null,
    latency: null,
  };
}

function sdp(direction: string, version: number, port = 40_000): string {
  return [
    'v=0',
    `o=- 1 ${version} IN IP4 127.0.0.1`,
    's=-',
    'c=IN IP4 127.0.0.1',
    't=0 0',
    `m=audio ${port} RTP/AVP 0`,
    `a=${direction}`,
    '',
  ].join('\r\n');
}

describe('an outbound call', () => {
  it('goes from queued to completed, with every status once and everything stored', async () => {
    await lab.trunk([callee.ua.port]);
    node = await lab.node();
    node.voice.onAnswered = (voice) => {
      const { recordingPath } = voice.opened;
      writeFileSync(recordingPath ?? '', 'RIFF');
      voice.report = {
        ...voice.report,
        outcome: { outcome: 'confirmed' },
        recordingPath,
        recordingDurationMs: 1_234.5,
        usage: { sttMs: 500, ttsCharacters: 20, llmInputTokens: 1, llmOutputTokens: 2 },
      };
      voice.emit({ type: 'first-agent-audio', atMs: 120 });
      voice.emit({
        type: 'turn',
        turn: {
          id: 't1',
          speaker: 'agent',
          text: 'Hello',
          startedMs: 0,
          endedMs: 400,
          interrupted: false,
          confidence: null,
          latency: null,
        },
      });
      voice.emit({ type: 'end-requested', reason: 'agent-goodbye' });
    };
    const callId = await place();
    expect(await lab.reached(callId)).toEqual({
      status: 'completed',
      end_reason: 'agent-goodbye',
      ended_by: 'agent',
      sip: { code: 200, reason: 'OK' },
    });
    const types = (await lab.events(callId)).map((event) => event.type);
    expect(types.filter((type) => type !== 'call.ringing')).toEqual([
      'call.queued',
      'call.initiated',
      'call.answered',
      'call.turn',
      'call.disconnected',
      'call.status',
    ]);
    const details = await node.service.get(lab.workspaceId, callId);
    expect(details?.call).toMatchObject({
      status: 'completed',
      endReason: 'agent-goodbye',
      endedBy: 'agent',
      sipCode: 200,
      outcome: { outcome: 'confirmed' },
      recordingDurationMs: 1_235,
      nodeId: node.nodeId,
    });
    expect(details?.call.recordingKey).toContain(callId);
    expect(details?.call.cost).toMatchObject({ total_micros: 0 });
    expect(Number(details?.call.firstAgentAudioAt) - Number(details?.call.answeredAt)).toBe(120);
    expect(details?.turns.map((turn) => turn.text)).toEqual(['Hello']);
    expect(details?.attempts).toMatchObject([{ state: 'done', sipCode: 200, sequence: 1 }]);
    expect(node.voice.calls[0]?.audio[0]).toMatchObject({ codec: 'PCMU', remotePort: 40_000 });
    await expect.poll(() => node.service.liveCount).toBe(0);
  });

  it('never lets an INVITE leave before the agent is ready', async () => {
    await lab.trunk([callee.ua.port]);
    node = await lab.node();
    let invitesWhenReady = -1;
    const { promise: opening, resolve: opened } = Promise.withResolvers<void>();
    const { promise: ready, resolve: becomeReady } = Promise.withResolvers<void>();
    node.voice.beforeOpen = () => {
      opened();
      return ready;
    };
    const callId = await place();
    await opening;
    expect((await lab.call(callId)).status).toBe('queued');
    expect(await lab.attempts(callId)).toEqual([]);
    invitesWhenReady = callee.legs.length;
    becomeReady();
    await lab.reached(callId, new Set(['in-progress']));
    expect(invitesWhenReady).toBe(0);
    expect(callee.legs).toHaveLength(1);
    await node.service.hangup(lab.workspaceId, callId);
    await lab.reached(callId);
  });

  it('is not dialled when the agent cannot be made ready', async () => {
    await lab.trunk([callee.ua.port]);
    node = await lab.node();
    node.voice.beforeOpen = () => Promise.reject(new Error('no key for openai'));
    const callId = await place();
    expect(await lab.reached(callId)).toEqual({
      status: 'error',
      end_reason: 'agent-not-ready',
      ended_by: 'system',
      sip: { code: null, reason: null },
    });
    expect(callee.legs).toHaveLength(0);
    expect((await lab.call(callId)).cost).toMatchObject({ total_micros: 0 });
    await expect.poll(() => node.service.liveCount).toBe(0);
  });

  it('has its attempt committed, with the SIP identity, when the INVITE arrives', async () => {
    await lab.trunk([callee.ua.port]);
    const { promise: seen, resolve } = Promise.withResolvers<unknown>();
    callee.script = (leg) => {
      void lab.db.pool
        .query('select state, node_id, dialog from attempts where sip_call_id = $1', [
          leg.sipCallId,
        ])
        .then(({ rows }) => {
          resolve(rows[0]);
          pickUp(leg);
        });
    };
    node = await lab.node();
    const callId = await place();
    expect(await seen).toMatchObject({
      state: 'dialing',
      node_id: node.nodeId,
      dialog: { inviteCseq: 1, nextHop: { port: callee.ua.port } },
    });
    await lab.reached(callId, new Set(['in-progress']));
    await node.service.hangup(lab.workspaceId, callId);
    expect(await lab.reached(callId)).toMatchObject({ status: 'stopped' });
  });

  it.each<[string, CalleeScript, string, string, string, number]>([
    ['busy', refuseWith(486, 'Busy Here'), 'busy', 'user-busy', 'callee', 486],
    ['declined', refuseWith(603, 'Decline'), 'failed', 'declined', 'callee', 603],
    ['unknown', refuseWith(404, 'Not Found'), 'failed', 'invalid-number', 'carrier', 404],
    ['unavailable', refuseWith(480, 'Gone'), 'no-answer', 'unavailable', 'callee', 480],
  ])(
    'that is %s ends at once and tries no other gateway',
    async (_name, script, status, endReason, endedBy, code) => {
      callee.script = script;
      await lab.trunk([callee.ua.port, second.ua.port]);
      node = await lab.node();
      const callId = await place();
      expect(await lab.reached(callId)).toMatchObject({
        status,
        end_reason: endReason,
        ended_by: endedBy,
        sip: { code },
      });
      expect(second.legs).toHaveLength(0);
      expect(await lab.attempts(callId)).toMatchObject([{ state: 'failed', sipCode: code }]);
      expect((await lab.call(callId)).cost).toMatchObject({ total_micros: 0 });
      expect(node.voice.calls[0]?.closedCount).toBe(1);
    },
  );

  it('T29 takes the second gateway after 503, as an attempt of its own', async () => {
    callee.script = refuseWith(503, 'Service Unavailable');
    await lab.trunk([callee.ua.port, second.ua.port]);
    node = await lab.node();
    node.voice.onAnswered = (voice) =>
      voice.emit({ type: 'end-requested', reason: 'agent-goodbye' });
    const callId = await place();
    expect(await lab.reached(callId)).toMatchObject({ status: 'completed', sip: { code: 200 } });
    expect([callee.legs.length, second.legs.length]).toEqual([1, 1]);
    expect(callee.legs[0]?.sipCallId).not.toBe(second.legs[0]?.sipCallId);
    expect(await lab.attempts(callId)).toMatchObject([
      { sequence: 1, state: 'failed', sipCode: 503 },
      { sequence: 2, state: 'done', sipCode: 200 },
    ]);
  });

  it('ends as the first gateway had it where the line of the trunk is too long for another', async () => {
    callee.script = refuseWith(503, 'Service Unavailable');
    await lab.trunk([callee.ua.port, second.ua.port]);
    await lab.db.pool.query('update trunks set calls_per_second = 0.05');
    node = await lab.node();
    const callId = await place();
    expect(await lab.reached(callId)).toMatchObject({ status: 'failed', sip: { code: 503 } });
    expect([callee.legs.length, second.legs.length]).toEqual([1, 0]);
    expect(await lab.attempts(callId)).toMatchObject([{ state: 'failed', sipCode: 503 }]);
  });

  it('can be hung up while the second gateway waits for its turn', async () => {
    callee.script = refuseWith(503, 'Service Unavailable');
    await lab.trunk([callee.ua.port, second.ua.port]);
    await lab.db.pool.query('update trunks set calls_per_second = 0.11');
    node = await lab.node();
    const callId = await place();
    await lab.reached(callId, new Set(['initiated']));
    await vi.waitFor(async () => {
      const { rows } = await lab.db.pool.query(
        `select 1 from trunk_pacing where next_at > now() + interval '10 seconds'`,
      );
      expect(rows).toHaveLength(1);
    }, PATIENT);
    await node.service.hangup(lab.workspaceId, callId);
    expect(await lab.reached(callId)).toMatchObject({ status: 'canceled' });
    expect(second.legs).toHaveLength(0);
    expect(await lab.attempts(callId)).toMatchObject([{ state: 'failed', sipCode: 503 }]);
  });

  it('T33 begins with a gateway that answers OPTIONS, and still tries the one that does not', async () => {
    second.script = refuseWith(503, 'Service Unavailable');
    const trunkId = await lab.trunk([callee.ua.port, second.ua.port], { qualifyFrequencyS: 60 });
    const health = {
      trunkId,
      workspaceId: lab.workspaceId,
      gateway: `127.0.0.1:${callee.ua.port};udp`,
      sipCode: null,
      sipReason: null,
      roundTripMs: null,
      misses: 3,
    };
    await storeGateway(lab.db.pool, { ...health, state: 'down', checkedAt: new Date() });
    node = await lab.node();
    node.voice.onAnswered = (voice) =>
      voice.emit({ type: 'end-requested', reason: 'agent-goodbye' });
    const callId = await place();
    expect(await lab.reached(callId)).toMatchObject({ status: 'completed', sip: { code: 200 } });
    expect(await lab.attempts(callId)).toMatchObject([
      { gateway: `127.0.0.1:${second.ua.port};udp`, sipCode: 503 },
      { gateway: `127.0.0.1:${callee.ua.port};udp`, sipCode: 200 },
    ]);
    // What was seen an hour ago says nothing.
    await storeGateway(lab.db.pool, {
      ...health,
      state: 'down',
      checkedAt: new Date(Date.now() - 3_600_000),
    });
    const next = await place();
    await lab.reached(next);
    expect(await lab.attempts(next)).toMatchObject([
      { gateway: `127.0.0.1:${callee.ua.port};udp`, sipCode: 200 },
    ]);
  });

  it('keeps keys that are optional from a gateway without TLS, after one with it failed', async () => {
    await lab.trunk([], {
      mediaEncryption: 'optional',
      gateways: [
        { host: '127.0.0.1', port: 1, transport: 'tls' },
        { host: '127.0.0.1', port: callee.ua.port, transport: 'udp' },
      ],
    });
    node = await lab.node();
    node.voice.onAnswered = (voice) =>
      voice.emit({ type: 'end-requested', reason: 'agent-goodbye' });
    expect(await lab.reached(await place())).toMatchObject({ status: 'completed' });
    expect(callee.legs[0]?.sdp).toContain('RTP/AVP');
    expect(callee.legs[0]?.sdp).not.toContain('a=crypto');
  });

  it('dials no gateway without TLS where encryption is required', async () => {
    const trunkId = await lab.trunk([], {
      mediaEncryption: 'required',
      gateways: [{ host: '127.0.0.1', port: callee.ua.port, transport: 'tls' }],
    });
    await lab.db.pool.query(`update gateways set transport = 'udp' where trunk_id = $1`, [trunkId]);
    node = await lab.node();
    const callId = await place();
    expect(await lab.reached(callId)).toMatchObject({
      status: 'failed',
      end_reason: 'media-incompatible',
      sip: { code: null },
    });
    expect(callee.legs).toHaveLength(0);
    expect(await lab.events(callId)).toContainEqual(
      expect.objectContaining({
        type: 'call.warning',
        data: {
          code: 'media-encryption',
          message: expect.stringContaining('needs SIP over TLS') as string,
        },
      }),
    );
  });

  it('ends with the last refusal when every gateway fails', async () => {
    callee.script = refuseWith(503, 'Service Unavailable');
    second.script = refuseWith(500, 'Oops');
    await lab.trunk([callee.ua.port, second.ua.port]);
    node = await lab.node();
    const callId = await place();
    expect(await lab.reached(callId)).toMatchObject({
      status: 'failed',
      end_reason: 'carrier-error',
      sip: { code: 500, reason: 'Oops' },
    });
  });

  it('T13 RFC 3261 §9.1: cancels a phone that rings for too long, and dials nobody after that', async () => {
    callee.script = onlyRing;
    await lab.trunk([callee.ua.port, second.ua.port], { ringTimeoutMs: 300 });
    node = await lab.node();
    const callId = await place();
    expect(await lab.reached(callId)).toEqual({
      status: 'no-answer',
      end_reason: 'ring-timeout',
      ended_by: 'system',
      sip: { code: 487, reason: expect.any(String) as string },
    });
    expect(second.legs).toHaveLength(0);
    expect((await lab.call(callId)).ringingAt).toBeInstanceOf(Date);
  });

  it('is settled although the refusal’s words are none that the database takes', async () => {
    callee.script = onlyRing;
    await lab.trunk([callee.ua.port]);
    node = await lab.node();
    let leg: Leg | undefined;
    const invite = node.ua.invite.bind(node.ua);
    node.ua.invite = (options) => (leg = invite(options));
    const callId = await place();
    await lab.reached(callId, new Set(['ringing']));
    leg?.events.emit('failed', {
      cause: 'response',
      status: 486,
      reason: 'Busy\0 Here',
      local: false,
      provisionalSeen: true,
      reasonHeader: 'SIP;text="\0"',
      retryAfterS: null,
    });
    expect(await lab.reached(callId)).toMatchObject({
      status: 'busy',
      sip: { code: 486, reason: 'Busy Here' },
    });
    expect(await lab.attempts(callId)).toMatchObject([{ reasonHeader: 'SIP;text=""' }]);
    await leg?.hangup();
  });

  it('is stored with less when its report is nothing that the database takes', async () => {
    await lab.trunk([callee.ua.port]);
    node = await lab.node();
    node.voice.onAnswered = (voice) => {
      const turn = { id: 't', speaker: 'caller', text: 'x', interrupted: false } as const;
      voice.report.turns = [
        { ...turn, startedMs: 1e15, endedMs: 1e15, confidence: null, latency: null },
      ];
      voice.emit({ type: 'end-requested', reason: 'agent-goodbye' });
    };
    const callId = await place();
    expect(await lab.reached(callId)).toMatchObject({
      status: 'completed',
      end_reason: 'agent-goodbye',
      sip: { code: 200, reason: null },
    });
  });

  it('is an error at once where its end cannot follow from what is stored', async () => {
    await lab.trunk([callee.ua.port]);
    node = await lab.node();
    const callId = await place();
    await lab.reached(callId, new Set(['in-progress']));
    await lab.db.pool.query(`update calls set status = 'ringing' where id = $1`, [callId]);
    node.voice.calls[0]?.emit({ type: 'end-requested', reason: 'agent-goodbye' });
    expect(await lab.reached(callId)).toMatchObject({
      status: 'error',
      end_reason: 'platform-error',
      ended_by: 'system',
    });
  });

  it('is not dialled when the trunk’s password was sealed with another key', async () => {
    await lab.trunk([callee.ua.port], { authUsername: 'u', authPassword: 'p' });
    await lab.db.pool.query(`update trunks set auth_password_sealed = 's1.other.key.here'`);
    node = await lab.node();
    const callId = await place();
    expect(await lab.reached(callId)).toMatchObject({
      status: 'failed',
      end_reason: 'trunk-secret-unreadable',
      ended_by: 'system',
      sip: { code: null },
    });
    expect(await lab.attempts(callId)).toEqual([]);
    expect(callee.legs).toHaveLength(0);
  });

  it('is ended by the callee when it hangs up', async () => {
    await lab.trunk([callee.ua.port]);
    node = await lab.node();
    node.voice.onAnswered = () => void callee.legs[0]?.hangup();
    const callId = await place();
    expect(await lab.reached(callId)).toMatchObject({
      status: 'completed',
      end_reason: 'callee-hangup',
      ended_by: 'callee',
      sip: { code: 200 },
    });
  });

  it.each([
    [{ type: 'media-timeout', phase: 'lost' }, 'completed', 'media-timeout', 'system'],
    [{ type: 'end-requested', reason: 'max-duration' }, 'completed', 'max-duration', 'system'],
    [
      { type: 'end-requested', reason: 'voice-worker-crashed' },
      'error',
      'voice-worker-crashed',
      'system',
    ],
  ] as const)('ends once on %o', async (event, status, endReason, endedBy) => {
    await lab.trunk([callee.ua.port]);
    node = await lab.node();
    node.voice.onAnswered = (voice) => {
      voice.emit(event);
      voice.emit({ type: 'end-requested', reason: 'agent-goodbye' });
    };
    const { promise: hungUp, resolve } = Promise.withResolvers<void>();
    callee.script = (leg) => {
      leg.events.on('ended', () => resolve());
      pickUp(leg);
    };
    const callId = await place();
    expect(await lab.reached(callId)).toMatchObject({
      status,
      end_reason: endReason,
      ended_by: endedBy,
    });
    await hungUp;
    const statuses = (await lab.events(callId)).filter((each) => each.type === 'call.status');
    expect(statuses).toHaveLength(1);
  });

  it('tells of a voicemail while the call still lasts, and calls again where the policy says so', async () => {
    await lab.trunk([callee.ua.port]);
    node = await lab.node();
    const { call } = await node.service.place({
      workspaceId: lab.workspaceId,
      to: TO,
      retry: { on: ['voicemail'], intervals_s: [60], max_attempts: 2 },
    });
    await lab.reached(call.id, new Set(['in-progress']));
    const voice = node.voice.calls[0];
    voice?.emit({ type: 'note', name: 'intent', data: { intent: 'voicemail', state: 'start' } });
    await vi.waitFor(async () => {
      const details = await node.service.get(lab.workspaceId, call.id);
      expect(details?.call).toMatchObject({ status: 'in-progress', answeredBy: 'voicemail' });
    }, PATIENT);
    voice?.emit({ type: 'end-requested', reason: 'agent-goodbye' });
    await lab.reached(call.id);
    expect((await node.service.get(lab.workspaceId, call.id))?.call.answeredBy).toBe('voicemail');
    const { data } = await calls.list(lab.db.pool, lab.workspaceId, { retryOf: call.id });
    expect(data).toMatchObject([{ status: 'scheduled', attempt: 2, answeredBy: null }]);
  });

  it('is answered by a human once somebody has talked with the agent, and is not tried again', async () => {
    await lab.trunk([callee.ua.port]);
    node = await lab.node();
    node.voice.onAnswered = (voice) => {
      voice.report = {
        ...voice.report,
        turns: [
          turnOf('agent', 300, 'Hello, this is Bright Smile.'),
          turnOf('caller', 2_000, 'Yes, that works.'),
        ],
      };
      voice.emit({ type: 'end-requested', reason: 'agent-goodbye' });
    };
    const { call } = await node.service.place({
      workspaceId: lab.workspaceId,
      to: TO,
      retry: { on: ['voicemail'], intervals_s: [60], max_attempts: 2 },
    });
    await lab.reached(call.id);
    expect((await node.service.get(lab.workspaceId, call.id))?.call.answeredBy).toBe('human');
    const { data } = await calls.list(lab.db.pool, lab.workspaceId, { retryOf: call.id });
    expect(data).toEqual([]);
  });

  it('T21 answers hold and resume, and tells the agent', async () => {
    await lab.trunk([callee.ua.port]);
    node = await lab.node();
    const callId = await place();
    await lab.reached(callId, new Set(['in-progress']));
    const held = await callee.legs[0]?.reinvite(sdp('sendonly', 2));
    expect(held).toMatchObject({ status: 200 });
    expect(held?.sdp).toContain('a=recvonly');
    const resumed = await callee.legs[0]?.reinvite(sdp('sendrecv', 3));
    expect(resumed?.sdp).toContain('a=sendrecv');
    expect(node.voice.calls[0]?.audio.map((audio) => audio.direction)).toEqual([
      'sendrecv',
      'recvonly',
      'sendrecv',
    ]);
    await node.service.hangup(lab.workspaceId, callId);
    await lab.reached(callId);
  });

  it('T22 RFC 3261 §14.2: takes the answer in the ACK to a re-INVITE without an offer', async () => {
    await lab.trunk([callee.ua.port]);
    node = await lab.node();
    let leg: Leg | undefined;
    const invite = node.ua.invite.bind(node.ua);
    node.ua.invite = (options) => (leg = invite(options));
    const callId = await place();
    await lab.reached(callId, new Set(['in-progress']));
    expect(await leg?.onOffer(null)).toMatchObject({ accept: true });
    leg?.events.emit('renegotiated', { sdp: sdp('sendonly', 2, 40_100) });
    leg?.events.emit('renegotiated', { sdp: 'nothing that can be read' });
    expect(node.voice.calls[0]?.audio.at(-1)).toMatchObject({
      remotePort: 40_100,
      direction: 'recvonly',
    });
    await node.service.hangup(lab.workspaceId, callId);
    await lab.reached(callId);
  });

  it('RFC 3264 §8: counts its session version up with what was agreed on only', async () => {
    await lab.trunk([callee.ua.port]);
    node = await lab.node();
    const callId = await place();
    await lab.reached(callId, new Set(['in-progress']));
    const [leg] = callee.legs;
    const useless = sdp('sendrecv', 2).replace('AVP 0', 'AVP 18');
    expect(await leg?.reinvite(useless)).toMatchObject({ status: 488 });
    expect((await leg?.reinvite(sdp('sendonly', 3)))?.sdp).toMatch(/^o=- \d+ 2 /m);
    await node.service.hangup(lab.workspaceId, callId);
    await lab.reached(callId);
  });

  it('ends when the answer’s session description cannot be used', async () => {
    callee.script = (leg) => leg.answer('v=0\r\nnot a session description');
    await lab.trunk([callee.ua.port]);
    node = await lab.node();
    const callId = await place();
    expect(await lab.reached(callId)).toMatchObject({
      status: 'failed',
      end_reason: 'media-incompatible',
      sip: { code: 200 },
    });
  });

  it('records a trunk that nobody answers on as unreachable, without a SIP code', async () => {
    await callee.close();
    await lab.trunk([callee.ua.port]);
    node = await lab.node();
    const callId = await place();
    expect(await lab.reached(callId)).toMatchObject({
      status: 'failed',
      end_reason: 'trunk-unreachable',
      ended_by: 'carrier',
      sip: { code: null },
    });
  });
});
