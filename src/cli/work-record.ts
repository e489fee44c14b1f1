import {
  closeSync,
  ftruncateSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { uptime } from 'node:os';
import { isSystemError, tolerate } from '../error/foreseen.ts';
import type { MarkRecord, Stuck } from '../flow/work-marks.ts';

/** Bytes of one mark: its state, then what is worked on. */
const SLOT = 512;
const SIGN = { running: 'R', waiting: 'W', free: ' ' } as const;

/** What an engine worked on when its process ended. */
export interface LastWork extends Stuck {
  /** Whether its code ran, or waited for something. */
  readonly ran: boolean;
}

/**
 * A file of marks: the system writes it to the disk even if this process dies the moment after. The
 * memory that the watchdog sees dies with it.
 */
export class WorkRecord implements MarkRecord {
  #file: number | undefined;

  constructor(path: string) {
    this.#safely(() => {
      this.#file = openSync(path, 'w', 0o600);
      ftruncateSync(this.#file, 0);
    });
  }

  begin(slot: number, work: Stuck): void {
    this.#write(` ${JSON.stringify(work)}`.padEnd(SLOT - 1).concat('\n'), slot);
  }

  state(slot: number, state: keyof typeof SIGN): void {
    this.#write(SIGN[state], slot);
  }

  close(): void {
    const file = this.#file;
    this.#file = undefined;
    if (file !== undefined) closeSync(file);
  }

  #write(text: string, slot: number): void {
    const file = this.#file;
    if (file !== undefined) this.#safely(() => writeSync(file, text, slot * SLOT));
  }

  /** Without a disk, messages are still processed: only what kills an engine is not known. */
  #safely(work: () => void): void {
    try {
      work();
    } catch (error) {
      tolerate(error, isSystemError, 'recording what is worked on');
    }
  }
}

/**
 * What an earlier process worked on, which did not remove its record; undefined if it ended in order. Where the machine was
 * started since, its code counts as waiting: that is rarely a message's doing, but some containers are machines that end
 * with their process.
 */
export function lastWork(path: string): LastWork[] | undefined {
  let text: string;
  let isSameStart: boolean;
  try {
    isSameStart = statSync(path).mtimeMs >= Date.now() - uptime() * 1_000;
    text = readFileSync(path, 'latin1');
  } catch (error) {
    tolerate(error, isSystemError, 'reading what was worked on');
    return undefined;
  }
  const slots = Array.from({ length: Math.ceil(text.length / SLOT) }, (_, at) =>
    text.slice(at * SLOT, (at + 1) * SLOT),
  );
  return slots.flatMap((slot) => {
    const sign = slot[0];
    if (sign !== SIGN.running && sign !== SIGN.waiting) return [];
    try {
      return [
        { ...(JSON.parse(slot.slice(1)) as Stuck), ran: sign === SIGN.running && isSameStart },
      ];
    } catch {
      // the disk was full, or the machine lost power
      return [];
    }
  });
}

export function removeRecord(path: string): void {
  rmSync(path, { force: true });
}
