import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderVariables } from './variables.ts';

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
