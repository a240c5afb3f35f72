import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

const FORMAT = 's1';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const WRAPPED_KEY_BYTES = NONCE_BYTES + KEY_BYTES + TAG_BYTES;

/** The record that a secret belongs to. A sealed text opens for this record only. */
export interface SecretPlace {
  workspaceId: string;
  table: string;
  id: string;
}

/** A sealed text was damaged, moved from another record, or sealed with another master key. */
export class SecretError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SecretError';
  }
}

/** Seals what opens a door before it is stored. */
export interface Secrets {
  /** Text safe to store: `s1.<key id>.<wrapped data key>.<ciphertext>`. */
  seal(place: SecretPlace, clear: string): string;
  /** @throws SecretError */
  open(place: SecretPlace, sealed: string): string;
}

/**
 * AES-256-GCM with a data key of its own per record, wrapped by the master key. The record's
 * place is authenticated, so that a ciphertext cannot be moved to another one.
 * @param masterKeys 32 bytes each; the first seals, all of them open (rotation).
 */
export function createSecrets(masterKeys: readonly [Buffer, ...Buffer[]]): Secrets {
  for (const key of masterKeys) {
    if (key.length !== KEY_BYTES) {
      throw new SecretError(`expected a master key of ${KEY_BYTES} bytes, got ${key.length}`);
    }
  }
  const byId = new Map(masterKeys.map((key) => [keyIdOf(key), key]));
  const current = masterKeys[0];
  const currentId = keyIdOf(current);
  return {
    seal(place, clear) {
      const aad = aadOf(place);
      const dataKey = randomBytes(KEY_BYTES);
      const wrapped = encrypt(current, dataKey, aad);
      const body = encrypt(dataKey, Buffer.from(clear, 'utf8'), aad);
      return [FORMAT, currentId, wrapped.toString('base64url'), body.toString('base64url')].join(
        '.',
      );
    },
    open(place, sealed) {
      const [format, keyId, wrapped, body, ...rest] = sealed.split('.');
      if (format !== FORMAT || !keyId || !wrapped || !body || rest.length > 0) {
        throw new SecretError('expected a sealed secret, got something else');
      }
      const masterKey = byId.get(keyId);
      if (!masterKey) {
        throw new SecretError(`the secret was sealed with master key ${keyId}, which is not here`);
      }
      const wrappedBytes = Buffer.from(wrapped, 'base64url');
      if (wrappedBytes.length !== WRAPPED_KEY_BYTES) {
        throw new SecretError(
          `expected a wrapped key of ${WRAPPED_KEY_BYTES} bytes, got ${wrappedBytes.length}`,
        );
      }
      const aad = aadOf(place);
      const dataKey = decrypt(masterKey, wrappedBytes, aad);
      return decrypt(dataKey, Buffer.from(body, 'base64url'), aad).toString('utf8');
    },
  };
}

/** Says which master key sealed a record without saying anything about it. */
function keyIdOf(key: Buffer): string {
  return createHash('sha256')
    .update('trunkline master key id')
    .update(key)
    .digest('hex')
    .slice(0, 8);
}

function aadOf(place: SecretPlace): Buffer {
  return Buffer.from(`${place.workspaceId}:${place.table}:${place.id}`, 'utf8');
}

/** nonce | ciphertext | tag. */
function encrypt(key: Buffer, clear: Buffer, aad: Buffer): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(aad);
  return Buffer.concat([nonce, cipher.update(clear), cipher.final(), cipher.getAuthTag()]);
}

function decrypt(key: Buffer, bytes: Buffer, aad: Buffer): Buffer {
  if (bytes.length < NONCE_BYTES + TAG_BYTES) {
    throw new SecretError(
      `need ${NONCE_BYTES + TAG_BYTES} bytes of ciphertext, got ${bytes.length}`,
    );
  }
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES));
  decipher.setAAD(aad);
  decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES));
  try {
    return Buffer.concat([
      decipher.update(bytes.subarray(NONCE_BYTES, bytes.length - TAG_BYTES)),
      decipher.final(),
    ]);
  } catch {
    // Node's message says nothing more than that the tag is wrong.
    throw new SecretError('the secret was damaged or belongs to another record');
  }
}
