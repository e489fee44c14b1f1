import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  hash,
  hkdfSync,
  randomBytes,
} from 'node:crypto';
import { EngineError } from '../../error/engine-error.ts';

/** A key for encrypting bodies and search keys. Its bytes are in the secret store, under the master key. */
export interface TraceKey {
  /** Derived from the key itself, so that it is the same everywhere, and different for any other key. */
  readonly id: string;
  readonly bytes: Buffer;
}

/**
 * Protects a trace from readers of its files or database who do not have the key. What was written
 * unencrypted before, or under an earlier key, stays readable.
 */
export interface TraceCipher {
  /** The ids of all available keys. */
  readonly known: readonly string[];
  /** The id of the key for writing; if undefined, it writes unencrypted and only reads encrypted data. */
  readonly writes: string | undefined;
  /** AES-256-GCM with a fresh nonce: key id, nonce, bytes, tag. Only if it has a key for writing. */
  seal(bytes: Uint8Array): Uint8Array;
  /** Throws STORE_UNAVAILABLE if the key is not available, or the bytes were changed. */
  open(sealed: Uint8Array): Uint8Array;
  /** Identifies equal bodies; without the key, nobody can tell whether a body they have is stored. */
  digests(
    content: Uint8Array,
    plain: Buffer,
  ): { readonly digest: Buffer; readonly others: readonly Buffer[] };
  /** A search value as stored: equal values are equal, and it reveals nothing else. */
  searchKey(value: string): string;
  /** All forms in which that value may be stored. */
  searchForms(value: string): readonly string[];
}

const CIPHER = 'aes-256-gcm';
const ID_BYTES = 4;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
const DIGEST_BYTES = 16;
const LABEL = Buffer.from('waybill trace body');
/** No trimmed value begins like this. */
const MARK = '\u0001';

interface Derived {
  readonly id: string;
  readonly body: Buffer;
  readonly search: Buffer;
  readonly digest: Buffer;
}

export function newTraceKey(): TraceKey {
  return traceKey(randomBytes(KEY_BYTES));
}

/** Throws CREDENTIAL_REFUSED for an invalid key. */
export function traceKey(bytes: Buffer): TraceKey {
  if (bytes.length !== KEY_BYTES) {
    throw new EngineError('CREDENTIAL_REFUSED', 'a key of the trace must have 32 bytes');
  }
  return { id: derive(bytes, 'id').subarray(0, ID_BYTES).toString('hex'), bytes };
}

