import type { LentInbound, Open } from '../adapter/adapter.ts';
import type { Settings } from '../adapter/setting.ts';
import { toldElsewhere } from '../error/foreseen.ts';
import { orAbort } from '../time/or-abort.ts';
import { wait } from '../time/timer.ts';

/**
 * Opens an adapter that looks for messages at intervals: `look` runs at once and again `every`
 * milliseconds after it ended (as asked then, if that differs), never twice at a time. An error from it counts as a lost connection.
 * The adapter should be declared `polling: true`, so that only one engine looks.
 */
export function poll<S extends Settings>(
  every: number | (() => number),
  { signal, lost }: Pick<LentInbound<S>, 'signal' | 'lost'>,
  look: (signal: AbortSignal) => Promise<void>,
): Open {
  const closing = new AbortController();
  const stop = AbortSignal.any([signal, closing.signal]);

  const loop = async (): Promise<void> => {
    while (!stop.aborted) {
      await look(stop);
      await wait(typeof every === 'number' ? every : every(), { signal: stop });
    }
  };
  const ended = loop().catch((error: Error) => {
    if (!stop.aborted) lost(error);
  });

  return {
    async close() {
      closing.abort();
      // After a forced stop nobody waits for a look that a silent peer holds up.
      await orAbort(ended, signal).catch(toldElsewhere);
    },
  };
}
