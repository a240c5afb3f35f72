import { describe, expect, it } from 'vitest';
import { keysFor, menuOptions } from './menu-keys.ts';

const MENU = 'For appointments, press 1. For billing, press two. To end this call, press 9.';

describe('a menu', () => {
  it('offers things by keys, whichever is named first', () => {
    expect(menuOptions(MENU)).toEqual([
      { key: '1', what: 'appointments' },
      { key: '2', what: 'billing' },
      { key: '9', what: 'end this call' },
    ]);
    expect(menuOptions('Press 1 for sales, press 2 to reach the office.')).toEqual([
      { key: '1', what: 'sales' },
      { key: '2', what: 'reach the office' },
    ]);
    expect(menuOptions('To speak to an operator, please press zero or stay on the line.')).toEqual([
      { key: '0', what: 'speak to an operator' },
    ]);
    expect(menuOptions('Hello, who is this?')).toEqual([]);
  });

  it('gives the keys of the first rule whose words it says', () => {
    const rules = [
      { heard: 'new patients', press: '7' },
      { heard: 'Billing', press: null },
      { heard: 'appointments', press: '1w2#' },
    ];
    expect(keysFor(MENU, rules)).toBe('2');
    expect(keysFor('For appointments, press 1.', rules)).toBe('1w2#');
    expect(keysFor('For new patients press 3, for billing press 2', rules)).toBe('7');
    expect(keysFor('Welcome to Riverside Clinic.', rules)).toBeNull();
  });

  it('waits for the key that a rule leaves to the menu', () => {
    const rules = [{ heard: 'billing', press: null }];
    expect(keysFor('For billing', rules)).toBeNull();
    expect(keysFor('For billing, press 2', rules)).toBe('2');
  });

  it('takes whole words only', () => {
    expect(keysFor('For salespeople, press 4', [{ heard: 'sales', press: null }])).toBeNull();
  });
});
