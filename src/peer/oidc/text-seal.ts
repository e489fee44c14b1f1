import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** Encrypts texts for who has the same key, so that they may be kept where others can read. */
export interface TextSeal {
  /** Another one each time, in base64url. */
  seal(text: string): string;
  /** Undefined for what was not sealed with this key, or was changed. */
  open(sealed: string): string | undefined;
}

const CIPHER = 'aes-256-gcm';
const IV = 12;
const TAG = 16;

/** @param key 32 bytes */
export function textSeal(key: Uint8Array): TextSeal {
  return {
    seal(text) {
      const iv = randomBytes(IV);
      const cipher = createCipheriv(CIPHER, key, iv);
      const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url');
    },
    open(sealed) {
      const bytes = Buffer.from(sealed, 'base64url');
      if (bytes.byteLength <= IV + TAG) return undefined;
      try {
        const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, IV));
        decipher.setAuthTag(bytes.subarray(IV, IV + TAG));
        return Buffer.concat([
          decipher.update(bytes.subarray(IV + TAG)),
          decipher.final(),
        ]).toString();
      } catch {
        // it was not sealed with this key
        return undefined;
      }
    },
  };
}
