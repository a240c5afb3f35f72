// Writes the generated pages of docs/reference from the lists in the code.
import { mkdirSync, writeFileSync } from 'node:fs';
import { endReasonsMarkdown } from '../server/src/calls/end-reasons.ts';

const folder = new URL('../docs/reference/', import.meta.url);
mkdirSync(folder, { recursive: true });
writeFileSync(new URL('end-reasons.md', folder), endReasonsMarkdown());
