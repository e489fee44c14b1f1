import { PRODUCTION } from '../api/client.ts';
import { useHotKeys } from '../shell/hot-keys.ts';
import type { SearchState } from './search-state.ts';

/** The latest results of this window's search, for stepping from message to message. */
interface LastFound {
  readonly search: SearchState;
  readonly rows: readonly (readonly [id: number, sessionId: number])[];
}

const KEY = `waybill.found${PRODUCTION ?? ''}`;
const MOST = 2_000;
let last: LastFound | undefined;

export function keepFound(
  search: SearchState,
  rows: readonly { readonly id: number; readonly sessionId: number }[],
): void {
  last = { search, rows: rows.slice(0, MOST).map(({ id, sessionId }) => [id, sessionId]) };
  try {
    sessionStorage.setItem(KEY, JSON.stringify(last));
  } catch {
    // without storage it lasts until the page is reloaded
  }
}

function found(): LastFound | undefined {
  if (last !== undefined) return last;
  try {
    const text = sessionStorage.getItem(KEY);
    last = text === null ? undefined : (JSON.parse(text) as LastFound);
  } catch {
    // storage is switched off, or contains something else
    last = undefined;
  }
  return last;
}

/** The position in the results, and what comes before and after. */
export interface Neighbours {
  /** The search, with the current item as its selected row. */
  readonly search: SearchState;
  readonly place: number;
  readonly of: number;
  readonly before: number | undefined;
  readonly after: number | undefined;
}

/** The results next to a message. */
export function messagesBeside(id: number): Neighbours | undefined {
  const rows = found()?.rows.map(([one]) => one) ?? [];
  return beside(rows, id, `${id}`);
}

/** The results next to a session; a session that was found several times counts once. */
export function sessionsBeside(sessionId: number): Neighbours | undefined {
  const rows = found()?.rows ?? [];
  const message = rows.find(([, session]) => session === sessionId)?.[0];
  return beside([...new Set(rows.map(([, session]) => session))], sessionId, `${message}`);
}

/** Which messages of a session were found. */
export function foundIn(sessionId: number): ReadonlySet<number> {
  const rows = found()?.rows ?? [];
  return new Set(rows.flatMap(([id, session]) => (session === sessionId ? [id] : [])));
}

function beside(ids: readonly number[], id: number, at: string): Neighbours | undefined {
  const place = ids.indexOf(id);
  if (place < 0) return undefined;
  return {
    search: { ...found()?.search, at },
    place: place + 1,
    of: ids.length,
    before: ids[place - 1],
    after: ids[place + 1],
  };
}

/** `p` and `n` go to the neighbours. */
export function useNeighbourKeys(
  neighbours: Neighbours | undefined,
  go: (id: number) => void,
): void {
  const to = (id: number | undefined) => () => {
    if (id !== undefined) go(id);
  };
  useHotKeys({ p: to(neighbours?.before), n: to(neighbours?.after) });
}
