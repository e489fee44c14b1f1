import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { masterKeyFrom, SCRYPT_COST } from '../../credential/secret/master-key.ts';

/** Seals rows of the audit log by a key that is not in it: who may write the database cannot write rows that have one. */
export interface Seal {
  of(hash: string): string;
  /** undefined where there is none, or another key made it: the master key was changed since. */
  check(hash: string, seal: string | null): boolean | undefined;
}

/** By the master key of the secret store; undefined where there is none. */
export async function auditSeal(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Seal | undefined> {
  const { WAYBILL_MASTER_KEY: text = '', WAYBILL_MASTER_KEY_FILE: file = '' } = environment;
  if (text === '' && file === '') return undefined;
  const master = await masterKeyFrom(environment);
  const salt = createHash('sha256').update('waybill audit log').digest();
  const key = await master.keyFor(salt, SCRYPT_COST);
  const id = createHash('sha256').update(key).digest('hex').slice(0, 8);
  const of = (hash: string): string =>
    `${id}:${createHmac('sha256', key).update(hash).digest('hex')}`;
  return {
    of,
    check(hash, seal) {
      if (seal === null || !seal.startsWith(`${id}:`)) return undefined;
      const right = Buffer.from(of(hash));
      const given = Buffer.from(seal);
      return right.length === given.length && timingSafeEqual(right, given);
    },
  };
}
