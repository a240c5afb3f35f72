import { describe, expect, it } from 'vitest';
import { BEEP, tone } from '../../audio/tone.ts';
import type { AgentConfigInput } from '../../agents/agent-config.ts';
import type { LlmProvider } from '../../providers/llm.ts';
import { SessionDriver } from '../testing/session-driver.ts';
import type { AnsweringReport } from './answering-report.ts';

const GREETING = 'Hello, this is the dental office, calling about your appointment of tomorrow.';
const MESSAGE = 'Please call us back.';
const MAILBOX = 'You have reached the voicemail of Jamie Parker.';
/** A beep of 400 ms that the stand-in for voice activity does not take for speech. */
const beep = tone(BEEP.map((segment) => ({ ...segment, levelDbfs: -20 })));

type Answering = NonNullable<AgentConfigInput['answering']>;

function called(answering: Answering, llm: LlmProvider | null = null): Promise<SessionDriver> {
  const type = llm === null ? 'scripted' : 'llm';
  return SessionDriver.answered({ opening: GREETING }, { answering, type }, llm);
}

function reportOf(driver: SessionDriver): AnsweringReport | undefined {
  return driver.of('answered-by').at(-1)?.report;
}

const agentSaid = (driver: SessionDriver): string[] =>
  driver.of('turn').flatMap(({ turn }) => (turn.speaker === 'agent' ? [turn.text] : []));

describe('a person', () => {
  it('is known by a short greeting and a pause, beside the first words of the agent', async () => {
    const driver = await called({ voicemail: 'hang-up' });
    await driver.silence(300);
    expect(driver.line.at(-1)).toBe(1);
    await driver.says('Hello?', 400, 700);
    expect(reportOf(driver)).toMatchObject({
      answeredBy: 'human',
      reason: 'short-greeting',
      action: 'none',
      evidence: { text: 'Hello?' },
    });
    expect(reportOf(driver)?.decidedMs).toBeLessThan(1_500);
    await driver.silence(6_000);
    expect(agentSaid(driver)).toEqual([GREETING]);
    expect(driver.of('end-requested')).toEqual([]);
  });

  it('is not taken for a machine by words that people say in a talk', async () => {
    const driver = await called({ voicemail: 'hang-up' });
    await driver.says('Hello?', 400, 6_000);
    await driver.says('I am busy, can you leave me a message with my wife?', 1_500, 3_000);
    expect(driver.of('answered-by').map(({ report }) => report.answeredBy)).toEqual(['human']);
    expect(driver.dialogue.committed).toHaveLength(1);
  });

  it('who seemed to answer is a mailbox after all when it beeps', async () => {
    const driver = await called({ voicemail: 'leave-message', message: MESSAGE });
    await driver.says('Hi this is Sam.', 900, 1_200);
    expect(reportOf(driver)?.answeredBy).toBe('human');
    await driver.sound(beep);
    await driver.silence(3_000);
    expect(reportOf(driver)).toMatchObject({
      answeredBy: 'voicemail',
      reason: 'beep',
      takenFor: 'human',
      message: { after: 'beep', complete: true },
    });
  });
});

