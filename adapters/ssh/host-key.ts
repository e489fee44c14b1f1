import { createHash, timingSafeEqual } from 'node:crypto';
import { setting } from 'waybill/adapter';

/** A trusted host key: by its fingerprint, or as a whole. */
export interface HostKeyPin {
  /** `SHA256:…` */
  readonly fingerprint: string;
  /** `ssh-ed25519`; undefined if only the fingerprint is known. */
  readonly type: string | undefined;
}

/** One entry of `hostKey`: `SHA256:…`, `ssh-ed25519 SHA256:…` or `ssh-ed25519 AAAA…`. */
export const hostKeyPin: setting.Setting<HostKeyPin, string> = {
  kind: 'text',
  help: 'A fingerprint such as SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8, or a whole key as ssh-keyscan prints it (ssh-ed25519 AAAA…).',
  example: 'SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8',
  read: (given) => {
    const pin = typeof given === 'string' ? readPin(given) : undefined;
    return pin === undefined
      ? setting.bad(
          'must be a fingerprint such as SHA256:nThbg6k… (43 characters; not MD5) or a key such as ssh-ed25519 AAAA…',
        )
      : setting.good(pin);
  },
};

/** Reads a pin; undefined if it is not valid. A host before the key, as in `known_hosts`, is ignored. */
export function readPin(text: string): HostKeyPin | undefined {
  const words = text.trim().split(/\s+/);
  const at = words.findIndex((word) => KEY_TYPES.test(word));
  const type = at < 0 ? undefined : words[at];
  const value = words[at < 0 ? 0 : at + 1] ?? '';
  const [, hash] = /^SHA256:([A-Za-z0-9+/]{43})=?$/.exec(value) ?? [];
  if (hash !== undefined) return { fingerprint: `SHA256:${hash}`, type };
  if (type === undefined) return undefined;
  const key = Buffer.from(value, 'base64');
  return keyType(key) === type ? { fingerprint: fingerprint(key), type } : undefined;
}

const KEY_TYPES = /^(ssh|ecdsa|sk)-[\w.@-]+$/;

/** `SHA256:…`, as shown by `ssh-keygen -l` and every SSH client. */
export function fingerprint(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** The type that a key declares: `ssh-ed25519`, `ssh-rsa` … */
export function keyType(key: Buffer): string {
  const length = key.length < 4 ? 0 : key.readUInt32BE(0);
  return length > 64 ? '' : key.toString('latin1', 4, 4 + length);
}

/** The key that a server presented, and whether it is trusted. */
export interface ShownHostKey extends HostKeyPin {
  readonly type: string;
  readonly trusted: boolean;
}

/** Compares the server's key with the pins. */
export function showHostKey(
  key: Buffer,
  trusted: readonly HostKeyPin[],
  revoked: readonly HostKeyPin[],
): ShownHostKey {
  const shown = { fingerprint: fingerprint(key), type: keyType(key) };
  const among = (pins: readonly HostKeyPin[]): boolean => isAmong(pins, shown.fingerprint);
  return { ...shown, trusted: among(trusted) && !among(revoked) };
}

/** Whether a fingerprint is one of these keys'. */
export function isAmong(pins: readonly HostKeyPin[], one: string): boolean {
  return pins.some((pin) => isSame(pin.fingerprint, one));
}

function isSame(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}

/** Every host key algorithm we can check; a key type may be used with several. */
const ALGORITHMS: readonly (readonly [algorithm: string, type: string])[] = [
  ['ssh-ed25519', 'ssh-ed25519'],
  ['ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp256'],
  ['ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp384'],
  ['ecdsa-sha2-nistp521', 'ecdsa-sha2-nistp521'],
  ['rsa-sha2-512', 'ssh-rsa'],
  ['rsa-sha2-256', 'ssh-rsa'],
];

/**
 * The host key algorithms in the order in which to ask for them: those of pinned keys first, so that a
 * server with several keys shows the one we know, also of those that a setting adds. Undefined if no type is known.
 */
export function preferredAlgorithms(
  pins: readonly HostKeyPin[],
  { added = [], removed = [] }: { added?: readonly string[]; removed?: readonly string[] } = {},
): string[] | undefined {
  const known = new Set(pins.map(({ type }) => type));
  const more = added.filter((name) => !ALGORITHMS.some(([algorithm]) => algorithm === name));
  const all = [...ALGORITHMS, ...more.map((name) => [name, name] as const)].filter(
    ([algorithm]) => !removed.includes(algorithm),
  );
  if (!all.some(([, type]) => known.has(type))) return undefined;
  const first = all.filter(([, type]) => known.has(type));
  const rest = all.filter(([, type]) => !known.has(type));
  return [...first, ...rest].map(([algorithm]) => algorithm);
}
