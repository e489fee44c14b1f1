import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** Milliseconds that a code is shown for (RFC 6238, as every authenticator app has it). */
const STEP = 30_000;
const DIGITS = 6;
/** Steps by which the clocks of a device and of this machine may differ. */
const SKEW = 1;
/** Up to half an hour: a clock that was never set right. */
const DRIFT = 60;
const HOUR = 3_600_000 / STEP;
/** Time zones are at most this far apart: a clock set to another zone's time by hand. */
const ZONES = 14;
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** When a code is valid, compared with now. */
export interface CodeTime {
  readonly step: number;
  /** Milliseconds; negative if the device's clock is behind ours. 0 if they agree well enough. */
  readonly off: number;
}

/** A key as long as the hash (RFC 4226). */
export const newSecret = (): Buffer => randomBytes(20);

/** The step of a moment. */
export const stepAt = (at: number): number => Math.floor(at / STEP);

/** The code of one step. */
export function codeAt(secret: Uint8Array, step: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const hash = createHmac('sha1', secret).update(counter).digest();
  const offset = (hash.at(-1) ?? 0) & 15;
  const number = (hash.readUInt32BE(offset) & 0x7f_ff_ff_ff) % 10 ** DIGITS;
  return String(number).padStart(DIGITS, '0');
}

/** When a code is valid: now, or at a time that tells by how much a clock is off. Undefined if at none of these. */
export function timeOf(code: string, secret: Uint8Array, at: number): CodeTime | undefined {
  const now = stepAt(at);
  const given = Buffer.from(code);
  const isAt = (step: number): boolean => {
    const right = Buffer.from(codeAt(secret, step));
    return step >= 0 && right.length === given.length && timingSafeEqual(right, given);
  };
  for (const by of distances()) {
    if (isAt(now + by)) return { step: now + by, off: Math.abs(by) <= SKEW ? 0 : by * STEP };
  }
  return undefined;
}

/** The nearest first. */
function distances(): number[] {
  const near = Array.from({ length: DRIFT }, (_, n) => [n + 1, -n - 1]).flat();
  const zones = Array.from({ length: ZONES }, (_, n) => (n + 1) * HOUR).flatMap((by) =>
    [by, -by].flatMap((one) => [one, one - 1, one + 1]),
  );
  return [0, ...near, ...zones];
}

/** The text that authenticator apps read from a QR code. */
export function keyUri(secret: Uint8Array, user: string, issuer: string): string {
  const label = `${encodeURIComponent(issuer)}:${encodeURIComponent(user)}`;
  const parameters = `secret=${base32(secret)}&issuer=${encodeURIComponent(issuer)}`;
  return `otpauth://totp/${label}?${parameters}&algorithm=SHA1&digits=${DIGITS}&period=${STEP / 1_000}`;
}

/** RFC 4648, without padding: what people type into an app that has no camera. */
export function base32(bytes: Uint8Array): string {
  const bits = [...bytes].map((one) => one.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{1,5}/g) ?? [])
    .map((five) => BASE32[Number.parseInt(five.padEnd(5, '0'), 2)])
    .join('');
}
