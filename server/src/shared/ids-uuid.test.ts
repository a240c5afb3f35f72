import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { idOfUuid, newId, uuidOfId } from './ids.ts';

describe('ids as UUIDs', () => {
  it('gives every id a version 4 UUID and the id back, with and without hyphens', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 42 - 1 }), (atMs) => {
        const id = newId('call', atMs);
        const uuid = uuidOfId(id) ?? '';
        expect(z.uuidv4().safeParse(uuid).success, uuid).toBe(true);
        expect(idOfUuid('call', uuid)).toBe(id);
        expect(idOfUuid('call', uuid.replaceAll('-', '').toUpperCase())).toBe(id);
      }),
    );
  });

  it('keeps the order of time', () => {
    const [early = '', late = ''] = [1_000, 1_001].map((at) => uuidOfId(newId('agent', at)) ?? '');
    expect(early < late).toBe(true);
  });

  it('has none for ids with a name, and knows what is no UUID of its own', () => {
    expect(uuidOfId('trunk_sandbox')).toBeNull();
    expect(idOfUuid('call', 'agt-xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx')).toBeNull();
    expect(idOfUuid('call', '')).toBeNull();
    // Version 1: not one of ours.
    expect(idOfUuid('call', 'b7140255-af33-1608-8e97-04dd944b8e48')).toBeNull();
  });
});
