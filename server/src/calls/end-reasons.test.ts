import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { END_REASONS, endReasonsMarkdown, isEndReason } from './end-reasons.ts';

const page = readFileSync(
  new URL('../../../docs/reference/end-reasons.md', import.meta.url),
  'utf8',
);

describe('end reasons', () => {
  it('are exactly the ones that docs/reference/end-reasons.md lists', () => {
    const listed = [...page.matchAll(/^\| `([^`]+)`/gm)].map((match) => match[1]);
    expect(listed).toEqual(Object.keys(END_REASONS));
  });

  it('have a page that is what the generator writes', () => {
    expect(page).toBe(endReasonsMarkdown());
  });

  it('are kebab-case slugs with a meaning and an action', () => {
    for (const [slug, info] of Object.entries(END_REASONS)) {
      expect(slug).toMatch(/^[a-z]+(-[a-z]+)*$/);
      expect(info.meaning).toMatch(/\.$/);
      expect(info.action).toMatch(/\.$/);
    }
  });

  it('do not include what objects inherit', () => {
    expect(isEndReason('toString')).toBe(false);
    expect(isEndReason('user-busy')).toBe(true);
  });
});
