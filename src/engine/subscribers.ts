import type { Subscribers } from '../adapter/subscribers.ts';
import { records } from '../broker/records.ts';
import type { Listed, SubscriberBrief, TurnSubscriber } from '../control/orders.ts';
import type { Definition } from '../definition/definition.ts';
import { EngineError } from '../error/engine-error.ts';
import { systemClock } from '../time/clock.ts';
import type { Engine } from './engine.ts';

/** Subscribers of one list: it has to fit into an answer. */
const LISTED = 1_000;
/** Reading all of them takes as long as they are many. */
const LIMIT = 30_000;

type Kept = Pick<Engine, 'keyed'>;

/** Who has subscribed to what, those in trouble first; the operations that keep them need not run. */
export async function subscribersOf(
  { keyed }: Kept,
  definition: Definition,
): Promise<Listed<SubscriberBrief>> {
  const all: SubscriberBrief[] = [];
  for (const host of definition.operations.keys()) {
    const found = await keptBy({ keyed }, definition, host)?.list();
    all.push(...(found ?? []).map((one) => ({ ...one, host })));
  }
  const items = all.toSorted((one, other) => rank(one) - rank(other));
  return { items: items.slice(0, LISTED), cut: items.length > LISTED };
}

/** Switches a subscriber off or on. Throws NOT_FOUND if it is not there any more. */
export async function turnSubscriber(
  { keyed, outcomes }: Pick<Engine, 'keyed' | 'outcomes'>,
  definition: Definition,
  { host, id, on, by }: TurnSubscriber,
): Promise<void> {
  const kept = keptBy({ keyed }, definition, host);
  if (kept === undefined) {
    throw new EngineError('NOT_FOUND', `no operation ${host} keeps subscribers`);
  }
  if (!(await kept.turn(id, on))) {
    throw new EngineError('NOT_FOUND', `${host} has no subscriber ${id} any more`);
  }
  const at = systemClock.now();
  const text = `subscriber ${id} was switched ${on ? 'on' : 'off'} by ${by}`;
  await outcomes.append({
    record: { kind: 'host', host, event: 'subscriber-switched', level: 'info', at, text, by },
  });
}

function keptBy(
  { keyed }: Kept,
  { operations }: Definition,
  host: string,
): Subscribers | undefined {
  const operation = operations.get(host);
  return operation?.adapter.subscribers?.({
    settings: operation.settings,
    records: (realm) => records(keyed, realm),
    signal: AbortSignal.timeout(LIMIT),
  });
}

function rank({ state, failures }: SubscriberBrief): number {
  if (state === 'error') return 0;
  if (failures > 0) return 1;
  return state === 'off' ? 3 : 2;
}
