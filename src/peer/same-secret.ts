import { createHash, timingSafeEqual } from 'node:crypto';

const digest = (secret: string | Uint8Array): Buffer =>
  createHash('sha256').update(secret).digest();

/** Whether two secrets are equal, in a time that reveals neither where they differ nor their length. */
export function isSameSecret(a: string | Uint8Array, b: string | Uint8Array): boolean {
  return timingSafeEqual(digest(a), digest(b));
}
