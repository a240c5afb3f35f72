import { createHash, randomBytes } from 'node:crypto';
import { chmod, link, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';

const KEY_BYTES = 32;
const FILE_NAME = 'master.key';

/**
 * The key that wraps every stored secret.
 * @param options.text value of the setting: 64 hex digits, base64 of 32 bytes, or any text of at
 *   least 16 characters, which is hashed. Null: the key of the data directory, made when missing.
 */
export async function loadMasterKey(options: {
  text: string | null;
  dataDir: string;
}): Promise<Buffer> {
  // A line break at the end comes with values read from files.
  if (options.text !== null) return keyFromText(options.text.trim());
  return fileKey(options.dataDir);
}

function keyFromText(text: string): Buffer {
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex');
  const decoded = Buffer.from(text, 'base64');
  if (/^[A-Za-z0-9+/_-]{43}=?$/.test(text) && decoded.length === KEY_BYTES) return decoded;
  if (text.length < 16) {
    throw new Error(`the master key needs at least 16 characters, got ${text.length}`);
  }
  return createHash('sha256').update(text).digest();
}

async function fileKey(dataDir: string): Promise<Buffer> {
  const file = path.join(dataDir, FILE_NAME);
  const found = await readKey(file);
  if (found) return found;
  await mkdir(dataDir, { recursive: true });
  // Written aside and linked: of two first starts one wins, and no half-written key is ever read.
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  await writeFile(draft, `${randomBytes(KEY_BYTES).toString('hex')}\n`, { mode: 0o600 });
  try {
    await link(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(draft, { force: true });
  }
  const key = await readKey(file);
  if (!key) throw new Error(`the master key file ${file} vanished while it was made`);
  return key;
}

async function readKey(file: string): Promise<Buffer | null> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  if (!/^[0-9a-f]{64}\s*$/i.test(text)) {
    throw new Error(`expected 64 hex digits in ${file}; without that key no secret can be opened`);
  }
  // A copy or a backup may have opened the file for others.
  if (((await stat(file)).mode & 0o077) !== 0) await chmod(file, 0o600);
  return Buffer.from(text.trim(), 'hex');
}
