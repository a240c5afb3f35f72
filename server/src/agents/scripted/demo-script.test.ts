import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../shared/testing/fake-clock.ts';
import { agentConfigSchema } from '../agent-config.ts';
import { createDialogue } from '../create-dialogue.ts';
import { demoAgent } from '../demo-agent.ts';
import type { CallerInput, Dialogue, DialogueReply, ReplyPart } from '../dialogue.ts';

/** A Saturday, 18:00 in UTC. */
const NOW = Date.UTC(2026, 10, 21, 18);

const PATHS = {
  'ask-confirm': [],
  'cancel-or-move': ['no'],
  'sure-cancel': ['I want to cancel'],
  'ask-date': ['can we reschedule'],
  rescheduled: ['can we reschedule', 'next tuesday at 3 pm', 'yes'],
  'anything-else': ['yes'],
} as const;

function demo(variables: Record<string, string> = {}): Dialogue {
  return createDialogue({
    config: agentConfigSchema.parse(demoAgent),
    variables: { timezone: 'UTC', ...variables },
    llm: null,
    clock: new FakeClock(NOW),
  });
}

async function partsOf(reply: DialogueReply | null): Promise<ReplyPart[]> {
  const parts: ReplyPart[] = [];
  if (reply !== null) for await (const part of reply.parts) parts.push(part);
  return parts;
}

function spoken(parts: readonly ReplyPart[]): string {
  return parts.flatMap((part) => (part.type === 'say' ? [part.text] : [])).join(' ');
}

function endReason(parts: readonly ReplyPart[]): string | null {
  const end = parts.find((part) => part.type === 'end-call');
  return end?.type === 'end-call' ? end.reason : null;
}

/** A committed turn, heard to the end. */
async function turn(dialogue: Dialogue, input: CallerInput | string): Promise<ReplyPart[]> {
  const reply = dialogue.reply(
    typeof input === 'string' ? { type: 'speech', text: input, confidence: 0.9 } : input,
  );
  reply.commit();
  const parts = await partsOf(reply);
  dialogue.heard(reply, spoken(parts), false);
  return parts;
}

async function at(state: keyof typeof PATHS): Promise<Dialogue> {
  const dialogue = demo();
  await partsOf(dialogue.opening());
  for (const line of PATHS[state]) await turn(dialogue, line);
  expect(dialogue.outcome()).toMatchObject({ state, finished: false });
  return dialogue;
}

