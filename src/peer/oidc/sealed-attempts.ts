import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/**
 * Sign-ins in progress. They are sealed in the browser's own cookie instead of being stored here:
 * anybody may start one, and nobody can displace those of others or fill the disk. A person
 * redirected by one process may return to another that has the same key.
 */
export interface SealedAttempts<Waiting extends object> {
  /** The value of the cookie. */
  seal(one: Waiting): string;
  /** Its content, if it was sealed here and not too long ago. */
  open(value: string): Waiting | undefined;
}

/** Milliseconds that a person may spend at the provider. */
const PATIENCE = 10 * 60_000;
const CIPHER = 'aes-256-gcm';
const IV = 12;
const TAG = 16;

export function sealedAttempts<Waiting extends object>(
  key: Uint8Array,
  now: () => number = Date.now,
): SealedAttempts<Waiting> {
  return {
    seal(one) {
      const iv = randomBytes(IV);
      const cipher = createCipheriv(CIPHER, key, iv);
      const text = JSON.stringify({ one, until: now() + PATIENCE });
      const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url');
    },
    open(value) {
      const bytes = Buffer.from(value, 'base64url');
      if (bytes.byteLength <= IV + TAG) return undefined;
      try {
        const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, IV));
        decipher.setAuthTag(bytes.subarray(IV, IV + TAG));
        const text = Buffer.concat([decipher.update(bytes.subarray(IV + TAG)), decipher.final()]);
        const { until, one } = JSON.parse(text.toString()) as { until: number; one: Waiting };
        return until < now() ? undefined : one;
      } catch {
        // it was not sealed here
        return undefined;
      }
    },
  };
}
