import { createHash } from 'node:crypto';
import type { Clock } from '../../time/clock.ts';

/** What a server says of a token (RFC 7662); `active` tells whether it is good. */
export type TokenState = Readonly<Record<string, unknown>> & { readonly active: boolean };

interface Kept {
  readonly state: Promise<TokenState>;
  until: number;
}

/** A caller who tries token after token must not fill the memory. */
const MOST = 10_000;

/** Answers about tokens, kept for a while under a hash of the token. One question serves all who wait for it. */
export class KeptAnswers {
  readonly #clock: Clock;
  readonly #kept = new Map<string, Kept>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `keepFor` counts from the question, and no answer is kept longer than its token is good. */
  of(token: string, keepFor: number, ask: () => Promise<TokenState>): Promise<TokenState> {
    const key = createHash('sha256').update(token).digest('base64');
    const now = this.#clock.now();
    const known = this.#kept.get(key);
    if (known !== undefined && now < known.until) return known.state;
    const kept: Kept = { state: this.#asked(key, ask), until: now + keepFor };
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    this.#shrink();
    return kept.state;
  }

  async #asked(key: string, ask: () => Promise<TokenState>): Promise<TokenState> {
    try {
      const state = await ask();
      const { exp } = state as { exp?: unknown };
      const kept = this.#kept.get(key);
      if (typeof exp === 'number' && kept !== undefined) {
        kept.until = Math.min(kept.until, exp * 1_000);
      }
      return state;
    } catch (error) {
      // What could not be asked is asked again by the next.
      this.#kept.delete(key);
      throw error;
    }
  }

  #shrink(): void {
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= MOST) return;
      this.#kept.delete(oldest);
    }
  }
}
