import { type Queued, queuedMessage } from '../broker/queued-message.ts';
import type { EndRequest } from '../control/orders.ts';
import { EngineError } from '../error/engine-error.ts';
import { endMessage } from '../flow/end-message.ts';
import { systemClock } from '../time/clock.ts';
import type { Director } from './director.ts';
import type { Engine } from './engine.ts';

/** Milliseconds for storing the end of a message. */
const LIMIT = 15_000;

/** Ends the message if this engine is working on it; each engine is asked. Throws NOT_FOUND if it has an outcome. */
export async function endInHand(
  director: Director,
  { message: { id, target }, ...order }: EndRequest,
): Promise<{ readonly ended: boolean }> {
  return { ended: await director.endMessage(target, id, order) };
}

/**
 * Ends a message that no engine is working on, and takes it out of its queue. Throws NOT_FOUND if
 * it is not waiting there.
 */
export async function endQueued(
  engine: Engine,
  director: Director,
  { message: { id, target }, ...order }: EndRequest,
): Promise<void> {
  const { broker, outcomes, answers, bodies, steps } = engine;
  // first where it waits outside: a copy of it may still lie in its queue, done with, and one that is woken is put back
  // there before it leaves; one that begins to wait meanwhile is found by the second look
  const queued =
    (await waiting(engine, { id, target })) ??
    (await queuedMessage(broker, bodies, { id, host: target })) ??
    (await waiting(engine, { id, target }));
  const settled = director.settledAt(target);
  if (queued === undefined || settled.has(id)) throw notWaiting(id, target);
  // first, so that nothing is given to it any more
  if (director.definition.processes.has(target)) await director.process(target).ended?.(id);
  const now = systemClock.now();
  // a person is waiting: an error is shown at once, not retried
  const patience = {
    signal: AbortSignal.timeout(LIMIT),
    onRefused: () => undefined,
    onStored: () => undefined,
  };
  await endMessage({ broker, outcomes, settled, answers, now, patience }, queued.taken, {
    host: target,
    order,
    begun: false,
  });
  await queued.remove();
  steps.ended(id);
}

/** A message whose process waits outside its queue. */
async function waiting(
  { waiting: room }: Engine,
  { id, target }: EndRequest['message'],
): Promise<Queued | undefined> {
  const taken = await room.find(target, id);
  return taken && { taken, remove: () => room.leave({ id, sequence: taken.sequence }) };
}

export const notWaiting = (id: number, host: string): EngineError =>
  new EngineError('NOT_FOUND', `message ${id} is no longer waiting for ${host}`);
