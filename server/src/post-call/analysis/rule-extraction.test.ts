import { describe, expect, it } from 'vitest';
import type { Utterance } from '../transcript-text.ts';
import { extractByRules } from './rule-extraction.ts';

/** Saturday, 21 November 2026, noon in Berlin. */
const clock = { nowMs: Date.UTC(2026, 10, 21, 11), timeZone: 'Europe/Berlin' };

const talk = (...said: string[]): Utterance[] =>
  said.map((text, index) => ({ speaker: index % 2 === 0 ? 'agent' : 'caller', text }));

function extract(
  properties: Record<string, unknown>,
  utterances: Utterance[],
  outcome: Record<string, unknown> = {},
) {
  return extractByRules({ schema: { type: 'object', properties }, utterances, outcome, clock });
}

describe('extraction by rules', () => {
  it.each<[string, Record<string, unknown>, string, string, unknown]>([
    [
      'a yes',
      { type: 'boolean', description: 'Is the appointment confirmed' },
      'Can you confirm the appointment?',
      'Yes, that works.',
      true,
    ],
    [
      'a no',
      { type: 'boolean', description: 'Is the appointment confirmed' },
      'Can you confirm the appointment?',
      'No, sorry.',
      false,
    ],
    [
      'no guess',
      { type: 'boolean', description: 'Is the appointment confirmed' },
      'Can you confirm the appointment?',
      'I am not sure.',
      undefined,
    ],
    [
      'a day',
      { type: 'string', format: 'date', description: 'Day of delivery' },
      'On which day should the delivery come?',
      'Next Tuesday please.',
      '2026-11-24',
    ],
    [
      'a time',
      { type: 'string', format: 'date-time', description: 'Time of delivery' },
      'When should the delivery come?',
      'Tuesday at three in the afternoon.',
      '2026-11-24T15:00:00+01:00',
    ],
    [
      'a count in words',
      { type: 'integer', description: 'Number of guests' },
      'How many guests will there be?',
      'There will be twenty five of us.',
      25,
    ],
    [
      'a count in figures',
      { type: ['integer', 'null'], description: 'Number of guests' },
      'How many guests will there be?',
      '1,200 I think',
      1_200,
    ],
    [
      'an amount',
      { type: 'number', description: 'Budget' },
      'What is your budget?',
      'About 99.50 euros',
      99.5,
    ],
    [
      'half a guest',
      { type: 'integer', description: 'Number of guests' },
      'How many guests?',
      '2.5 on average',
      undefined,
    ],
    [
      'an e-mail that is spoken',
      { type: 'string', format: 'email' },
      'Where may we write to?',
      'It is maria dot weber at example dot com.',
      'maria.weber@example.com',
    ],
    [
      'a phone number',
      { type: 'string', description: 'Callback phone' },
      'Which number may we call?',
      'plus one four one five five five five two six seven one',
      '+14155552671',
    ],
    [
      'a choice',
      { type: 'string', enum: ['gold', 'silver', 'not-interested'] },
      'Gold or silver?',
      'Uh, silver I guess.',
      'silver',
    ],
    [
      'two choices',
      { type: 'string', enum: ['gold', 'silver'] },
      'Which one?',
      'Gold or silver, I do not care.',
      undefined,
    ],
    [
      'words',
      { type: 'string', description: 'Reason of the complaint' },
      'What is the reason for your complaint?',
      'The lamp was broken.',
      'The lamp was broken.',
    ],
    [
      'nothing of another question',
      { type: 'string', description: 'Reason of the complaint' },
      'How is the weather?',
      'Rainy.',
      undefined,
    ],
  ])('finds %s', (_name, field, question, answer, expected) => {
    const { data, evidence } = extract({ wanted: field }, talk(question, answer));
    expect(data['wanted']).toEqual(expected);
    expect(evidence['wanted']).toBe(expected === undefined ? undefined : answer);
  });

  it('takes the answer to the later of two questions that fit alike', () => {
    const guests = { type: 'integer', description: 'Number of guests' };
    const said = talk('How many guests?', 'Four.', 'How many guests again?', 'No, five.');
    expect(extract({ guests }, said).data).toEqual({ guests: 5 });
  });

  it('believes the slots of a script before the words', () => {
    const outcome = {
      outcome: 'confirmed',
      slots: {
        appointment_day: '2026-11-25 morning',
        starts_at: '2026-11-25T09:30',
        guest_count: '7',
      },
    };
    const { data, evidence } = extract(
      {
        appointmentDay: { type: 'string', format: 'date' },
        startsAt: { type: 'string', format: 'date-time' },
        guest_count: { type: 'integer' },
        outcome: { type: 'string', enum: ['confirmed', 'canceled'] },
      },
      talk('How many guests?', 'Nine.'),
      outcome,
    );
    expect(data).toEqual({
      appointmentDay: '2026-11-25',
      startsAt: '2026-11-25T09:30:00+01:00',
      guest_count: 7,
      outcome: 'confirmed',
    });
    expect(evidence['guest_count']).toBe('guest_count: 7');
  });

  it('goes into objects, leaves out what it does not find, and says what the schema lacks then', () => {
    const result = extractByRules({
      schema: {
        type: 'object',
        properties: {
          contact: { type: 'object', properties: { email: { type: 'string', format: 'email' } } },
          urgent: { type: 'boolean', description: 'Is it urgent' },
        },
        required: ['urgent'],
      },
      utterances: talk('Hello.', 'Write to a@b.example please'),
      outcome: {},
      clock,
    });
    expect(result).toEqual({
      data: { contact: { email: 'a@b.example' } },
      evidence: { 'contact.email': 'Write to a@b.example please' },
      valid: false,
      problems: ["/ must have required property 'urgent'"],
    });
  });
});
