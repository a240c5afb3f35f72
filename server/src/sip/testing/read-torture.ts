import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const folder = join(
  dirname(createRequire(import.meta.url).resolve('sip/package.json')),
  'test/messages',
);

/** The bytes of one of the messages of RFC 4475, by the name that the RFC gives it. */
export function readTorture(name: string): Buffer {
  const bytes = readFileSync(join(folder, `${name}.dat`));
  // The package keeps the empty line after the headers of this one in a file of its own.
  if (name !== 'baddn') return bytes;
  return Buffer.concat([bytes, readFileSync(join(folder, 'baddn_sep.dat'))]);
}
