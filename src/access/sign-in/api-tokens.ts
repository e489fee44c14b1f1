import { createHash, randomBytes } from 'node:crypto';
import type { MetaDatabase, MetaRow, MetaSession } from '../meta/meta-database.ts';
import type { Permission } from '../rights/principal.ts';
import { SignInRefusal } from './sign-in-refusal.ts';

/** What people may see of a token. The token itself is shown once, when it is made. */
export interface ApiToken {
  readonly id: number;
  readonly label: string;
  /** The user whose rights it has. */
  readonly user: string;
  /** Limits it to these of its user's permissions; undefined means all of them. */
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
  add(token: NewToken): Promise<{ readonly id: number; readonly token: string }>;
  list(): Promise<readonly ApiToken[]>;
  /** Resolves to whether it existed. */
  revoke(id: number): Promise<boolean>;
  /** Makes an access and a refresh token. */
  pair(user: string): Promise<TokenPair>;
  /**
   * The next pair for a refresh token, which is then used up. Using one twice revokes its whole family: it
   * was stolen.
   */
  refresh(token: string): Promise<TokenPair & { readonly user: string }>;
  /** Ends the family of an access or refresh token; resolves to its user, if it had not ended. */
  revokeFamily(token: string): Promise<string | undefined>;
  /** Ends the tokens of a user: all, or only the pairs that began with a password. */
  endAll(user: string, which: 'all' | 'pairs'): Promise<void>;
  /**
   * Rejects with a SignInRefusal if it is unknown, expired or revoked, and says which.
   *
   * @param at it may have expired since then, and another pair may have taken its place
   */
  check(token: string, at?: number): Promise<ApiToken>;
}

/** The prefix of all Waybill tokens, so that scanners find leaked ones. */
export const TOKEN_PREFIX = 'wb_';

const ACCESS = 15 * 60_000;
const REFRESH = 8 * 3_600_000;
/** After this time the password is required again, however often a pair was refreshed. */
const FAMILY = 12 * 3_600_000;
type Kind = 'api' | 'access' | 'refresh';
const byHash = (session: MetaSession, token: string): Promise<MetaRow | undefined> =>
  session.get('SELECT * FROM api_token WHERE hash = ?', hashOf(token));

// oxlint-disable-next-line max-lines-per-function -- one object of small queries
export function apiTokens(database: MetaDatabase, now: () => number = Date.now): ApiTokens {
  const revokeAll = async (session: MetaSession, family: string): Promise<void> => {
    await session.run(
      'UPDATE api_token SET revoked = ? WHERE family = ? AND revoked IS NULL',
      now(),
      family,
    );
  };
  const add = async (
    session: MetaSession,
    [kind, family]: readonly [kind: Kind, family: string],
    of: NewToken,
  ): Promise<{ id: number; token: string }> => {
    const token = `${TOKEN_PREFIX}${randomBytes(32).toString('base64url')}`;
    const permissions = of.permissions === undefined ? null : JSON.stringify(of.permissions);
    const row = await session.get(
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
  const known = async (
    session: MetaSession,
    token: string,
    kinds: readonly Kind[],
    at: number = now(),
  ): Promise<MetaRow> => {
    const row = await byHash(session, token);
    if (row === undefined || !kinds.includes(row['kind'] as Kind)) {
      throw SignInRefusal.token(
        'this token is not known',
        'make one, or check which installation it belongs to',
      );
    }
    if (Number(row['expires']) < at) {
      throw SignInRefusal.token('this token has expired', 'make a new one, or refresh it in time');
    }
    return row;
  };
  /** Whether the family of a pair goes on: nobody has signed out. */
  const isAlive = async (family: string): Promise<boolean> =>
    (await database.get(
      'SELECT 1 AS one FROM api_token WHERE family = ? AND revoked IS NULL AND expires >= ?',
      family,
      now(),
    )) !== undefined;
  const pair = async (session: MetaSession, user: string, family: string): Promise<TokenPair> => {
    await session.run("DELETE FROM api_token WHERE kind <> 'api' AND expires < ?", now() - REFRESH);
    const began = await session.get<{ at: number | null }>(
      'SELECT min(created) AS at FROM api_token WHERE family = ?',
      family,
    );
    const end = (began?.at ?? now()) + FAMILY;
    const of = async (kind: Kind, life: number): Promise<string> => {
      const expires = Math.min(now() + life, end);
      const token = { label: kind, user, permissions: undefined, expires };
      return (await add(session, [kind, family], token)).token;
    };
    return {
      accessToken: await of('access', ACCESS),
      refreshToken: await of('refresh', REFRESH),
      expiresIn: ACCESS / 1_000,
    };
  };
  return {
    add: (token) => add(database, ['api', newFamily()], token),
    list: async () => {
      const rows = await database.all("SELECT * FROM api_token WHERE kind = 'api' ORDER BY id");
      return rows.map(tokenOf);
    },
    revoke: async (id) =>
      (await database.run(
        "UPDATE api_token SET revoked = ? WHERE id = ? AND kind = 'api' AND revoked IS NULL",
        now(),
        id,
      )) > 0,
    pair: (user) => database.transaction((session) => pair(session, user, newFamily())),
    async refresh(token) {
      // if two clients use it at once, perhaps at two operator planes, only one gets the next pair
      const next = await database.transaction(async (session) => {
        const row = await known(session, token, ['refresh']);
        const family = String(row['family']);
        await revokeAll(session, family);
        if (row['revoked'] !== null) return undefined;
        const user = String(row['user']);
        return { ...(await pair(session, user, family)), user };
      });
      if (next === undefined) throw usedBefore();
      return next;
    },
    async revokeFamily(token) {
      const row = await byHash(database, token);
      if (row === undefined) return undefined;
      await revokeAll(database, String(row['family']));
      return row['revoked'] === null ? String(row['user']) : undefined;
    },
    async endAll(user, which) {
      const kinds = which === 'pairs' ? "AND kind <> 'api'" : '';
      await database.run(
        `UPDATE api_token SET revoked = ? WHERE lower("user") = lower(?) AND revoked IS NULL ${kinds}`,
        now(),
        user,
      );
    },
    async check(token, at) {
      const row = await known(database, token, ['api', 'access'], at);
      const isRenewed = at !== undefined && (await isAlive(String(row['family'])));
      if (row['revoked'] !== null && !isRenewed) {
        throw SignInRefusal.token('this token was revoked', 'make a new one');
      }
      await database.run(
        'UPDATE api_token SET last_used = ? WHERE id = ? AND coalesce(last_used, 0) < ?',
        now(),
        row['id'] ?? 0,
        now() - 60_000,
      );
      return tokenOf(row);
    },
  };
}

const newFamily = (): string => randomBytes(12).toString('hex');

const usedBefore = (): SignInRefusal =>
  SignInRefusal.token(
    'this refresh token was used or revoked before',
    'sign in again; if none of your programs used it, somebody else has a copy; all tokens of its family are now revoked',
  );

function tokenOf(row: MetaRow): ApiToken {
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
