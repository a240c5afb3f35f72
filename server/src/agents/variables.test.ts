import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { flattenVariables, renderVariables, variablesProblem } from './variables.ts';

describe('renderVariables', () => {
  it.each([
    ['Hello {name}.', 'Hello Ann.', []],
    ['Hello {{ name }}.', 'Hello Ann.', []],
    ['Hello {  name  }, {{name}}!', 'Hello Ann, Ann!', []],
    ['Hello {unknown}.', 'Hello.', ['unknown']],
    ['{unknown} hello', 'hello', ['unknown']],
    ['a {x} b {y} c {x}.', 'a b c.', ['x', 'y']],
    ['{"json": 1} and { "a": {} }', '{"json": 1} and { "a": {} }', []],
    ['{constructor}{__proto__}', '', ['constructor', '__proto__']],
  ])('renders %j as %j', (template, text, missing) => {
    expect(renderVariables(template, { name: 'Ann' })).toEqual({ text, missing });
  });

  it('never expands what a value contains', () => {
    const { text } = renderVariables('{a} {b}', { a: '{b} {{ b }}', b: 'secret' });
    expect(text).toBe('{b} {{ b }} secret');
  });

  it('never throws and names only variables without a value', () => {
    const variables = fc.dictionary(fc.string(), fc.string());
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), variables, (template, values) => {
        const { missing } = renderVariables(template, values);
        for (const name of missing) expect(Object.hasOwn(values, name)).toBe(false);
      }),
    );
  });

  it('inserts any value as it is', () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        expect(renderVariables('<{v}>', { v: value }).text).toBe(`<${value}>`);
      }),
    );
  });
});

describe('the variables of a call', () => {
  it('are named by their path', () => {
    const flat = flattenVariables({
      name: 'Ada',
      age: 36,
      vip: true,
      note: null,
      recipient: { name: 'Bo', address: { city: 'Bonn' } },
      slots: ['nine', 'ten'],
    });
    expect(flat).toMatchObject({
      name: 'Ada',
      age: '36',
      vip: 'true',
      note: '',
      'recipient.name': 'Bo',
      'recipient.address.city': 'Bonn',
      'slots.1': 'ten',
      slots: '["nine","ten"]',
    });
    expect(renderVariables('{recipient.name} in {{ recipient.address.city }}', flat).text).toBe(
      'Bo in Bonn',
    );
    expect(renderVariables('[{note}] {recipient.phone}!', flat)).toEqual({
      text: '[]!',
      missing: ['recipient.phone'],
    });
  });

  it('end somewhere, however deep and many they are', () => {
    let deep: Record<string, unknown> = { end: 1 };
    for (let i = 0; i < 50; i++) deep = { deep };
    expect(Object.keys(flattenVariables(deep)).length).toBeLessThan(10);
    const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`v${i}`, i]));
    expect(Object.keys(flattenVariables(many)).length).toBe(500);
  });

  it('are refused by size and by name', () => {
    expect(variablesProblem({ name: 'Ada' })).toBeNull();
    expect(variablesProblem({ text: 'x'.repeat(70_000) })).toMatch(/at most 65536 bytes/);
    expect(variablesProblem({ '{x}': 1 })).toMatch(/without braces/);
  });
});
