import { generate } from 'selfsigned';

const VALID_DAYS = 3_650;
const DAY_MS = 86_400_000;

/** A certificate and its key, as PEM. */
export interface CertificatePair {
  cert: string;
  key: string;
}

/**
 * A certificate for names and addresses that nobody but its owner vouches for: enough to encrypt,
 * and to be believed by whoever is given the certificate itself.
 */
export async function selfSignedCertificate(
  hosts: readonly string[],
  nowMs: number,
): Promise<CertificatePair> {
  const [commonName = 'trunkline'] = hosts;
  const made = await generate([{ name: 'commonName', value: commonName }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate: new Date(nowMs - DAY_MS),
    notAfterDate: new Date(nowMs + VALID_DAYS * DAY_MS),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', digitalSignature: true, keyCertSign: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
      { name: 'subjectAltName', altNames: hosts.map(altName) },
    ],
  });
  return { cert: made.cert.trim(), key: made.private.trim() };
}

function altName(host: string): { type: 2; value: string } | { type: 7; ip: string } {
  return isAddress(host) ? { type: 7, ip: host } : { type: 2, value: host };
}

function isAddress(host: string): boolean {
  return /^[\d.]+$/.test(host) || host.includes(':');
}
