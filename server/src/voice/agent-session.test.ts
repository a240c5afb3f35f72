import { describe, expect, it } from 'vitest';
import { ProviderError } from '../providers/provider-error.ts';
import { SessionDriver } from './testing/session-driver.ts';

describe('greeting', () => {
  it('is synthesised before the answer and starts with the first packet', async () => {
    const driver = new SessionDriver();
    await driver.prepare();
    expect(driver.tts.asked).toEqual(['Hello, this is the dental office.']);
    driver.session.answered(driver.clock.now());
    await driver.nothing(200);
    expect(driver.ticksOf(1)).toBe(0);
    driver.session.firstPacket();
    await driver.nothing(20);
    expect(driver.line.at(-1)).toBe(1);
    expect(driver.of('first-agent-audio')).toEqual([{ type: 'first-agent-audio', atMs: 220 }]);
  });

  it('starts 1 s after the answer when nothing is heard of the far end', async () => {
    const driver = new SessionDriver();
    await driver.prepare();
    driver.session.answered(driver.clock.now());
    await driver.nothing(980);
    expect(driver.ticksOf(1)).toBe(0);
    await driver.nothing(20);
    expect(driver.line.at(-1)).toBe(1);
  });

  it('does not start before the answer although early media arrives', async () => {
    const driver = new SessionDriver();
    await driver.prepare();
    driver.session.firstPacket();
    await driver.silence(2_000);
    expect(driver.ticksOf(1)).toBe(0);
    driver.session.answered(driver.clock.now());
    await driver.silence(20);
    expect(driver.line.at(-1)).toBe(1);
  });

  it('rejects prepare when the voice fails, so that nothing is dialled', async () => {
    const driver = new SessionDriver();
    driver.tts.failures.push(new ProviderError('tts', 'no such voice', { retryable: false }));
    await expect(driver.prepare()).rejects.toThrow('no such voice');
  });

  it('lets the caller speak first when there is none', async () => {
    const driver = await SessionDriver.answered({ opening: null });
    await driver.silence(200);
    await driver.speech(600);
    await driver.silence(700);
    expect(driver.dialogue.committed).toEqual([
      { type: 'speech', text: 'Yes, that works.', confidence: 0.9 },
    ]);
  });
});

