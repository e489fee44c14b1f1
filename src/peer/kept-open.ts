import type { LentInbound, Open } from '../adapter/adapter.ts';
import type { Settings } from '../adapter/setting.ts';
import { DisableError } from '../error/adapter-error.ts';
import { background } from '../error/background.ts';
import { describeError } from '../error/engine-error.ts';
import { refusedPause } from '../time/back-off.ts';
import { wait } from '../time/timer.ts';

/** A connection over which a peer hands out messages. */
export interface Kept extends Open {
  /** Resolves with the reason once it is lost; never after `close`. */
  readonly lost: Promise<Error>;
}

/**
 * Opens a service that takes messages over one connection of its own. Where only a person can help (DisableError: a
 * refused password), it says so and tries again after minutes, since accounts are locked for less; the service counts as
 * open meanwhile. Throws what else `connect` throws: the engine opens it again soon.
 */
export async function keptOpen(
  lent: Pick<LentInbound<Settings>, 'signal' | 'lost' | 'connection' | 'event'>,
  connect: (signal: AbortSignal) => Promise<Kept>,
): Promise<Open> {
  const closing = new AbortController();
  const stop = AbortSignal.any([lent.signal, closing.signal]);
  const first = await connected(lent, connect, stop);
  let kept = first;
  const follow = async (): Promise<void> => {
    for (let refusals = 1; kept === undefined; refusals++) {
      await wait(refusedPause(refusals), { signal: stop });
      stop.throwIfAborted();
      kept = await connected(lent, connect, stop);
    }
    background(kept.lost.then(lent.lost), 'hearing of a lost connection');
  };
  const ended = follow().catch((error: unknown) => {
    if (!stop.aborted) lent.lost(error instanceof Error ? error : new Error('not connected'));
  });
  return {
    async close() {
      closing.abort(new Error('closed'));
      if (first === undefined) await ended;
      if (kept !== undefined) await kept.close();
    },
  };
}

/** Undefined if only a person can help. */
async function connected(
  { connection, event }: Pick<LentInbound<Settings>, 'connection' | 'event'>,
  connect: (signal: AbortSignal) => Promise<Kept>,
  signal: AbortSignal,
): Promise<Kept | undefined> {
  try {
    return await connect(signal);
  } catch (error) {
    if (!(error instanceof DisableError)) throw error;
    const { text } = describeError(error);
    connection('disconnected', text);
    event('error', 'refused', text);
    return undefined;
  }
}
