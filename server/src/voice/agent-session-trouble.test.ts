import { describe, expect, it } from 'vitest';
import { ProviderError } from '../providers/provider-error.ts';
import { SessionDriver } from './testing/session-driver.ts';

describe('hold', () => {
  it('stops the agent in mid-sentence and lets it finish afterwards', async () => {
    const driver = await SessionDriver.answered();
    await driver.silence(400);
    driver.session.setHeld(true);
    const played = driver.ticksOf(1);
    await driver.speech(30_000);
    expect(driver.ticksOf(1)).toBe(played);
    expect(driver.stt.asked).toBe(0);
    expect(driver.of('end-requested')).toHaveLength(0);
    driver.session.setHeld(false);
    await driver.silence(3_000);
    expect(driver.ticksOf(1)).toBe('Hello, this is the dental office.'.length * 3);
    expect(driver.of('turn')[0]?.turn.interrupted).toBe(false);
  });

  it('puts on record what the caller was saying, and answers what is said afterwards', async () => {
    const driver = await SessionDriver.listening();
    driver.stt.text = 'One moment please.';
    await driver.speech(900);
    driver.session.setHeld(true);
    await driver.silence(1_000);
    const [said] = driver.of('turn').filter(({ turn }) => turn.speaker === 'caller');
    expect(said?.turn).toMatchObject({ text: 'One moment please.', confidence: 0.9 });
    expect((said?.turn.endedMs ?? 0) - (said?.turn.startedMs ?? 0)).toBeGreaterThan(700);
    expect(driver.dialogue.asked).toHaveLength(0);
    expect(driver.session.usage.sttMs).toBeGreaterThan(700);
    driver.session.setHeld(false);
    driver.stt.text = 'I am back.';
    await driver.speech(600);
    await driver.silence(800);
    expect(driver.dialogue.committed.map((input) => 'text' in input && input.text)).toEqual([
      'I am back.',
    ]);
  });

  it('records once what was being guessed at, and what was said over the agent', async () => {
    const pausing = await SessionDriver.listening();
    await pausing.speech(600);
    await pausing.silence(200);
    expect(pausing.dialogue.asked).toHaveLength(1);
    pausing.session.setHeld(true);
    await pausing.nothing(1_000);
    expect(pausing.dialogue.aborted).toHaveLength(1);
    expect(pausing.of('turn').filter(({ turn }) => turn.speaker === 'caller')).toHaveLength(1);
    const ducked = await SessionDriver.answered();
    await ducked.silence(200);
    await ducked.speech(200);
    ducked.session.setHeld(true);
    await ducked.nothing(1_000);
    expect(ducked.of('turn').map(({ turn }) => turn.speaker)).toEqual(['caller']);
    expect(ducked.of('interrupted')).toHaveLength(0);
  });

  it('tells of words before it that could not be recognised, and leaves none pending', async () => {
    const driver = await SessionDriver.listening();
    driver.stt.text = new ProviderError('stt', 'overloaded', { retryable: true });
    await driver.speech(600);
    driver.session.setHeld(true);
    await driver.nothing(400);
    expect(driver.of('provider-error')).toEqual([
      { type: 'provider-error', provider: 'stt', message: 'overloaded' },
    ]);
    driver.session.setHeld(false);
    await driver.speech(600);
    driver.session.setHeld(true);
    driver.session.close();
    await driver.nothing(400);
    expect(driver.of('provider-error')).toHaveLength(1);
  });

  it('counts no silence', async () => {
    const driver = await SessionDriver.listening();
    driver.session.setHeld(true);
    await driver.nothing(60_000);
    expect(driver.tts.asked).toHaveLength(1);
    driver.session.setHeld(false);
    await driver.nothing(7_100);
    expect(driver.tts.asked).toHaveLength(2);
  });
});

describe('provider failure', () => {
  it('of the recogniser is apologised for once and ends the call the second time', async () => {
    const driver = await SessionDriver.listening({}, { goodbye: 'Goodbye.' });
    driver.stt.text = new ProviderError('stt', 'overloaded', { retryable: true });
    await driver.speech(600);
    await driver.silence(6_000);
    expect(driver.tts.asked[1]).toContain('trouble hearing');
    expect(driver.of('provider-error')).toEqual([
      { type: 'provider-error', provider: 'stt', message: 'overloaded' },
    ]);
    await driver.speech(600);
    await driver.silence(3_000);
    expect(driver.of('end-requested')).toEqual([
      { type: 'end-requested', reason: 'provider-error' },
    ]);
    expect(driver.ticksOf(3)).toBe('Goodbye.'.length * 3);
  });

  it('of the dialogue is apologised for in the same turn', async () => {
    const driver = await SessionDriver.listening({ breaksWith: new Error('no model') });
    await driver.speech(600);
    await driver.silence(6_000);
    expect(driver.tts.asked[1]).toContain('technical problem');
    expect(driver.of('end-requested')).toHaveLength(0);
    await driver.speech(600);
    await driver.silence(5_000);
    expect(driver.of('end-requested')).toEqual([
      { type: 'end-requested', reason: 'provider-error' },
    ]);
  });

  it('that the dialogue has dealt with is told as a failure, other notes as notes', async () => {
    const data = { provider: 'openai', message: 'openai: the endpoint answered 500' };
    const driver = await SessionDriver.listening({
      replies: [
        [
          { type: 'say', text: 'I am sorry.' },
          { type: 'note', name: 'provider-error', data },
          { type: 'note', name: 'tool', data: { tool: 'x' } },
        ],
      ],
    });
    await driver.speech(600);
    await driver.silence(3_000);
    expect(driver.of('provider-error')).toEqual([
      { type: 'provider-error', provider: 'openai', message: 'the endpoint answered 500' },
    ]);
    expect(driver.of('note')).toEqual([{ type: 'note', name: 'tool', data: { tool: 'x' } }]);
  });

  it('of the voice is tried once more and then ends the call', async () => {
    const driver = await SessionDriver.listening();
    driver.tts.failures.push(new ProviderError('tts', 'restarting', { retryable: true }));
    await driver.speech(600);
    await driver.silence(2_500);
    expect(driver.dialogue.heardTexts.at(-1)?.text).toBe('All right then.');
    driver.tts.failures.push(new ProviderError('tts', 'gone', { retryable: false }));
    await driver.speech(600);
    await driver.silence(1_000);
    expect(driver.of('end-requested')).toEqual([
      { type: 'end-requested', reason: 'provider-error' },
    ]);
  });
});
