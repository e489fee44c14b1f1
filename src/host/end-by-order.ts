import { endMessage } from '../flow/end-message.ts';
import type { Patience } from '../flow/settle.ts';
import type { SettledMemory } from '../flow/settled-memory.ts';
import type { Runtime } from './host.ts';
import type { Ended } from './queue-worker.ts';

/** Settles a message of this host's queue as a person ordered. */
export async function endByOrder(
  { broker, clock, outcomes, accepting, events }: Runtime,
  {
    name,
    settled,
    patience,
  }: { readonly name: string; readonly settled: SettledMemory; readonly patience: Patience },
  { taken, order, begun }: Ended,
): Promise<void> {
  const now = clock.now();
  const { answers } = accepting;
  await endMessage({ broker, outcomes, settled, answers, now, patience }, taken, {
    host: name,
    order,
    begun,
  });
  const { message } = taken;
  events.settled(name, message, order.status, { sending: 0, total: now - message.received });
}
