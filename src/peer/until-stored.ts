import type { LentInbound } from '../adapter/adapter.ts';
import type { Settings } from '../adapter/setting.ts';
import { EngineError } from '../error/engine-error.ts';
import type { NewMessage } from '../message/message.ts';
import { pause } from '../time/pause.ts';

/** Milliseconds between tries to store a message that its sender would not repeat. */
const FIRST_WAIT = 200;
const LONGEST_WAIT = 10_000;

interface Unrepeated {
  readonly message: NewMessage;
  /** Bytes. */
  readonly size: number;
  /** The address of its sender. */
  readonly address: string;
  /** Aborts when the service stops. */
  readonly signal: AbortSignal;
  /** Called for each try that failed and is followed by another. */
  readonly waits: () => void;
}

/**
 * Stores a message whose sender neither knows nor repeats it: tried until it is stored, refused for good, or the service
 * stops. False if it is lost, which is told as an event.
 */
export async function untilStored(
  lent: Pick<LentInbound<Settings>, 'deliver' | 'event'>,
  { message, size, address, signal, waits }: Unrepeated,
): Promise<boolean> {
  for (let wait = FIRST_WAIT; ; wait = Math.min(wait * 2, LONGEST_WAIT)) {
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
          `A message of ${address} (${size} bytes) is lost: ${why}, and with answer: none its sender cannot be told. Ask for it again.`,
        );
        return false;
      }
      waits();
    }
    await pause(wait, signal);
  }
}
