import { describe, expect, it } from 'vitest';
import { firstUtteranceWarnings } from './first-utterance.ts';

describe('G25: the first words', () => {
  it.each([
    [null, ['no-greeting']],
    ['  ', ['no-greeting']],
    ['Hello {patient_name}. This is the automated assistant of {company}.', []],
    ['Hi, this is Anna, a virtual assistant from Bright Smile.', []],
    ['Hello! I am an AI assistant.', ['business-not-named']],
    ['Hello, this is Anna from Bright Smile.', ['automation-not-named']],
    ['hello there', ['business-not-named', 'automation-not-named']],
  ])('%j', (greeting, expected) => {
    const warnings = firstUtteranceWarnings({ greeting });
    expect(warnings.map(({ code }) => code)).toEqual(expected);
    for (const { rule } of warnings) expect(rule).toBe('G25');
  });
});
