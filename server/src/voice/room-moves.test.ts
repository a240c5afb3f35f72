import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { agentConfigSchema } from '../agents/agent-config.ts';
import { readWav } from '../audio/wav.ts';
import { startMediaEngine, type MediaEngine, type RtpStream } from '../rtp/media-engine.ts';
import { systemClock } from '../shared/clock.ts';
import { silentLogger } from '../shared/logger.ts';
import { startVoicePool, type VoiceCallHandle, type VoicePool } from './voice-pool.ts';
import type { OpenCall, VoiceCallEvent } from './worker-protocol.ts';

const OPEN = { muted: false, deaf: false, unheard: [] };
const CODEC = { codec: 'PCMU', payloadType: 0, dtmfPayloadType: 101 } as const;

/** A far end that says one level in every frame, and what it heard lately. */
interface Phone {
  call: VoiceCallHandle;
  stream: RtpStream;
  level: number;
  heard: number[];
}

/** The fields of RFC 3550 §5.1 that tell whether a stream goes on. */
interface Header {
  sequence: number;
  timestamp: number;
  ssrc: number;
}

describe.each([1, 2])('a line that moves between rooms of %i workers', (workers) => {
  let pool: VoicePool;
  let engine: MediaEngine;
  let directory: string;
  let phones: Phone[] = [];
  const sockets: Socket[] = [];
  let count = 0;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'room-moves-'));
    const host = '127.0.0.1';
    const logger = silentLogger;
    engine = startMediaEngine({
      host,
      portMin: 42_400,
      portMax: 42_499,
      clock: systemClock,
      logger,
    });
    pool = await startVoicePool({
      workers,
      rtp: { host, portMin: 42_500, portMax: 42_599 },
      connectSpeech: null,
      llm: { openaiBaseUrl: 'http://127.0.0.1:9/v1', openaiApiKey: null, allowPrivateTargets: [] },
      workerLog: { level: 'silent', destination: '-' },
      logger,
    });
  });
  afterEach(async () => {
    await Promise.all(phones.map(({ call }) => call.close()));
    for (const { stream } of phones) stream.close();
    for (const socket of sockets.splice(0)) socket.close();
    phones = [];
  });
  afterAll(async () => {
    await pool.close();
    engine.close();
    await rm(directory, { recursive: true });
  });

  function lineOf(roomId: string): OpenCall {
    return {
      callId: `call_${++count}`,
      direction: 'outbound',
      agent: agentConfigSchema.parse({ name: 'test', type: 'llm', greeting: 'Hello there.' }),
      variables: {},
      secrets: {},
      recordingPath: null,
      mediaTimeouts: { firstPacketMs: 30_000, lostMs: 60_000, holdMs: 1_800_000 },
      room: { id: roomId, ringback: false },
      silent: true,
    };
  }

  function connect(call: VoiceCallHandle, remotePort: number): void {
    const remote = { remoteHost: '127.0.0.1', remotePort, direction: 'sendrecv' as const };
    call.media({ ...CODEC, ...remote, ptimeMs: 20 });
    call.answered(systemClock.now());
  }

  async function phone(
    roomId: string,
    level: number,
    onEvent: (event: VoiceCallEvent) => void = () => undefined,
  ): Promise<Phone> {
    const call = await pool.open(lineOf(roomId), onEvent);
    const stream = await engine.open();
    const self: Phone = { call, stream, level, heard: [] };
    const frame = new Int16Array(160).fill(level);
    stream.onTick = (played) => {
      self.heard.push(played ? Math.round(played.reduce((sum, one) => sum + one, 0) / 160) : 0);
      return level === 0 ? null : frame;
    };
    stream.connect({ ...CODEC, host: '127.0.0.1', port: call.rtpPort, direction: 'sendrecv' });
    connect(call, stream.localPort);
    phones.push(self);
    return self;
  }

  /** Resolves when half a second from now on was at one level, within the 3 % that PCMU keeps. */
  async function hears({ heard }: Phone, level: number): Promise<void> {
    const from = heard.length;
    const isSteady = (): boolean =>
      heard.length >= from + 25 &&
      heard.slice(-25).every((one) => Math.abs(one - level) <= 20 + level * 0.03);
    await expect.poll(isSteady, { interval: 50 }).toBe(true);
  }

  /** The header of every packet that a call sends to a far end which says nothing. */
  async function listen(roomId: string): Promise<{ call: VoiceCallHandle; packets: Header[] }> {
    const call = await pool.open(lineOf(roomId), () => undefined);
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    sockets.push(socket);
    await once(socket, 'listening');
    const packets: Header[] = [];
    socket.on('message', (bytes) =>
      packets.push({
        sequence: bytes.readUInt16BE(2),
        timestamp: bytes.readUInt32BE(4),
        ssrc: bytes.readUInt32BE(8),
      }),
    );
    connect(call, socket.address().port);
    return { call, packets };
  }

  it('hears and is heard in the new room only, and comes back', async () => {
    const [one, two] = [`room_${++count}`, `room_${++count}`];
    const a = await phone(one, 1_000);
    const c = await phone(two, 8_000);
    const b = await phone(one, 3_000);
    await Promise.all([hears(a, 3_000), hears(b, 1_000), hears(c, 0)]);
    await b.call.enterRoom(two, OPEN);
    expect(b.call.roomId).toBe(two);
    await Promise.all([hears(a, 0), hears(b, 8_000), hears(c, 3_000)]);
    // Whoever comes later is where the room is.
    const d = await phone(two, 500);
    await Promise.all([hears(d, 11_000), hears(b, 8_500), hears(c, 3_500)]);
    await Promise.all([b.call.enterRoom(one, OPEN), b.call.enterRoom(one, OPEN)]);
    await Promise.all([hears(a, 3_000), hears(b, 1_000), hears(c, 500)]);
  });

  it('is muted and deaf in the new room from the first moment on', async () => {
    const [one, two] = [`room_${++count}`, `room_${++count}`];
    const a = await phone(one, 1_000);
    const c = await phone(two, 8_000);
    await a.call.enterRoom(two, { muted: true, deaf: true, unheard: [] });
    const before = c.heard.length;
    await expect.poll(() => c.heard.length).toBeGreaterThan(before + 25);
    expect(Math.max(...c.heard)).toBe(0);
    await hears(a, 0);
    a.call.seat('caller', OPEN);
    await Promise.all([hears(a, 8_000), hears(c, 1_000)]);
  });

  it('keeps its stream: one SSRC, every sequence number, timestamps that grow by a frame', async () => {
    const [one, two] = [`room_${++count}`, `room_${++count}`];
    await phone(one, 1_000);
    await phone(two, 8_000);
    const { call, packets } = await listen(one);
    await expect.poll(() => packets.length).toBeGreaterThan(25);
    await call.enterRoom(two, OPEN);
    const moved = packets.length;
    await expect.poll(() => packets.length).toBeGreaterThan(moved + 50);
    expect(new Set(packets.map(({ ssrc }) => ssrc)).size).toBe(1);
    packets.slice(1).forEach(({ sequence, timestamp }, index) => {
      const before = packets[index] as Header;
      expect((sequence - before.sequence) & 0xffff).toBe(1);
      expect((timestamp - before.timestamp) >>> 0).toBe(160);
    });
    await call.close();
  });

  it('leaves its agent behind and takes another one, heard by all in the new room', async () => {
    const [one, two] = [`room_${++count}`, `room_${++count}`];
    const { promise: heardAgent, resolve } = Promise.withResolvers<void>();
    const a = await phone(one, 0, (event) => {
      if (event.type === 'first-agent-audio') resolve();
    });
    const c = await phone(two, 0);
    const agent = agentConfigSchema.parse({
      name: 'test',
      type: 'llm',
      greeting: 'Hello there, this takes a while to say.',
      stt: { provider: 'fake' },
      tts: { provider: 'fake' },
      llm: { provider: 'fake' },
    });
    await a.call.attachAgent({ agent, variables: {}, secrets: {} });
    await heardAgent;
    await a.call.enterRoom(two, OPEN);
    await hears(a, 0);
    await a.call.attachAgent({ agent, variables: {}, secrets: {} });
    const loud = (heard: number[]): boolean => heard.some((level) => Math.abs(level) > 20);
    await expect.poll(() => loud(c.heard)).toBe(true);
  });

  it('is recorded where it is, also by its own handle, and no more where it was', async () => {
    const [one, two] = [`room_${++count}`, `room_${++count}`];
    const a = await phone(one, 1_000);
    const c = await phone(two, 0);
    const paths = { one: join(directory, `${one}.wav`), two: join(directory, `${two}.wav`) };
    const tap = { channels: 'mono', of: null } as const;
    await a.call.startTap({ ...tap, id: 'rec_1', path: paths.one });
    await hears(a, 0);
    await a.call.enterRoom(two, OPEN);
    // The old room is empty: its recording is complete by now.
    expect(readWav(await readFile(paths.one)).sampleRateHz).toBe(8_000);
    await hears(c, 1_000);
    await a.call.startTap({ ...tap, id: 'rec_2', path: paths.two });
    await hears(c, 1_000);
    await a.call.stopTap('rec_2');
    const [left = []] = readWav(await readFile(paths.two)).channels;
    expect(left.length).toBeGreaterThan(8_000 * 0.3);
    expect(Math.abs(Math.max(...left) - 1_000)).toBeLessThan(60);
  });
});
