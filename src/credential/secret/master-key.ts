import { hkdf, scrypt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { EngineError } from '../../error/engine-error.ts';

const derive = promisify<Buffer, Buffer, number, object, Buffer>(scrypt);
const expand = promisify(hkdf);

/** How a passphrase becomes a key: half a second and 128 MB on purpose. Stored in the store's file. */
export interface ScryptCost {
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

/** OWASP's first choice for scrypt. */
export const SCRYPT_COST: ScryptCost = { N: 2 ** 17, r: 8, p: 1 };

const KEY_BYTES = 32;
const LEAST_PASSPHRASE = 16;

/** The key that opens a secret store. Printing it shows nothing. */
export interface MasterKey {
  readonly kind: 'random' | 'passphrase';
  /** The key of one store; `cost` is only for a passphrase. */
  keyFor(salt: Buffer, cost: ScryptCost): Promise<Buffer>;
}

/**
 * Reads a master key: 32 random bytes as hex or base64 (`openssl rand -base64 32`), or a passphrase of at
 * least 16 characters.
 */
export function masterKey(text: string): MasterKey {
  const given = text.replace(/\r?\n$/, '');
  const bytes = randomBytesFrom(given);
  if (bytes !== undefined) {
    return {
      kind: 'random',
      keyFor: async (salt) =>
        Buffer.from(await expand('sha256', bytes, salt, 'waybill secret store', KEY_BYTES)),
    };
  }
  if (given.length < LEAST_PASSPHRASE) {
    throw new EngineError(
      'CREDENTIAL_REFUSED',
      `The master key has fewer than ${LEAST_PASSPHRASE} characters. Make one with: openssl rand -base64 32.`,
    );
  }
  return {
    kind: 'passphrase',
    keyFor: (salt, { N, r, p }) =>
      derive(Buffer.from(given.normalize('NFC')), salt, KEY_BYTES, {
        N,
        r,
        p,
        maxmem: 256 * N * r + 1_048_576,
      }),
  };
}

function randomBytesFrom(text: string): Buffer | undefined {
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex');
  return /^[\w+/-]{43}=?$/.test(text) ? Buffer.from(text, 'base64') : undefined;
}

/** The master key of `WAYBILL_MASTER_KEY`, or of the file that `WAYBILL_MASTER_KEY_FILE` names. */
export async function masterKeyFrom(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<MasterKey> {
  const { WAYBILL_MASTER_KEY: text, WAYBILL_MASTER_KEY_FILE: file } = environment;
  if (text !== undefined && text !== '') return masterKey(text);
  if (file === undefined || file === '') {
    throw new EngineError(
      'CREDENTIAL_MISSING',
      'The secret store needs its master key. Set WAYBILL_MASTER_KEY, or set WAYBILL_MASTER_KEY_FILE to a file with the key; make one with: openssl rand -base64 32.',
    );
  }
  try {
    return masterKey(await readFile(file, 'utf8'));
  } catch (error) {
    if (error instanceof EngineError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new EngineError(
      'CREDENTIAL_MISSING',
      `The file of WAYBILL_MASTER_KEY_FILE, ${file}, cannot be read (${code ?? 'unknown'}). Correct the path or the file's permissions.`,
    );
  }
}
