import { useEffect, useRef, useState } from 'react';
import type { Rehearsals, RehearsalsRequest } from '../../../src/api/contract/rehearsal.ts';
import { ask } from '../api/client.ts';

type Group = Rehearsals['groups'][number];

/** What was found out so far. */
export interface Found extends Pick<Rehearsals, 'list' | 'run' | 'total' | 'complete' | 'stuck'> {
  readonly groups: readonly Group[];
  readonly done: number;
  readonly version: string | undefined;
  /** Where it goes on; undefined at the end. */
  readonly next: number | undefined;
}

export interface Trial {
  readonly found: Found | undefined;
  readonly error: unknown;
  readonly isRunning: boolean;
  /** Reads the files anew and tries all of them. */
  readonly again: () => void;
  readonly stop: () => void;
  readonly goOn: () => void;
}

/** Tries many messages with the files, some seconds at a time, until all are tried or somebody ends it. */
export function useRehearsals(which: Pick<RehearsalsRequest, 'criteria' | 'ids'>): Trial {
  const [found, setFound] = useState<Found | undefined>(undefined);
  const [error, setError] = useState<unknown>(null);
  const [isRunning, setRunning] = useState(false);
  const under = useRef<AbortController | undefined>(undefined);
  const tryAll = async (before: Found | undefined, first: RehearsalsRequest): Promise<void> => {
    under.current?.abort();
    const mine = new AbortController();
    under.current = mine;
    setError(null);
    setRunning(true);
    let so = before;
    let request: RehearsalsRequest | undefined = first;
    try {
      while (request !== undefined && !mine.signal.aborted) {
        const part: Rehearsals = await ask('rehearsals', { body: request, signal: mine.signal });
        so = withPart(so, part);
        setFound(so);
        const { list, run: named, next: after, stuck } = part;
        request = after === undefined || stuck ? undefined : { list, run: named, after };
      }
    } catch (reason) {
      if (!mine.signal.aborted) setError(reason);
    }
    if (under.current === mine) setRunning(false);
  };
  const again = (): void => {
    setFound(undefined);
    // the list stays the same, whatever fits by now
    void tryAll(undefined, found === undefined ? which : { list: found.list });
  };
  useEffect(() => {
    again();
    return () => under.current?.abort();
  }, []);
  return {
    found,
    error,
    isRunning,
    again,
    stop: () => {
      under.current?.abort();
      setRunning(false);
    },
    goOn: () => {
      if (found?.next === undefined) return;
      const { list, run: named, next: after } = found;
      void tryAll(found, { list, run: named, after });
    },
  };
}

function withPart(before: Found | undefined, part: Rehearsals): Found {
  return {
    ...part,
    version: part.version ?? before?.version,
    next: part.next,
    done: part.done + (before?.done ?? 0),
    groups: part.groups.reduce<readonly Group[]>(withGroup, before?.groups ?? []),
  };
}

function withGroup(all: readonly Group[], more: Group): readonly Group[] {
  const key = keyOf(more);
  const known = all.find((one) => keyOf(one) === key);
  if (known === undefined) return [...all, more];
  return all.map((one) => (one === known ? { ...one, count: one.count + more.count } : one));
}

export const keyOf = ({ kind, to, own, host, code, cause }: Group): string =>
  JSON.stringify([kind, to, own, host, code, cause]);
