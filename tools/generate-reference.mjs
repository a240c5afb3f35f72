// Writes the generated pages of docs/reference from the lists in the code.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describeApi } from '../server/src/api/describe-api.ts';
import { errorsMarkdown } from '../server/src/api/errors-markdown.ts';
import { endReasonsMarkdown } from '../server/src/calls/end-reasons.ts';

const folder = new URL('../docs/reference/', import.meta.url);
const { version } = JSON.parse(
  readFileSync(new URL('../server/package.json', import.meta.url), 'utf8'),
);
mkdirSync(folder, { recursive: true });
writeFileSync(new URL('end-reasons.md', folder), endReasonsMarkdown());
writeFileSync(new URL('errors.md', folder), errorsMarkdown());
writeFileSync(
  new URL('openapi.json', folder),
  `${JSON.stringify(await describeApi(version), null, 2)}\n`,
);
