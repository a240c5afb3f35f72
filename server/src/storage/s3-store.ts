import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { AwsV4Signer } from 'aws4fetch';
import { request as httpRequest } from 'undici';
import type { Clock } from '../shared/clock.ts';

/** Where a bucket is and who may use it. */
export interface S3Settings {
  /** Such as `https://s3.eu-central-1.amazonaws.com` or `http://127.0.0.1:9000`. */
  endpoint: string;
  bucket: string;
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
}

/** The store refused, or did not answer. Never holds the secret. */
export class S3Error extends Error {
  /** HTTP status; null: no answer. */
  readonly status: number | null;

  constructor(message: string, status: number | null, options?: ErrorOptions) {
    super(message, options);
    this.name = 'S3Error';
    this.status = status;
  }
}

/** Objects in a bucket of any S3-compatible store, addressed path-style. */
export interface S3Store {
  /** Sends a file; the same key again replaces the object. */
  putFile(key: string, path: string, contentType: string): Promise<void>;
  /** Null when there is no such object. */
  open(
    key: string,
    range?: { startByte: number; endByte?: number },
  ): Promise<{ stream: Readable; sizeBytes: number } | null>;
  /** Harmless when there is none. */
  delete(key: string): Promise<void>;
  /** A URL that anybody can read the object with, for so long. */
  presign(key: string, ttlS: number): Promise<string>;
}

/** How long the store may take to begin its answer, and to keep silent within it. */
const TIMEOUT_MS = 30_000;
const MAX_ERROR_CHARS = 300;

export function createS3Store(settings: S3Settings, clock: Clock): S3Store {
  const base = `${settings.endpoint.replace(/\/+$/, '')}/${settings.bucket}`;
  const urlOf = (key: string): URL =>
    new URL(`${base}/${key.split('/').map(encodeURIComponent).join('/')}`);

  function signer(
    method: string,
    url: URL,
    options: { headers?: Record<string, string>; signQuery?: boolean } = {},
  ): AwsV4Signer {
    const { accessKeyId, secretAccessKey, region } = settings;
    return new AwsV4Signer({
      method,
      url: url.href,
      service: 's3',
      region,
      accessKeyId,
      secretAccessKey,
      datetime: new Date(clock.now()).toISOString().replace(/[:-]|\.\d{3}/g, ''),
      ...options,
    });
  }

  async function send(
    method: 'PUT' | 'GET' | 'DELETE',
    key: string,
    options: { headers?: Record<string, string>; body?: Readable } = {},
  ) {
    const signed = await signer(method, urlOf(key), options).sign();
    try {
      return await httpRequest(signed.url, {
        method,
        headers: Object.fromEntries(signed.headers),
        body: options.body ?? null,
        headersTimeout: TIMEOUT_MS,
        bodyTimeout: TIMEOUT_MS,
      });
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      throw new S3Error(`the S3 store does not answer (${code ?? message})`, null, {
        cause: error,
      });
    }
  }

  return {
    async putFile(key, path, contentType) {
      const { size } = await stat(path);
      const sha256 = await sha256Of(path);
      const response = await send('PUT', key, {
        headers: {
          'content-type': contentType,
          'content-length': String(size),
          'x-amz-content-sha256': sha256,
        },
        body: createReadStream(path),
      });
      await refuseUnless([200, 201], response, 'take the recording');
    },

    async open(key, range) {
      const headers: Record<string, string> = range
        ? { range: `bytes=${range.startByte}-${range.endByte ?? ''}` }
        : {};
      const response = await send('GET', key, { headers });
      if (response.statusCode === 404) {
        await response.body.dump();
        return null;
      }
      if (response.statusCode !== 200 && response.statusCode !== 206) {
        await refuseUnless([], response, 'give the recording');
      }
      // "bytes 0-99/1234": the size of the whole is behind the slash.
      const whole = /\/(\d+)$/.exec(String(response.headers['content-range'] ?? ''))?.[1];
      const length = whole ?? response.headers['content-length'];
      if (typeof length !== 'string') {
        await response.body.dump();
        throw new S3Error('the S3 store does not say how long the recording is', 200);
      }
      const sizeBytes = Number(length);
      return { stream: response.body, sizeBytes };
    },

    async delete(key) {
      const response = await send('DELETE', key);
      await refuseUnless([200, 204, 404], response, 'delete the recording');
    },

    async presign(key, ttlS) {
      const url = urlOf(key);
      url.searchParams.set('X-Amz-Expires', String(ttlS));
      const signed = await signer('GET', url, { signQuery: true }).sign();
      return signed.url.href;
    },
  };
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

async function refuseUnless(
  good: readonly number[],
  response: Awaited<ReturnType<typeof httpRequest>>,
  what: string,
): Promise<void> {
  const { statusCode, body } = response;
  if (good.includes(statusCode)) {
    await body.dump();
    return;
  }
  const text = (await body.text()).slice(0, MAX_ERROR_CHARS);
  const code = /<Code>([A-Za-z]{1,60})<\/Code>/.exec(text)?.[1];
  throw new S3Error(
    `the S3 store does not ${what}: it answered ${statusCode}${code ? ` ${code}` : ''}`,
    statusCode,
  );
}
