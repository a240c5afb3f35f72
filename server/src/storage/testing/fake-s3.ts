import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { S3Settings } from '../s3-store.ts';

/** A small S3-compatible store on the loopback that checks every signature (AWS SigV4). */
export interface FakeS3 {
  readonly settings: S3Settings;
  readonly objects: Map<string, Buffer>;
  /** What was asked, such as `PUT /bucket/key`, with the status that it got. */
  readonly requests: { line: string; status: number }[];
  /** Answers 503 to everything while true. */
  away: boolean;
  close(): Promise<void>;
}

const REGION = 'eu-test-1';
const ACCESS_KEY_ID = 'AKTEST';
const SECRET = 'a secret/with+signs';
const BUCKET = 'calls';
const MAX_SKEW_MS = 900_000;

const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Buffer, text: string): Buffer =>
  createHmac('sha256', key).update(text).digest();

export async function startFakeS3(now: () => number = Date.now): Promise<FakeS3> {
  const objects = new Map<string, Buffer>();
  const requests: { line: string; status: number }[] = [];
  const server = createServer((request, response) => {
    void answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const fake: FakeS3 = {
    settings: {
      endpoint: `http://127.0.0.1:${port}`,
      bucket: BUCKET,
      region: REGION,
      accessKeyId: ACCESS_KEY_ID,
      secretAccessKey: SECRET,
    },
    objects,
    requests,
    away: false,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    const url = new URL(request.url ?? '', fake.settings.endpoint);
    const { status, code, data, headers } = handle(request, url, body);
    requests.push({ line: `${request.method} ${url.pathname}`, status });
    const sent = code
      ? Buffer.from(`<Error><Code>${code}</Code></Error>`)
      : (data ?? Buffer.alloc(0));
    response.writeHead(status, {
      ...(status !== 204 && { 'content-length': sent.length }),
      ...headers,
    });
    response.end(sent);
  }

  interface Reply {
    status: number;
    code?: string;
    data?: Buffer;
    headers?: Record<string, string>;
  }

  function handle(request: IncomingMessage, url: URL, body: Buffer): Reply {
    if (fake.away) return { status: 503, code: 'SlowDown' };
    const wrong = checkSignature(request, url, body, now());
    if (wrong) return { status: 403, code: wrong };
    const prefix = `/${BUCKET}/`;
    if (!url.pathname.startsWith(prefix)) return { status: 404, code: 'NoSuchBucket' };
    const key = decodeURIComponent(url.pathname.slice(prefix.length));
    if (request.method === 'PUT') {
      if (request.headers['content-length'] === undefined)
        return { status: 411, code: 'MissingContentLength' };
      objects.set(key, body);
      return { status: 200 };
    }
    if (request.method === 'DELETE') {
      objects.delete(key);
      return { status: 204 };
    }
    const data = objects.get(key);
    if (!data) return { status: 404, code: 'NoSuchKey' };
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
    if (!range) return { status: 200, data };
    const start = Number(range[1]);
    const end = range[2] === '' ? data.length - 1 : Number(range[2]);
    return {
      status: 206,
      data: data.subarray(start, end + 1),
      headers: { 'content-range': `bytes ${start}-${end}/${data.length}` },
    };
  }

  return fake;
}

/** The error code of S3 for a request that is not signed as it must be; null: it is. */
function checkSignature(
  request: IncomingMessage,
  url: URL,
  body: Buffer,
  nowMs: number,
): string | null {
  const query = url.searchParams;
  const presigned = query.get('X-Amz-Signature');
  const header =
    /^AWS4-HMAC-SHA256 Credential=([^,]+), SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
      request.headers.authorization ?? '',
    );
  const [credential, signedHeaders, signature] =
    presigned === null
      ? [header?.[1], header?.[2], header?.[3]]
      : [query.get('X-Amz-Credential') ?? '', query.get('X-Amz-SignedHeaders') ?? '', presigned];
  if (!credential || !signedHeaders || !signature) return 'AccessDenied';
  const stamp =
    presigned === null ? String(request.headers['x-amz-date']) : (query.get('X-Amz-Date') ?? '');
  const atMs = Date.parse(
    stamp.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'),
  );
  const ageMs = nowMs - atMs;
  if (presigned === null && !(Math.abs(ageMs) < MAX_SKEW_MS)) return 'RequestTimeTooSkewed';
  if (presigned !== null && !(ageMs < Number(query.get('X-Amz-Expires')) * 1_000)) {
    return 'AccessDenied';
  }
  const scope = `${stamp.slice(0, 8)}/${REGION}/s3/aws4_request`;
  if (credential !== `${ACCESS_KEY_ID}/${scope}`) return 'InvalidAccessKeyId';
  const payload =
    presigned === null ? String(request.headers['x-amz-content-sha256']) : 'UNSIGNED-PAYLOAD';
  if (payload !== 'UNSIGNED-PAYLOAD' && payload !== sha256(body)) {
    return 'XAmzContentSHA256Mismatch';
  }
  const encode = (text: string): string =>
    encodeURIComponent(text).replaceAll(
      /[!'()*]/g,
      (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
    );
  const canonical = [
    request.method,
    decodeURIComponent(url.pathname).split('/').map(encode).join('/'),
    [...query]
      .filter(([name]) => name !== 'X-Amz-Signature')
      .map(([name, value]) => `${encode(name)}=${encode(value)}`)
      .sort()
      .join('&'),
    ...signedHeaders
      .split(';')
      .map((name) => `${name}:${String(request.headers[name]).trim().replaceAll(/\s+/g, ' ')}`),
    '',
    signedHeaders,
    payload,
  ].join('\n');
  const key = hmac(
    hmac(hmac(hmac(`AWS4${SECRET}`, stamp.slice(0, 8)), REGION), 's3'),
    'aws4_request',
  );
  const expected = hmac(key, ['AWS4-HMAC-SHA256', stamp, scope, sha256(canonical)].join('\n'));
  return expected.toString('hex') === signature ? null : 'SignatureDoesNotMatch';
}
