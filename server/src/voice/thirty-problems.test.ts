import { describe, expect, it } from 'vitest';
import { SessionDriver } from './testing/session-driver.ts';

/** Problems that people report of phone agents, each shown to be none here. */

const long = 'one two three four five six seven eight nine ten eleven twelve thirteen.';

describe('who answered', () => {
  it('1: voicemail and human are told apart although SIP says 200 for both', async () => {
    const machine = await SessionDriver.answered({ opening: long }, { answering: {} });
    await machine.says('You have reached the voicemail of Jo. Leave a message.', 2_000, 1_000);
    const person = await SessionDriver.answered({ opening: long }, { answering: {} });
    await person.says('Hello?', 400, 1_000);
    const [one, other] = [machine, person].map((d) => d.of('answered-by').at(-1)?.report);
    expect([one?.answeredBy, other?.answeredBy]).toEqual(['voicemail', 'human']);
  });

  it('2: finding out does not hold the greeting back, nor does it change when it begins', async () => {
    const starts = await Promise.all(
      [{ answering: {} }, {}].map(async (config) => {
        const driver = await SessionDriver.answered({ opening: long }, config);
        await driver.silence(100);
        return driver.of('first-agent-audio')[0]?.atMs;
      }),
    );
    expect(starts[0]).toBe(starts[1]);
    expect(starts[0]).toBeLessThanOrEqual(20);
  });

  it('3: it is never off in silence: a call says what is known, or that nothing is', async () => {
    const driver = await SessionDriver.answered({ opening: long }, { answering: {} });
    await driver.silence(2_000);
    driver.session.close();
    expect(driver.of('answered-by')).toMatchObject([{ report: { answeredBy: 'unknown' } }]);
  });

  it('5: a call-screening assistant is told who is calling and why', async () => {
    const answering = { screening: 'answer', screening_answer: 'The dental office.' } as const;
    const driver = await SessionDriver.answered({ opening: long }, { answering });
    await driver.says('Please say your name and why you are calling.', 2_000, 3_000);
    expect(driver.of('turn').map(({ turn }) => turn.text)).toContain('The dental office.');
  });
});

