import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { masterKeyFrom, SCRYPT_COST } from '../../../credential/secret/master-key.ts';

/** Seals what must be read again: secrets at rest, and what waits in a browser for the next step. */
export interface FactorSeal {
  /** With the master key if there is one, else with the installation's own. `label` says what it is for. */
  seal(label: string, text: string): string;
  /** Undefined if it was not sealed here, for this, or with a key that is not here. */
  open(label: string, sealed: string): string | undefined;
  /** Whether it is sealed with another key than one that is sealed now. */
  isOutdated(sealed: string): boolean;
}

const CIPHER = 'aes-256-gcm';
const NONCE = 12;
const TAG = 16;

/**
 * @param own the installation's key, which lies beside what it seals: without a master key, who can read the
 *   database can read the secrets
 */
export async function factorSeal(
  own: Uint8Array,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<FactorSeal> {
  const master = await masterOf(
    environment['WAYBILL_MASTER_KEY'],
    environment['WAYBILL_MASTER_KEY_FILE'],
  );
  // with which what nobody has used since the last `waybill secret rotate` is sealed
  const before = await masterOf(
    environment['WAYBILL_MASTER_KEY_BEFORE'],
    environment['WAYBILL_MASTER_KEY_BEFORE_FILE'],
  );
  const keys = new Map(
    [master, own, before].flatMap((key) => (key === undefined ? [] : [[idOf(key), key]])),
  );
  const [current = ''] = keys.keys();
  return {
    seal(label, text) {
      const nonce = randomBytes(NONCE);
      const cipher = createCipheriv(CIPHER, keys.get(current) ?? own, nonce);
      cipher.setAAD(Buffer.from(label));
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return `${current}.${Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url')}`;
    },
    open(label, sealed) {
      const [id = '', text = ''] = sealed.split('.');
      const key = keys.get(id);
      const bytes = Buffer.from(text, 'base64url');
      if (key === undefined || bytes.length < NONCE + TAG) return undefined;
      try {
        const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE));
        decipher.setAAD(Buffer.from(label));
        decipher.setAuthTag(bytes.subarray(NONCE, NONCE + TAG));
        const body = decipher.update(bytes.subarray(NONCE + TAG));
        return Buffer.concat([body, decipher.final()]).toString('utf8');
      } catch {
        // the tag does not match: it was changed, or sealed for something else
        return undefined;
      }
    },
    isOutdated: (sealed) => !sealed.startsWith(`${current}.`),
  };
}

async function masterOf(text = '', file = ''): Promise<Uint8Array | undefined> {
  if (text === '' && file === '') return undefined;
  const salt = createHash('sha256').update('waybill second factor').digest();
  const key = await masterKeyFrom({ WAYBILL_MASTER_KEY: text, WAYBILL_MASTER_KEY_FILE: file });
  return key.keyFor(salt, SCRYPT_COST);
}

const idOf = (key: Uint8Array): string =>
  createHash('sha256').update(key).digest('hex').slice(0, 8);
