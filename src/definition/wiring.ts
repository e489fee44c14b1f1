import { EngineError } from '../error/engine-error.ts';
import type { Subject } from '../flow/subject.ts';
import type { Process, WiredTarget, Wiring } from '../flow/wiring.ts';
import type { Definition, QueueOrder } from './definition.ts';

/** The flow's view of a definition: which names are queues and which run inline. */
export function wiring(
  definition: Definition,
  processOf: (name: string) => Process,
  generationOf: (host: string) => number = () => 0,
): Wiring {
  const targets = new Map<string, WiredTarget>();
  for (const { name, order } of definition.operations.values()) {
    targets.set(name, queueTarget(name, order, generationOf(name)));
  }
  for (const { name, run, order } of definition.processes.values()) {
    targets.set(
      name,
      run === 'inline'
        ? { kind: 'inline', name, process: processOf(name) }
        : queueTarget(name, order, generationOf(name)),
    );
  }
  return {
    hopLimit: definition.settings.hopLimit,
    target(name) {
      const target = targets.get(name);
      if (target === undefined) {
        const text = `there is no process or operation ${name} in this production any more: send to another one, or bring ${name} back`;
        throw new EngineError('HOST_UNKNOWN', text);
      }
      return target;
    },
  };
}

function queueTarget(name: string, order: QueueOrder, generation: number): WiredTarget {
  if (typeof order === 'string')
    return { kind: 'queue', name, generation, partition: undefined, readsBody: false };
  const { byKey, partitions } = order;
  return {
    kind: 'queue',
    name,
    generation,
    readsBody: byKey.readsBody,
    partition: (subject: Subject) => hash(String(byKey.evaluate(subject))) % partitions,
  };
}

/** FNV-1a: spreads keys evenly. It must never change between versions, which would break the order of a key. */
function hash(key: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < key.length; index++) {
    value = Math.imul(value ^ key.charCodeAt(index), 0x01000193);
  }
  return value >>> 0;
}

/** The streams of a host's queue and the pool of each. */
export function queueLines(
  order: QueueOrder,
  pool: number,
): readonly { readonly partition: number | undefined; readonly pool: number }[] {
  if (typeof order === 'string') return [{ partition: undefined, pool }];
  return Array.from({ length: order.partitions }, (_, partition) => ({ partition, pool: 1 }));
}

/** Whether a queue is one strict line: one engine at a time takes from it, and reads ahead. */
export function isLine({
  order,
  pool,
}: {
  readonly order: QueueOrder;
  readonly pool: number;
}): boolean {
  return order === 'fifo' && pool === 1;
}
