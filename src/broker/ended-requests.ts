import { ConnectionError, type Msg, type NatsConnection } from '@nats-io/transport-node';

/** Handles requests when the connection is lost, and when it is back. */
export interface EndedRequests {
  lost(): void;
  back(): void;
}

interface Asked {
  fail(): void;
}

/**
 * Ends the requests of a connection when it is lost. The client itself lets a request to a killed
 * server run into its timeout (up to 10 s, in which a line that is being taken over is blocked) and
 * drops one made while disconnected. Here the first fails at once with a ConnectionError
 * (`isAway`), and the second is sent once the connection is back.
 */
export function endRequests(connection: NatsConnection): EndedRequests {
  const open = new Set<Asked>();
  const waiting = new Set<() => void>();
  let away = false;
  const ask = connection.request.bind(connection);

  const sent = (...words: Parameters<NatsConnection['request']>): Promise<Msg> =>
    new Promise((resolve, reject) => {
      const asked = {
        fail: () => reject(new ConnectionError('the connection was lost before an answer arrived')),
      };
      open.add(asked);
      ask(...words)
        .then(resolve, reject)
        .finally(() => open.delete(asked));
    });

  /** Resolves when the connection is back, or after `limit` milliseconds. */
  const untilBack = (limit: number): Promise<void> =>
    new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        waiting.delete(end);
        resolve();
      };
      const timer = setTimeout(end, limit);
      waiting.add(end);
    });

  connection.request = async (subject, payload, options) => {
    if (away) await untilBack(options?.timeout ?? 1_000);
    return sent(subject, payload, options);
  };

  return {
    lost() {
      away = true;
      for (const asked of open) asked.fail();
    },
    back() {
      away = false;
      for (const go of waiting) go();
    },
  };
}
