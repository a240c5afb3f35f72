import { describe, expect, it } from 'vitest';
import { storableJson, storableText } from './storable-text.ts';

describe('text for the database', () => {
  it('loses its NULs and the halves of surrogate pairs, and nothing else', () => {
    expect(storableText('Busy\0 Here \u{1F600}\ud83d!')).toBe('Busy Here \u{1F600}\ufffd!');
  });

  it('is made of every string in a document, names included', () => {
    const at = new Date(0);
    const written = storableJson({ 'a\0': ['b\0', { c: '\udc00' }], n: 1, at, none: null });
    expect(JSON.parse(written)).toEqual({
      a: ['b', { c: '\ufffd' }],
      n: 1,
      at: at.toISOString(),
      none: null,
    });
  });
});
