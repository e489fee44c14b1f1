import type { Records } from 'waybill/adapter';

/** What became of the notifications of a subscription; a hint for people and heartbeats, a few seconds behind. */
export interface Contact {
  /** When it was last tried, milliseconds since 1970. */
  readonly at: number;
  /** When the endpoint last took something. */
  readonly taken?: number | undefined;
  /** How often in a row it did not. */
  readonly failures: number;
}

/** Milliseconds between two writes of one subscription: notifications may be many. */
const SPACED = 10_000;

const TRIES = 5;

/** When each subscriber last heard something. It is written now and then, and the rest when it is closed. */
export class Contacts {
  readonly #records: Records;
  readonly #pending = new Map<string, Contact>();
  readonly #written = new Map<string, number>();

  constructor(records: Records) {
    this.#records = records;
  }

  note(id: string, isTaken: boolean): void {
    const before = this.#pending.get(id);
    const at = Date.now();
    const failures = isTaken ? 0 : (before?.failures ?? 0) + 1;
    this.#pending.set(id, { at, failures, taken: isTaken ? at : before?.taken });
  }

  async of(id: string): Promise<Contact | undefined> {
    return (await this.#records.read<Contact>(`contact/${id}`)).value;
  }

  /** Whether this engine is the one to send the next heartbeat; if not yet, when it is due at the earliest. */
  async claim(id: string, period: number): Promise<true | number> {
    const entry = await this.#records.read<Contact>(`contact/${id}`);
    const now = Date.now();
    const last = Math.max(entry.value?.at ?? 0, this.#pending.get(id)?.at ?? 0);
    // a clock that was set back is no reason to be silent for ever
    if (last <= now && now - last < period) return last + period;
    const after: Contact = { failures: 0, ...entry.value, at: now };
    const noted = await this.#records.replace(`contact/${id}`, entry, after);
    return noted === undefined ? now + period : true;
  }

  /** Writes what is due; everything at the end. */
  async write(isLast = false): Promise<void> {
    const now = Date.now();
    for (const [id, told] of this.#pending) {
      if (!isLast && now - (this.#written.get(id) ?? 0) < SPACED) continue;
      this.#pending.delete(id);
      this.#written.set(id, now);
      await this.#add(id, told);
    }
  }

  /** Another engine may write the same; that a hint gets lost where many do matters to nobody. */
  async #add(id: string, told: Contact): Promise<void> {
    for (let tries = 0; tries < TRIES; tries++) {
      const entry = await this.#records.read<Contact>(`contact/${id}`);
      if (await this.#records.replace(`contact/${id}`, entry, together(entry.value, told))) return;
    }
  }

  /** Forgets those that are gone. */
  keepOnly(known: ReadonlyMap<string, unknown>): void {
    for (const memory of [this.#pending, this.#written]) {
      for (const id of memory.keys()) if (!known.has(id)) memory.delete(id);
    }
  }
}

/** What failed after something was taken is all that counts. */
function together(before: Contact | undefined, told: Contact): Contact {
  const failed = told.taken === undefined ? (before?.failures ?? 0) : 0;
  return {
    at: Math.max(told.at, before?.at ?? 0),
    taken: told.taken ?? before?.taken,
    failures: failed + told.failures,
  };
}
