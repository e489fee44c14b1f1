import type { QueryClient } from '@tanstack/react-query';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useSyncExternalStore } from 'react';
import { apiUrl } from './client.ts';
import type { Followed, FromHub, ToHub, Told } from './live-hub.ts';
import { part } from './part.ts';

/** What is told → the answers that it makes stale. */
const STALE: Readonly<Partial<Record<Told, readonly string[]>>> = {
  hosts: ['status', 'hosts', 'queues', 'production'],
  alerts: ['alerts', 'status'],
  jobs: ['jobs'],
  events: ['events'],
};
/** Milliseconds: shorter interruptions are not shown. */
const SHORT = 3_000;

let client: QueryClient | undefined;
let hub: MessagePort | undefined;
let followed: Followed | undefined;
/** A busy production sends ten events a second: a search is repeated no more often than this. */
const SEARCH_AGAIN = 500;
let searchAgain: ReturnType<typeof setTimeout> | undefined;
let isLive = true;
let late: ReturnType<typeof setTimeout> | undefined;
const listeners = new Set<() => void>();

/**
 * Follows what happens while the page is visible, by the one stream of all windows of the browser. What it reports is
 * fetched again; without it the pages poll every few seconds, so nothing depends on it. A page that becomes visible
 * again is told what it missed.
 */
export function useLiveStream(): void {
  const answers = useQueryClient();
  useEffect(() => {
    client = answers;
    hub ??= sharedHub();
    tellHub();
    document.addEventListener('visibilitychange', tellHub);
    window.addEventListener('pagehide', leave);
    window.addEventListener('pageshow', comeBack);
    return () => {
      document.removeEventListener('visibilitychange', tellHub);
      window.removeEventListener('pagehide', leave);
      window.removeEventListener('pageshow', comeBack);
      client = undefined;
      leave();
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
    follow(hosts === undefined ? {} : { hosts });
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

function follow(whose: Followed | undefined): void {
  followed = whose;
  if (client !== undefined) tellHub();
}

/**
 * The hub of the browser, or one of this window where there are no shared workers or its script is gone. No browser tells
 * that a worker died (short of memory): pages then learn what they ask for now and then.
 */
function sharedHub(): MessagePort {
  if (!('SharedWorker' in globalThis)) return ownHub();
  const worker = new SharedWorker(new URL('./live-worker.ts', import.meta.url), {
    type: 'module',
    name: 'waybill',
  });
  worker.addEventListener('error', () => {
    hub = ownHub();
    if (client !== undefined) tellHub();
  });
  return listening(worker.port);
}

function ownHub(): MessagePort {
  const { port1, port2 } = new MessageChannel();
  // what is told meanwhile waits in the port
  part(() => import('./live-hub.ts'))
    .then(({ join }) => join(port2))
    // this part is gone with an upgrade: pages ask now and then, as without a stream
    .catch(() => tellLive(false));
  return listening(port1);
}

function listening(port: MessagePort): MessagePort {
  port.addEventListener('message', ({ data }: MessageEvent<FromHub>) => {
    if (port !== hub) return;
    if (data.kind === 'live') tellLive(data.now);
    else data.what.forEach(forgetWhat);
  });
  port.start();
  return port;
}

const say = (message: ToHub): void => hub?.postMessage(message);

function tellHub(): void {
  clearTimeout(late);
  late = undefined;
  if (document.visibilityState === 'hidden') say({ kind: 'rest' });
  else say({ kind: 'follow', url: apiUrl('stream'), followed });
}

const leave = (): void => say({ kind: 'leave' });

/** Back from the browser's memory of pages: nobody has told it anything meanwhile. */
function comeBack({ persisted }: PageTransitionEvent): void {
  if (!persisted) return;
  tellHub();
  void client?.invalidateQueries();
}

function forgetWhat(what: Told): void {
  if (what === 'reset') void client?.invalidateQueries();
  else if (what === 'messages' || what === 'hello') forgetMessages();
  else forget(STALE[what] ?? []);
}

function forget(keys: readonly string[]): void {
  for (const key of keys) void client?.invalidateQueries({ queryKey: [key] });
}

function forgetMessages(): void {
  forget(['sessions', 'message']);
  searchAgain ??= setTimeout(() => {
    searchAgain = undefined;
    forget(['found']);
  }, SEARCH_AGAIN);
}

function tellLive(now: boolean): void {
  if (now) {
    clearTimeout(late);
    late = undefined;
    setLive(true);
  } else late ??= setTimeout(() => setLive(false), SHORT);
}

function setLive(now: boolean): void {
  if (now === isLive) return;
  isLive = now;
  for (const listener of listeners) listener();
}