describe('turns', () => {
  it('7: a number is not cut where its speaker pauses, and a complete one is answered at once', async () => {
    const driver = await SessionDriver.listening();
    await driver.says('My number is five five five', 1_500, 1_100);
    expect(driver.dialogue.committed).toEqual([]);
    await driver.says('My number is five five five oh one', 1_200, 1_500);
    expect(driver.dialogue.committed).toMatchObject([
      { text: 'My number is five five five oh one' },
    ]);
    const [turn] = driver.of('turn').filter((event) => event.turn.speaker === 'caller');
    expect(turn?.turn.evidence).toMatchObject({
      endpointReason: 'digits',
      endpointSilenceMs: 1_300,
    });
  });

  it('8: an interruption stops audio that was made already, within 100 ms', async () => {
    const driver = await SessionDriver.answered({ opening: long });
    await driver.silence(1_000);
    const before = driver.line.length;
    await driver.says('No, wait a moment please.', 900, 400);
    expect(driver.line.slice(before).filter((value) => value === 1).length).toBeLessThanOrEqual(5);
    const [cut] = driver.of('turn');
    expect(cut?.turn.evidence?.interruptedAt).toMatchObject({ word: 'four', wordIndex: 3 });
  });

  it('9: what was being made of the interrupted answer is dropped and never heard', async () => {
    const replies = [
      [long, 'And a second sentence.', 'And a third.'].map(say),
      [say('Very well.')],
    ];
    const driver = await SessionDriver.listening({ replies });
    await driver.says('Tell me.', 700, 1_500);
    await driver.says('No, stop it now please.', 900, 700);
    await driver.silence(4_000);
    const heard = driver.of('turn').map(({ turn }) => turn.text);
    expect(heard.at(-1)).toBe('Very well.');
    expect(heard.join(' ')).not.toContain('second');
    expect(driver.dialogue.aborted).toContainEqual(expect.objectContaining({ text: 'Tell me.' }));
  });

  it('10: a cough is talked on after, and noise that took the floor gives it back', async () => {
    const cough = await SessionDriver.answered({ opening: long });
    await cough.silence(1_000);
    await cough.says('', 120, 6_000);
    expect(cough.of('turn').map(({ turn }) => turn.text)).toEqual([long]);

    const noise = await SessionDriver.answered({ opening: long });
    await noise.silence(1_000);
    await noise.says('', 4_200, 700);
    expect(noise.of('interrupted')).toHaveLength(1);
    await noise.silence(6_000);
    const said = noise.of('turn').map(({ turn }) => turn.text);
    expect(said).toHaveLength(2);
    expect(said.join(' ')).toBe(long);
    expect(noise.dialogue.heardTexts.at(-1)).toEqual({ text: long, interrupted: false });
    expect(noise.dialogue.committed).toEqual([]);
  });

  it('11: who stops listening is started anew, and the call goes on', async () => {
    const driver = await SessionDriver.listening();
    driver.stt.latencyMs = 60_000;
    await driver.says('Are you there?', 700, 13_500);
    expect(driver.of('provider-error')).toMatchObject([{ provider: expect.stringMatching(/stt/) }]);
    const apology = driver.of('turn').at(-1)?.turn;
    expect(apology).toMatchObject({ speaker: 'agent', text: expect.stringContaining('Sorry') });
    driver.stt.latencyMs = 50;
    await driver.says('Can you hear me now?', 700, 1_500);
    expect(driver.dialogue.committed).toMatchObject([{ text: 'Can you hear me now?' }]);
    expect(driver.of('end-requested')).toEqual([]);
  });

  it('12: nobody is hung up on for silence while the agent is still heard', async () => {
    const driver = await SessionDriver.answered(
      { opening: Array.from({ length: 5 }, () => long).join(' '), silences: [null, null] },
      { silence: { prompt_after_ms: 2_000, hangup_after_ms: 4_000 } },
    );
    await driver.silence(18_000);
    expect(driver.of('end-requested')).toEqual([]);
    await driver.silence(9_000);
    expect(driver.of('end-requested')).toEqual([{ type: 'end-requested', reason: 'silence' }]);
  });

  it('13: the goodbye is heard to its last word before the call ends, whatever is said over it', async () => {
    const goodbye = [say('Thank you very much, and goodbye.'), END];
    const driver = await SessionDriver.listening({ replies: [goodbye] });
    await driver.says('That is all.', 700, 1_200);
    await driver.says('Okay thank you so much bye now.', 900, 2_000);
    expect(driver.of('turn').at(-1)?.turn).toMatchObject({
      text: 'Thank you very much, and goodbye.',
      interrupted: false,
    });
    expect(driver.of('end-requested')).toHaveLength(1);
  });

  it('29: a long wait for an answer is filled, and the answer follows', async () => {
    const turn = { filler_after_ms: 500, fillers: ['One moment.'] };
    const driver = await SessionDriver.listening({ replies: [[say('It is at ten.')]] }, { turn });
    const synthesize = driver.tts.synthesize.bind(driver.tts);
    driver.tts.synthesize = async function* slowly(request) {
      if (request.text === 'It is at ten.') await driver.clock.sleep(3_000, request.signal);
      yield* synthesize(request);
    };
    await driver.says('When is it?', 700, 5_000);
    const [answer] = driver.of('turn').filter((event) => event.turn.text.includes('ten'));
    expect(answer?.turn.text).toBe('One moment. It is at ten.');
    const { fillerMs = 0, firstAudioMs = 0, endpointMs = 0 } = answer?.turn.evidence ?? {};
    expect(fillerMs - endpointMs).toBeLessThan(700);
    expect(firstAudioMs - fillerMs).toBeGreaterThan(1_000);
    expect(driver.dialogue.heardTexts.at(-1)?.text).toBe('It is at ten.');
  });

  it('30: keys are heard whole, and are pressed when what was said before them was heard', async () => {
    const keys = { type: 'dtmf', digits: '42#' } as const;
    const driver = await SessionDriver.listening({
      dtmfMaxDigits: 4,
      replies: [[say('I press now.'), keys]],
    });
    for (const digit of '1234') {
      driver.session.dtmf(digit);
      await driver.silence(200);
    }
    expect(driver.dialogue.committed).toEqual([{ type: 'dtmf', digits: '1234' }]);
    expect(driver.sentDigits).toEqual([]);
    await driver.silence(2_000);
    expect(driver.sentDigits).toEqual(['42#']);
  });
});

function say(text: string): { type: 'say'; text: string } {
  return { type: 'say', text };
}
const END = { type: 'end-call', reason: 'agent-goodbye' } as const;
