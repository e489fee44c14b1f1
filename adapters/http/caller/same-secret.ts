import { createHash, timingSafeEqual } from 'node:crypto';

const digest = (secret: string | Uint8Array): Buffer =>
  createHash('sha256').update(secret).digest();

/** Whether two secrets are the same, in a time that tells nothing of where they differ, nor of their length. */
export function isSameSecret(a: string | Uint8Array, b: string | Uint8Array): boolean {
  return timingSafeEqual(digest(a), digest(b));
}
