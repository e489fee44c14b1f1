import type { RemoveState } from '../control/orders.ts';
import { EngineError } from '../error/engine-error.ts';
import { type StoredState, statePlace } from '../flow/shared-state.ts';
import { systemClock } from '../time/clock.ts';
import type { Engine } from './engine.ts';

/** How often it is tried while messages change it. */
const TRIES = 10;

/** Removes shared state as a person ordered, and tells of it; the key may name a patient and is not told. */
export async function removeState(
  { keyed, outcomes }: Pick<Engine, 'keyed' | 'outcomes'>,
  { key, by }: RemoveState,
): Promise<{ readonly removed: boolean }> {
  const place = statePlace(key);
  for (let tries = 0; tries < TRIES; tries++) {
    const found = await keyed.read<StoredState>(place);
    if (found.value === undefined) return { removed: false };
    if (!(await keyed.replace(place, found, undefined))) continue;
    const { host } = found.value.by;
    const at = systemClock.now();
    const text = `shared state was removed by ${by}`;
    await outcomes.append({
      record: { kind: 'host', host, event: 'state-removed', level: 'info', at, text, by },
    });
    return { removed: true };
  }
  throw new EngineError('QUEUE_UNAVAILABLE', 'messages change this state all the time; try again', {
    retryable: true,
  });
}
