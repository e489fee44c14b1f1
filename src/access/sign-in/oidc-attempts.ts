import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { OidcAttempt } from './oidc-provider.ts';
import type { SamlAttempt } from './saml/saml-provider.ts';

/** A sign-in that was sent to a provider and has not come back. */
export interface Waiting {
  /** Name of the provider. */
  readonly provider: string;
  readonly attempt: OidcAttempt | SamlAttempt;
  /** Where the person goes afterwards. */
  readonly back: string;
}

/**
 * Sign-ins in progress. They are sealed in the browser's own cookie instead of being stored here:
 * anybody may start one, and nobody can displace those of others or fill the disk. A person
 * redirected by one operator plane may return to another.
 */
export interface OidcAttempts {
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

export function oidcAttempts(key: Uint8Array, now: () => number = Date.now): OidcAttempts {
  return {
    seal(one) {
      const iv = randomBytes(IV);
      const cipher = createCipheriv(CIPHER, key, iv);
      const text = JSON.stringify({ ...one, until: now() + PATIENCE });
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
        const { until, ...one } = JSON.parse(text.toString()) as Waiting & { until: number };
        return until < now() ? undefined : one;
      } catch {
        // it was not sealed here
        return undefined;
      }
    },
  };
}