describe('turn', () => {
  it('is answered from a guess made in the pause, as soon as the turn is over', async () => {
    const driver = await SessionDriver.listening();
    await driver.speech(800);
    await driver.silence(1_000);
    const [turn] = driver.of('turn').filter(({ turn }) => turn.latency !== null);
    // The answer was ready before the 400 ms of silence were over.
    expect(turn).toBeUndefined();
    await driver.silence(2_000);
    const answer = driver.of('turn').find(({ turn }) => turn.latency !== null)?.turn;
    expect(answer?.text).toBe('All right then.');
    expect(answer?.latency?.totalMs).toBeGreaterThanOrEqual(400);
    expect(answer?.latency?.totalMs).toBeLessThanOrEqual(460);
    expect(answer?.latency?.endpointingMs).toBeGreaterThanOrEqual(400);
    expect(driver.stt.asked).toBe(1);
  });

  it('hardly takes longer than its providers where these take longer than the wait', async () => {
    const driver = await SessionDriver.listening();
    driver.stt.latencyMs = 600;
    await driver.speech(800);
    await driver.silence(3_000);
    const latency = driver.of('turn').find(({ turn }) => turn.latency !== null)?.turn.latency;
    expect(latency?.sttMs).toBe(600);
    expect(latency?.totalMs).toBeLessThanOrEqual(600 + 20 + 80);
  });

  it('forgets the guess when the caller goes on, and asks again at the next pause', async () => {
    const driver = await SessionDriver.listening();
    await driver.speech(600);
    await driver.silence(240);
    expect(driver.dialogue.asked).toHaveLength(1);
    await driver.speech(600);
    expect(driver.dialogue.aborted).toHaveLength(1);
    expect(driver.dialogue.committed).toHaveLength(0);
    await driver.silence(800);
    expect(driver.dialogue.committed).toHaveLength(1);
    expect(driver.of('turn').filter(({ turn }) => turn.speaker === 'caller')).toHaveLength(1);
    const said = driver.line.filter((value) => value > 1);
    expect(new Set(said)).toEqual(new Set([3]));
  });

  it('is guessed when speech fades, and answered only after silence', async () => {
    const driver = await SessionDriver.listening();
    // So long that the fading fills whole frames of the detector.
    await driver.speech(620);
    await driver.fadingSpeech(40);
    expect(driver.stt.asked).toBe(1);
    await driver.silence(380);
    expect(driver.dialogue.asked).toHaveLength(1);
    expect(driver.dialogue.committed).toHaveLength(0);
    await driver.silence(100);
    expect(driver.dialogue.committed).toHaveLength(1);
    expect(driver.stt.asked).toBe(1);
  });

  it('forgets a guess made while speech faded when it goes on, and the next waits for silence', async () => {
    const driver = await SessionDriver.listening();
    // So long that the fading fills whole frames of the detector.
    await driver.speech(620);
    await driver.fadingSpeech(40);
    expect(driver.stt.asked).toBe(1);
    await driver.speech(280);
    await driver.fadingSpeech(160);
    expect(driver.stt.asked).toBe(1);
    expect(driver.dialogue.committed).toHaveLength(0);
    await driver.silence(60);
    expect(driver.stt.asked).toBe(2);
    await driver.silence(500);
    expect(driver.dialogue.committed).toHaveLength(1);
    expect(driver.of('turn').filter(({ turn }) => turn.speaker === 'caller')).toHaveLength(1);
  });

  it('waits longer after a dangling word', async () => {
    const driver = await SessionDriver.listening();
    driver.stt.text = 'I would like to';
    await driver.speech(600);
    await driver.silence(900);
    expect(driver.dialogue.committed).toHaveLength(0);
    await driver.silence(300);
    expect(driver.dialogue.committed).toHaveLength(1);
  });

  it('goes on listening when no words were in it', async () => {
    const driver = await SessionDriver.listening();
    driver.stt.text = '';
    await driver.speech(400);
    await driver.silence(1_500);
    expect(driver.dialogue.asked).toHaveLength(0);
    driver.stt.text = 'Yes.';
    await driver.speech(400);
    await driver.silence(600);
    expect(driver.dialogue.committed).toHaveLength(1);
  });

  it('ends although the far end sends nothing in silence', async () => {
    const driver = await SessionDriver.listening();
    await driver.speech(600);
    await driver.nothing(700);
    expect(driver.dialogue.committed).toHaveLength(1);
  });

  it('shows interim and final transcripts of both sides under one turn id each', async () => {
    const driver = await SessionDriver.listening();
    await driver.speech(600);
    await driver.silence(3_000);
    const caller = driver.of('transcript').filter(({ speaker }) => speaker === 'caller');
    expect(caller.map(({ final }) => final)).toEqual([false, true]);
    expect(new Set(caller.map(({ turnId }) => turnId)).size).toBe(1);
    const agent = driver.of('transcript').filter(({ speaker }) => speaker === 'agent');
    expect(agent.map(({ text, final }) => [text, final])).toEqual([
      ['Hello, this is the dental office.', false],
      ['Hello, this is the dental office.', true],
      ['All right then.', false],
      ['All right then.', true],
    ]);
  });

  it('synthesises the next sentence while the former plays', async () => {
    const driver = await SessionDriver.listening({
      replies: [
        [
          { type: 'say', text: 'The first sentence.' },
          { type: 'say', text: 'The second one.' },
          { type: 'say', text: 'And the third.' },
          { type: 'say', text: 'At last the fourth.' },
        ],
      ],
    });
    await driver.speech(600);
    await driver.silence(700);
    expect(driver.line.at(-1)).toBe(2);
    expect(driver.tts.asked.slice(1)).toEqual([
      'The first sentence.',
      'The second one.',
      'And the third.',
    ]);
    await driver.silence(6_000);
    expect(driver.dialogue.heardTexts.at(-1)).toEqual({
      text: 'The first sentence. The second one. And the third. At last the fourth.',
      interrupted: false,
    });
  });
});