describe('the demo agent', () => {
  it('says who is calling, for whom and about what', async () => {
    const text = spoken(await partsOf(demo({ patient_name: 'Mary Jones' }).opening()));
    expect(text).toContain('automated assistant of Bright Smile Dental');
    expect(text).toContain('Mary Jones');
    expect(text).toContain('a routine cleaning tomorrow at 2 PM with Dr. Chen');
    expect(text).toMatch(/confirm.*\?$/);
    expect(text).not.toMatch(/[{}]/);
  });

  it('speaks sentence by sentence', async () => {
    const says = (await partsOf(demo().opening())).map((part) =>
      part.type === 'say' ? part.text : '',
    );
    expect(says.length).toBeGreaterThanOrEqual(3);
    expect(says.at(-1)).toBe('Can you confirm this appointment?');
  });

  it.each([
    ['ask-confirm', 'yes', 'anything-else', 'confirmed'],
    ['ask-confirm', 'Yes, I can confirm.', 'anything-else', 'confirmed'],
    ['ask-confirm', "I'll be there", 'anything-else', 'confirmed'],
    ['ask-confirm', 'yeah that works for me', 'anything-else', 'confirmed'],
    ['ask-confirm', 'sure', 'anything-else', 'confirmed'],
    ['ask-confirm', 'no', 'cancel-or-move', 'unfinished'],
    ['ask-confirm', 'I need to cancel my appointment', 'sure-cancel', 'unfinished'],
    ['ask-confirm', "I'd like to cancel please", 'sure-cancel', 'unfinished'],
    ['ask-confirm', 'could I reschedule?', 'ask-date', 'unfinished'],
    ['ask-confirm', "I can't make it, can we move it?", 'ask-date', 'unfinished'],
    ['ask-confirm', "That doesn't work for me", 'ask-date', 'unfinished'],
    ['ask-confirm', 'Tuesday works better for me', 'ask-date', 'unfinished'],
    ['ask-confirm', 'I have to work tomorrow, can I come Thursday?', 'ask-date', 'unfinished'],
    ['ask-confirm', 'Speaking.', 'ask-confirm', 'unfinished'],
    ['ask-confirm', 'Yes, this is Alex.', 'ask-confirm', 'unfinished'],
    ['ask-confirm', 'thank you', 'ask-confirm', 'unfinished'],
    ['ask-confirm', "please don't cancel it", 'cancel-or-move', 'unfinished'],
    ['ask-date', 'I do not know', 'ask-date', 'unfinished'],
    ['ask-date', 'any time', 'ask-date', 'unfinished'],
    ['ask-confirm', "I'm not sure", 'ask-confirm', 'unfinished'],
    ['cancel-or-move', 'cancel it please', 'sure-cancel', 'unfinished'],
    ['cancel-or-move', 'another day', 'ask-date', 'unfinished'],
    ['cancel-or-move', "okay, I'll be there", 'anything-else', 'confirmed'],
    ['cancel-or-move', 'no', 'ask-confirm', 'unfinished'],
    ['sure-cancel', 'yes', 'anything-else', 'cancelled'],
    ['sure-cancel', 'no', 'ask-confirm', 'unfinished'],
    ['sure-cancel', 'can I come another day', 'ask-date', 'unfinished'],
    ['ask-date', 'cancel it', 'sure-cancel', 'unfinished'],
    ['rescheduled', 'no', 'rescheduled', 'rescheduled'],
    ['rescheduled', 'I would like a different day', 'ask-date', 'rescheduled'],
    ['anything-else', 'no thank you', 'anything-else', 'confirmed'],
    ['anything-else', 'actually I want to cancel', 'sure-cancel', 'confirmed'],
    ['anything-else', 'yes', 'anything-else', 'confirmed'],
  ] as const)('in %s, %j leads to %s (%s)', async (state, line, next, outcome) => {
    const dialogue = await at(state);
    const parts = await turn(dialogue, line);
    expect(spoken(parts)).not.toBe('');
    expect(dialogue.outcome()).toMatchObject({ state: next, outcome });
  });

  it.each([
    ['who is this?', 'automated assistant of Bright Smile Dental', null],
    ['am I talking to a robot', 'Yes. I am an automated assistant', null],
    ['can you repeat that?', '', null],
    ['sorry?', '', null],
    ['hold on a second', 'Take your time', null],
    ['let me talk to a real person', 'call you back', 'caller-requested-human'],
    ['stop calling me', 'will not call this number again', 'do-not-call-requested'],
    ['take me off your list', 'will not call this number again', 'do-not-call-requested'],
    ['you have the wrong number', 'sorry to have bothered you', 'wrong-number'],
    ['goodbye', 'Goodbye', 'agent-goodbye'],
  ])('answers %j from every state', async (line, text, reason) => {
    for (const state of Object.keys(PATHS) as (keyof typeof PATHS)[]) {
      const dialogue = await at(state);
      const parts = await turn(dialogue, line);
      expect(spoken(parts), `in ${state}`).toContain(text);
      expect(spoken(parts), `in ${state}`).not.toContain('did not understand');
      expect(endReason(parts), `in ${state}`).toBe(reason);
      expect(dialogue.outcome()).toMatchObject({ state, finished: reason !== null });
    }
  });

  it('repeats its last words, whatever they were', async () => {
    const dialogue = await at('sure-cancel');
    const said = spoken(await turn(dialogue, 'who is this?'));
    expect(spoken(await turn(dialogue, 'say that again please'))).toBe(said);
    expect(spoken(await turn(dialogue, 'say that again please'))).toBe(said);
  });

  it('takes a new day and time, reads it back and keeps it', async () => {
    const dialogue = await at('ask-date');
    const readBack = await turn(dialogue, 'next tuesday at three thirty in the afternoon');
    expect(spoken(readBack)).toBe('You would like Tuesday, November 24 at 3:30 PM. Is that right?');
    expect(dialogue.outcome()).toMatchObject({ slots: {}, outcome: 'unfinished' });
    const thanks = await turn(dialogue, "yes, that's right");
    expect(spoken(thanks)).toContain('Tuesday, November 24 at 3:30 PM');
    expect(thanks).toContainEqual({
      type: 'note',
      name: 'slot',
      data: { name: 'new_time', value: '2026-11-24T15:30' },
    });
    const goodbye = await turn(dialogue, 'no, that is all');
    expect(endReason(goodbye)).toBe('agent-goodbye');
    expect(dialogue.outcome()).toEqual({
      outcome: 'rescheduled',
      slots: { new_time: '2026-11-24T15:30' },
      intents: ['reschedule', 'no'],
      state: 'rescheduled',
      finished: true,
      end_reason: 'agent-goodbye',
    });
  });

  it('takes a correction in place of a refusal', async () => {
    const dialogue = await at('ask-date');
    await turn(dialogue, 'monday at ten');
    const again = await turn(dialogue, 'no, wednesday at ten');
    expect(spoken(again)).toBe('You would like Wednesday, November 25 at 10 AM. Is that right?');
    await turn(dialogue, 'yes');
    expect(dialogue.outcome()).toMatchObject({ slots: { new_time: '2026-11-25T10:00' } });
  });

  it('asks anew after a refusal', async () => {
    const dialogue = await at('ask-date');
    await turn(dialogue, 'monday at ten');
    const again = spoken(await turn(dialogue, 'no'));
    expect(again).not.toContain('Monday');
    await turn(dialogue, 'thursday at 4 pm');
    await turn(dialogue, 'yes');
    expect(dialogue.outcome()).toMatchObject({ slots: { new_time: '2026-11-26T16:00' } });
  });

  it('asks for the time that is missing', async () => {
    const dialogue = await at('ask-date');
    expect(spoken(await turn(dialogue, 'next tuesday'))).toBe(
      'At what time on Tuesday, November 24?',
    );
    expect(spoken(await turn(dialogue, 'in the morning'))).toBe(
      'You would like Tuesday, November 24 in the morning. Is that right?',
    );
  });

  it('asks again when recognition was unsure, then offers keys, then ends politely', async () => {
    const dialogue = await at('ask-confirm');
    const mumble: CallerInput = { type: 'speech', text: 'mrs thing', confidence: 0.1 };
    const first = spoken(await turn(dialogue, mumble));
    expect(first).toMatch(/^Sorry, I did not catch that\. .*confirm this appointment\?$/);
    const second = spoken(await turn(dialogue, mumble));
    expect(second).toContain('press 1 to confirm, 2 to cancel, or 3 to choose another day.');
    await turn(dialogue, mumble);
    const last = await turn(dialogue, mumble);
    expect(spoken(last)).toContain('Goodbye');
    expect(endReason(last)).toBe('no-input');
    expect(dialogue.outcome()).toMatchObject({ outcome: 'not-understood', finished: true });
  });

  it('forgets failures once an answer was understood', async () => {
    const dialogue = await at('ask-confirm');
    for (let i = 0; i < 3; i++) await turn(dialogue, 'purple elephants');
    await turn(dialogue, 'no');
    for (let i = 0; i < 3; i++) {
      expect(endReason(await turn(dialogue, 'purple elephants'))).toBeNull();
    }
  });

  it('is led by keys alone', async () => {
    const press = (digits: string): CallerInput => ({ type: 'dtmf', digits });
    const confirmed = await at('ask-confirm');
    await turn(confirmed, press('1'));
    expect(confirmed.outcome()).toMatchObject({ outcome: 'confirmed' });

    const cancelled = await at('ask-confirm');
    await turn(cancelled, press('2'));
    await turn(cancelled, press('1#'));
    expect(cancelled.outcome()).toMatchObject({ outcome: 'cancelled' });

    const moved = await at('ask-confirm');
    await turn(moved, press('3'));
    await turn(moved, 'monday at ten');
    await turn(moved, press('1'));
    expect(moved.outcome()).toMatchObject({ outcome: 'rescheduled' });

    const lost = await at('ask-confirm');
    expect(spoken(await turn(lost, press('9')))).toContain('Sorry');
    expect(lost.outcome()).toMatchObject({ state: 'ask-confirm' });
  });

  it('says what keys it expects', async () => {
    expect((await at('ask-confirm')).expects).toEqual({ digits: false, dtmfMaxDigits: 1 });
    expect((await at('ask-date')).expects).toEqual({ digits: false, dtmfMaxDigits: 0 });
  });

  it('leaves a short message on voicemail and hangs up', async () => {
    const dialogue = await at('ask-confirm');
    const parts = await turn(
      dialogue,
      "Hi, you've reached Alex. I can't come to the phone right now, so please leave your name and number after the tone and I will get back to you as soon as I can.",
    );
    expect(spoken(parts)).toContain('Please call us back');
    expect(endReason(parts)).toBe('voicemail');
    expect(dialogue.outcome()).toMatchObject({ outcome: 'voicemail' });
  });

  it('keeps calm when somebody tells a long story', async () => {
    const dialogue = await at('ask-confirm');
    const story =
      'so my neighbour was telling me about this garden that her sister had planted by the river with roses and all sorts of things and then the dog came in and ran right through everything and nobody knew whose dog it was in the first place';
    const parts = await turn(dialogue, story);
    expect(endReason(parts)).toBeNull();
    expect(spoken(parts)).toContain('short answers');
    expect(dialogue.outcome()).toMatchObject({ state: 'ask-confirm', outcome: 'unfinished' });
  });

  it('leaves no trace of a reply that was not committed', async () => {
    const dialogue = await at('ask-confirm');
    const before = dialogue.outcome();
    const guess = dialogue.reply({ type: 'speech', text: 'stop calling me', confidence: 0.9 });
    const iterator = guess.parts[Symbol.asyncIterator]();
    expect((await iterator.next()).value).toMatchObject({ type: 'say' });
    guess.abort();
    guess.commit();
    expect(dialogue.outcome()).toEqual(before);
    await turn(dialogue, 'yes');
    expect(dialogue.outcome()).toMatchObject({ outcome: 'confirmed', intents: ['yes'] });
  });

  it('hangs up only after commit', async () => {
    const dialogue = await at('ask-confirm');
    const reply = dialogue.reply({ type: 'speech', text: 'goodbye', confidence: 0.9 });
    const parts: ReplyPart[] = [];
    const reading = (async () => {
      for await (const part of reply.parts) parts.push(part);
    })();
    for (let i = 0; i < 20; i++) await Promise.resolve();
    expect(parts.length).toBeGreaterThan(0);
    expect(parts.every(({ type }) => type === 'say')).toBe(true);
    reply.commit();
    await reading;
    expect(endReason(parts)).toBe('agent-goodbye');
  });

  it('does not hang up when its goodbye is interrupted', async () => {
    const dialogue = await at('anything-else');
    const goodbye = dialogue.reply({ type: 'speech', text: 'no', confidence: 0.9 });
    goodbye.commit();
    const iterator = goodbye.parts[Symbol.asyncIterator]();
    await iterator.next();
    goodbye.abort();
    expect((await iterator.next()).done).toBe(true);
    dialogue.heard(goodbye, 'Thank', true);
    const parts = await turn(dialogue, 'wait, I want to cancel');
    expect(spoken(parts)).toBe('Are you sure that you want to cancel?');
    expect(dialogue.outcome()).toMatchObject({ finished: false });
    expect(dialogue.outcome()).not.toHaveProperty('end_reason');
  });

  it('says goodbye once more when the caller only mumbles over it', async () => {
    const dialogue = await at('anything-else');
    await turn(dialogue, 'no');
    const parts = await turn(dialogue, 'thanks, you too');
    expect(endReason(parts)).toBe('agent-goodbye');
  });

  it('takes no "yes?" for an answer to a question that was not heard', async () => {
    const dialogue = demo();
    const opening = dialogue.opening();
    await partsOf(opening);
    if (opening) dialogue.heard(opening, 'Hello Alex. This is', true);
    const parts = await turn(dialogue, 'Yes?');
    expect(spoken(parts)).toMatch(/^You have a routine cleaning.*\?$/);
    expect(dialogue.outcome()).toMatchObject({ outcome: 'unfinished', state: 'ask-confirm' });
    await turn(dialogue, 'Yes.');
    expect(dialogue.outcome()).toMatchObject({ outcome: 'confirmed' });
  });

  it('takes a "yes" into the last words of the question', async () => {
    const dialogue = demo();
    const opening = dialogue.opening();
    const text = spoken(await partsOf(opening));
    if (opening) dialogue.heard(opening, text.slice(0, -8), true);
    await turn(dialogue, 'Yes.');
    expect(dialogue.outcome()).toMatchObject({ outcome: 'confirmed' });
  });

  it('asks whether anybody is there, asks again, and ends a silent call', async () => {
    const dialogue = await at('ask-confirm');
    const silence = async (count: number): Promise<ReplyPart[]> => {
      const reply = dialogue.silence(count);
      reply?.commit();
      return partsOf(reply);
    };
    expect(spoken(await silence(1))).toBe('Are you still there?');
    const second = spoken(await silence(2));
    expect(second).toContain('Can you confirm this appointment?');
    expect(second).toContain('press 1');
    const third = await silence(3);
    expect(endReason(third)).toBe('no-input');
    expect(dialogue.outcome()).toMatchObject({ outcome: 'no-input', finished: true });
  });

  it('does not go round for ever with an echo of itself', async () => {
    const dialogue = await at('ask-confirm');
    for (let i = 0; i < 20; i++) {
      const parts = await turn(dialogue, 'Hello?');
      if (endReason(parts) !== null) {
        expect(i).toBeLessThan(8);
        return;
      }
    }
    expect.unreachable('the call went on');
  });

  it.each([
    ['ask-confirm', 'Yes.'],
    ['ask-confirm', 'Yes, I am here.'],
    ['ask-confirm', 'Hello?'],
    ['ask-date', 'Yes.'],
    ['ask-date', 'Yes, I end here.'],
    ['sure-cancel', "Yeah, I'm still here."],
  ] as const)(
    'in %s, "%s" to "are you still there" decides nothing: the question is asked again',
    async (state, answer) => {
      const dialogue = await at(state);
      const before = dialogue.outcome();
      const prompt = dialogue.silence(1);
      prompt?.commit();
      if (prompt) dialogue.heard(prompt, spoken(await partsOf(prompt)), false);
      expect(spoken(await turn(dialogue, answer))).toMatch(/\?$/);
      expect(dialogue.outcome()).toMatchObject({ state, outcome: before['outcome'] });
    },
  );

  it.each([
    ['Yes, I confirm.', 'confirmed'],
    ['I will be there.', 'confirmed'],
  ])('"%s" to "are you still there" is more than that', async (answer, outcome) => {
    const dialogue = await at('ask-confirm');
    const prompt = dialogue.silence(1);
    prompt?.commit();
    if (prompt) dialogue.heard(prompt, spoken(await partsOf(prompt)), false);
    await turn(dialogue, answer);
    expect(dialogue.outcome()).toMatchObject({ outcome });
  });

  it.each(['ask-date', 'cancel-or-move'] as const)(
    'a "yes" that answers nothing in %s confirms nothing',
    async (state) => {
      const dialogue = await at(state);
      await turn(dialogue, 'Yes.');
      expect(dialogue.outcome()).toMatchObject({ state, outcome: 'unfinished' });
    },
  );
});
