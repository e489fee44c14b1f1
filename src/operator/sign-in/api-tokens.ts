import { createHash, randomBytes } from 'node:crypto';
import type { MetaDatabase, MetaRow } from '../meta/meta-database.ts';
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
  /** Ends the family of an access or refresh token; whose it was, if it had not ended. */
  revokeFamily(token: string): string | undefined;
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
type Row = MetaRow;

export function apiTokens(database: MetaDatabase, now: () => number = Date.now): ApiTokens {
  const byHash = (token: string): Row | undefined =>
    database.get('SELECT * FROM api_token WHERE hash = ?', hashOf(token));
  const revokeAll = (family: string): void => {
    database.run(
      'UPDATE api_token SET revoked = ? WHERE family = ? AND revoked IS NULL',
      now(),
      family,
    );
  };
  const add = (kind: Kind, family: string, of: NewToken): { id: number; token: string } => {
    const token = `${TOKEN_PREFIX}${randomBytes(32).toString('base64url')}`;
    const permissions = of.permissions === undefined ? null : JSON.stringify(of.permissions);
    const row = database.get(
      `INSERT INTO api_token(hash, kind, label, "user", permissions, family, created, expires)
         VALUES (?,?,?,?,?,?,?,?) RETURNING id`,
      hashOf(token),
      kind,
      of.label,
      of.user,
      permissions,
      family,
      now(),
      of.expires,
    );
    return { id: Number(row?.['id']), token };
  };
  const known = (token: string, kinds: readonly Kind[]): Row => {
    const row = byHash(token);
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
  const pair = (user: string, family: string): TokenPair => {
    database.run("DELETE FROM api_token WHERE kind <> 'api' AND expires < ?", now() - REFRESH);
    const began = database.get<{ at: number | null }>(
      'SELECT min(created) AS at FROM api_token WHERE family = ?',
      family,
    );
    const end = (began?.at ?? now()) + FAMILY;
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
    list: () => database.all("SELECT * FROM api_token WHERE kind = 'api' ORDER BY id").map(tokenOf),
    revoke: (id) =>
      database.run(
        "UPDATE api_token SET revoked = ? WHERE id = ? AND kind = 'api' AND revoked IS NULL",
        now(),
        id,
      ) > 0,
    pair: (user) => pair(user, randomBytes(12).toString('hex')),
    refresh(token) {
      const row = known(token, ['refresh']);
      const family = String(row['family']);
      if (row['revoked'] !== null) {
        revokeAll(family);
        throw usedBefore();
      }
      const user = String(row['user']);
      return database.transaction(() => {
        // of two who come with it at once, perhaps at two operator planes, one gets the next pair
        const taken = database.run(
          'UPDATE api_token SET revoked = ? WHERE id = ? AND revoked IS NULL',
          now(),
          row['id'] ?? 0,
        );
        if (taken === 0) throw usedBefore();
        revokeAll(family);
        return { ...pair(user, family), user };
      });
    },
    revokeFamily(token) {
      const row = byHash(token);
      if (row === undefined) return undefined;
      revokeAll(String(row['family']));
      return row['revoked'] === null ? String(row['user']) : undefined;
    },
    check(token) {
      const row = known(token, ['api', 'access']);
      if (row['revoked'] !== null) {
        throw SignInRefusal.token('this token was revoked', 'make a new one');
      }
      database.run(
        'UPDATE api_token SET last_used = ? WHERE id = ? AND coalesce(last_used, 0) < ?',
        now(),
        row['id'] ?? 0,
        now() - 60_000,
      );
      return tokenOf(row);
    },
  };
}

const usedBefore = (): SignInRefusal =>
  SignInRefusal.token(
    'this refresh token was used or revoked before',
    'sign in again; if nobody did, somebody else holds a copy, and all its tokens are revoked now',
  );

function tokenOf(row: Row): ApiToken {
  const permissions = row['permissions'];
  return {
    id: Number(row['id']),
    label: String(row['label']),
    user: String(row['user']),
    permissions:
      typeof permissions === 'string' ? (JSON.parse(permissions) as Permission[]) : undefined,
    created: Number(row['created']),
    expires: Number(row['expires']),
    lastUsed: row['last_used'] === null ? undefined : Number(row['last_used']),
    revoked: row['revoked'] !== null,
  };
}

const hashOf = (token: string): Buffer => createHash('sha256').update(token).digest();
