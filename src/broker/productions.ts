import type { Broker } from './broker.ts';
import { names } from './names.ts';

/** The productions that a NATS server has: their streams stay when they stop. */
export async function productionsOf({ manager }: Pick<Broker, 'manager'>): Promise<string[]> {
  const found: string[] = [];
  for await (const stream of manager.streams.names(names('*').journal.subject)) {
    const name = /^WB_(.+)_JOURNAL$/.exec(stream)?.[1];
    if (name !== undefined) found.push(name);
  }
  return found.toSorted((a, b) => a.localeCompare(b));
}