describe('a mailbox', () => {
  it('is hung up on as soon as its words tell', async () => {
    const driver = await called({ voicemail: 'hang-up' });
    await driver.says(MAILBOX, 2_000, 500);
    expect(driver.of('end-requested')).toEqual([{ type: 'end-requested', reason: 'voicemail' }]);
    expect(reportOf(driver)).toMatchObject({
      answeredBy: 'voicemail',
      reason: 'words',
      action: 'hang-up',
      evidence: {
        words: 'You have reached the voicemail',
        rules: expect.arrayContaining(['voicemail']),
      },
    });
    expect(driver.dialogue.committed).toEqual([]);
  });

  it('gets the message within 600 ms of its beep, whole, and then the call ends', async () => {
    const driver = await called({ voicemail: 'leave-message', message: MESSAGE });
    await driver.says(MAILBOX, 2_000, 800);
    await driver.says('Please leave a message after the tone.', 1_500, 1_400);
    const before = driver.line.length;
    expect(driver.line.slice(-50).every((value) => value === 0)).toBe(true);
    await driver.sound(beep);
    const beepEnded = driver.line.length;
    await driver.silence(2_500);
    const begins = driver.line.findIndex((value, index) => index >= before && value !== 0);
    expect(begins - beepEnded).toBeGreaterThan(5);
    expect(begins - beepEnded).toBeLessThanOrEqual(30);
    const [report] = driver.of('answered-by').slice(-1);
    expect(report?.report.message).toMatchObject({ after: 'beep', complete: true });
    expect(agentSaid(driver).at(-1)).toBe(MESSAGE);
    expect(driver.of('turn').at(-1)?.turn.interrupted).toBe(false);
    expect(driver.of('end-requested')).toEqual([{ type: 'end-requested', reason: 'voicemail' }]);
    expect(driver.of('turn').filter(({ turn }) => turn.speaker === 'caller')).toHaveLength(2);
  });

  it('that does not beep gets it after a silence', async () => {
    const driver = await called({
      voicemail: 'leave-message',
      message: MESSAGE,
      message_after_silence_ms: 2_000,
    });
    await driver.says(MAILBOX, 2_000, 1_800);
    expect(agentSaid(driver)).not.toContain(MESSAGE);
    await driver.silence(2_500);
    expect(agentSaid(driver)).toContain(MESSAGE);
    expect(reportOf(driver)?.message).toMatchObject({ after: 'silence', beepEndedMs: null });
  });

  it('whose "Hi" was heard as a goodbye is not taken for somebody who takes leave', async () => {
    const driver = await called({ voicemail: 'hang-up' });
    await driver.silence(7_000);
    await driver.says('Bye.', 400, 700);
    expect(driver.dialogue.committed).toEqual([]);
    await driver.says(`Bye. ${MAILBOX}`, 1_600, 500);
    expect(driver.of('end-requested')).toEqual([{ type: 'end-requested', reason: 'voicemail' }]);
  });

  it('that is full is hung up on', async () => {
    const driver = await called({ voicemail: 'leave-message', message: MESSAGE });
    await driver.says(MAILBOX, 2_000, 800);
    await driver.says('The mailbox is full.', 1_000, 1_000);
    expect(driver.of('end-requested')).toHaveLength(1);
    expect(agentSaid(driver)).not.toContain(MESSAGE);
  });

  it('from which a person picks up gets the first words anew', async () => {
    const driver = await called({ voicemail: 'leave-message', message: MESSAGE });
    await driver.says(MAILBOX, 2_000, 1_500);
    await driver.says('Hello?', 500, 1_000);
    expect(reportOf(driver)?.personMs).not.toBeNull();
    await driver.silence(6_000);
    expect(agentSaid(driver).at(-1)).toBe(GREETING);
    await driver.says('Yes, that works.', 700, 700);
    expect(driver.dialogue.committed).toHaveLength(1);
  });

  it('is left to the dialogue where the agent goes on with it', async () => {
    const driver = await called({ voicemail: 'continue' });
    await driver.says(MAILBOX, 2_000, 1_500);
    expect(reportOf(driver)).toMatchObject({ answeredBy: 'voicemail', action: 'continue' });
    expect(driver.dialogue.committed).toHaveLength(1);
  });
});

