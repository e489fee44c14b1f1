import { EngineError } from '../../error/engine-error.ts';
import type { MetaDatabase } from '../meta/meta-database.ts';

/** A local user as people may see it. */
export interface User {
  readonly name: string;
  readonly roles: readonly string[];
  /** `*`, or what the user may see: `host:<pattern>`, `tag:<name>`. */
  readonly scope: readonly string[];
  readonly mustChange: boolean;
  /** Milliseconds since 1970 after which the user is nobody. */
  readonly expires: number | undefined;
  /** Made by the command line to get in when the usual sign-in fails. */
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

/** The local users of an installation. Changing one ends the sessions and tokens it has. */
export interface Users {
  /** Whether there is anybody: until then whoever sits at the machine is the administrator. */
  any(): boolean;
  find(name: string): StoredUser | undefined;
  /** As `find`, but nobody once the user's time is over. */
  current(name: string): StoredUser | undefined;
  list(): readonly User[];
  /** Throws CONFIG_INVALID for a name that is taken or cannot be one. */
  add(user: NewUser): void;
  /** Throws NOT_FOUND. */
  setPassword(name: string, password: string, mustChange: boolean): void;
  /** Throws NOT_FOUND. */
  setRoles(name: string, roles: readonly string[], scope: readonly string[]): void;
  /** Throws NOT_FOUND. */
  remove(name: string): void;
  signedIn(name: string): void;
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

export function users(database: MetaDatabase): Users {
  const one = (name: string): Row | undefined =>
    database.get<Row>('SELECT * FROM "user" WHERE lower(name) = lower(?)', name);
  const ended = (name: string): void => {
    database.run("DELETE FROM web_session WHERE lower(name) = lower(?) AND via = 'local'", name);
    database.run(
      'UPDATE api_token SET revoked = ? WHERE lower("user") = lower(?) AND revoked IS NULL',
      Date.now(),
      name,
    );
  };
  const changed = (name: string, count: number): void => {
    if (count === 0) throw new EngineError('NOT_FOUND', `there is no user ${name}`);
    ended(name);
  };
  const find = (name: string): StoredUser | undefined => {
    const row = one(name);
    return row === undefined ? undefined : { ...userOf(row), password: row.password };
  };
  return {
    any: () => database.get('SELECT 1 FROM "user" LIMIT 1') !== undefined,
    find,
    current(name) {
      const user = find(name);
      return user?.expires !== undefined && user.expires < Date.now() ? undefined : user;
    },
    list: () => database.all<Row>('SELECT * FROM "user" ORDER BY lower(name)').map(userOf),
    add({ name, password, mustChange, roles, scope, expires, breakGlass = false }) {
      if (!/^[\p{L}\p{N}][\p{L}\p{N}._@-]{0,99}$/u.test(name)) {
        throw new EngineError('CONFIG_INVALID', 'a user is named by letters, digits and . _ @ -');
      }
      if (one(name) !== undefined) {
        throw new EngineError('CONFIG_INVALID', `there is a user ${name} already`);
      }
      database.run(
        'INSERT INTO "user"(name, password, must_change, roles, scope, expires, break_glass, created) VALUES (?,?,?,?,?,?,?,?)',

        name,
        password,
        Number(mustChange),
        JSON.stringify(roles),
        JSON.stringify(scope),
        expires ?? null,
        Number(breakGlass),
        Date.now(),
      );
    },
    setPassword(name, password, mustChange) {
      const count = database.run(
        'UPDATE "user" SET password = ?, must_change = ? WHERE lower(name) = lower(?)',
        password,
        Number(mustChange),
        name,
      );
      changed(name, count);
    },
    setRoles(name, roles, scope) {
      const count = database.run(
        'UPDATE "user" SET roles = ?, scope = ? WHERE lower(name) = lower(?)',
        JSON.stringify(roles),
        JSON.stringify(scope),
        name,
      );
      changed(name, count);
    },
    remove(name) {
      changed(name, database.run('DELETE FROM "user" WHERE lower(name) = lower(?)', name));
    },
    signedIn(name) {
      database.run(
        'UPDATE "user" SET last_sign_in = ? WHERE lower(name) = lower(?)',
        Date.now(),
        name,
      );
    },
  };
}

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
