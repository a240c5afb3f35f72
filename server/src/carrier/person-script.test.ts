import { describe, expect, it } from 'vitest';
import { PersonScript } from './person-script.ts';

describe('PersonScript', () => {
  it.each([
    ['confirm', 'Yes, that works for me.'],
    ['cancel', 'No, I would like to cancel my appointment.'],
    ['reschedule', 'I would like to reschedule my appointment.'],
  ] as const)(
    'answers the question about the appointment as somebody who wants to %s',
    (persona, said) => {
      const person = new PersonScript(persona);
      expect(person.next('Can you confirm your appointment tomorrow at two?').say).toBe(said);
    },
  );

  it('names a day when asked for one', () => {
    const person = new PersonScript('reschedule');
    expect(person.next('What day and time would suit you better?').say).toContain('Tuesday');
  });

  it('names a day when the question came through as phones and recognisers let it', () => {
    const person = new PersonScript('reschedule');
    expect(person.next('Which they in time would be better for you.').say).toContain('Tuesday');
  });

  it('puts the phone down after a goodbye', () => {
    const person = new PersonScript('confirm');
    expect(person.next('Thank you. Goodbye.')).toEqual({ say: 'Goodbye.', hangUp: true });
  });

  it('goes on listening to what asks for no answer', () => {
    const person = new PersonScript('confirm');
    expect(person.next('Great, let me see.')).toEqual({ say: null, hangUp: false });
  });

  it('asks twice into silence and then gives up', () => {
    const person = new PersonScript('confirm');
    expect([person.next(null), person.next(null), person.next(null)].map((m) => m.hangUp)).toEqual([
      false,
      false,
      true,
    ]);
  });

  it('does not give the same answer for ever', () => {
    const person = new PersonScript('confirm');
    const answers = Array.from({ length: 6 }, () => person.next('Your appointment.').say);
    expect(answers.filter((say) => say !== null)).toHaveLength(3);
  });
});
