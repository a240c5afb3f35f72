import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const LINK = /\[[^\]]*\]\(([^()\s]+)\)/g;
const FENCED = /^ {0,3}(```|~~~)[^\n]*\n[\s\S]*?^ {0,3}\1[^\n]*$/gm;

/** Markdown files under version control and those that are about to be. */
function markdownFiles(): string[] {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'];
  const names = execFileSync('git', args, { cwd: root, encoding: 'utf8' }).split('\n');
  return names.filter((name) => name !== '' && existsSync(path.join(root, name)));
}

/** Anchor of a heading, as GitHub makes it. */
function anchorOf(heading: string): string {
  return heading
    .replaceAll(/[`*_]/g, '')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} -]/gu, '')
    .trim()
    .replaceAll(' ', '-');
}

function anchorsOf(text: string): string[] {
  return [...text.replaceAll(FENCED, '').matchAll(/^#{1,6} +(.+)$/gm)].map(([, heading = '']) =>
    anchorOf(heading),
  );
}

/** What is wrong with a link of a page; null: nothing, or it leads elsewhere. */
function problemOf(page: string, target: string): string | null {
  if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return null;
  const [file = '', anchor] = decodeURIComponent(target).split('#');
  const place = file === '' ? page : path.join(path.dirname(page), file);
  if (place.startsWith('..')) return `${page}: ${target} leads out of the repository`;
  const full = path.join(root, place);
  if (!existsSync(full)) return `${page}: ${target} is not there`;
  if (anchor === undefined || !statSync(full).isFile() || !place.endsWith('.md')) return null;
  return anchorsOf(readFileSync(full, 'utf8')).includes(anchor)
    ? null
    : `${page}: ${target} has no such heading`;
}

function problemsOf(page: string, text: string): string[] {
  const links = [...text.replaceAll(FENCED, '').matchAll(LINK)];
  return links.flatMap(([, target = '']) => problemOf(page, target) ?? []);
}

describe('links of the documents', () => {
  it('lead to files and headings that are there', () => {
    const pages = markdownFiles();
    expect(pages).toContain('README.md');
    const problems = pages.flatMap((page) =>
      problemsOf(page, readFileSync(path.join(root, page), 'utf8')),
    );
    expect(problems).toEqual([]);
  });

  it('are found wanting when they lead nowhere', () => {
    const text = [
      'A [page](docs/none.md), a [heading](README.md#no-such-thing), [out](../x.md).',
      'A [good one](README.md#develop), [another site](https://example.org/none.md).',
      '```sh\necho [not](a-link)\n```',
    ].join('\n');
    expect(problemsOf('CONTRIBUTING.md', text)).toEqual([
      'CONTRIBUTING.md: docs/none.md is not there',
      'CONTRIBUTING.md: README.md#no-such-thing has no such heading',
      'CONTRIBUTING.md: ../x.md leads out of the repository',
    ]);
  });
});
