import { createHash, randomBytes } from 'node:crypto';
import type { MetaDatabase, MetaRow } from '../meta/meta-database.ts';

/** A person's session in the console. Its id is only in the browser's cookie; only its hash is stored. */
export interface Session {
  readonly name: string;
  readonly via: string;
  /** For an external user; those of a local user are looked up each time. */
  readonly roles: readonly string[];
  readonly scope: readonly string[];
  readonly csrf: string;
  readonly ip: string;
  readonly created: number;
  readonly seen: number;
  /** The OpenID Connect provider that signed the person in, to sign out there too. */
  readonly provider: string | undefined;
  readonly idToken: string | undefined;
}

export interface SessionLimits {
  /** Milliseconds without a request after which a session ends. */
  readonly idle: number;
  /** Milliseconds after which it ends anyway. */
  readonly absolute: number;
}

export const SESSION_LIMITS: SessionLimits = { idle: 30 * 60_000, absolute: 12 * 3_600_000 };

export interface Sessions {
  /** Starts a session and gives the id for the cookie. */
  start(of: Omit<Session, 'csrf' | 'created' | 'seen'>): Promise<string>;
  /** The session of a cookie's id; undefined if it has ended. It counts as seen unless `unattended`. */
  find(id: string, unattended?: boolean): Promise<Session | undefined>;
  /** The latest open session of somebody, by that sign-in or by any. */
  latest(name: string, via?: string): Promise<Session | undefined>;
  end(id: string): Promise<void>;
  /** Ends external users' sessions that began under other settings: what they may do was decided at their sign-in. */
  endOutside(digest: string): Promise<void>;
  /** Ends the sessions of a provider whose ID token matches; returns the names of their users. */
  endOf(provider: string, isMeant: (idToken: string) => boolean): Promise<readonly string[]>;
  /** Ends the sessions of somebody, except the one with that CSRF token. */
  endOthers(name: string, via: string, csrf: string): Promise<void>;
  /** Ends every session of a name; returns how many. */
  endAll(name: string): Promise<number>;
}

/** Precision of `seen`: writing it for every request would mean a sync for every request. */
const SEEN_EVERY = 30_000;

// oxlint-disable-next-line max-lines-per-function -- one object of small queries
export function sessions(
  database: MetaDatabase,
  limits: SessionLimits = SESSION_LIMITS,
  now: () => number = Date.now,
): Sessions {
  const remove = async (key: Uint8Array): Promise<void> => {
    await database.run('DELETE FROM web_session WHERE id = ?', key);
  };
  return {
    async start({ name, via, roles, scope, ip, provider, idToken }) {
      const id = randomBytes(32).toString('base64url');
      const at = now();
      await database.run(
        'DELETE FROM web_session WHERE seen < ? OR created < ?',
        at - limits.idle,
        at - limits.absolute,
      );
      await database.run(
        'INSERT INTO web_session VALUES (?,?,?,?,?,?,?,?,?,?,?)',

        hashOf(id),
        name,
        via,
        JSON.stringify(roles),
        JSON.stringify(scope),
        randomBytes(32).toString('base64url'),
        at,
        at,
        ip,
        provider ?? null,
        idToken ?? null,
      );
      return id;
    },
    async find(id, unattended = false) {
      const key = hashOf(id);
      const row = await database.get('SELECT * FROM web_session WHERE id = ?', key);
      if (row === undefined) return undefined;
      const session = sessionOf(row);
      const at = now();
      if (at - session.seen > limits.idle || at - session.created > limits.absolute) {
        await remove(key);
        return undefined;
      }
      if (!unattended && at - session.seen > Math.min(SEEN_EVERY, limits.idle / 10)) {
        await database.run('UPDATE web_session SET seen = ? WHERE id = ?', at, key);
      }
      return session;
    },
    async latest(name, via) {
      const row = await database.get(
        `SELECT * FROM web_session WHERE lower(name) = lower(?) ${via === undefined ? '' : 'AND via = ?'}
           ORDER BY created DESC LIMIT 1`,
        name,
        ...(via === undefined ? [] : [via]),
      );
      return row === undefined ? undefined : sessionOf(row);
    },
    end: (id) => remove(hashOf(id)),
    endOutside: (digest) =>
      database.transaction(async (session) => {
        const same = await session.get('SELECT 1 FROM sign_in_settings WHERE digest = ?', digest);
        if (same !== undefined) return;
        await session.run('DELETE FROM sign_in_settings');
        await session.run('INSERT INTO sign_in_settings VALUES (?)', digest);
        await session.run("DELETE FROM web_session WHERE via <> 'local'");
      }),
    async endOf(provider, isMeant) {
      const all = await database.all<{ id: Uint8Array; name: string; id_token: string }>(
        'SELECT id, name, id_token FROM web_session WHERE provider = ? AND id_token IS NOT NULL',
        provider,
      );
      const meant = all.filter(({ id_token: idToken }) => isMeant(idToken));
      for (const { id } of meant) await remove(id);
      return meant.map(({ name }) => name);
    },
    async endOthers(name, via, csrf) {
      await database.run(
        'DELETE FROM web_session WHERE lower(name) = lower(?) AND via = ? AND csrf <> ?',
        name,
        via,
        csrf,
      );
    },
    endAll: (name) => database.run('DELETE FROM web_session WHERE lower(name) = lower(?)', name),
  };
}

function sessionOf(row: MetaRow): Session {
  const text = (column: string): string => String(row[column] ?? '');
  return {
    name: text('name'),
    via: text('via'),
    roles: JSON.parse(text('roles')) as string[],
    scope: JSON.parse(text('scope')) as string[],
    csrf: text('csrf'),
    ip: text('ip'),
    created: Number(row['created']),
    seen: Number(row['seen']),
    provider: row['provider'] === null ? undefined : text('provider'),
    idToken: row['id_token'] === null ? undefined : text('id_token'),
  };
}

const hashOf = (id: string): Buffer => createHash('sha256').update(id).digest();
