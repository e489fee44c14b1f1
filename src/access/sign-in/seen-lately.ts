import { LRUCache } from 'lru-cache';
import { isEngineError } from '../../error/engine-error.ts';
import type { Identity } from '../rights/principal-for.ts';

/** Who was signed in lately. */
export interface SeenLately {
  /**
   * Whom `find` finds. Where the database does not answer, whom it found for the same key a short while ago, if the
   * request does with that: what it shows then comes from the engines.
   */
  identify(
    key: string,
    doesWithLately: boolean,
    find: () => Promise<Identity | undefined>,
  ): Promise<Identity | undefined>;
}

/** Milliseconds that somebody goes on seeing how the production stands while the database is away. */
const LATELY = 10 * 60_000;
const PEOPLE = 1_000;

export function seenLately(now: () => number = Date.now): SeenLately {
  const seen = new LRUCache<string, Identity>({
    max: PEOPLE,
    ttl: LATELY,
    ttlResolution: 0,
    perf: { now },
  });
  return {
    async identify(key, doesWithLately, find) {
      try {
        const identity = await find();
        if (identity === undefined) seen.delete(key);
        else seen.set(key, identity);
        return identity;
      } catch (error) {
        const known = seen.get(key);
        const isAway = isEngineError(error) && error.code === 'STORE_UNAVAILABLE';
        if (!isAway || !doesWithLately || known === undefined) throw error;
        return known;
      }
    },
  };
}
