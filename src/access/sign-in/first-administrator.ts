import { createHash, timingSafeEqual } from 'node:crypto';
import { EngineError } from '../../error/engine-error.ts';
import type { MetaDatabase } from '../meta/meta-database.ts';
import { oneTimePassword } from './password.ts';
import type { Users } from './users.ts';

/** Name under which the hash of the code lies. */
const NAME = 'first-administrator';

/**
 * How an installation gets its first administrator: by a code that is told at the machine when the console starts, and
 * used once. Where a request comes from proves nothing: a proxy on the machine itself stands for the whole world.
 */
export interface FirstAdministrator {
  /** A new code, which takes the place of the one before; undefined where somebody can sign in already. Only its hash is kept. */
  newCode(): Promise<string | undefined>;
  /** Whether there is nobody yet. */
  isAwaited(): Promise<boolean>;
  /** Uses the code up. Rejects with CREDENTIAL_REFUSED if it is not the one, or is not wanted any longer. */
  use(code: string): Promise<void>;
}

export function firstAdministrator(
  database: MetaDatabase,
  users: Pick<Users, 'any'>,
  external: boolean,
): FirstAdministrator {
  // once there was somebody, only a start prints another code: so it is asked no more, also while the database is away
  let somebody = external;
  const isAwaited = async (): Promise<boolean> => {
    somebody ||= await users.any();
    return !somebody;
  };
  return {
    isAwaited,
    async newCode() {
      await database.run('DELETE FROM shared_key WHERE name = ?', NAME);
      if (!(await isAwaited())) return undefined;
      const code = oneTimePassword().replaceAll(/(.{5})(?=.)/g, '$1-');
      await database.run(
        `INSERT INTO shared_key(name, key) VALUES (?, ?)
           ON CONFLICT(name) DO UPDATE SET key = excluded.key`,
        NAME,
        hashOf(code),
      );
      return code;
    },
    async use(code) {
      const isRight = await database.transaction(async (session) => {
        const known = await session.get<{ key: Uint8Array }>(
          'SELECT key FROM shared_key WHERE name = ?',
          NAME,
        );
        if (known === undefined || !timingSafeEqual(known.key, hashOf(code))) return false;
        await session.run('DELETE FROM shared_key WHERE name = ?', NAME);
        return true;
      });
      if (isRight && (await isAwaited())) return;
      throw new EngineError(
        'CREDENTIAL_REFUSED',
        'this is not the code: waybill run prints one when it starts, which is used once',
      );
    },
  };
}

const hashOf = (code: string): Buffer =>
  createHash('sha256')
    .update(code.replaceAll(/[^\p{L}\d]/gu, ''))
    .digest();
