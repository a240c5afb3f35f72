import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Call } from '@trunkline/sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callAndWait, startProgram, type Program } from './harness/program.ts';
import { readStereoWav, rmsOf } from './harness/audio.ts';
import { shareOf, startJudge, wordsOf, type Judge } from './harness/judge.ts';

let program: Program;
let judge: Judge;

beforeAll(async () => {
  program = await startProgram();
  judge = await startJudge();
});
afterAll(async () => {
  await judge.close();
  await program.stop();
});

/**
 * What each number must end with, and what each side is heard to say. One of several words will do:
 * how well a synthetic voice is recognised is not what is tested here.
 */
const NUMBERS: readonly {
  number: string;
  what: string;
  expected: Partial<Pick<Call, 'status' | 'end_reason' | 'ended_by' | 'answered_by'>>;
  sip: number;
  caller?: RegExp;
  agent?: RegExp;
}[] = [
  {
    number: '+15005550100',
    what: 'no browser phone is open',
    expected: { status: 'no-answer', end_reason: 'unavailable', ended_by: 'callee' },
    sip: 480,
  },
  {
    number: '+15005550101',
    what: 'a person confirms',
    expected: { status: 'completed', answered_by: 'human' },
    sip: 200,
    caller: /yes|that|works|for me|good ?bye/i,
    agent: /bright smile/i,
  },
  {
    number: '+15005550102',
    what: 'busy',
    expected: { status: 'busy', end_reason: 'user-busy', ended_by: 'callee', answered_by: null },
    sip: 486,
  },
  {
    number: '+15005550104',
    what: 'voicemail',
    expected: { status: 'completed', end_reason: 'voicemail', answered_by: 'voicemail' },
    sip: 200,
    caller: /voice|mail|message|reached|leave|call|tone/i,
    agent: /bright smile/i,
  },
  {
    number: '+15005550105',
    what: 'declines',
    expected: { status: 'failed', end_reason: 'declined', ended_by: 'callee' },
    sip: 603,
  },
  {
    number: '+15005550106',
    what: 'number does not exist',
    expected: { status: 'failed', end_reason: 'invalid-number', ended_by: 'carrier' },
    sip: 404,
  },
  {
    number: '+15005550107',
    what: 'overloaded on the first gateway',
    expected: { status: 'completed' },
    sip: 200,
    caller: /yes|that|works|for me|good ?bye/i,
  },
  {
    number: '+15005550108',
    what: 'an IVR',
    expected: { status: 'completed', answered_by: 'ivr' },
    sip: 200,
    caller: /press|call|appointment|billing|clinic|key/i,
  },
  {
    number: '+15005550109',
    what: 'call screening',
    expected: { status: 'completed', answered_by: 'call-screening' },
    sip: 200,
    caller: /screening|calling|assistant|name|line/i,
  },
  {
    number: '+15005550110',
    what: 'echo',
    expected: { status: 'completed' },
    sip: 200,
    // Its own words interrupt it.
    agent: /hello/i,
    caller: /\w/,
  },
  {
    number: '+15005550111',
    what: 'says nothing',
    expected: {
      status: 'completed',
      end_reason: 'silence',
      ended_by: 'system',
      answered_by: 'unknown',
    },
    sip: 200,
    agent: /still there/i,
  },
  {
    number: '+15005550112',
    what: 'sends no audio',
    expected: { status: 'completed', end_reason: 'media-timeout', ended_by: 'system' },
    sip: 200,
  },
  {
    number: '+15005550113',
    what: 'interrupts',
    expected: { status: 'completed' },
    sip: 200,
    caller: /sorry|wait|moment|say|again|please/i,
  },
  {
    number: '+15005550114',
    what: 'hangs up in mid-sentence',
    expected: { status: 'completed', end_reason: 'callee-hangup', ended_by: 'callee' },
    sip: 200,
  },
  {
    number: '+15005550115',
    what: 'holds for 5 s',
    expected: { status: 'completed' },
    sip: 200,
    caller: /\w/,
  },
  {
    number: '+15005550142',
    what: 'any other number is a person',
    expected: { status: 'completed' },
    sip: 200,
    caller: /yes|that|works|for me|good ?bye/i,
  },
];

/** A few at a time: sixteen talking calls at once is another test's subject. */
const AT_ONCE = 4;

