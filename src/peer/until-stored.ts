import type { LentInbound } from '../adapter/adapter.ts';
import type { Settings } from '../adapter/setting.ts';
import { EngineError } from '../error/engine-error.ts';
import type { NewMessage } from '../message/message.ts';
import { Deadline } from '../time/deadline.ts';
import { pause } from '../time/pause.ts';
import { timerTime } from '../time/timer.ts';

/** Milliseconds between two tries to store a message. */
const FIRST_WAIT = 200;
const LONGEST_WAIT = 10_000;

/**
 * Stores a message that stays at its broker until it is acknowledged: held until it is stored, so that the order stays.
 * `store` is called again after an EngineError, which `waits` hears, unless the message is `passedOver`; what else it
 * throws is thrown. False if `signal` aborted, or `holdFor` was over, before.
 */
export async function keepStoring(
  store: () => Promise<unknown>,
  {
    waits,
    passedOver,
    holdFor,
    signal,
  }: {
    readonly waits: (error: EngineError) => void;
    readonly passedOver?: ((error: EngineError) => boolean) | undefined;
    /** Milliseconds for which it is tried; without it, until `signal` aborts. */
    readonly holdFor?: number | undefined;
    readonly signal: AbortSignal;
  },
): Promise<boolean> {
  const deadline = holdFor === undefined ? undefined : new Deadline(holdFor);
  // its end is only listened for once a try has failed, which few do
  let over = signal;
  for (let time = FIRST_WAIT; !over.aborted; time = Math.min(time * 2, LONGEST_WAIT)) {
    try {
      await store();
      return true;
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      if (passedOver?.(error) === true) return true;
      waits(error);
    }
    if (deadline !== undefined && over === signal) {
      const late = AbortSignal.timeout(timerTime(Math.ceil(deadline.left)));
      over = AbortSignal.any([signal, late]);
    }
    await pause(time, over);
  }
  return false;
}

interface Unrepeated {
  readonly message: NewMessage;
  /** Begins the text of its loss: `A message of 10.0.0.7 (1024 bytes)`. */
  readonly what: string;
  /** Why nobody repeats it; follows "and". */
  readonly because: string;
  /** Aborts when the service stops. */
  readonly signal: AbortSignal;
  /** Called for each try that failed and is followed by another. */
  readonly waits: () => void;
}

/**
 * Stores a message that nobody else has: tried until it is stored, refused for good, or the service stops. False if it
 * is lost, which is told as an event.
 */
export async function untilStored(
  lent: Pick<LentInbound<Settings>, 'deliver' | 'event'>,
  { message, what, because, signal, waits }: Unrepeated,
): Promise<boolean> {
  for (let time = FIRST_WAIT; ; time = Math.min(time * 2, LONGEST_WAIT)) {
    try {
      await lent.deliver(message);
      return true;
    } catch (error) {
      const isFinal = error instanceof EngineError && !error.retryable;
      if (isFinal || signal.aborted) {
        const why = isFinal ? 'it cannot be stored' : 'the service stops';
        lent.event(
          'error',
          'message-lost',
          `${what} is lost: ${why}, and ${because}. Ask for it again.`,
        );
        return false;
      }
      waits();
    }
    await pause(time, signal);
  }
}
