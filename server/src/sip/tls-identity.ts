import { X509Certificate } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { selfSignedCertificate, type CertificatePair } from './self-signed-certificate.ts';
import type { SipTlsOptions } from './transport-stream.ts';

export interface TlsIdentityOptions {
  /** PEM files of our own certificate; null: one is made and kept in `directory`. */
  files: { cert: string; key: string } | null;
  /** PEM file of authorities that far ends are believed by; null: those of the system. */
  ca: string | null;
  requireClientCert: boolean;
  directory: string;
  /** Names and addresses under which far ends reach us. */
  hosts: readonly string[];
  nowMs: number;
}

const FILE_NAME = 'sip-tls.pem';
/** One that ends sooner is made anew. */
const MIN_REST_MS = 30 * 86_400_000;

/**
 * What SIP over TLS shows and believes.
 * @throws Error that names the file that cannot be used.
 */
export async function loadTlsIdentity(options: TlsIdentityOptions): Promise<SipTlsOptions> {
  const { files, ca, requireClientCert } = options;
  const pair = files
    ? {
        cert: await readPem('SIP_TLS_CERT', files.cert),
        key: await readPem('SIP_TLS_KEY', files.key),
      }
    : await ownPair(options);
  return {
    ...pair,
    requireClientCert,
    ...(ca !== null && { ca: [await readPem('SIP_TLS_CA', ca)] }),
  };
}

async function readPem(setting: string, file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Error(`${setting}: ${file} cannot be read (${error.code ?? error.message})`);
  });
  if (text.includes('-----BEGIN ')) return text;
  throw new Error(`${setting}: expected PEM in ${file}`);
}

async function ownPair({ directory, hosts, nowMs }: TlsIdentityOptions): Promise<CertificatePair> {
  const file = path.join(directory, FILE_NAME);
  const kept = pairOf(await readFile(file, 'utf8').catch(() => ''));
  if (kept && isUsable(kept.cert, hosts, nowMs)) return kept;
  const made = await selfSignedCertificate(hosts, nowMs);
  await mkdir(directory, { recursive: true });
  // Never half-written under its name.
  const draft = `${file}.${process.pid}`;
  await writeFile(draft, `${made.key}\n${made.cert}\n`, { mode: 0o600 });
  await rename(draft, file);
  return made;
}

function pairOf(text: string): CertificatePair | null {
  const [key] = /-----BEGIN PRIVATE KEY-----[^]*?-----END PRIVATE KEY-----/.exec(text) ?? [];
  const [cert] = /-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/.exec(text) ?? [];
  return key !== undefined && cert !== undefined ? { key, cert } : null;
}

function isUsable(cert: string, hosts: readonly string[], nowMs: number): boolean {
  try {
    const parsed = new X509Certificate(cert);
    const covers = hosts.every(
      (host) => parsed.checkIP(host) !== undefined || parsed.checkHost(host) !== undefined,
    );
    return covers && new Date(parsed.validTo).getTime() > nowMs + MIN_REST_MS;
  } catch {
    return false;
  }
}
