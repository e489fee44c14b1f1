import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { copyInto, fileIdentity } from '../../../database/copied-file.ts';
import { PRIVATE_FOLDER } from '../../../database/private-files.ts';
import { idAtTime } from '../../../message/id.ts';
import { type Damage, isDamaged, type MovedFile, setAside } from '../damage.ts';
import { dayOfSession, endOfDay, startOfDay } from '../day.ts';
import { keysUsed, type TraceCipher, USED_KEYS } from '../trace-cipher.ts';
import { HeldFile } from './held-file.ts';
import { DamagedFileError, TraceFile } from './trace-file.ts';

/** What is known about a day's file without opening it. */
export interface FileRange {
  /** `2026-11-24`, or `held`. */
  readonly name: string;
  /** No session of the file is older or newer. */
  readonly firstSession: number;
  readonly lastSession: number;
  /** The newest message; it may be newer than the day, since late answers belong to their session. */
  lastId: number;
  /** The newest minute of the roll-ups, since 1970. */
  lastMinute: number;
}

/** What a write added to a file. */
export interface Growth {
  readonly lastId: number;
  readonly lastMinute: number;
  readonly sessions: readonly number[];
}

/**
 * A search by field reads every day: with fewer open files, a search over three months would open
 * most of them each time.
 */
const OPEN_AT_ONCE = 64;
/** Bytes below which a checkpoint is not worth its syncs, as when late outcomes alternate with new messages. */
const LOG_LEFT = 8 * 1024 * 1024;
/** Milliseconds between two checks that the open files still have their names. */
const LOOK_EVERY = 1_000;
const DAY_FILE = /^(\d{4}-\d\d-\d\d)\.db$/;

/**
 * The files of one trace: one per day, and `held.db` for what outlived its day. Keeps the most
 * recently used ones open. A `TraceFile` must not be kept across an `await`: it may have been
 * closed by then.
 */
export class TraceFiles {
  readonly folder: string;
  readonly cipher: TraceCipher | undefined;
  readonly #onDamaged: (damage: Damage) => void;
  readonly #onMoved: (moved: MovedFile) => void;
  #held: HeldFile;
  readonly #ranges = new Map<string, FileRange>();
  readonly #watched = new Map<string, Set<number>>();
  /** When the files were looked at last; see `performance.now`. */
  #looked = 0;
  /** The file written to last. */
  #written = '';
  readonly #open = new Map<string, TraceFile>();

  /**
   * @param onDamaged called for each file that was set aside: what the streams still contain of it
   * has to be applied again
   * @param onMoved called for each file that somebody removed or replaced and that was written again
   */
  constructor(
    folder: string,
    {
      onDamaged = () => undefined,
      onMoved = () => undefined,
      cipher,
    }: {
      readonly onDamaged?: ((damage: Damage) => void) | undefined;
      readonly onMoved?: ((moved: MovedFile) => void) | undefined;
      readonly cipher?: TraceCipher | undefined;
    } = {},
  ) {
    this.folder = folder;
    this.cipher = cipher;
    this.#onDamaged = onDamaged;
    this.#onMoved = onMoved;
    mkdirSync(folder, { recursive: true, mode: PRIVATE_FOLDER });
    this.#held = this.#openHeld();
    for (const name of readdirSync(folder)) {
      const day = DAY_FILE.exec(name)?.[1];
      if (day !== undefined) this.#openOld(day);
    }
    this.#ranges.set('held', readRange(this.held));
  }

  /** Records which keys it is written with; throws CREDENTIAL_MISSING if one of them is not available. */
  checkKeys(): void {
    const note = this.held.note(USED_KEYS);
    const used = keysUsed(note, this.cipher);
    if (used !== note && used !== undefined) this.held.setNote(USED_KEYS, used);
  }

  /** The file for what outlived its day. */
  get held(): HeldFile {
    return this.#held;
  }

