import { isStreamMissing } from '../broker/away.ts';
import type { Broker } from '../broker/broker.ts';
import { isServed } from '../control/control.ts';
import { ENGINE } from '../control/verbs.ts';
import { HOST_NAME } from '../definition/grammar/name-rule.ts';
import { EngineError } from '../error/engine-error.ts';
import { type LeftProduction, leftBy } from './left-queues.ts';

const NONE: ReadonlyMap<string, number> = new Map();

/** What a production has in NATS. */
export interface Forgotten extends LeftProduction {
  readonly streams: readonly string[];
  readonly bytes: number;
}

/**
 * Removes everything that a production which no longer runs has in NATS: its queues, bodies and
 * state. Throws ALREADY_RUNNING if an engine runs it, and MESSAGES_WAITING if messages wait in it and
 * `evenWaiting` is not set. What is left of a removal that was cut off is removed by the next one.
 */
export async function forgetProduction(
  broker: Broker,
  { dryRun, evenWaiting }: { readonly dryRun: boolean; readonly evenWaiting: boolean },
): Promise<Forgotten> {
  const { production } = broker;
  // what is no name may begin those of a running production's queues, such as a_Q
  const sizes = HOST_NAME.problem(production) === undefined ? await streamsOf(broker) : NONE;
  if (sizes.size === 0) {
    throw new EngineError(
      'NOT_FOUND',
      `this NATS has nothing of a production ${production}; waybill status lists those that it has`,
    );
  }
  if (await isServed(broker, ENGINE.queues)) {
    throw new EngineError('ALREADY_RUNNING', `${production} runs: stop it first, on every machine`);
  }
  const left = await leftBy(broker);
  const waiting = left.queues.reduce((sum, { depth }) => sum + depth, left.suspended);
  if (waiting > 0 && !evenWaiting && !dryRun) {
    throw new EngineError(
      'MESSAGES_WAITING',
      `${waiting} messages of ${production} wait or are suspended, and would be lost. Start it until they are gone, or give --discard-waiting`,
    );
  }
  const streams = [...sizes.keys()].toSorted((a, b) => a.localeCompare(b));
  const bytes = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  if (!dryRun) for (const stream of inOrder(streams, broker)) await remove(broker, stream);
  return { ...left, streams, bytes };
}

/** The journal last: by it a production is found. */
const inOrder = (streams: readonly string[], { names }: Broker): string[] =>
  [...streams].toSorted(
    (a, b) => Number(a === names.journal.stream) - Number(b === names.journal.stream),
  );

async function streamsOf({ manager, names }: Broker): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>();
  for await (const { config, state } of manager.streams.list()) {
    if (names.isOwn(config.name.replace(/^(?:KV|OBJ)_/, ''))) sizes.set(config.name, state.bytes);
  }
  return sizes;
}

async function remove({ manager }: Broker, stream: string): Promise<void> {
  try {
    await manager.streams.delete(stream);
  } catch (error) {
    // somebody else removed it
    if (!isStreamMissing(error)) throw error;
  }
}