describe('barge-in', () => {
  const long = 'one two three four five six seven eight nine ten eleven twelve thirteen.';

  it('silences the agent within 100 ms of speech and cuts the transcript at the word', async () => {
    const driver = await SessionDriver.answered({ opening: long });
    await driver.silence(1_000);
    const before = driver.line.length;
    driver.stt.text = 'no wait a moment';
    await driver.speech(800);
    const audible = driver.line.slice(before).filter((value) => value === 1).length;
    expect(audible).toBeLessThanOrEqual(5);
    expect(driver.of('interrupted')[0]?.reactionMs).toBeLessThanOrEqual(100);
    const cut = driver.of('turn')[0]?.turn;
    expect(cut?.interrupted).toBe(true);
    // Played 1,000 ms and the reaction: 18 characters of 60 ms.
    expect(cut?.text).toBe('one two three four');
    expect(driver.dialogue.heardTexts[0]).toEqual({ text: cut?.text, interrupted: true });
    await driver.silence(1_000);
    expect(driver.dialogue.committed).toHaveLength(1);
  });

  it('goes on where the sentence stopped after a cough', async () => {
    const driver = await SessionDriver.answered({ opening: long });
    await driver.silence(1_000);
    driver.stt.text = '';
    await driver.speech(120);
    await driver.silence(6_000);
    expect(driver.of('interrupted')).toHaveLength(0);
    expect(driver.ticksOf(1)).toBe(long.length * 3);
    expect(driver.dialogue.heardTexts).toEqual([{ text: long, interrupted: false }]);
    expect(driver.dialogue.asked).toHaveLength(0);
  });

  it('goes on after a sign of listening', async () => {
    const driver = await SessionDriver.answered({ opening: long });
    await driver.silence(1_000);
    driver.stt.text = 'Uh huh.';
    await driver.speech(360);
    await driver.silence(6_000);
    expect(driver.of('interrupted')).toHaveLength(0);
    expect(driver.dialogue.heardTexts).toEqual([{ text: long, interrupted: false }]);
  });

  it('gives way to two words however short', async () => {
    const driver = await SessionDriver.answered({ opening: long });
    await driver.silence(1_000);
    driver.stt.text = 'Stop now.';
    await driver.speech(320);
    await driver.silence(400);
    expect(driver.of('interrupted')).toHaveLength(1);
    await driver.silence(600);
    expect(driver.dialogue.committed).toEqual([
      { type: 'speech', text: 'Stop now.', confidence: 0.9 },
    ]);
  });

  it('takes one word for an answer when the agent was about to finish', async () => {
    const driver = await SessionDriver.answered({ opening: 'Is that all right?' });
    await driver.silence(700);
    driver.stt.text = 'Yes.';
    await driver.speech(320);
    await driver.silence(1_000);
    expect(driver.dialogue.committed).toHaveLength(1);
  });

  it('is not possible where the agent is not interruptible, but later words are heard', async () => {
    const driver = await SessionDriver.answered(
      { opening: 'Please listen to this.' },
      { turn: { interruptible: false } },
    );
    await driver.silence(500);
    await driver.speech(1_400);
    expect(driver.dialogue.heardTexts).toEqual([
      { text: 'Please listen to this.', interrupted: false },
    ]);
    await driver.silence(1_000);
    expect(driver.dialogue.committed).toHaveLength(1);
  });

  it('never plays audio that arrives late for the interrupted turn', async () => {
    const driver = await SessionDriver.listening({
      replies: [
        [
          { type: 'say', text: 'This is a long first sentence of mine.' },
          { type: 'say', text: 'This second one must not be heard.' },
        ],
        [{ type: 'say', text: 'Right.' }],
      ],
    });
    await driver.speech(600);
    await driver.silence(800);
    expect(driver.line.at(-1)).toBe(2);
    await driver.speech(800);
    await driver.silence(3_000);
    expect(driver.tts.asked[2]).toBe('This second one must not be heard.');
    expect(driver.ticksOf(3)).toBe(0);
    expect(driver.dialogue.committed).toHaveLength(2);
    expect(driver.line).toContain(4);
  });
});

describe('end of the call', () => {
  it('is requested by the agent only when its goodbye was played out', async () => {
    const driver = await SessionDriver.listening({
      replies: [
        [
          { type: 'say', text: 'Thank you, goodbye.' },
          { type: 'end-call', reason: 'agent-goodbye' },
        ],
      ],
    });
    await driver.speech(600);
    await driver.silenceUntil(() => driver.of('end-requested').length > 0);
    expect(driver.of('end-requested')).toEqual([
      { type: 'end-requested', reason: 'agent-goodbye' },
    ]);
    expect(driver.ticksOf(2)).toBe('Thank you, goodbye.'.length * 3);
    expect(driver.line.at(-1)).toBe(0);
    expect(driver.dialogue.heardTexts.at(-1)?.text).toBe('Thank you, goodbye.');
  });

  it('waits for the goodbye that the host asked for, and is not requested then', async () => {
    const driver = await SessionDriver.listening();
    const order: string[] = [];
    const finish = async (): Promise<void> => {
      await driver.session.finish('Bye for now.');
      order.push('finished');
    };
    const done = finish();
    await driver.silence(600);
    order.push('still speaking');
    await driver.silence(400);
    await done;
    expect(order).toEqual(['still speaking', 'finished']);
    expect(driver.ticksOf(2)).toBe('Bye for now.'.length * 3);
    expect(driver.of('end-requested')).toHaveLength(0);
  });

  it('comes with the goodbye at the maximum duration', async () => {
    const driver = await SessionDriver.listening(
      {},
      {
        max_duration_s: 10,
        goodbye: 'Time is up.',
        silence: { prompt_after_ms: 60_000, hangup_after_ms: 120_000 },
      },
    );
    await driver.silenceUntil(() => driver.of('end-requested').length > 0);
    expect(driver.of('end-requested')[0]?.reason).toBe('max-duration');
    expect(driver.ticksOf(2)).toBe('Time is up.'.length * 3);
  });

  it('stops everything at close', async () => {
    const driver = await SessionDriver.answered();
    await driver.silence(400);
    driver.session.close();
    driver.session.close();
    await driver.silence(400);
    expect(driver.line.slice(-20).every((value) => value === 0)).toBe(true);
    expect(driver.clock.pendingCount).toBe(0);
  });

  it('cuts off the sentence that is being said, whoever ends it, and not one that was said', async () => {
    const hungUp = await SessionDriver.answered();
    await hungUp.silence(400);
    hungUp.session.close();
    expect(hungUp.of('turn')[0]?.turn).toMatchObject({ text: 'Hello,', interrupted: true });
    const whole = await SessionDriver.answered();
    const opening = 'Hello, this is the dental office.';
    await whole.silenceUntil(() => whole.ticksOf(1) === opening.length * 3);
    expect(whole.of('turn')).toHaveLength(0);
    whole.session.close();
    expect(whole.of('turn')[0]?.turn).toMatchObject({ text: opening, interrupted: false });
  });
});

