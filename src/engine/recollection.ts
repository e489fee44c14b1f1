import type { NatsConnection } from '@nats-io/transport-node';
import { isAway } from '../broker/away.ts';
import { background } from '../error/background.ts';
import { tolerate } from '../error/foreseen.ts';
import { pause } from '../time/pause.ts';

const AGAIN = 250;

/**
 * A nats-server that was killed forgets what it delivered and was told in the last tenth of a
 * second. This engine remembers what it has done itself, but not what other engines have, and the
 * server may now deliver that here. So after each reconnect an engine first collects what others
 * did; meanwhile nothing of a queue that engines share is begun.
 *
 * @param recollect rejects if NATS is away; called again then
 * @returns what to wait for; undefined if there is nothing to wait for
 */
export function recollection(
  connection: NatsConnection,
  recollect: () => Promise<void>,
): () => Promise<void> | undefined {
  let waiting: PromiseWithResolvers<void> | undefined;
  /** Counts reconnects: what is collected counts only if no connection was lost meanwhile. */
  let times = 0;

  const collect = async (): Promise<void> => {
    const mine = ++times;
    while (mine === times && !connection.isClosed()) {
      try {
        await recollect();
        if (mine !== times) return;
        waiting?.resolve();
        waiting = undefined;
        return;
      } catch (error) {
        tolerate(error, isAway, 'collecting what other engines have sent');
        await pause(AGAIN);
      }
    }
  };
  const watch = async (): Promise<void> => {
    for await (const { type } of connection.status()) {
      if (type === 'disconnect') {
        waiting ??= Promise.withResolvers();
        times += 1;
      } else if (type === 'reconnect') background(collect(), 'collecting what others have sent');
    }
  };
  background(watch(), 'following the connection of the queues');
  return () => waiting?.promise;
}
