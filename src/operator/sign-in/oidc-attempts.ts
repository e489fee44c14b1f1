import { createHash, randomBytes } from 'node:crypto';
import type { MetaDatabase } from '../meta/meta-database.ts';
import type { OidcAttempt } from './oidc-provider.ts';

/** A sign-in that was sent to a provider and has not come back. */
export interface Waiting {
  /** Name of the provider. */
  readonly provider: string;
  readonly attempt: OidcAttempt;
  /** Where the person goes then. */
  readonly back: string;
}

/** Sign-ins under way: who was sent off by one operator plane may come back to another. */
export interface OidcAttempts {
  /** Gives the id for the cookie. */
  keep(one: Waiting): Promise<string>;
  /** What was kept under it, once and not too late. */
  take(id: string): Promise<Waiting | undefined>;
}

/** Milliseconds a person has at the provider. */
const PATIENCE = 10 * 60_000;
/** Anybody may begin a sign-in: that must not fill the disk. */
const AT_ONCE = 1_000;

export function oidcAttempts(database: MetaDatabase): OidcAttempts {
  return {
    async keep(one) {
      const id = randomBytes(32).toString('base64url');
      const now = Date.now();
      await database.transaction(async (session) => {
        await session.run('DELETE FROM oidc_attempt WHERE until < ?', now);
        await session.run(
          `DELETE FROM oidc_attempt WHERE id NOT IN
             (SELECT id FROM oidc_attempt ORDER BY until DESC LIMIT ?)`,
          AT_ONCE - 1,
        );
        await session.run(
          'INSERT INTO oidc_attempt VALUES (?, ?, ?)',
          hashOf(id),
          JSON.stringify(one),
          now + PATIENCE,
        );
      });
      return id;
    },
    async take(id) {
      const row = await database.get<{ value: string; until: number }>(
        'DELETE FROM oidc_attempt WHERE id = ? RETURNING value, until',
        hashOf(id),
      );
      return row === undefined || row.until < Date.now()
        ? undefined
        : (JSON.parse(row.value) as Waiting);
    },
  };
}

const hashOf = (id: string): Buffer => createHash('sha256').update(id).digest();