describe('silence', () => {
  it('is asked about after 7 s and ends the call after 15 s, prompts not counted', async () => {
    const driver = await SessionDriver.listening();
    const quietFromMs = driver.clock.monotonicMs();
    await driver.silenceUntil(() => driver.ticksOf(2) > 0);
    const promptMs = driver.clock.monotonicMs() - quietFromMs;
    expect(promptMs).toBeGreaterThanOrEqual(7_000);
    expect(promptMs).toBeLessThanOrEqual(7_100);
    await driver.silenceUntil(() => driver.of('end-requested').length > 0);
    expect(driver.of('end-requested')[0]?.reason).toBe('silence');
    const promptedMs = 'Are you still there?'.length * 60;
    const endMs = driver.clock.monotonicMs() - quietFromMs - promptedMs;
    expect(endMs).toBeGreaterThanOrEqual(15_000);
    expect(endMs).toBeLessThanOrEqual(15_200);
  });

  it('is not counted on a line that no packet ever came over', async () => {
    const driver = new SessionDriver();
    await driver.prepare();
    driver.session.answered(driver.clock.now());
    await driver.nothing(40_000);
    expect(driver.of('end-requested')).toEqual([]);
    expect(driver.tts.asked).toHaveLength(1);
  });

  it('begins when the last frame was played, not when it was queued', async () => {
    const opening = 'a'.repeat(150);
    const driver = await SessionDriver.answered({ opening });
    await driver.silence(9_000 + 6_900);
    expect(driver.tts.asked).toHaveLength(1);
    await driver.silence(300);
    expect(driver.tts.asked).toHaveLength(2);
  });

  it('starts afresh when the caller was heard', async () => {
    const driver = await SessionDriver.listening();
    await driver.silence(6_000);
    await driver.speech(600);
    await driver.silence(6_000);
    expect(driver.tts.asked).toHaveLength(2);
    expect(driver.dialogue.committed).toHaveLength(1);
  });
});

describe('keys', () => {
  it('interrupt the agent and are an answer at the wanted length', async () => {
    const driver = await SessionDriver.answered({ dtmfMaxDigits: 1 });
    await driver.silence(400);
    driver.session.dtmf('1');
    await driver.silence(100);
    expect(driver.dialogue.committed).toEqual([{ type: 'dtmf', digits: '1' }]);
    expect(driver.of('turn')[0]?.turn.interrupted).toBe(true);
    expect(driver.of('dtmf')).toEqual([{ type: 'dtmf', digit: '1', from: 'caller' }]);
    expect(driver.line.at(-1)).toBe(2);
  });

  it('are collected until # or until none comes for 3 s', async () => {
    const driver = await SessionDriver.listening();
    for (const digit of '12#') driver.session.dtmf(digit);
    await driver.silence(2_000);
    driver.session.dtmf('3');
    await driver.silence(2_900);
    expect(driver.dialogue.committed).toHaveLength(1);
    await driver.silence(200);
    expect(driver.dialogue.committed).toEqual([
      { type: 'dtmf', digits: '12' },
      { type: 'dtmf', digits: '3' },
    ]);
  });

  it('are pressed by the agent after what it said before was played', async () => {
    const driver = await SessionDriver.listening({
      replies: [
        [
          { type: 'say', text: 'One moment.' },
          { type: 'dtmf', digits: '42' },
        ],
      ],
    });
    await driver.speech(600);
    await driver.silence(800);
    expect(driver.sentDigits).toEqual([]);
    await driver.silence(800);
    expect(driver.sentDigits).toEqual(['42']);
  });
});
