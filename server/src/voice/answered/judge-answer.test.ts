import { describe, expect, it } from 'vitest';
import { judgeAnswer, type AnswerEvidence } from './judge-answer.ts';
import { matchPhrases, soundsLikePickingUp } from './answer-phrases.ts';

const NOTHING: AnswerEvidence = {
  firstSpeechMs: null,
  greetingMs: 0,
  silenceMs: 0,
  speechMs: 0,
  text: null,
  tones: [],
};
const said = (greetingMs: number, silenceMs: number, text: string | null): AnswerEvidence => ({
  ...NOTHING,
  firstSpeechMs: 400,
  greetingMs,
  speechMs: greetingMs * 0.9,
  silenceMs,
  text,
});

describe('what words tell of who says them', () => {
  it.each([
    ['voicemail', 'Hi, you have reached the voicemail of Jamie Parker.'],
    ['voicemail', 'You ridge voice mail of Jamie Parker.'],
    ['voicemail', 'Please leave your message after the tone.'],
    ['voicemail', 'Hey it’s Sam, leave me a message and I’ll call you back.'],
    [
      'voicemail',
      "We can't come to the phone right now, but we will get back to you as soon as possible.",
    ],
    ['voicemail', 'Your call has been forwarded to an automatic voice message system.'],
    [
      'voicemail',
      'The person you are calling is not available. At the tone, please record your message.',
    ],
    ['voicemail', 'The mailbox is full and cannot accept any messages at this time. Goodbye.'],
    [
      'voicemail',
      'When you have finished recording, hang up, or press 1 for more options. Leave a message after the beep.',
    ],
    ['ivr', 'For appointments, press 1. For billing, press 2.'],
    ['ivr', 'Please listen carefully, as our menu options have changed.'],
    ['ivr', 'To leave a message, press 5. To speak to an operator, press zero.'],
    ['ivr', 'Press 9 to leave a voicemail.'],
    ['ivr', 'Please enter your ten digit account number followed by the pound key.'],
    ['ivr', 'Your call is important to us. Please stay on the line.'],
    [
      'call-screening',
      'Hi, if you record your name and reason for calling, I’ll see if this person is available.',
    ],
    [
      'call-screening',
      "The person you're calling is using a screening service from Google, and will get a copy of this conversation. Go ahead and say your name, and why you're calling.",
    ],
    ['call-screening', 'Please say your name, and why you are calling.'],
    [
      'unavailable',
      'The number you have dialed is not in service. Please check the number and dial again.',
    ],
    ['unavailable', 'We are sorry, your call cannot be completed as dialed.'],
    ['unavailable', 'The subscriber you are calling is currently switched off.'],
    ['unavailable', 'The person you called cannot take calls at this time.'],
  ])('%s: %s', (answeredBy, text) => {
    expect(matchPhrases(text)).toMatchObject({ answeredBy, conclusive: true });
  });

  it.each([
    'Hello?',
    'Yes, that works for me.',
    'Speaking, who is this?',
    'Good morning, Riverside Dental, this is Anna, how can I help you?',
    'Hi, this is Sam, what is this about?',
    'I would like to cancel my appointment.',
    'Could you call me again in the afternoon?',
    'Sorry, I am in a meeting.',
  ])('anybody may say: %s', (text) => {
    expect(matchPhrases(text)).toBeNull();
  });

  it('what people say as well is no proof by itself', () => {
    expect(matchPhrases("I can't take your call right now.")).toMatchObject({ conclusive: false });
    expect(matchPhrases("I'll call you back as soon as I can.")).toMatchObject({
      conclusive: false,
    });
  });

  it('knows how people pick up', () => {
    for (const text of [
      'Hello?',
      'Yes, hello.',
      'Good afternoon.',
      'Hello, who is this?',
      'Dental office, how can I help you?',
    ]) {
      expect(soundsLikePickingUp(text), text).toBe(true);
    }
    for (const text of ['', 'You have reached Jamie Parker', 'Hi this is Sam I am not in']) {
      expect(soundsLikePickingUp(text), text).toBe(false);
    }
  });
});

describe('who answered', () => {
  it('is not known before anything was heard', () => {
    expect(judgeAnswer(NOTHING)).toBeNull();
    expect(judgeAnswer({ ...NOTHING, silenceMs: 30_000 })).toBeNull();
  });

  it('is a person who says hello and waits', () => {
    expect(judgeAnswer(said(500, 200, 'Hello?'))).toBeNull();
    expect(judgeAnswer(said(500, 400, 'Hello?'))).toMatchObject({
      answeredBy: 'human',
      reason: 'short-greeting',
    });
    expect(judgeAnswer(said(900, 700, 'Jamie Parker.'))).toBeNull();
    expect(judgeAnswer(said(900, 800, 'Jamie Parker.'))).toMatchObject({ answeredBy: 'human' });
  });

  it('is a person by time alone where nothing was understood', () => {
    expect(judgeAnswer(said(600, 1_400, null))).toBeNull();
    expect(judgeAnswer(said(600, 1_500, ''))).toMatchObject({ answeredBy: 'human' });
    expect(judgeAnswer(said(6_000, 3_000, null))).toBeNull();
  });

  it('is not decided while somebody goes on, or by half a greeting', () => {
    expect(
      judgeAnswer(said(3_000, 0, 'This is Riverside Dental speaking, we are here')),
    ).toBeNull();
    expect(judgeAnswer(said(1_500, 1_200, "You've reached Jamie Parker."))).toBeNull();
    expect(judgeAnswer(said(1_500, 3_000, "You've reached Jamie Parker."))).toMatchObject({
      answeredBy: 'human',
    });
  });

  it('is a mailbox by a beep behind a greeting, whatever was understood', () => {
    const beep = { type: 'beep', frequencyHz: 1_000, atMs: 3_000, durationMs: 300 } as const;
    expect(judgeAnswer({ ...said(2_000, 100, 'Jamie.'), tones: [beep] })).toMatchObject({
      answeredBy: 'voicemail',
      reason: 'beep',
      conclusive: true,
    });
    expect(
      judgeAnswer({ ...said(2_000, 100, 'Jamie.'), tones: [{ ...beep, atMs: 100 }] }),
    ).toBeNull();
    expect(judgeAnswer({ ...NOTHING, tones: [beep] })).toBeNull();
  });

  it('is a fax, or nobody at all, by tones', () => {
    const fax = { type: 'fax-answer', atMs: 100, durationMs: 1_000 } as const;
    expect(judgeAnswer({ ...NOTHING, tones: [fax] })).toMatchObject({
      answeredBy: 'fax',
      reason: 'fax-tone',
    });
    const sit = { type: 'sit', atMs: 100, durationMs: 1_000 } as const;
    expect(judgeAnswer({ ...NOTHING, tones: [sit] })).toMatchObject({
      answeredBy: 'unavailable',
      reason: 'special-information-tone',
    });
  });

  it('is a machine that talks on and on and asks nothing', () => {
    const talk =
      'We open at nine and close at five from Monday to Friday and on Saturday we open at ten';
    expect(judgeAnswer(said(7_000, 0, talk))).toBeNull();
    expect(judgeAnswer(said(8_000, 0, talk))).toMatchObject({
      answeredBy: 'voicemail',
      reason: 'long-greeting',
    });
    expect(judgeAnswer(said(8_000, 0, `${talk}, and who are you?`))).toBeNull();
  });
});
