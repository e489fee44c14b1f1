import { toldElsewhere, wait } from 'waybill/adapter';
import type { Membership } from './membership.ts';

/**
 * Says to the group that we live, from the moment at which partitions became ours: also while we find out where they begin,
 * and while what is in hand is stored before others get them. A member that is silent for a session is thrown out, and can
 * no longer write where it stands.
 */
export class Heart {
  readonly #again = Promise.withResolvers<void>();
  readonly #ending = new AbortController();
  /** Resolves once the group begins another round; rejects if its broker is lost. */
  readonly again = this.#again.promise;

  /** @param session milliseconds */
  constructor(membership: Membership, session: number) {
    this.again.catch(toldElsewhere);
    this.#beat(membership, session / 3).catch(this.#again.reject);
  }

  stop(): void {
    this.#ending.abort(new Error('not a member any more'));
  }

  async #beat(membership: Membership, pace: number): Promise<void> {
    const { signal } = this.#ending;
    while (membership.isMember) {
      await wait(pace, { signal });
      if ((await membership.beat(signal)) === 'again') this.#again.resolve();
    }
  }
}
