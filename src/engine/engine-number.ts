import { isAway } from '../broker/away.ts';
import type { Lease, Leases } from '../broker/lease.ts';
import { aborted } from '../broker/while-held.ts';
import { background } from '../error/background.ts';
import { EngineError } from '../error/engine-error.ts';
import { tolerate } from '../error/foreseen.ts';
import { pause } from '../time/pause.ts';

/** An engine's number among the living engines of its production. */
export interface EngineNumber {
  /** 0 to 63. Changes where it could not be renewed in time and another engine has it by now. */
  readonly value: number;
  /** Whether its last holder did not end cleanly. */
  readonly takenOver: boolean;
  release(how?: 'clean' | 'unclean'): Promise<void>;
}

const ENGINES = 64;
const TRIES = 5;
const AGAIN = 1_000;

/** Takes the lowest free number, and another where that is lost: message ids hold it, and must not repeat. */
export async function engineNumber(held: Leases): Promise<EngineNumber> {
  let { value, lease } = await lowestFree(held);
  const { takenOver } = lease;
  const ended = new AbortController();
  const keep = async (): Promise<void> => {
    for (;;) {
      await aborted(AbortSignal.any([lease.signal, ended.signal]));
      if (ended.signal.aborted) return;
      try {
        const again = await held.take(nameOf(value));
        ({ value, lease } = again === undefined ? await lowestFree(held) : { value, lease: again });
      } catch (error) {
        tolerate(error, isAway, 'taking an engine number again');
        await pause(AGAIN, ended.signal);
      }
    }
  };
  background(keep(), 'keeping the number of this engine');
  return {
    get value() {
      return value;
    },
    takenOver,
    async release(how) {
      ended.abort();
      await lease.release(how);
    },
  };
}

const nameOf = (value: number): string => `engine.${value}`;

async function lowestFree(held: Leases): Promise<{ value: number; lease: Lease }> {
  let tries = 0;
  for (let value = 0; value < ENGINES; value++) {
    try {
      const lease = await held.take(nameOf(value));
      if (lease !== undefined) return { value, lease };
    } catch (error) {
      if (!isAway(error) || ++tries === TRIES) throw error;
      await pause(AGAIN);
      value -= 1;
    }
  }
  throw new EngineError(
    'BROKER_UNAVAILABLE',
    `all ${ENGINES} engine numbers of this production are taken`,
    { retryable: true },
  );
}
