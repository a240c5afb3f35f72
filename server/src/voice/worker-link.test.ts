import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { agentConfigSchema } from '../agents/agent-config.ts';
import { silentLogger } from '../shared/logger.ts';
import { WorkerLink } from './worker-link.ts';
import type { OpenCall, VoiceCallEvent } from './worker-protocol.ts';

/** A worker that opens every call, tells of one turn, and dies when a key is to be pressed. */
const MORTAL = `
  const { parentPort } = require('node:worker_threads');
  const turn = { id: 'turn_1', speaker: 'agent', text: 'Hello.', startedMs: 0, endedMs: 1, interrupted: false, confidence: null, latency: null };
  parentPort.on('message', ({ kind, id, name, args }) => {
    if (name === 'sendDtmf') process.exit(9);
    if (name === 'open') {
      parentPort.postMessage({ kind: 'cast', name: 'event', args: { callId: args.callId, event: { type: 'turn', turn } } });
    }
    const value = name === 'open' ? { rtpPort: 4000 } : {};
    if (kind === 'call') parentPort.postMessage({ kind: 'result', id, value });
  });
`;

function callNamed(callId: string): OpenCall {
  return {
    callId,
    direction: 'outbound',
    agent: agentConfigSchema.parse({ name: 'test' }),
    variables: {},
    secrets: {},
    recordingPath: null,
    mediaTimeouts: { firstPacketMs: 30_000, lostMs: 60_000, holdMs: 1_800_000 },
  };
}

describe('worker link', () => {
  const open: WorkerLink[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map((link) => link.close()));
  });

  function link(source: string): { link: WorkerLink; started: () => number } {
    let started = 0;
    const made = new WorkerLink({
      rtp: { host: '127.0.0.1', portMin: 0, portMax: 0 },
      connectSpeech: null,
      llm: { openaiBaseUrl: '', openaiApiKey: null, allowPrivateTargets: [] },
      workerLog: { level: 'silent', destination: '-' },
      logger: silentLogger,
      startWorker: () => {
        started++;
        return new Worker(source, { eval: true });
      },
    });
    open.push(made);
    return { link: made, started: () => started };
  }

  it('tells every call of a crash, restarts, and still reports what was known', async () => {
    const { link: one, started } = link(MORTAL);
    await one.ready();
    const ended: string[] = [];
    const bothEnded = Promise.withResolvers<void>();
    const listen =
      (name: string) =>
      (event: VoiceCallEvent): void => {
        if (event.type !== 'end-requested') return;
        ended.push(`${name} ${event.reason}`);
        if (ended.length === 2) bothEnded.resolve();
      };
    const a = await one.open(callNamed('call_a'), listen('a'));
    const b = await one.open(callNamed('call_b'), listen('b'));
    expect(one.liveCount).toBe(2);
    await expect(a.sendDtmf('1')).rejects.toThrow('ended');
    await bothEnded.promise;
    expect(ended).toEqual(['a voice-worker-crashed', 'b voice-worker-crashed']);
    expect(one.liveCount).toBe(0);
    await b.finish('Goodbye.');
    expect((await b.close()).turns.map(({ text }) => text)).toEqual(['Hello.']);
    await one.ready();
    expect(started()).toBe(2);
    const again = await one.open(callNamed('call_a'), () => undefined);
    expect(again.rtpPort).toBe(4_000);
    await again.close();
    expect(one.liveCount).toBe(0);
  });

  it('refuses a call that is open already', async () => {
    const { link: one } = link(MORTAL);
    await one.open(callNamed('call_a'), () => undefined);
    await expect(one.open(callNamed('call_a'), () => undefined)).rejects.toThrow('open already');
  });

  it('gives up a worker that never starts', async () => {
    const { link: one, started } = link('process.exit(3)');
    await expect(one.ready()).rejects.toThrow('ended');
    await expect.poll(() => one.usable).toBe(false);
    expect(started()).toBe(6);
  });
});
