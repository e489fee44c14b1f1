import { type Msg, type NatsConnection, PermissionViolationError } from '@nats-io/transport-node';
import { retryDelay } from '../time/back-off.ts';

/** What hears a subject until it is closed. */
export interface SteadySubscription {
  unsubscribe(): void;
}

interface Hearing {
  /** Those of the same name share what comes. */
  readonly queue?: string;
  readonly hear: (message: Msg) => void;
  /** Whether nothing is stored or sent without it, so that it is tried again every few seconds. */
  readonly isVital?: boolean;
}

/** Waits before a subscription is tried again that the server denied, in milliseconds. */
const AGAIN = { every: 2_000, backoff: 2, max: 60_000 };
const VITAL_AGAIN = { every: 1_000, backoff: 2, max: 4_000 };

/**
 * Subscribes, and again while the server does not permit it: the client gives up what was denied once, also over
 * reconnects, and what somebody permits later would need a restart. Each denial is told by the connection's status.
 * Ends with `unsubscribe`, or with the connection.
 */
export function subscribeSteadily(
  connection: Pick<NatsConnection, 'subscribe' | 'isClosed' | 'isDraining'>,
  subject: string,
  { queue, hear, isVital = false }: Hearing,
): SteadySubscription {
  let tries = 0;
  let timer: NodeJS.Timeout | undefined;
  const subscribe = () =>
    connection.subscribe(subject, {
      ...(queue === undefined ? {} : { queue }),
      callback(error, message) {
        if (error === null) {
          tries = 0;
          hear(message);
        } else if (error instanceof PermissionViolationError) {
          timer = setTimeout(again, retryDelay(isVital ? VITAL_AGAIN : AGAIN, ++tries)).unref();
        }
      },
    });
  const again = (): void => {
    if (!connection.isClosed() && !connection.isDraining()) current = subscribe();
  };
  let current = subscribe();
  return {
    unsubscribe() {
      clearTimeout(timer);
      current.unsubscribe();
    },
  };
}
