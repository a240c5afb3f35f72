import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { agentConfigSchema } from '../agents/agent-config.ts';
import { readWav } from '../audio/wav.ts';
import { createFakeLlm } from '../providers/fake/fake-llm.ts';
import { createFakeStt } from '../providers/fake/fake-stt.ts';
import { createFakeTts } from '../providers/fake/fake-tts.ts';
import { createFakeVad } from '../providers/fake/fake-vad.ts';
import { startMediaEngine, type MediaEngine } from '../rtp/media-engine.ts';
import { silentLogger } from '../shared/logger.ts';
import { FakeClock } from '../shared/testing/fake-clock.ts';
import { RoomCall } from './room-call.ts';
import { RoomHub } from './room-hub.ts';
import { VoiceCall } from './voice-call.ts';
import type { OpenCall, VoiceCallEvent } from './worker-protocol.ts';

const AGENT = agentConfigSchema.parse({
  name: 'test',
  type: 'llm',
  greeting: 'Hello there.',
  max_duration_s: 10,
});

let directory = '';
let engine: MediaEngine;
let clock: FakeClock;
let hub: RoomHub;
let events: [string, VoiceCallEvent][];
const open: RoomCall[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'room-call-'));
  clock = new FakeClock();
  hub = new RoomHub(silentLogger);
  events = [];
  engine = startMediaEngine({
    host: '127.0.0.1',
    portMin: 42_300,
    portMax: 42_399,
    clock,
    logger: silentLogger,
  });
});

afterEach(async () => {
  const closing = open.splice(0).map((call) => call.close());
  await clock.advance(100);
  await Promise.all(closing);
  engine.close();
  await rm(directory, { recursive: true, force: true });
});

async function line(callId: string, overrides: Partial<OpenCall> = {}): Promise<RoomCall> {
  const opening = RoomCall.open({
    call: {
      callId,
      direction: 'outbound',
      agent: AGENT,
      variables: {},
      secrets: {},
      recordingPath: null,
      mediaTimeouts: { firstPacketMs: 300_000, lostMs: 300_000, holdMs: 1_800_000 },
      silent: true,
      ...overrides,
    },
    room: { id: 'room_1', ringback: false },
    hub,
    engine,
    createProviders: () => ({
      vad: createFakeVad(),
      stt: createFakeStt({ clock }),
      tts: createFakeTts({ clock }),
      llm: createFakeLlm({ clock }),
    }),
    clock,
    logger: silentLogger,
    // Nobody is at the far end.
    emit: (event) => event.type === 'one-way-audio' || events.push([callId, event]),
  });
  await clock.advance(1_000);
  const call = await opening;
  open.push(call);
  return call;
}

function typesOf(callId: string): string[] {
  return events.filter(([of]) => of === callId).map(([, { type }]) => type);
}

describe('a line of a room', () => {
  it('without an agent says nothing, and ends at its maximum duration', async () => {
    const call = await line('call_a');
    call.answered(clock.now());
    await clock.advance(9_900);
    expect(typesOf('call_a')).toEqual([]);
    await clock.advance(200);
    expect(events).toEqual([['call_a', { type: 'end-requested', reason: 'max-duration' }]]);
    const report = call.close();
    await clock.advance(100);
    expect(await report).toMatchObject({
      turns: [],
      firstAgentAudioAtMs: null,
      recordingPath: null,
    });
  });

  it('lets an agent come late, which speaks at once, and go while the call goes on', async () => {
    const call = await line('call_a');
    call.answered(clock.now());
    const coming = call.attachAgent({ agent: AGENT, variables: {}, secrets: {} });
    await clock.advance(1_000);
    await coming;
    await clock.advance(3_000);
    expect(typesOf('call_a')).toContain('first-agent-audio');
    call.dismissAgent();
    call.dismissAgent();
    const before = events.length;
    await clock.advance(2_000);
    expect(events.length).toBe(before);
    const report = call.close();
    await clock.advance(100);
    const { turns, usage } = await report;
    expect(turns.map(({ text }) => text).join(' ')).toContain('Hello');
    expect(usage.ttsCharacters).toBeGreaterThan(0);
  });

  it('has one agent at a time', async () => {
    const call = await line('call_a', { silent: false });
    await expect(
      call.attachAgent({ agent: AGENT, variables: {}, secrets: {} }),
    ).rejects.toThrowError('an agent speaks in this call already');
  });

  it('leaves the room with its call; the last one completes the recordings', async () => {
    const a = await line('call_a');
    const b = await line('call_b');
    expect(hub.enter('room_1').room.lineCount).toBe(2);
    a.answered(clock.now());
    b.answered(clock.now());
    const path = join(directory, 'room.wav');
    a.startTap({ id: 'rec_1', path, channels: 'mono', of: null });
    a.startTap({ id: 'rec_1', path, channels: 'mono', of: null });
    await clock.advance(1_000);
    const first = a.close();
    await clock.advance(100);
    await first;
    expect(hub.size).toBe(1);
    await clock.advance(1_000);
    const last = b.close();
    await clock.advance(100);
    await last;
    expect(hub.size).toBe(0);
    const wav = readWav(await readFile(path));
    expect(wav.sampleRateHz).toBe(8_000);
    expect((await readFile(path)).length).toBeGreaterThan(8_000 * 2 * 2 * 1.8);
  });

  it('takes a call on as it is that had a room of its own: agent, turns and time', async () => {
    const call: OpenCall = {
      callId: 'call_a',
      direction: 'outbound',
      agent: AGENT,
      variables: {},
      secrets: {},
      recordingPath: join(directory, 'a.wav'),
      mediaTimeouts: { firstPacketMs: 300_000, lostMs: 300_000, holdMs: 1_800_000 },
    };
    const providers = {
      vad: createFakeVad(),
      stt: createFakeStt({ clock }),
      tts: createFakeTts({ clock }),
      llm: createFakeLlm({ clock }),
    };
    const emit = (event: VoiceCallEvent): void => void events.push(['call_a', event]);
    const opening = VoiceCall.open({
      call,
      engine,
      providers,
      clock,
      logger: silentLogger,
      emit,
    });
    await clock.advance(1_000);
    const alone = await opening;
    alone.answered(clock.now());
    await clock.advance(4_000);
    const parts = alone.handOver();
    const shared = RoomCall.adopt(
      {
        call: parts.call,
        room: { id: 'room_1', ringback: false },
        hub,
        engine,
        createProviders: () => providers,
        clock,
        logger: silentLogger,
        emit,
      },
      parts,
    );
    open.push(shared);
    const b = await line('call_b');
    b.answered(clock.now());
    expect([shared.rtpPort, hub.enter('room_1').room.lineCount]).toEqual([alone.rtpPort, 2]);
    shared.dismissAgent(true);
    // The time that the call may last began with its answer.
    await clock.advance(4_800);
    expect(typesOf('call_a')).not.toContain('end-requested');
    await clock.advance(400);
    expect(typesOf('call_a').filter((type) => type === 'end-requested')).toHaveLength(1);
    const closing = shared.close();
    await clock.advance(100);
    const report = await closing;
    expect(report.turns.map(({ text }) => text)).toEqual(['Hello there.']);
    expect(report.recordingDurationMs).toBeGreaterThan(9_000);
  });
});
