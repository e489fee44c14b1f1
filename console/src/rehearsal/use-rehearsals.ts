import { useEffect, useRef, useState } from 'react';
import type { Rehearsals, RehearsalsRequest } from '../../../src/api/contract/rehearsal.ts';
import { ApiProblem, ask } from '../api/client.ts';

export type Group = Rehearsals['groups'][number];

/** What was found out so far. */
export interface SoFar extends Pick<Rehearsals, 'list' | 'run' | 'total' | 'complete' | 'stuck'> {
  readonly groups: readonly Group[];
  readonly done: number;
  readonly version: string | undefined;
  /** The files changed, or were read again, in the middle of it: the groups are of both. */
  readonly mixed: boolean;
  /** Where it goes on; undefined at the end. */
  readonly next: number | undefined;
  /** Milliseconds spent on it. */
  readonly took: number;
}

export interface Trial {
  readonly found: SoFar | undefined;
  readonly error: unknown;
  readonly isRunning: boolean;
  /** The server is away, or asks to wait: it goes on by itself. */
  readonly isWaiting: boolean;
  /** Reads the files anew and tries all of them. */
  readonly again: () => void;
  readonly stop: () => void;
  readonly goOn: () => void;
  /** It was found before this page was opened. */
  readonly isKept: boolean;
}

/** Milliseconds until a server that is away is asked again. */
const ASK_AGAIN = 2_000;
const KEY = 'waybill.trial';

/** Which messages, and with which files if not with those on disk. */
export type Asked = Omit<RehearsalsRequest, 'run' | 'after'>;

/**
 * Tries many messages with the files, some seconds at a time, until all are tried or somebody ends it. A restart of the
 * server, a page that is loaded again and a session that ended do not begin it again: the list names what was found so far.
 *
 * @param onList called with the names of the list and of the run, once they are known
 */
export function useRehearsals(which: Asked, onList: (list: string, run: string) => void): Trial {
  const { edits, draft } = which;
  const files = { edits, draft };
  const [found, setFound] = useState<SoFar | undefined>(() => keptOf(which.list));
  const [isKept, setKept] = useState(found !== undefined);
  const [error, setError] = useState<unknown>(null);
  const [state, setState] = useState<'still' | 'running' | 'waiting'>('still');
  const under = useRef<AbortController | undefined>(undefined);
  const show = (next: SoFar): void => {
    setFound(next);
    if (edits === undefined && draft === undefined) keep(next);
  };
  const tryAll = async (before: SoFar | undefined, first: RehearsalsRequest): Promise<void> => {
    under.current?.abort();
    const mine = new AbortController();
    under.current = mine;
    setError(null);
    setState('running');
    try {
      await parts(before, first, {
        signal: mine.signal,
        onPart: show,
        onList,
        onWaiting: (isWaiting) => setState(isWaiting ? 'waiting' : 'running'),
      });
    } catch (reason) {
      if (!mine.signal.aborted) setError(reason);
    }
    if (under.current === mine) setState('still');
  };
  const goOn = (): void => {
    if (found?.next === undefined) return;
    const { list, run: named, next: after } = found;
    void tryAll(found, { list, run: named, after, ...files });
  };
  const again = (): void => {
    setFound(undefined);
    setKept(false);
    // the list stays the same, whatever fits by now
    void tryAll(undefined, found === undefined ? which : { list: found.list, ...files });
  };
  useEffect(() => {
    if (found === undefined) again();
    else if (!found.stuck) goOn();
    return () => under.current?.abort();
  }, []);
  return {
    found,
    error,
    isRunning: state !== 'still',
    isWaiting: state === 'waiting',
    again,
    stop: () => {
      under.current?.abort();
      setState('still');
    },
    goOn,
    isKept,
  };
}

interface Told {
  readonly signal: AbortSignal;
  readonly onPart: (found: SoFar) => void;
  readonly onList: (list: string, run: string) => void;
  readonly onWaiting: (isWaiting: boolean) => void;
}

/** Asks for one part after the other. */
async function parts(
  before: SoFar | undefined,
  first: RehearsalsRequest,
  { signal, onPart, onList, onWaiting }: Told,
): Promise<void> {
  let so = before;
  let request: RehearsalsRequest | undefined = first;
  while (request !== undefined && !signal.aborted) {
    const began = performance.now();
    const body = request;
    const part: Rehearsals = await untilThere(
      () => ask('POST /rehearsals', { body, signal }),
      signal,
      onWaiting,
    );
    if (so === undefined) onList(part.list, part.run);
    so = withPart(so, part, performance.now() - began);
    onPart(so);
    const { list, run: named, next: after, stuck } = part;
    const { edits, draft } = first;
    request = after === undefined || stuck ? undefined : { list, run: named, after, edits, draft };
  }
}

/** Asks until the server is there and lets one in. */
async function untilThere<Answer>(
  get: () => Promise<Answer>,
  signal: AbortSignal,
  onWaiting: (isWaiting: boolean) => void,
): Promise<Answer> {
  for (;;) {
    try {
      const answer = await get();
      onWaiting(false);
      return answer;
    } catch (error) {
      if (signal.aborted || !isPassing(error)) throw error;
      onWaiting(true);
      await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN));
    }
  }
}

/** Whether the same is answered later: the server, or the engines behind it, are away or have too much to do. */
const isPassing = (error: unknown): boolean =>
  error instanceof ApiProblem && (error.status === 0 || error.status === 429 || error.status > 501);

function withPart(before: SoFar | undefined, part: Rehearsals, took: number): SoFar {
  const { version, next, done, groups } = part;
  if (before === undefined) return { ...part, version, next, mixed: false, took };
  const isOther = version !== undefined && version !== (before.version ?? version);
  return {
    ...part,
    version: version ?? before.version,
    mixed: before.mixed || isOther,
    next,
    done: done + before.done,
    took: took + before.took,
    groups: groups.reduce<readonly Group[]>(withGroup, before.groups),
  };
}

function withGroup(all: readonly Group[], more: Group): readonly Group[] {
  const key = keyOf(more);
  const known = all.find((one) => keyOf(one) === key);
  if (known === undefined) return [...all, more];
  return all.map((one) => (one === known ? { ...one, count: one.count + more.count } : one));
}

export const keyOf = ({ kind, to, own, whole, went, host, code, cause }: Group): string =>
  JSON.stringify([kind, to, own, whole, went, host, code, cause]);

/** The latest trial of this tab. */
function keep(found: SoFar): void {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(found));
  } catch {
    // without storage it begins again when the page is reloaded
  }
}

/** What this tab tried last. */
export function lastTrial(): SoFar | undefined {
  try {
    return (JSON.parse(sessionStorage.getItem(KEY) ?? 'null') as SoFar | null) ?? undefined;
  } catch {
    // storage is switched off, or contains something else
    return undefined;
  }
}

function keptOf(list: string | undefined): SoFar | undefined {
  const found = lastTrial();
  return list !== undefined && found?.list === list ? found : undefined;
}
