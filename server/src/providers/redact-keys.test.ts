import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { redactCause, redactKeys } from './redact-keys.ts';

describe('redactKeys', () => {
  it('takes out the key in use, whatever it looks like, and wherever it stands', () => {
    expect(redactKeys('key "abc$&123" of abc$&123', 'abc$&123')).toBe(
      'key "[redacted]" of [redacted]',
    );
  });

  it('takes out what looks like a key of somebody else', () => {
    expect(redactKeys('Authorization: bearer xyz.abc refused, use sk-proj-1 instead')).toBe(
      'Authorization: [redacted] refused, use [redacted] instead',
    );
  });

  it('leaves words alone that only contain the letters', () => {
    expect(redactKeys('a risk-free task-force', '')).toBe('a risk-free task-force');
    expect(redactKeys('a model', 'a')).toBe('a model');
  });
});

describe('redactCause', () => {
  it('keeps name, code and causes, and drops keys and what hangs on the error', () => {
    const inner = Object.assign(new Error('connect to my-key failed'), { code: 'ECONNREFUSED' });
    const outer = Object.assign(
      new TypeError('fetch failed with Bearer my-key', { cause: inner }),
      {
        headers: { authorization: 'Bearer my-key' },
      },
    );
    const clean = redactCause(outer, 'my-key');
    expect(clean).toMatchObject({ name: 'TypeError', cause: { code: 'ECONNREFUSED' } });
    expect(inspect(clean, { depth: 9, showHidden: true })).not.toContain('my-key');
  });

  it('ends where causes run in a circle', () => {
    const error = new Error('round');
    error.cause = error;
    expect(redactCause(error)?.message).toBe('round');
  });
});
