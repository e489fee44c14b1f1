import { createHash } from 'node:crypto';
import { isAway } from '../broker/away.ts';
import { changeEntry, type Keyed, type KeyedPlace } from '../broker/keyed.ts';
import { unless } from '../error/foreseen.ts';
import type { Batches } from './batch.ts';
import {
  allOf,
  inPieces,
  type Piece,
  type PieceList,
  type Pieces,
  pieceOf,
} from './batch-pieces.ts';

/** What changes an entry; it may be called again, when another engine was faster. */
export type BatchChange = (before: Batches, pieces: Pieces) => Batches | Promise<Batches>;

/** A piece as it is stored, and the key of the entry that refers to it. */
type StoredPiece = PieceList & { readonly of: string };

type Entries = Pick<Keyed, 'read' | 'replace'>;

export const batchPlace = (host: string, key: string): KeyedPlace => ({ kind: 'batch', host, key });

const piecePlace = (host: string, name: string): KeyedPlace => ({ kind: 'piece', host, key: name });

const NOTHING: Batches = { closed: [] };

/**
 * Changes what is collected under a key; see `changeEntry`. A list that has become long gets its
 * beginning in pieces by the same write. A piece has the revision of the entry from which it was made in
 * its name: only a change of just that revision can refer to it, so one that lost the race is never
 * taken for another and may be removed at any time.
 */
export async function changeBatches(
  keyed: Entries,
  { host, key }: { readonly host: string; readonly key: string },
  change: BatchChange,
): Promise<Batches> {
  let dropped: Piece[] = [];
  const after = await changeEntry<Batches>(
    keyed,
    batchPlace(host, key),
    async (before = NOTHING, revision) => {
      dropped = [];
      const pieces: Pieces = {
        ...pieceReader(keyed, host),
        async write(list) {
          const hash = createHash('sha256').update(JSON.stringify(list)).digest('base64url');
          const name = `${revision}-${hash.slice(0, 16)}`;
          const stored: StoredPiece = { ...list, of: key };
          // one that is there already has the same content
          await keyed.replace(piecePlace(host, name), { value: undefined, revision: 0 }, stored);
          return pieceOf(name, list);
        },
        drop: (piece) => dropped.push(piece),
      };
      const shorter = await withPieces(before, pieces);
      const changed = await change(shorter, pieces);
      const isEmpty = changed.open === undefined && changed.closed.length === 0;
      return { after: changed === shorter ? before : changed, isEmpty };
    },
  );
  for (const { name } of dropped) {
    const removed = remove(keyed, host, name);
    await removed.catch(unless(isAway, 'removing a list of what was collected'));
  }
  return after;
}

async function withPieces(before: Batches, pieces: Pieces): Promise<Batches> {
  if (before.open === undefined) return before;
  const open = await inPieces(before.open, pieces);
  return open === before.open ? before : { ...before, open };
}

/** Reads pieces of a host. */
export function pieceReader(keyed: Pick<Keyed, 'read'>, host: string): Pick<Pieces, 'read'> {
  return {
    async read({ name }) {
      const { value } = await keyed.read<StoredPiece>(piecePlace(host, name));
      return value;
    },
  };
}

async function remove(keyed: Entries, host: string, name: string): Promise<boolean> {
  const place = piecePlace(host, name);
  const found = await keyed.read<StoredPiece>(place);
  if (found.value === undefined) return false;
  return (await keyed.replace(place, found, undefined)) !== undefined;
}

/** Removes pieces to which no entry refers: of an engine that died, or was slower. @returns how many */
export async function sweepPieces(
  keyed: Pick<Keyed, 'all' | 'read' | 'replace'>,
  signal?: AbortSignal,
): Promise<number> {
  // all are known before the entries are read: what an entry then does not refer to, it never will
  const found = new Map<string, { readonly place: KeyedPlace; readonly names: string[] }>();
  for await (const { value, place } of keyed.all<StoredPiece>('piece', signal)) {
    const of = batchPlace(place.host, value.of);
    const known = found.get(JSON.stringify(of)) ?? { place: of, names: [] };
    known.names.push(place.key);
    found.set(JSON.stringify(of), known);
  }
  let removed = 0;
  for (const { place, names } of found.values()) {
    const { value = NOTHING, revision } = await keyed.read<Batches>(place);
    const used = await namesIn(value, pieceReader(keyed, place.host));
    for (const name of names) {
      // from this revision another engine may be about to refer to it
      if (used.has(name) || name.startsWith(`${revision}-`)) continue;
      if (await remove(keyed, place.host, name)) removed += 1;
    }
  }
  return removed;
}

async function namesIn(
  { open, closed }: Batches,
  pieces: Pick<Pieces, 'read'>,
): Promise<ReadonlySet<string>> {
  const lists = open === undefined ? closed : [...closed, open];
  const all = await Promise.all(
    lists.flatMap((list) => list.pieces ?? []).map((piece) => allOf(piece, pieces)),
  );
  return new Set(all.flat().map(({ name }) => name));
}
