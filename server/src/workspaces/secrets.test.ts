import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createSecrets, SecretError } from './secrets.ts';

const place = { workspaceId: 'ws_1', table: 'trunks', id: 'trunk_1' };

describe('secrets', () => {
  it('open what they sealed, and never show it in the sealed text', () => {
    const secrets = createSecrets([randomBytes(32)]);
    const sealed = secrets.seal(place, 'pässword');
    expect(sealed).not.toContain('ssword');
    expect(secrets.open(place, sealed)).toBe('pässword');
    expect(secrets.open(place, secrets.seal(place, ''))).toBe('');
  });

  it('seal the same text differently each time', () => {
    const secrets = createSecrets([randomBytes(32)]);
    expect(secrets.seal(place, 'x')).not.toBe(secrets.seal(place, 'x'));
  });

  it('do not open when moved to another workspace, table or record', () => {
    const secrets = createSecrets([randomBytes(32)]);
    const sealed = secrets.seal(place, 'x');
    for (const other of [
      { ...place, workspaceId: 'ws_2' },
      { ...place, table: 'agents' },
      { ...place, id: 'trunk_2' },
    ]) {
      expect(() => secrets.open(other, sealed)).toThrow(SecretError);
    }
  });

  it('do not open when any character was changed', () => {
    const secrets = createSecrets([randomBytes(32)]);
    const sealed = secrets.seal(place, 'secret');
    // The last character of a part may hold unused bits, so the ones inside are changed.
    for (let at = 0; at < sealed.length - 1; at++) {
      if (sealed[at + 1] === '.' || sealed[at] === '.') continue;
      const changed = `${sealed.slice(0, at)}${sealed[at] === 'A' ? 'B' : 'A'}${sealed.slice(at + 1)}`;
      expect(() => secrets.open(place, changed)).toThrow(SecretError);
    }
    for (const text of ['', 's1', 's1.a.b', 'clear text', `${sealed}.x`]) {
      expect(() => secrets.open(place, text)).toThrow(SecretError);
    }
  });

  it('open with an older master key after rotation, not with a strange one', () => {
    const [old, fresh, strange] = [randomBytes(32), randomBytes(32), randomBytes(32)];
    const sealed = createSecrets([old]).seal(place, 'x');
    expect(createSecrets([fresh, old]).open(place, sealed)).toBe('x');
    expect(() => createSecrets([strange]).open(place, sealed)).toThrow(/not here/);
  });

  it('refuse a master key of the wrong length', () => {
    expect(() => createSecrets([randomBytes(16)])).toThrow(/32 bytes, got 16/);
  });
});