describe('the sandbox numbers', () => {
  const calls = new Map<string, Call>();

  beforeAll(async () => {
    const waiting = [...NUMBERS];
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        for (let next = waiting.shift(); next; next = waiting.shift()) {
          calls.set(next.number, await callAndWait(program, { to: next.number }));
        }
      }),
    );
  }, 600_000);

  it.each(NUMBERS)('$number: $what', async ({ number, expected, sip, caller, agent }) => {
    const call = calls.get(number);
    expect(call, 'the call is final').toBeDefined();
    if (!call) return;
    expect(call).toMatchObject({
      ...expected,
      sip: { code: sip },
      to: number,
      from: '+15005550199',
    });
    expect(call.timestamps.ended_at).not.toBeNull();
    expect(call.cost?.lines.map((line) => line.kind)).toEqual([
      'platform',
      'network',
      'transcriber',
      'model',
      'synthesizer',
    ]);
    const said = (speaker: 'caller' | 'agent'): string =>
      call.turns
        .filter((turn) => turn.speaker === speaker)
        .map((turn) => turn.text)
        .join(' ');
    if (caller) expect(said('caller')).toMatch(caller);
    if (agent) expect(said('agent')).toMatch(agent);
    if (sip === 200) {
      expect(call.timestamps.answered_at).not.toBeNull();
      expect(call.recording_url).toMatch(/\/recordings\//);
    } else {
      expect(call.timestamps.answered_at).toBeNull();
      expect(call.turns).toEqual([]);
      expect(call.recording_url).toBeNull();
    }
  });

  it('+15005550101 and the agent settle the appointment, and every turn says how long it took', () => {
    const call = calls.get('+15005550101');
    expect(call?.outcome).toMatchObject({ outcome: 'confirmed' });
    const answers = call?.turns.filter((turn) => turn.latency !== null) ?? [];
    expect(answers.length).toBeGreaterThanOrEqual(2);
    for (const { latency } of answers) {
      expect(latency?.total_ms).toBeGreaterThanOrEqual(latency?.endpointing_ms ?? Infinity);
    }
  });

  it('+15005550107 was dialled over the second gateway after the first was overloaded', async () => {
    const dialled = (await program.log())
      .split('\n')
      .filter((line) => line.includes('"behaviour":"overloaded"') && line.includes('is called'));
    expect(dialled).toHaveLength(2);
  });

  it('+15005550113 is cut where the caller began, and +15005550114 where the line went away', () => {
    const interrupted = calls.get('+15005550113')?.turns.find((turn) => turn.speaker === 'agent');
    expect(interrupted).toMatchObject({ interrupted: true });
    const whole = calls.get('+15005550111')?.turns.find((turn) => turn.speaker === 'agent')?.text;
    const cut = calls.get('+15005550114')?.turns.find((turn) => turn.speaker === 'agent')?.text;
    expect(cut?.length).toBeLessThan(whole?.length ?? 0);
  });

  it('records both sides in stereo: the far end left, the agent right', async () => {
    const call = calls.get('+15005550101');
    const wav = readStereoWav(await program.client.recording(call?.id ?? ''));
    expect(wav.sampleRateHz).toBe(8_000);
    const recordedMs = (wav.left.length / wav.sampleRateHz) * 1000;
    expect(Math.abs(recordedMs - (call?.recording_duration_ms ?? 0))).toBeLessThan(100);
    expect(rmsOf(wav.left)).toBeGreaterThan(200);
    expect(rmsOf(wav.right)).toBeGreaterThan(200);
  });

  it('has left what the agent said on the voicemail', async () => {
    const folder = path.join(program.dataDir, 'voicemail');
    const files = await readdir(folder);
    expect(files).toHaveLength(1);
    const message = readStereoWav(await readFile(path.join(folder, files[0] ?? '')));
    const heard = (await judge.transcribe(message.left)).join(' ');
    expect(heard).toMatch(/message|call us back|appointment|goodbye/i);
  });

  it('what the agent says in the transcript is what its side of the recording says', async () => {
    const call = calls.get('+15005550101');
    const wav = readStereoWav(await program.client.recording(call?.id ?? ''));
    const heard = (await judge.transcribe(wav.right)).join(' ');
    const said = (call?.turns ?? [])
      .filter((turn) => turn.speaker === 'agent')
      .map((turn) => turn.text)
      .join(' ');
    expect(shareOf(said, heard), `${said}\n${heard}`).toBeGreaterThan(0.75);
    expect(shareOf(heard, said), `${said}\n${heard}`).toBeGreaterThan(0.75);
  });

  it.each(['+15005550113', '+15005550114'])(
    '%s: the sentence that was cut ends in the transcript where it ends in the recording',
    async (number) => {
      const call = calls.get(number);
      const turn = call?.turns.find((one) => one.speaker === 'agent');
      const wav = readStereoWav(await program.client.recording(call?.id ?? ''));
      const at = (ms: number): number => Math.round((ms * wav.sampleRateHz) / 1000);
      const spoken = wav.right.subarray(at(turn?.started_ms ?? 0), at((turn?.ended_ms ?? 0) + 400));
      const heard = (await judge.transcribe(spoken)).join(' ');
      const difference = wordsOf(heard).length - wordsOf(turn?.text ?? '').length;
      // Beside the cut, recognition may make something else of the last words, or nothing.
      expect(Math.abs(difference), `${turn?.text}\n${heard}`).toBeLessThanOrEqual(3);
      const whole = wordsOf(turn?.text ?? '').slice(0, -3);
      expect(shareOf(whole.join(' '), heard), `${turn?.text}\n${heard}`).toBeGreaterThanOrEqual(
        0.5,
      );
      expect(heard).not.toMatch(/confirm/i);
    },
  );
});

describe('a call that nobody answers', () => {
  it('+15005550103 rings until the trunk’s time is over and is taken back', async () => {
    const { body } = await program.fetch('GET', '/v1/trunks');
    const [trunk] = (body as { data: { id: string }[] }).data;
    const patched = await program.fetch('PATCH', `/v1/trunks/${trunk?.id}`, {
      body: JSON.stringify({ ring_timeout_ms: 5_000 }),
    });
    expect(patched.status).toBe(200);
    const call = await callAndWait(program, { to: '+15005550103' });
    expect(call).toMatchObject({
      status: 'no-answer',
      end_reason: 'ring-timeout',
      ended_by: 'system',
      sip: { code: 487 },
    });
    expect(call.timestamps.ringing_at).not.toBeNull();
  });
});
