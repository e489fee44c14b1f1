import type { Taken } from '../broker/queue.ts';
import { type EndOrder, endMessage } from '../flow/end-message.ts';
import type { Patience } from '../flow/settle.ts';
import type { SettledMemory } from '../flow/settled-memory.ts';
import type { Surroundings } from './host.ts';
import type { QueueWorker } from './queue-worker.ts';

/** Settles a message of this host's queue as a person ordered. */
export async function endByOrder(
  { broker, outcomes, accepting, events }: Surroundings,
  {
    name,
    settled,
    patience,
  }: { readonly name: string; readonly settled: SettledMemory; readonly patience: Patience },
  { taken, order, begun }: { taken: Taken; order: EndOrder; begun: boolean },
): Promise<void> {
  const now = accepting.routing.clock.now();
  const { answers } = accepting;
  await endMessage({ broker, outcomes, settled, answers, now, patience }, taken, {
    host: name,
    order,
    begun,
  });
  const { message } = taken;
  events.settled(name, message, order.status, { sending: 0, total: now - message.received });
}

/** Whether one of a host's workers had the message in hand and ended it. */
export async function endInHand(
  workers: readonly QueueWorker[],
  id: number,
  order: EndOrder,
): Promise<boolean> {
  const ended = await Promise.all(workers.map((worker) => worker.end(id, order)));
  return ended.includes(true);
}
