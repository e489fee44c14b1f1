import type { QueryClient } from '@tanstack/react-query';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useSyncExternalStore } from 'react';
import { apiUrl } from './client.ts';

/** Topic of the stream → the answers that it makes stale. */
const TOPICS: Readonly<Record<string, readonly string[]>> = {
  hosts: ['status', 'hosts', 'queues', 'production'],
  alerts: ['alerts', 'status'],
  jobs: ['jobs'],
  events: ['events'],
};
const AGAIN = 1_000;
const LONGEST = 30_000;
/** Shorter interruptions are not shown. */
const SHORT = 3_000;

let client: QueryClient | undefined;
let source: EventSource | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;
let wait = AGAIN;
/** The position in the stream: the next connection continues after it, so nothing is missed. */
let last: string | undefined;
/** Whose messages are followed: of one session, or of the hosts that a search is about. */
let followed: { readonly session?: number; readonly hosts?: string | undefined } | undefined;
/** A busy production sends ten events a second: a search is repeated no more often than this. */
const SEARCH_AGAIN = 500;
let searchAgain: ReturnType<typeof setTimeout> | undefined;
let isLive = true;
let late: ReturnType<typeof setTimeout> | undefined;
const listeners = new Set<() => void>();

/**
 * One stream for the whole window, and only while it is visible: browsers open six connections to
 * one server, which background tabs would use up. What the stream reports is fetched again; without
 * it the pages poll every few seconds, so nothing depends on it. A tab that becomes visible again
 * continues where its stream was.
 */
export function useLiveStream(): void {
  const answers = useQueryClient();
  useEffect(() => {
    client = answers;
    open();
    document.addEventListener('visibilitychange', open);
    return () => {
      document.removeEventListener('visibilitychange', open);
      client = undefined;
      last = undefined;
      close();
    };
  }, [answers]);
}

/** Also follows one session while the component is shown. */
export function useLiveSession(id: number): void {
  useEffect(() => {
    follow({ session: id });
    return () => follow(undefined);
  }, [id]);
}

/** Follows the messages of some hosts, or of all, while it is `wanted`: the latest results are fetched again. */
export function useLiveSearch(wanted: boolean, hosts: string | undefined): void {
  useEffect(() => {
    if (!wanted) return undefined;
    follow({ hosts });
    return () => follow(undefined);
  }, [wanted, hosts]);
}

/** Whether events are reported immediately. */
export function useIsLive(): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => isLive,
  );
}

function follow(whose: typeof followed): void {
  followed = whose;
  if (client !== undefined) open();
}

function open(): void {
  close();
  if (document.visibilityState === 'hidden') return;
  const topics = Object.keys(TOPICS);
  const stream = new EventSource(
    apiUrl('stream', {
      topics: (followed === undefined ? topics : [...topics, 'messages']).join(','),
      ...followed,
      lastEventId: last,
    }),
  );
  source = stream;
  const on = (name: string, act: () => void): void =>
    stream.addEventListener(name, ({ lastEventId }) => {
      if (lastEventId !== '') last = lastEventId;
      act();
    });
  for (const [topic, keys] of Object.entries(TOPICS)) on(topic, () => forget(keys));
  on('messages', forgetMessages);
  // what was read before the stream began may be stale by now
  on('hello', forgetMessages);
  on('reset', () => void client?.invalidateQueries());
  stream.addEventListener('open', () => {
    wait = AGAIN;
    clearTimeout(late);
    late = undefined;
    tell(true);
  });
  stream.addEventListener('error', () => {
    late ??= setTimeout(() => tell(false), SHORT);
    // the browser reconnects after a broken connection, but never after an answer such as 502
    if (stream.readyState !== EventSource.CLOSED) return;
    clearTimeout(timer);
    timer = setTimeout(open, wait);
    wait = Math.min(LONGEST, wait * 2);
  });
}

function close(): void {
  clearTimeout(timer);
  clearTimeout(late);
  late = undefined;
  source?.close();
  source = undefined;
}

function forget(keys: readonly string[]): void {
  for (const key of keys) void client?.invalidateQueries({ queryKey: [key] });
}

function forgetMessages(): void {
  forget(['sessions']);
  searchAgain ??= setTimeout(() => {
    searchAgain = undefined;
    forget(['found']);
  }, SEARCH_AGAIN);
}

function tell(now: boolean): void {
  if (now === isLive) return;
  isLive = now;
  for (const listener of listeners) listener();
}
