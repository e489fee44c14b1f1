import type { Batches } from '../../flow/batch.ts';
import { firstOf, type Pieces, pieceOf } from '../../flow/batch-pieces.ts';
import type { PartStore } from '../../flow/collect.ts';
import type { JoinedPart } from '../../flow/joined-parts.ts';
import type { Subject } from '../../flow/subject.ts';
import { type IdSource, idSource } from '../../message/id.ts';
import type { Clock } from '../../time/clock.ts';

/** What the messages of a case share, in place of what an engine keeps in NATS. */
export class CaseMemory {
  /** Shared state, as JSON. */
  readonly states = new Map<string, string>();
  readonly ids: IdSource;
  readonly #batches = new Map<string, Map<string, Batches>>();
  readonly #parts = new Map<number, Subject>();

  constructor(clock: Clock) {
    this.ids = idSource({ value: 0 }, clock);
  }

  /** A message that a process may collect. */
  comes(subject: Subject): void {
    this.#parts.set(subject.message.id, subject);
  }

  /** Ends the time of what is collected; the first message of each batch, with the process that collects it. */
  expired(): { readonly process: string; readonly first: Subject }[] {
    return [...this.#batches].flatMap(([process, entries]) =>
      [...entries].flatMap(([key, { open, closed }]) => {
        const first = this.#parts.get((open && firstOf(open)) ?? 0);
        if (open === undefined || first === undefined) return [];
        entries.set(key, { open: { ...open, until: 0 }, closed });
        return [{ process, first }];
      }),
    );
  }

  parts(process: string): PartStore {
    const entries = this.#batches.get(process) ?? new Map<string, Batches>();
    this.#batches.set(process, entries);
    return {
      change: async (key, change) => {
        const after = await change(entries.get(key) ?? { closed: [] }, NO_PIECES);
        entries.set(key, after);
        return after;
      },
      pieces: NO_PIECES,
      part: async (id) => partOf(this.#parts.get(id)),
      madeBy: async () => undefined,
      markMade: async () => undefined,
      async *all() {
        yield* entries;
      },
      wake: async () => undefined,
    };
  }
}

/** What a case collects stays in one list. */
const NO_PIECES: Pieces = {
  read: async () => undefined,
  write: async (list) => pieceOf('', list),
  drop: () => undefined,
};

async function partOf(subject: Subject | undefined): Promise<JoinedPart | undefined> {
  if (subject === undefined) return undefined;
  const { type, charset } = subject.message;
  return { type, charset, body: await subject.body.bytes() };
}