describe('a menu', () => {
  const MENU = 'For appointments, press 1. For billing, press 2.';

  it('is answered by the key of a rule, once, and a person behind it is greeted', async () => {
    const driver = await called({ ivr: 'navigate', keys: [{ heard: 'billing' }] });
    await driver.says(MENU, 2_500, 1_500);
    expect(driver.sentDigits).toEqual(['2']);
    await driver.says('You pressed two. Please hold.', 900, 1_000);
    expect(driver.sentDigits).toEqual(['2']);
    await driver.says('Hello, this is Jamie.', 900, 1_000);
    expect(reportOf(driver)).toMatchObject({
      answeredBy: 'ivr',
      action: 'navigate',
      keys: [{ keys: '2', by: 'rule' }],
      personMs: expect.any(Number),
    });
    await driver.silence(6_000);
    expect(agentSaid(driver).at(-1)).toBe(GREETING);
  });

  it('is answered by keys with pauses between them', async () => {
    const driver = await called({ ivr: 'navigate', keys: [{ heard: 'billing', press: '1w2' }] });
    await driver.says(MENU, 2_500, 1_500);
    expect(driver.sentDigits).toEqual(['1', '2']);
  });

  it('is answered by the model of an agent that has no rule for it', async () => {
    const asked: string[] = [];
    const llm: LlmProvider = {
      name: 'scripted-llm',
      async *stream({ messages }) {
        asked.push(messages.at(-1)?.role ?? '');
        yield { type: 'text', delta: ' 2.' };
      },
    };
    const driver = await called({ ivr: 'navigate' }, llm);
    await driver.says(MENU, 2_500, 1_500);
    expect(asked).toHaveLength(1);
    expect(driver.sentDigits).toEqual(['2']);
    expect(reportOf(driver)?.keys).toMatchObject([{ keys: '2', by: 'model' }]);
  });

  it('that leads nowhere is hung up on after two minutes', async () => {
    const driver = await called({ ivr: 'navigate', keys: [{ heard: 'parking', press: '4' }] });
    await driver.says(MENU, 2_500, 1_500);
    await driver.silence(121_000);
    expect(driver.of('end-requested')).toEqual([{ type: 'end-requested', reason: 'ivr' }]);
  });
});

describe('call screening', () => {
  const ANSWER = 'This is the dental office, about an appointment.';

  it('is told who is calling and why, and the person behind it is greeted', async () => {
    const driver = await called({ screening: 'answer', screening_answer: ANSWER });
    await driver.says('Hi. Please say your name, and why you are calling.', 2_500, 1_000);
    await driver.silence(3_500);
    expect(agentSaid(driver)).toContain(ANSWER);
    expect(reportOf(driver)).toMatchObject({ answeredBy: 'call-screening', action: 'answer' });
    await driver.says('Thank you. Please stay on the line.', 1_500, 1_500);
    await driver.says('Hello, this is Jamie.', 900, 1_000);
    await driver.silence(6_000);
    expect(agentSaid(driver).at(-1)).toBe(GREETING);
    expect(reportOf(driver)?.screeningAnsweredMs).toBeLessThan(reportOf(driver)?.personMs ?? 0);
  });

  it('behind which nobody comes is hung up on after a minute', async () => {
    const driver = await called({ screening: 'answer', screening_answer: ANSWER });
    await driver.says('Hi. Please say your name, and why you are calling.', 2_500, 1_000);
    await driver.silence(62_000);
    expect(driver.of('end-requested')).toEqual([
      { type: 'end-requested', reason: 'call-screening' },
    ]);
  });
});

describe('a line without anybody', () => {
  const at = (hz: number, durationMs: number, levelDbfs = -20): Int16Array =>
    tone([{ frequenciesHz: [hz], durationMs, levelDbfs }]);

  it('is known by the tones of the network', async () => {
    const driver = await called({});
    await driver.silence(200);
    for (const hz of [985, 1_428, 1_777]) await driver.sound(at(hz, 340));
    await driver.silence(200);
    expect(driver.of('end-requested')).toEqual([{ type: 'end-requested', reason: 'unavailable' }]);
    expect(reportOf(driver)?.reason).toBe('special-information-tone');
  });

  it('is a fax by its tone', async () => {
    const driver = await called({});
    await driver.sound(at(2_100, 1_500));
    expect(driver.of('end-requested')).toEqual([{ type: 'end-requested', reason: 'fax' }]);
  });

  it('is not known when nothing was heard, and that is on record too', async () => {
    const driver = await called({});
    await driver.silence(3_000);
    driver.session.close();
    expect(reportOf(driver)).toMatchObject({
      answeredBy: 'unknown',
      reason: 'nothing-known',
      decidedMs: null,
    });
  });

  it('is not asked about where the agent does not want it', async () => {
    const driver = await called({ detect: false, voicemail: 'hang-up' });
    await driver.says(MAILBOX, 2_000, 1_500);
    driver.session.close();
    expect(driver.of('answered-by')).toEqual([]);
    expect(driver.of('end-requested')).toEqual([]);
  });
});
