/** A message that is collected, in the order in which they came. */
export interface BatchPart {
  readonly id: number;
  readonly size: number;
}

/**
 * The beginning of a long list of parts, stored on its own and never changed, so that the entry of the
 * key, which is written with each part, stays small: pieces list parts, or in turn pieces.
 */
export interface Piece {
  readonly name: string;
  /** 0 if it lists parts, otherwise one more than the pieces that it lists. */
  readonly level: number;
  readonly count: number;
  readonly size: number;
  /** Its first part; ids are ordered by time, so most others can be told apart by the range alone. */
  readonly first: number;
  readonly from: number;
  readonly to: number;
}

/** What is stored of a piece. */
export type PieceList =
  | { readonly parts: readonly BatchPart[] }
  | { readonly pieces: readonly Piece[] };

/** A list of parts: its pieces, then those that are in none yet. */
export interface PartList {
  /** Missing in what earlier versions wrote. */
  readonly pieces?: readonly Piece[] | undefined;
  readonly parts: readonly BatchPart[];
}

/** The pieces of the lists of a key, while its entry is changed. */
export interface Pieces {
  /** Undefined if NATS has lost it. */
  read(piece: Piece): Promise<PieceList | undefined>;
  /** Stores a piece; nothing refers to it before the entry does. */
  write(list: PieceList): Promise<Piece>;
  /** Removes a piece once the entry that no longer refers to it is stored. */
  drop(piece: Piece): void;
}

/** How many parts a list has outside its pieces at most, and how many pieces of one level. */
const LENGTH = 256;
const WIDTH = 32;

export const countOf = ({ pieces = [], parts }: PartList): number =>
  pieces.reduce((sum, { count }) => sum + count, parts.length);

export const sizeOf = ({ pieces = [], parts }: PartList): number =>
  [...pieces, ...parts].reduce((sum, { size }) => sum + size, 0);

/** Undefined if it is empty. */
export const firstOf = ({ pieces = [], parts }: PartList): number | undefined =>
  pieces[0]?.first ?? parts[0]?.id;

/** What a piece with this list is; the name is how it is stored. */
export function pieceOf(name: string, list: PieceList): Piece {
  const ofPieces = 'pieces' in list;
  const whole: PartList = ofPieces ? { pieces: list.pieces, parts: [] } : list;
  const ids = ofPieces
    ? list.pieces.flatMap(({ from, to }) => [from, to])
    : list.parts.map(({ id }) => id);
  return {
    name,
    level: ofPieces ? (list.pieces[0]?.level ?? 0) + 1 : 0,
    count: countOf(whole),
    size: sizeOf(whole),
    first: firstOf(whole) ?? 0,
    from: Math.min(...ids),
    to: Math.max(...ids),
  };
}

/** The list with its beginning in pieces, if it has become long; otherwise the same object. */
export async function inPieces<L extends PartList>(list: L, pieces: Pieces): Promise<L> {
  if (list.parts.length < LENGTH) return list;
  const all = [...(list.pieces ?? [])];
  let { parts } = list;
  while (parts.length >= LENGTH) {
    all.push(await pieces.write({ parts: parts.slice(0, LENGTH) }));
    parts = parts.slice(LENGTH);
    for (let last = all.slice(-WIDTH); isFull(last); last = all.slice(-WIDTH)) {
      all.splice(-WIDTH, WIDTH, await pieces.write({ pieces: last }));
    }
  }
  return { ...list, pieces: all, parts };
}

const isFull = (last: readonly Piece[]): boolean =>
  last.length === WIDTH && last.every(({ level }) => level === last[0]?.level);

/** Whether a part is in the list; reads only pieces in whose range it is. */
export async function holds(
  { pieces: stored = [], parts }: PartList,
  id: number,
  pieces: Pick<Pieces, 'read'>,
): Promise<boolean> {
  if (parts.some((part) => part.id === id)) return true;
  for (const piece of stored) {
    if (id < piece.from || id > piece.to) continue;
    const list = await pieces.read(piece);
    if (list !== undefined && (await holds({ parts: [], ...list }, id, pieces))) return true;
  }
  return false;
}

/** All parts, in order, without those of pieces that are lost. */
export async function partsOf(
  { pieces: stored = [], parts }: PartList,
  pieces: Pick<Pieces, 'read'>,
): Promise<BatchPart[]> {
  const all: BatchPart[] = [];
  for (const piece of stored) {
    const list = await pieces.read(piece);
    if (list === undefined) continue;
    for (const part of await partsOf({ parts: [], ...list }, pieces)) all.push(part);
  }
  for (const part of parts) all.push(part);
  return all;
}

/** The first part of each piece that NATS has lost. */
export async function lostIn(
  { pieces: stored = [] }: PartList,
  pieces: Pick<Pieces, 'read'>,
): Promise<number[]> {
  const lost: number[] = [];
  for (const piece of stored) {
    const list = await pieces.read(piece);
    if (list === undefined) lost.push(piece.first);
    else lost.push(...(await lostIn({ parts: [], ...list }, pieces)));
  }
  return lost;
}

/** The list without these parts; the same object if it has none of them. A piece that is lost goes as well. */
export async function lacking<L extends PartList>(
  list: L,
  ids: ReadonlySet<number>,
  pieces: Pieces,
): Promise<L> {
  const parts = list.parts.filter(({ id }) => !ids.has(id));
  const stored: Piece[] = [];
  for (const piece of list.pieces ?? []) {
    const rest = await pieceWithout(piece, ids, pieces);
    if (rest !== undefined) stored.push(rest);
  }
  const same =
    parts.length === list.parts.length &&
    stored.length === (list.pieces ?? []).length &&
    stored.every((piece, at) => piece === list.pieces?.[at]);
  return same ? list : { ...list, pieces: stored, parts };
}

async function pieceWithout(
  piece: Piece,
  ids: ReadonlySet<number>,
  pieces: Pieces,
): Promise<Piece | undefined> {
  const { from, to } = piece;
  if (ids.values().every((id) => id < from || id > to)) return piece;
  const list = await pieces.read(piece);
  const whole: PartList = { parts: [], ...list };
  const rest = await lacking(whole, ids, pieces);
  if (list !== undefined && rest === whole) return piece;
  pieces.drop(piece);
  if (countOf(rest) === 0) return undefined;
  return pieces.write(piece.level === 0 ? { parts: rest.parts } : { pieces: rest.pieces ?? [] });
}

/** Removes all pieces of a list that is no longer needed. */
export async function dropAll({ pieces: stored = [] }: PartList, pieces: Pieces): Promise<void> {
  for (const piece of stored) for (const one of await allOf(piece, pieces)) pieces.drop(one);
}

/** The piece and those that it lists. */
export async function allOf(piece: Piece, pieces: Pick<Pieces, 'read'>): Promise<Piece[]> {
  if (piece.level === 0) return [piece];
  const list = await pieces.read(piece);
  const below = list !== undefined && 'pieces' in list ? list.pieces : [];
  const all = await Promise.all(below.map((one) => allOf(one, pieces)));
  return [piece, ...all.flat()];
}
