import { createHmac, createSecretKey, randomBytes, type KeyObject } from 'node:crypto';

const PREFIX = 'whsec_';
const SECRET_BYTES = 32;
/** The Standard Webhooks specification asks for 24 to 64 bytes. */
const MIN_SECRET_BYTES = 24;
const MAX_SECRET_BYTES = 64;

/** A new signing secret, `whsec_` and base64. */
export function newWebhookSecret(): string {
  return PREFIX + randomBytes(SECRET_BYTES).toString('base64');
}

/** Why a text is no signing secret; null: it is one. */
export function webhookSecretProblem(text: string): string | null {
  const base64 = text.startsWith(PREFIX) ? text.slice(PREFIX.length) : '';
  const isBase64 = /^[A-Za-z0-9+/]+={0,2}$/.test(base64);
  const size = isBase64 ? Buffer.from(base64, 'base64').length : 0;
  if (size >= MIN_SECRET_BYTES && size <= MAX_SECRET_BYTES) return null;
  return `expected whsec_ and the base64 of ${MIN_SECRET_BYTES} to ${MAX_SECRET_BYTES} bytes`;
}

/** A secret as what signs. Made once: from raw bytes Node makes a key anew for each signature. */
export function signingKey(secret: string): KeyObject {
  return createSecretKey(Buffer.from(secret.slice(PREFIX.length), 'base64'));
}

/**
 * Headers of Standard Webhooks 1.0: one signature for each secret, so that a receiver that knows
 * either takes the message while a secret is replaced.
 */
export function signatureHeaders(
  keys: readonly KeyObject[],
  message: { id: string; atMs: number; body: string },
): Record<string, string> {
  const timestamp = String(Math.floor(message.atMs / 1000));
  const content = `${message.id}.${timestamp}.${message.body}`;
  const signatures = keys.map(
    (key) => `v1,${createHmac('sha256', key).update(content).digest('base64')}`,
  );
  return {
    'webhook-id': message.id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.join(' '),
  };
}
