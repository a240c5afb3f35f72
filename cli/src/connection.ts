import { createHash, createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { TrunklineClient } from '@trunkline/sdk';

/** Must equal the server's; see docs/reference/cli.md. */
const LOCAL_SIGN_IN_CONTEXT = 'trunkline-local-sign-in-v1';

export interface ConnectionOptions {
  url?: string;
  apiKey?: string;
  dataDir?: string;
}

/** The command cannot go on; the message says what to do. */
export class CliError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CliError';
  }
}

/**
 * A client with, in this order: `--api-key`, TRUNKLINE_API_KEY, or the local sign-in of the machine's
 * operator, which is an HMAC made with the master key that only the operator can read.
 */
export function connect(options: ConnectionOptions): TrunklineClient {
  const environment = process.env;
  const baseUrl = options.url ?? environment['TRUNKLINE_URL'] ?? defaultUrl(environment);
  const apiKey = options.apiKey ?? environment['TRUNKLINE_API_KEY'];
  if (apiKey) return new TrunklineClient({ baseUrl, token: () => apiKey });
  const masterKey = readMasterKey(options.dataDir ?? environment['TRUNKLINE_DATA_DIR'] ?? './data');
  return new TrunklineClient({
    baseUrl,
    token: () => {
      const stamp = String(Date.now());
      const mac = createHmac('sha256', masterKey)
        .update(`${LOCAL_SIGN_IN_CONTEXT}:${stamp}`)
        .digest('hex');
      return `local.${stamp}.${mac}`;
    },
  });
}

function defaultUrl(environment: NodeJS.ProcessEnv): string {
  const port = environment['HTTP_PORT'] ?? '8080';
  const host = environment['HTTP_HOST'];
  return `http://${!host || host === '0.0.0.0' ? '127.0.0.1' : host}:${port}`;
}

function readMasterKey(dataDir: string): Buffer {
  const fromEnvironment = process.env['TRUNKLINE_MASTER_KEY'];
  const file = path.resolve(dataDir, 'master.key');
  try {
    return parseMasterKey(fromEnvironment ?? readFileSync(file, 'utf8'));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    const why =
      code === 'ENOENT'
        ? `${file} is not there`
        : code === 'EACCES'
          ? `${file} may be read by the user who started Trunkline only`
          : `${file} cannot be used`;
    throw new CliError(
      `${why}. Run this in the folder where Trunkline was started, or set TRUNKLINE_API_KEY to your API key.`,
    );
  }
}

/** 64 hex digits, 32 bytes as base64, or a text that is hashed: as the server takes it. */
function parseMasterKey(text: string): Buffer {
  const trimmed = text.trim();
  if (/^[0-9a-f]{64}$/i.test(trimmed)) return Buffer.from(trimmed, 'hex');
  if (/^[A-Za-z0-9+/_-]{43}=?$/.test(trimmed)) return Buffer.from(trimmed, 'base64');
  return createHash('sha256').update(trimmed).digest();
}
