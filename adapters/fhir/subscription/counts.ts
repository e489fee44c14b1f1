import { type Records, TemporaryError } from 'waybill/adapter';

/** An event as it is remembered for those who have missed it: never the resource itself. */
export interface EventNote {
  readonly number: number;
  readonly at: string;
  /** `Observation/7`; a resource without an id has none. */
  readonly focus?: string | undefined;
}

/** What is about to happen to a subscription. */
interface Counted {
  readonly message: number;
  readonly at: string;
  readonly focuses: readonly (string | undefined)[];
}

/** How many events there were, and what was counted last. */
interface Count {
  readonly number: number;
  /** The messages that were counted last, newest first, each with its first number: a repetition has the same. */
  readonly messages: readonly (readonly [message: number, first: number])[];
  /** The last events. */
  readonly notes: readonly EventNote[];
  /** The first numbers of older ones, each a record of its own. */
  readonly pieces: readonly number[];
}

interface Known {
  readonly count: Count;
  readonly revision: number;
}

/** As it is stored: an older program reads and writes only the first three, and forgets the others. */
interface StoredCount extends Partial<Count> {
  readonly number: number;
  readonly message: number;
  readonly first: number;
}

const TRIES = 50;
/** Subscriptions whose count is known without reading it. */
const KNOWN = 256;
/** Messages that are known again: a strict line repeats two after a crash, a pool as many as it has places. */
const REMEMBERED = 32;
/** Notes in the record that is written with each event. */
const PIECE = 64;

/** The numbers of the events of each subscription, and what is remembered of the last ones. */
export class Counts {
  readonly #records: Records;
  readonly #kept: number;
  /** As they were written last. Where another engine has counted since, the revision is refused and the count is read. */
  readonly #known = new Map<string, Known>();

  constructor(records: Records, kept = 0) {
    this.#records = records;
    this.#kept = kept;
  }

  /** How many events there were for a subscription so far. */
  async counted(id: string): Promise<number> {
    return (await this.#read(id)).count.number;
  }

  /** The number of the first of these events of a message; the same again if the message is repeated. */
  async count(id: string, counted: Counted): Promise<number> {
    const { message, focuses } = counted;
    for (let tries = 0; tries < TRIES; tries++) {
      const { count: before, revision } = this.#known.get(id) ?? (await this.#read(id));
      const again = before.messages.find(([one]) => one === message)?.[1];
      if (again !== undefined) return again;
      const first = before.number + 1;
      const number = before.number + focuses.length;
      const moved = await this.#withPiece(id, before);
      const notes = [...moved.notes, ...notesOf(first, counted, this.#kept)];
      const dropped = moved.pieces.filter(
        (_, at) => endOf(at, { ...moved, notes }) <= number - this.#kept,
      );
      const after: StoredCount & Count = {
        number,
        message,
        first,
        messages: [[message, first] as const, ...before.messages].slice(0, REMEMBERED),
        notes,
        pieces: moved.pieces.slice(dropped.length),
      };
      // if this fails nobody knows which one is stored
      this.#known.delete(id);
      const stored = await this.#records.replace(`count/${id}`, { revision }, after);
      if (stored === undefined) continue;
      this.#know(id, { count: after, revision: stored });
      for (const piece of dropped) await this.#drop(`events/${id}/${piece}`);
      return first;
    }
    throw new TemporaryError(
      'The events of a subscription are counted too often at once. It is tried again.',
    );
  }

  /** Not one whose notes are to be moved: of an older state, that would bring back what others have dropped. */
  #know(id: string, known: Known): void {
    if (known.count.notes.length >= PIECE) return;
    if (this.#known.size >= KNOWN) this.#known.clear();
    this.#known.set(id, known);
  }

  /**
   * Notes that are stored already, once there are enough of them, become a record of their own. Each engine that tries
   * writes the same into it, so it does not matter which of them is faster.
   */
  async #withPiece(id: string, count: Count): Promise<Count> {
    const { notes, pieces } = count;
    const [oldest] = notes;
    if (oldest === undefined || notes.length < PIECE) return count;
    const key = `events/${id}/${oldest.number}`;
    const entry = await this.#records.read(key);
    if (entry.value === undefined) await this.#records.replace(key, entry, notes);
    return { ...count, notes: [], pieces: [...pieces, oldest.number] };
  }

  /** What is remembered of the events of these numbers, in order. */
  async between(id: string, since: number, until: number): Promise<readonly EventNote[]> {
    const { count } = await this.#read(id);
    const from = Math.max(since, count.number - this.#kept + 1);
    const meant = count.pieces.filter((piece, at) => piece <= until && endOf(at, count) >= from);
    const all: EventNote[] = [];
    for (const piece of meant) {
      const found = await this.#records.read<readonly EventNote[]>(`events/${id}/${piece}`);
      all.push(...(found.value ?? []));
    }
    return [...all, ...count.notes].filter(({ number }) => number >= from && number <= until);
  }

  async remove(id: string): Promise<void> {
    this.#known.delete(id);
    const { count } = await this.#read(id);
    for (const piece of count.pieces) await this.#drop(`events/${id}/${piece}`);
    await this.#drop(`count/${id}`);
  }

  async #read(id: string): Promise<Known> {
    const { value, revision } = await this.#records.read<StoredCount>(`count/${id}`);
    return { count: value === undefined ? NONE : countOf(value), revision };
  }

  async #drop(key: string): Promise<void> {
    const entry = await this.#records.read(key);
    if (entry.value !== undefined) await this.#records.replace(key, entry, undefined);
  }
}

const NONE: Count = { number: 0, messages: [], notes: [], pieces: [] };

/** Of what an older program has counted, only what it knows: the rest would have a gap. */
function countOf({ message, first, ...stored }: StoredCount): Count {
  const isWhole = stored.messages?.[0]?.[0] === message;
  return isWhole
    ? { ...NONE, ...stored }
    : { ...NONE, number: stored.number, messages: [[message, first]] };
}

/** The last number that the piece at a place may have. */
const endOf = (at: number, { pieces, notes, number }: Count): number =>
  (pieces[at + 1] ?? notes[0]?.number ?? number + 1) - 1;

function notesOf(first: number, { at, focuses }: Counted, kept: number): readonly EventNote[] {
  if (kept === 0) return [];
  return focuses
    .map((focus, index) => ({ number: first + index, at, ...(focus !== undefined && { focus }) }))
    .slice(-kept);
}
