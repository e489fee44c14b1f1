import { EngineError } from '../../error/engine-error.ts';
import type { MetaDatabase, MetaSession } from '../meta/meta-database.ts';
import { forgetFactors, ownerOf } from './factor/factor-store.ts';

/** What people may see of a local user. */
export interface User {
  readonly name: string;
  readonly roles: readonly string[];
  /** `*`, or what the user may see: `host:<pattern>`, `tag:<name>`. */
  readonly scope: readonly string[];
  readonly mustChange: boolean;
  /** When the user expires; milliseconds since 1970. */
  readonly expires: number | undefined;
  /** Made on the command line for access when the usual sign-in fails. */
  readonly breakGlass: boolean;
  readonly created: number;
  readonly lastSignIn: number | undefined;
}

export interface StoredUser extends User {
  /** A PHC string. */
  readonly password: string;
}

export interface NewUser extends Pick<User, 'name' | 'roles' | 'scope'> {
  readonly password: string;
  readonly mustChange: boolean;
  readonly expires?: number | undefined;
  readonly breakGlass?: boolean | undefined;
}

/** The local users of an installation. Changing one ends its sessions and tokens. */
export interface Users {
  /** Whether there is any user: if not, a code printed at the machine makes the first administrator. */
  any(): Promise<boolean>;
  find(name: string): Promise<StoredUser | undefined>;
  /** Like `find`, but undefined once the user has expired. */
  current(name: string): Promise<StoredUser | undefined>;
  list(): Promise<readonly User[]>;
  /** Rejects with CONFIG_INVALID for a name that is taken or invalid. */
  add(user: NewUser): Promise<void>;
  /** Rejects with NOT_FOUND. */
  setPassword(name: string, of: Pick<NewUser, 'password' | 'mustChange'>): Promise<void>;
  /** Rejects with NOT_FOUND, and changes nothing and resolves to false if they are not as somebody `saw` them. */
  setRoles(
    name: string,
    roles: readonly string[],
    scope: readonly string[],
    saw?: Pick<User, 'roles' | 'scope'>,
  ): Promise<boolean>;
  /** Rejects with NOT_FOUND. */
  remove(name: string): Promise<void>;
  signedIn(name: string): Promise<void>;
}

/** Throws CONFIG_INVALID for an invalid user name. */
export function checkUserName(name: string): void {
  if (/^[\p{L}\p{N}][\p{L}\p{N}._@-]{0,99}$/u.test(name)) return;
  throw new EngineError('CONFIG_INVALID', 'a user name may contain letters, digits and . _ @ -');
}

interface Row {
  readonly name: string;
  readonly password: string;
  readonly must_change: number;
  readonly roles: string;
  readonly scope: string;
  readonly expires: number | null;
  readonly break_glass: number;
  readonly created: number;
  readonly last_sign_in: number | null;
}

const noUser = (name: string): EngineError =>
  new EngineError('NOT_FOUND', `there is no user ${name}`);

const one = (session: MetaSession, name: string): Promise<Row | undefined> =>
  session.get<Row>('SELECT * FROM "user" WHERE lower(name) = lower(?)', name);

const ended = async (session: MetaSession, name: string): Promise<void> => {
  await session.run("DELETE FROM web_session WHERE lower(name) = lower(?) AND via = 'local'", name);
  await session.run(
    'UPDATE api_token SET revoked = ? WHERE lower("user") = lower(?) AND revoked IS NULL',
    Date.now(),
    name,
  );
};

// oxlint-disable-next-line max-lines-per-function -- one object of small queries
export function users(database: MetaDatabase): Users {
  /** A change that also ends the user's sessions and tokens. */
  const changed = (
    name: string,
    change: (session: MetaSession) => Promise<number>,
  ): Promise<void> =>
    database.transaction(async (session) => {
      if ((await change(session)) === 0) throw noUser(name);
      await ended(session, name);
    });
  const find = async (name: string): Promise<StoredUser | undefined> => {
    const row = await one(database, name);
    return row === undefined ? undefined : { ...userOf(row), password: row.password };
  };
  return {
    any: async () => (await database.get('SELECT 1 FROM "user" LIMIT 1')) !== undefined,
    find,
    async current(name) {
      const user = await find(name);
      return user?.expires !== undefined && user.expires < Date.now() ? undefined : user;
    },
    list: async () =>
      (await database.all<Row>('SELECT * FROM "user" ORDER BY lower(name)')).map(userOf),
    async add({ name, password, mustChange, roles, scope, expires, breakGlass = false }) {
      checkUserName(name);
      // SQLite knows the case of ASCII alone, and what else is kept of people goes by this
      const others = await database.all<{ name: string }>('SELECT name FROM "user"');
      const known = others.find((other) => folded(other.name) === folded(name));
      if (known !== undefined)
        throw new EngineError('CONFIG_INVALID', `there is already a user ${known.name}`);
      // if two add the same name at once, the second gets an error
      const added = await database.run(
        `INSERT INTO "user"(name, password, must_change, roles, scope, expires, break_glass, created)
           VALUES (?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING`,
        name,
        password,
        Number(mustChange),
        JSON.stringify(roles),
        JSON.stringify(scope),
        expires ?? null,
        Number(breakGlass),
        Date.now(),
      );
      if (added === 0) {
        throw new EngineError('CONFIG_INVALID', `there is already a user ${name}`);
      }
    },
    setPassword: (name, { password, mustChange }) =>
      changed(name, (session) =>
        session.run(
          'UPDATE "user" SET password = ?, must_change = ? WHERE lower(name) = lower(?)',
          password,
          Number(mustChange),
          name,
        ),
      ),
    setRoles: (name, roles, scope, saw) =>
      database.transaction(async (session) => {
        const seen =
          saw === undefined ? [] : [JSON.stringify(saw.roles), JSON.stringify(saw.scope)];
        const changes = await session.run(
          `UPDATE "user" SET roles = ?, scope = ? WHERE lower(name) = lower(?)
           ${saw === undefined ? '' : 'AND roles = ? AND scope = ?'}`,
          JSON.stringify(roles),
          JSON.stringify(scope),
          name,
          ...seen,
        );
        if (changes > 0) await ended(session, name);
        else if ((await one(session, name)) === undefined) throw noUser(name);
        return changes > 0;
      }),
    remove: (name) =>
      changed(name, async (session) => {
        // another user of that name begins without them
        await forgetFactors(session, ownerOf({ via: 'local', name }));
        return session.run('DELETE FROM "user" WHERE lower(name) = lower(?)', name);
      }),
    async signedIn(name) {
      await database.run(
        'UPDATE "user" SET last_sign_in = ? WHERE lower(name) = lower(?)',
        Date.now(),
        name,
      );
    },
  };
}

/** Names that look or sound alike in any script are one: `Änne` and `änne`, `anna` in full width. */
const folded = (name: string): string => name.normalize('NFKC').toLowerCase();

function userOf(row: Row): User {
  return {
    name: row.name,
    roles: JSON.parse(row.roles) as string[],
    scope: JSON.parse(row.scope) as string[],
    mustChange: row.must_change === 1,
    expires: row.expires ?? undefined,
    breakGlass: row.break_glass === 1,
    created: row.created,
    lastSignIn: row.last_sign_in ?? undefined,
  };
}
