import type { AmqpError, EventContext, Receiver, Sender } from 'rhea';
import { DisableError, NotConnectedError, timerTime } from 'waybill/adapter';
import { symbol } from './connect.ts';

/** Waits until a link is attached, or refused; after that `lost` hears of its end. */
export async function attached(
  link: Receiver | Sender,
  {
    place,
    address,
    signal,
    lost,
    within,
  }: {
    readonly place: string;
    readonly address: string;
    readonly signal: AbortSignal;
    readonly lost: (reason: Error) => void;
    /** Milliseconds for the answer. */
    readonly within: number;
  },
): Promise<void> {
  const kind = link.is_receiver() ? 'receiver' : 'sender';
  const open = Promise.withResolvers<void>();
  const end = (reason: Error): void => {
    open.reject(reason);
    lost(reason);
  };
  const told = (error: unknown): void => end(linkFailure(error, place, address));
  const events = link as unknown as NodeJS.EventEmitter;
  events.on(`${kind}_open`, () => {
    // A link that is refused is attached to nothing, and ended at once with the reason.
    const remote = kind === 'receiver' ? link.source : link.target;
    if ((remote as { address?: unknown } | undefined)?.address !== undefined) open.resolve();
  });
  const ended = ({ session }: EventContext): void => told(session?.error);
  const gone = (): void => end(new NotConnectedError(`The connection to ${place} is gone.`));
  const { session, connection } = link;
  session.on('session_error', ended).on('session_close', ended);
  connection.on('disconnected', gone);
  events.on(`${kind}_error`, () => told(link.error));
  events.on(`${kind}_close`, () => {
    // both outlive the link
    session.off('session_error', ended).off('session_close', ended);
    connection.off('disconnected', gone);
    told(link.error);
  });
  const stop = (): void => end(signal.reason as Error);
  const late = setTimeout(
    () =>
      end(
        new NotConnectedError(
          `${place} did not answer about ${address} within ${within / 1_000} s. Look at the log of the broker.`,
        ),
      ),
    timerTime(within),
  );
  signal.addEventListener('abort', stop, { once: true });
  try {
    await open.promise;
  } finally {
    clearTimeout(late);
    signal.removeEventListener('abort', stop);
  }
}

/**
 * Counts what comes over a link as its broker does: from the number that it begins with, in 32 bits. The library begins
 * with 0 and never again: RabbitMQ 4, which begins shortly before the end, would take that for more credit each time that
 * all of it is used, and send without limit.
 */
export function countAsBroker(receiver: Receiver): void {
  const { remote } = receiver as unknown as Remote;
  let count = remote.attach.initial_delivery_count ?? 0;
  Object.defineProperty(receiver, 'delivery_count', {
    get: () => count,
    set: (next: number) => {
      count = next >>> 0;
    },
  });
}

/** What the types of the library leave out. */
interface Remote {
  readonly remote: { readonly attach: { readonly initial_delivery_count?: number | null } };
}

const LOCKED = 'in use by another consumer that has it for itself';
const MISSING =
  'Correct address, or have it made; for RabbitMQ it is /queues/name or /exchanges/name/key';

/** What follows the name of the broker, by the conditions of AMQP 1.0 and of Azure Service Bus. */
const CAUSES: Readonly<Record<string, (address: string, code: string) => string>> = {
  'amqp:not-found': (address, code) => `has no ${address} (${code}). ${MISSING}`,
  'com.microsoft:entity-not-found': (address, code) => `has no ${address} (${code}). ${MISSING}`,
  'amqp:resource-locked': (address, code) =>
    `has ${address} ${LOCKED} (${code}). Have that one end`,
  'com.microsoft:session-cannot-be-locked': (address, code) =>
    `has the session of ${address} ${LOCKED} (${code}). It is tried again`,
  'com.microsoft:session-lock-lost': (address, code) =>
    `took back the session of ${address} (${code}): its lock ran out. Have a longer one set for the queue`,
};

function linkFailure(error: unknown, place: string, address: string): Error {
  const { condition = '' } = (error ?? {}) as Partial<AmqpError>;
  const code = symbol(condition);
  if (condition === 'com.microsoft:timeout') return new NoSession();
  if (condition === 'amqp:unauthorized-access') {
    return new DisableError(
      `${place} does not let us use ${address} (${code}). Have the account permitted: Listen or Receiver to take, Send or Sender to send.`,
    );
  }
  const cause = CAUSES[condition]?.(address, code);
  return new NotConnectedError(
    `${place} ${cause ?? `ended the link to ${address} (${code}). Look at the log of the broker`}.`,
  );
}

/** There is no session with messages now. */
export class NoSession extends NotConnectedError {
  constructor() {
    super('There is no session with messages now. It is asked for again.');
  }
}