  #openHeld(): HeldFile {
    const path = this.#path('held');
    if (isCut(path)) this.#onDamaged(setAside(path));
    for (;;) {
      let held: HeldFile | undefined;
      try {
        held = new HeldFile(this.#path('held'), this.cipher);
        held.recover();
        readRange(held);
        for (const day of held.goneDays()) this.#unlink(day, held);
        return held;
      } catch (error) {
        held?.close();
        if (!(error instanceof DamagedFileError)) throw error;
        this.#onDamaged(setAside(this.#path('held')));
      }
    }
  }

  #openOld(day: string): void {
    const path = this.#path(day);
    try {
      if (isCut(path)) this.#onDamaged(setAside(path));
      else this.#ranges.set(day, readRange(this.day(day)));
    } catch (error) {
      if (!(error instanceof DamagedFileError)) throw error;
      this.setAside(day);
    }
  }

  /** Sets a damaged file aside. It is kept, and a new one is created when there is something to write. */
  setAside(name: string): void {
    if (name === 'held') {
      this.#held.close();
      const damage = setAside(this.#path(name));
      this.#held = this.#openHeld();
      this.#ranges.set('held', readRange(this.#held));
      this.#onDamaged(damage);
      return;
    }
    this.#open.get(name)?.close();
    this.#open.delete(name);
    this.#ranges.delete(name);
    this.#onDamaged(setAside(this.#path(name)));
  }

  /**
   * Writes files again that were removed or replaced while they were open; what replaced one is kept beside it. What is
   * written to a file without a name is gone at the next start. Looks at most once a second, and never between what
   * belongs together: to be called before work begins. Throws as long as one cannot be written again, as on a full disk.
   */
  look(): void {
    if (performance.now() - this.#looked < LOOK_EVERY) return;
    // who is told writes at once
    this.#looked = performance.now();
    try {
      for (const file of [this.#held, ...this.#open.values()]) {
        const now = fileIdentity(file.path);
        if (now !== file.identity) this.#writeAgain(file, now !== undefined);
      }
    } catch (error) {
      this.#looked = Number.NEGATIVE_INFINITY;
      throw error;
    }
  }

  #writeAgain({ name, path, db }: TraceFile, isReplaced: boolean): void {
    const aside = isReplaced
      ? `${path}.replaced-${new Date().toISOString().replaceAll(/[-:.]/g, '')}`
      : path;
    mkdirSync(this.folder, { recursive: true, mode: PRIVATE_FOLDER });
    if (isReplaced) renameSync(path, aside);
    const isWhole = isCopied(db, path);
    if (name === 'held') {
      this.#held.close();
      this.#held = this.#openHeld();
    } else {
      this.#open.get(name)?.close();
      this.#open.delete(name);
      this.#open.set(name, this.#openDay(name));
    }
    if (isWhole) return this.#onMoved({ file: basename(path), keptAs: basename(aside) });
    this.#ranges.set(name, readRange(this.file(name)));
    this.#onDamaged({ file: basename(path), keptAs: undefined });
  }

  /** Newest first, `held` before all others: its sessions are the oldest, but its messages may be new. */
  ranges(): FileRange[] {
    return [...this.#ranges.values()].toSorted((a, b) => (a.name < b.name ? 1 : -1));
  }

  days(): string[] {
    return this.ranges()
      .map(({ name }) => name)
      .filter((name) => name !== 'held');
  }

  /** Opens a file whose range is known. */
  file(name: string): TraceFile {
    return name === 'held' ? this.held : this.day(name);
  }

  /** The file of a session's facts. A session that outlived its day is in the held file. */
  nameForSession(sessionId: number): string {
    return this.held.has(sessionId) ? 'held' : dayOfSession(sessionId);
  }

  /** The day's file, created if there is none. */
  day(day: string): TraceFile {
    const open = this.#open.get(day) ?? this.#openDay(day);
    // a Map keeps the order of insertion: the first is the one not used for longest
    this.#open.delete(day);
    this.#open.set(day, open);
    for (const [name, file] of this.#open) {
      if (this.#open.size <= OPEN_AT_ONCE) break;
      this.#open.delete(name);
      file.close();
    }
    return open;
  }

  #openDay(day: string): TraceFile {
    const file = new TraceFile(day, this.#path(day), this.cipher);
    const fields = file.isNew ? this.held.note('fields') : undefined;
    if (fields !== undefined) file.setNote('search', fields);
    return file;
  }

  /** Records what was written to a file. */
  grew(name: string, { lastId, lastMinute, sessions }: Growth): void {
    const range = this.#ranges.get(name) ?? emptyRange(name);
    range.lastId = Math.max(range.lastId, lastId);
    range.lastMinute = Math.max(range.lastMinute, lastMinute);
    this.#ranges.set(name, range);
    for (const sessionId of sessions) this.#watched.get(name)?.add(sessionId);
    if (this.#written !== name) this.#settleLog();
    this.#written = name;
  }

  /** A past day would keep a log as large as the checkpoint interval while it is open. */
  #settleLog(): void {
    const file = this.#open.get(this.#written);
    if (file !== undefined && sizeOf(`${file.path}-wal`) > LOG_LEFT) file.checkpoint();
  }

  /** Collects the sessions of a day that are written to, until it is disposed. */
  watch(day: string): ReadonlySet<number> & Disposable {
    const sessions = new Set<number>();
    this.#watched.set(day, sessions);
    return Object.assign(sessions, { [Symbol.dispose]: () => this.#watched.delete(day) });
  }

  /** Removes a day's file permanently. What must be kept was copied before. */
  remove(day: string): void {
    this.#open.get(day)?.close();
    this.#open.delete(day);
    this.#ranges.delete(day);
    this.#unlink(day);
    this.#ranges.set('held', readRange(this.held));
  }

  bytes(name: string): number {
    const path = this.#path(name);
    return sizeOf(path) + sizeOf(`${path}-wal`);
  }

  /** Of the whole store. */
  totalBytes(): number {
    return this.ranges().reduce((sum, { name }) => sum + this.bytes(name), 0);
  }

  close(): void {
    for (const file of this.#open.values()) file.close();
    this.#open.clear();
    this.held.close();
  }

  #unlink(day: string, held = this.#held): void {
    const path = this.#path(day);
    // the database is removed last, so that a left-over WAL is never used for a different one
    for (const end of ['-wal', '-shm', '']) rmSync(path + end, { force: true });
    held.forgetGoneDay(day);
  }

  #path(name: string): string {
    return join(this.folder, `${name}.db`);
  }
}

/** Whether it could be copied; if it is damaged, as by others who wrote into it, it could not. */
function isCopied(db: TraceFile['db'], path: string): boolean {
  try {
    copyInto(db, path);
    return true;
  } catch (error) {
    if (isDamaged(error)) return false;
    throw error;
  }
}

function sizeOf(path: string): number {
  return existsSync(path) ? statSync(path).size : 0;
}

/** An empty file: if it were recreated at once, nobody would notice that all of its content is gone. */
function isCut(path: string): boolean {
  return existsSync(path) && sizeOf(path) === 0 && sizeOf(`${path}-wal`) === 0;
}

function emptyRange(name: string): FileRange {
  return {
    name,
    firstSession: name === 'held' ? 0 : idAtTime(startOfDay(name)),
    lastSession: name === 'held' ? Number.MAX_SAFE_INTEGER : idAtTime(endOfDay(name)) - 1,
    lastId: 0,
    lastMinute: 0,
  };
}

function readRange(file: TraceFile): FileRange {
  const ids = file.first<{ last: number | null }>('SELECT max(id) AS last FROM message');
  const minutes = file.first<{ last: number | null }>('SELECT max(minute) AS last FROM statistic');
  const range = emptyRange(file.name);
  if (file.name === 'held') {
    const first = file.first<{ first: number | null }>(
      'SELECT min(session_id) AS first FROM message',
    );
    const last = file.first<{ last: number | null }>('SELECT max(session_id) AS last FROM message');
    Object.assign(range, { firstSession: first?.first ?? 0, lastSession: last?.last ?? 0 });
  }
  return { ...range, lastId: ids?.last ?? 0, lastMinute: minutes?.last ?? 0 };
}