/** @param writes whether the last of the keys is used for writing */
export function traceCipher(keys: readonly TraceKey[], writes: boolean): TraceCipher {
  const derived = new Map(keys.map((key) => [key.id, derivedOf(key)]));
  const writing = writes ? [...derived.values()].at(-1) : undefined;
  const needed = (): Derived => {
    if (writing === undefined) throw new Error('this trace is written unencrypted');
    return writing;
  };
  return {
    known: [...derived.keys()],
    writes: writing?.id,
    seal(bytes) {
      const { id, body } = needed();
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, body, nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(LABEL);
      const sealed = [cipher.update(bytes), cipher.final()];
      return Buffer.concat([Buffer.from(id, 'hex'), nonce, ...sealed, cipher.getAuthTag()]);
    },
    open(sealed) {
      const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
      const id = idOf(bytes);
      const key = derived.get(id);
      if (key === undefined) throw keyMissing([id]);
      const nonce = bytes.subarray(ID_BYTES, ID_BYTES + NONCE_BYTES);
      const cipher = createDecipheriv(CIPHER, key.body, nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(LABEL);
      cipher.setAuthTag(bytes.subarray(-TAG_BYTES));
      try {
        const body = cipher.update(bytes.subarray(ID_BYTES + NONCE_BYTES, -TAG_BYTES));
        return Buffer.concat([body, cipher.final()]);
      } catch {
        // its tag does not match
        throw new EngineError(
          'STORE_UNAVAILABLE',
          'a body of the trace was changed outside Waybill and cannot be read: restore it from a backup',
        );
      }
    },
    digests(content, plain) {
      const all = [...derived.values()].map(
        (key) => [key, keyed(key.digest, content).subarray(0, DIGEST_BYTES)] as const,
      );
      const own = all.find(([key]) => key === writing)?.[1];
      const others = all.flatMap(([key, digest]) => (key === writing ? [] : [digest]));
      return own === undefined
        ? { digest: plain, others }
        : { digest: own, others: [plain, ...others] };
    },
    searchKey: (value) => searchForm(needed(), value),
    searchForms: (value) => [value, ...[...derived.values()].map((key) => searchForm(key, value))],
  };
}

/** A store's record of the keys with which it was written. */
export const USED_KEYS = 'encrypted-with';

/**
 * That record with the current key for writing added. Throws CREDENTIAL_MISSING if one that was
 * used is not available.
 */
export function keysUsed(
  note: string | undefined,
  cipher: TraceCipher | undefined,
): string | undefined {
  const used = note === undefined ? [] : note.split(' ');
  const missing = used.filter((id) => cipher?.known.includes(id) !== true);
  if (missing.length > 0) throw keyMissing(missing);
  const now = cipher?.writes;
  return now === undefined || used.includes(now) ? note : [...used, now].join(' ');
}

/** The possible identifications of an equal body: as written now, and as it may have been written before. */
export function digestsOf(
  content: Uint8Array,
  cipher: TraceCipher | undefined,
): { readonly digest: Buffer; readonly others: readonly Buffer[] } {
  const plain = hash('sha256', content, 'buffer').subarray(0, DIGEST_BYTES);
  if (cipher === undefined) return { digest: plain, others: [] };
  return cipher.digests(content, plain);
}

/** A search value as it is stored. */
export function storedKey(value: string, cipher: TraceCipher | undefined): string {
  return cipher?.writes === undefined ? value : cipher.searchKey(value);
}

/** All forms in which a search value may be stored. */
export function keyForms(value: string, cipher: TraceCipher | undefined): readonly string[] {
  return cipher === undefined ? [value] : cipher.searchForms(value);
}

/** An encrypted value cannot be found by its beginning: an error is better than incomplete results. */
export function refusePrefixes(
  keys: readonly { readonly prefix: boolean }[],
  cipher: TraceCipher | undefined,
): void {
  if (cipher === undefined || !keys.some(({ prefix }) => prefix)) return;
  throw new EngineError(
    'QUERY_INVALID',
    'this trace is encrypted: a search field is found by its whole value, not by its beginning; leave the * away',
  );
}

/** The bytes of an encrypted body. */
export function openSealed(sealed: Uint8Array, cipher: TraceCipher | undefined): Uint8Array {
  if (cipher === undefined) throw keyMissing([idOf(sealed)]);
  return cipher.open(sealed);
}

const idOf = (sealed: Uint8Array): string =>
  Buffer.from(sealed.subarray(0, ID_BYTES)).toString('hex');

function keyMissing(ids: readonly string[]): EngineError {
  return new EngineError(
    'CREDENTIAL_MISSING',
    `the trace is encrypted with the key ${ids.join(', ')}, which the secret store of this installation does not contain or cannot open: give that store in WAYBILL_SECRETS and its master key in WAYBILL_MASTER_KEY. Messages continue meanwhile; the trace catches up.`,
  );
}

/** 16 bytes: no two values of a hospital collide, and the index stays small. */
function searchForm({ search }: Derived, value: string): string {
  return `${MARK}${keyed(search, Buffer.from(value)).subarray(0, DIGEST_BYTES).toString('base64url')}`;
}

function keyed(key: Buffer, content: Uint8Array): Buffer {
  return createHmac('sha256', key).update(content).digest();
}

function derivedOf({ id, bytes }: TraceKey): Derived {
  return {
    id,
    body: derive(bytes, 'body'),
    search: derive(bytes, 'search'),
    digest: derive(bytes, 'digest'),
  };
}

function derive(bytes: Buffer, what: string): Buffer {
  return Buffer.from(hkdfSync('sha256', bytes, '', `waybill trace ${what}`, KEY_BYTES));
}
