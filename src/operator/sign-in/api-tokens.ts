import { createHash, randomBytes } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { Permission } from '../rights/principal.ts';
import { SignInRefusal } from './sign-in-refusal.ts';

/** A token as people may see it. The token itself is shown once, when it is made. */
export interface ApiToken {
  readonly id: number;
  readonly label: string;
  /** Whose rights it has. */
  readonly user: string;
  /** It may do no more than these, of what its user may; undefined is all of it. */
  readonly permissions: readonly Permission[] | undefined;
  readonly created: number;
  readonly expires: number;
  readonly lastUsed: number | undefined;
  readonly revoked: boolean;
}

/** What `/auth/token` answers. */
export interface TokenPair {
  readonly accessToken: string;
  readonly refreshToken: string;
  /** Seconds. */
  readonly expiresIn: number;
}

export interface NewToken extends Pick<ApiToken, 'label' | 'user' | 'expires' | 'permissions'> {}

/** Tokens for machines: random, kept as hashes, expiring. */
export interface ApiTokens {
  add(token: NewToken): { readonly id: number; readonly token: string };
  list(): readonly ApiToken[];
  /** Whether there was one. */
  revoke(id: number): boolean;
  /** An access and a refresh token. */
  pair(user: string): TokenPair;
  /** The next pair for a refresh token, which is used up. One that was used before ends its whole family: it was stolen. */
  refresh(token: string): TokenPair & { readonly user: string };
  /** Ends the family of an access or refresh token. */
  revokeFamily(token: string): void;
  /** Throws a SignInRefusal that says whether it is unknown, expired or revoked. */
  check(token: string): ApiToken;
}

/** What every token of Waybill's own begins with, so that scanners find one that was left lying. */
export const TOKEN_PREFIX = 'wb_';

const ACCESS = 15 * 60_000;
const REFRESH = 8 * 3_600_000;
/** After this time a password is asked for again, however often a pair was refreshed. */
const FAMILY = 12 * 3_600_000;
type Kind = 'api' | 'access' | 'refresh';
type Row = Readonly<Record<string, string | number | null>>;

export function apiTokens(database: DatabaseSync, now: () => number = Date.now): ApiTokens {
  const insert = database.prepare(
    'INSERT INTO api_token(hash, kind, label, user, permissions, family, created, expires) VALUES (?,?,?,?,?,?,?,?)',
  );
  const byHash = database.prepare('SELECT * FROM api_token WHERE hash = ?');
  const revokeAll = database.prepare(
    'UPDATE api_token SET revoked = ? WHERE family = ? AND revoked IS NULL',
  );
  const add = (kind: Kind, family: string, of: NewToken): { id: number; token: string } => {
    const token = `${TOKEN_PREFIX}${randomBytes(32).toString('base64url')}`;
    const permissions = of.permissions === undefined ? null : JSON.stringify(of.permissions);
    const { lastInsertRowid } = insert.run(
      hashOf(token),
      kind,
      of.label,
      of.user,
      permissions,
      family,
      now(),
      of.expires,
    );
    return { id: Number(lastInsertRowid), token };
  };
  const known = (token: string, kinds: readonly Kind[]): Row => {
    const row = byHash.get(hashOf(token)) as Row | undefined;
    if (row === undefined || !kinds.includes(row['kind'] as Kind)) {
      throw SignInRefusal.token(
        'this token is not known',
        'make one, or look which installation it is of',
      );
    }
    if (Number(row['expires']) < now()) {
      throw SignInRefusal.token('this token has expired', 'make a new one, or refresh it in time');
    }
    return row;
  };
  const began = database.prepare('SELECT min(created) AS at FROM api_token WHERE family = ?');
  const pair = (user: string, family: string): TokenPair => {
    database
      .prepare("DELETE FROM api_token WHERE kind <> 'api' AND expires < ?")
      .run(now() - REFRESH);
    const { at } = began.get(family) as { at: number | null };
    const end = (at ?? now()) + FAMILY;
    const of = (kind: Kind, life: number): string => {
      const expires = Math.min(now() + life, end);
      return add(kind, family, { label: kind, user, permissions: undefined, expires }).token;
    };
    return {
      accessToken: of('access', ACCESS),
      refreshToken: of('refresh', REFRESH),
      expiresIn: ACCESS / 1_000,
    };
  };
  return {
    add: (token) => add('api', randomBytes(12).toString('hex'), token),
    list: () =>
      (
        database.prepare("SELECT * FROM api_token WHERE kind = 'api' ORDER BY id").all() as Row[]
      ).map(tokenOf),
    revoke: (id) =>
      Number(
        database
          .prepare(
            "UPDATE api_token SET revoked = ? WHERE id = ? AND kind = 'api' AND revoked IS NULL",
          )
          .run(now(), id).changes,
      ) > 0,
    pair: (user) => pair(user, randomBytes(12).toString('hex')),
    refresh(token) {
      const row = known(token, ['refresh']);
      const family = `${row['family']}`;
      if (row['revoked'] !== null) {
        revokeAll.run(now(), family);
        throw SignInRefusal.token(
          'this refresh token was used or revoked before',
          'sign in again; if nobody did, somebody else holds a copy, and all its tokens are revoked now',
        );
      }
      revokeAll.run(now(), family);
      const user = `${row['user']}`;
      return { ...pair(user, family), user };
    },
    revokeFamily(token) {
      const row = byHash.get(hashOf(token)) as Row | undefined;
      if (row !== undefined) revokeAll.run(now(), `${row['family']}`);
    },
    check(token) {
      const row = known(token, ['api', 'access']);
      if (row['revoked'] !== null) {
        throw SignInRefusal.token('this token was revoked', 'make a new one');
      }
      database
        .prepare('UPDATE api_token SET last_used = ? WHERE id = ? AND coalesce(last_used, 0) < ?')
        .run(now(), row['id'] ?? 0, now() - 60_000);
      return tokenOf(row);
    },
  };
}

function tokenOf(row: Row): ApiToken {
  const permissions = row['permissions'];
  return {
    id: Number(row['id']),
    label: `${row['label']}`,
    user: `${row['user']}`,
    permissions:
      typeof permissions === 'string' ? (JSON.parse(permissions) as Permission[]) : undefined,
    created: Number(row['created']),
    expires: Number(row['expires']),
    lastUsed: row['last_used'] === null ? undefined : Number(row['last_used']),
    revoked: row['revoked'] !== null,
  };
}

const hashOf = (token: string): Buffer => createHash('sha256').update(token).digest();
