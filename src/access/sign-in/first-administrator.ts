import { timingSafeEqual } from 'node:crypto';
import { oneTimePassword } from '../../credential/password.ts';
import { EngineError } from '../../error/engine-error.ts';
import type { MetaDatabase } from '../meta/meta-database.ts';
import { hashOfCode } from './factor/factor-store.ts';
import type { Users } from './users.ts';

/** Name under which the hash of the code is stored. */
const NAME = 'first-administrator';

/**
 * How an installation gets its first administrator: by a code that is printed at the machine when
 * the console starts, and used once. A request's origin proves nothing: a proxy on the machine
 * itself may forward requests from anywhere.
 */
export interface FirstAdministrator {
  /** A new code, which replaces the previous one; undefined if somebody can already sign in. Only its hash is kept. */
  newCode(): Promise<string | undefined>;
  /** Whether there is no user yet. */
  isAwaited(): Promise<boolean>;
  /** Uses up the code. Rejects with CREDENTIAL_REFUSED if it is wrong or no longer valid. */
  use(code: string): Promise<void>;
}

export function firstAdministrator(
  database: MetaDatabase,
  users: Pick<Users, 'any'>,
  external: boolean,
): FirstAdministrator {
  // once there has been a user, only a restart prints another code, so the database is not read
  // again
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
        hashOfCode(code),
      );
      return code;
    },
    async use(code) {
      const isRight = await database.transaction(async (session) => {
        const known = await session.get<{ key: Uint8Array }>(
          'SELECT key FROM shared_key WHERE name = ?',
          NAME,
        );
        if (known === undefined || !timingSafeEqual(known.key, hashOfCode(code))) return false;
        await session.run('DELETE FROM shared_key WHERE name = ?', NAME);
        return true;
      });
      if (isRight && (await isAwaited())) return;
      throw new EngineError(
        'CREDENTIAL_REFUSED',
        'this is not the code: waybill run prints one when it starts, and it can be used once',
      );
    },
  };
}
