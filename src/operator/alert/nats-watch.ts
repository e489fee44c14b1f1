import { tolerate } from '../../error/foreseen.ts';
import type { Logger } from '../../log/logger.ts';
import { describeDuration } from '../../time/duration.ts';
import { pause } from '../../time/pause.ts';
import { isUnanswered } from '../unanswered.ts';
import type { AlertStore } from './alert-store.ts';
import type { AlertedProduction, Notifier } from './notifier.ts';

export interface NatsWatchOptions {
  /** Whether NATS answers now; bounded in time, never rejects. */
  readonly reached: () => Promise<boolean>;
  /** Whether it has no room left, so that nobody can hold the lease of who watches. */
  readonly isFull: () => boolean;
  /** The production as last known. */
  readonly about: () => Promise<AlertedProduction>;
  readonly store: AlertStore;
  readonly notifier: Notifier;
  readonly log: Logger;
  /** Milliseconds between two looks. */
  readonly every: number;
}

/** Looks without an answer until it is an alert: a minute by default. */
const LOOKS = 6;

/**
 * Without NATS, and where that is full, there is no lease by which planes agree who watches, so each looks for itself; their common database
 * sees to it that people are told once. Ends with the watcher's next look.
 */
export function startNatsWatch({
  reached,
  isFull,
  about,
  store,
  notifier,
  log,
  every,
}: NatsWatchOptions): {
  stop(): Promise<void>;
} {
  const stopping = new AbortController();
  const { signal } = stopping;
  let since: number | undefined;
  let looks = 0;
  const look = async (): Promise<void> => {
    const isReached = await reached();
    if (isReached && !isFull()) {
      since = undefined;
      looks = 0;
      return;
    }
    since ??= Date.now();
    if (++looks < LOOKS) return;
    const told = await about();
    const { alert } = await store.see(
      {
        rule: 'nats',
        object: told.name,
        host: undefined,
        level: 'error',
        text: isReached
          ? `NATS holds as much as it may since ${describeDuration(Date.now() - since)}: nothing is accepted, and nothing sent. Raise max_file_store in its jetstream block, or remove what else is stored in it`
          : `NATS does not answer the operator plane since ${describeDuration(Date.now() - since)}: messages may not be accepted`,
      },
      Date.now(),
    );
    await notifier.tell([alert], told, signal);
  };
  const watching = (async () => {
    while (!signal.aborted) {
      await pause(every, signal, { ref: false });
      if (signal.aborted) return;
      try {
        await look();
      } catch (error) {
        // nothing can be told while the database is away too
        tolerate(error, isUnanswered, 'watching whether NATS answers');
        log.debug({ event: 'watch-failed', err: error }, 'watch-failed');
      }
    }
  })();
  return {
    async stop() {
      stopping.abort();
      await watching;
    },
  };
}
