import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadTlsIdentity, type TlsIdentityOptions } from './tls-identity.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'trunkline-tls-'));
});
afterEach(() => rm(directory, { recursive: true }));

const NOW_MS = Date.UTC(2027, 0, 1);

function options(over: Partial<TlsIdentityOptions> = {}): TlsIdentityOptions {
  const base = { files: null, ca: null, requireClientCert: false, hosts: ['127.0.0.1'] };
  return { ...base, directory, nowMs: NOW_MS, ...over };
}

describe('the TLS identity of SIP', () => {
  it('is made once, kept for its owner alone, and made anew for another name or near its end', async () => {
    const first = await loadTlsIdentity(options());
    expect(await loadTlsIdentity(options())).toEqual(first);
    const file = path.join(directory, 'sip-tls.pem');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const other = await loadTlsIdentity(options({ hosts: ['127.0.0.1', 'sip.example'] }));
    expect(other.cert).not.toBe(first.cert);
    const late = await loadTlsIdentity(
      options({ hosts: ['sip.example'], nowMs: NOW_MS + 3_640 * 86_400_000 }),
    );
    expect(late.cert).not.toBe(other.cert);
    await writeFile(file, 'not pem');
    expect((await loadTlsIdentity(options())).cert).toContain('BEGIN CERTIFICATE');
    expect(await readFile(file, 'utf8')).toContain('BEGIN PRIVATE KEY');
  });

  it('is that of the files where they are named, and says which cannot be used', async () => {
    const made = await loadTlsIdentity(options());
    const cert = path.join(directory, 'a.crt');
    const key = path.join(directory, 'a.key');
    await writeFile(cert, made.cert);
    await writeFile(key, made.key);
    expect(await loadTlsIdentity(options({ files: { cert, key }, ca: cert }))).toMatchObject({
      cert: made.cert,
      key: made.key,
      ca: [made.cert],
    });
    const missing = { cert: path.join(directory, 'none'), key };
    await expect(loadTlsIdentity(options({ files: missing }))).rejects.toThrow(
      /SIP_TLS_CERT: .*none cannot be read \(ENOENT\)/,
    );
    await writeFile(key, 'secret');
    await expect(loadTlsIdentity(options({ files: { cert, key } }))).rejects.toThrow(
      /SIP_TLS_KEY: expected PEM/,
    );
  });
});
