import type { QueueOrder } from './definition.ts';
import { below, type Reading } from './form/form.ts';
import type { OrderGiven } from './grammar/host-form.ts';
import { pathText, valueAt, type Written } from './written/written.ts';

/** How many messages go at once, and in which order. */
export interface Line {
  readonly pool: number;
  readonly order: QueueOrder;
}

interface LineGiven {
  readonly pool: number | undefined;
  readonly order: OrderGiven | undefined;
}

/** Settles `pool` and `order`, after contradictions between the two were reported. */
export function readLine({ pool, order }: LineGiven, host: Written, hostReading: Reading): Line {
  const { problems, keys } = below(hostReading, 'pool');
  const place = valueAt(host, ['pool'])?.place ?? host.place;
  const path = pathText(keys);
  if (typeof order === 'object') {
    const what = 'pool has no effect beside by-key: each line has one at a time';
    const remedy = 'Remove it; partitions says how many go at once.';
    if (pool !== undefined) problems.warning(place, path, what, remedy);
    const { 'by-key': byKey, partitions } = order;
    return { pool: 1, order: byKey === undefined ? 'fifo' : { byKey, partitions } };
  }
  if (pool === undefined || pool === 1) return { pool: 1, order: order ?? 'fifo' };
  if (order === 'fifo') {
    const remedy = 'Write order: none, or { by-key: field("PID-3.1") } for that of each patient.';
    problems.error(place, path, `${pool} at once cannot keep the order`, remedy);
  } else if (order === undefined) {
    const what = `with ${pool} at once, messages may overtake each other`;
    problems.warning(place, path, what, 'Write order: none to say that it is meant.');
  }
  return { pool, order: order ?? 'none' };
}
