import { dirname, posix } from 'node:path';
import type { LentInbound } from '../../adapter/adapter.ts';
import type { Settings } from '../../adapter/setting.ts';
import { DisableError } from '../../error/adapter-error.ts';
import { describeError, isEngineError } from '../../error/engine-error.ts';
import type { NewMessage } from '../../message/message.ts';
import { describeDuration } from '../../time/duration.ts';
import { describeSize } from '../../time/size.ts';
import { asError, type FileBody, fileBody } from './file-body.ts';
import { cutMessages, messagesIn } from './file-messages.ts';
import { isMeant } from './file-pattern.ts';
import { type FoundFile, type Scan, scanFolder } from './file-scan.ts';
import { FileError, type FileStore, inFolder, isFileProblem, isSameState } from './file-store.ts';
import { fileType } from './file-type.ts';
import { filterInTurns } from './in-turns.ts';
import { type Notices, notices } from './notices.ts';
import type { FileOrder, PickupValues } from './pickup-settings.ts';
import { type Stillness, stillness } from './stillness.ts';
import { type TakenFiles, takenFiles } from './taken-files.ts';

/** Picks up the files of a folder by the rules of its settings. One per open adapter. */
export interface Pickup {
  /**
   * Looks once and delivers what is ready, one file after another. Throws NotConnectedError and any
   * other error that prevents reading the whole folder; problems of one file are reported and do
   * not hold up the others. A message that the engine cannot accept now ends the look.
   */
  look(store: FileStore, signal: AbortSignal): Promise<void>;
  /**
   * Milliseconds after which the next look is due: `every`, or as soon as what was found may be still. A host that is
   * on for a minute would otherwise never take a file of which it has to see that it stays as it is.
   */
  next(): number;
}

/**
 * Every file is delivered with its name, size and time as `dedupeKey`, and noted in the service's
 * memory before it is removed. So a crash at any point leaves it either untouched, or known as
 * taken and only to be removed; between the engine's answer and that note, the production's
 * duplicate window covers it.
 *
 * `origin` is shown in the trace as where files come from: `sftp://lab.example:22`.
 */
export function pickup(settings: PickupValues, lent: PickupLent, origin: string): Pickup {
  refuseContradictions(settings);
  const still = stillness(settings.stable, ({ relative }, changing) => {
    const text = `${relative} has been changing for ${describeDuration(changing)}. It is taken once it has been left alone for ${describeDuration(settings.stable)} (stable): a program that writes all the time has to begin another file now and then.`;
    lent.event('warn', 'file-restless', text, relative);
  });
  const told = notices(lent.event);
  const without = [settings.archive, settings.failed].flatMap((path) =>
    path === undefined ? [] : [posix.normalize(path)],
  );
  let taken: TakenFiles | undefined;
  return {
    async look(store, signal) {
      taken ??= await takenFiles(lent.memory);
      const scan = await scanFolder(store, { ...settings, without });
      await new Look({ settings, lent, origin, store, taken, told, still }).work(scan, signal);
    },
    next: () => Math.min(settings.every, still.next),
  };
}

function refuseContradictions({ folder, archive, failed, keep, batch, cut }: PickupValues): void {
  if (cut !== undefined && batch === 'whole') {
    throw new DisableError('cut makes messages of a file, and batch: whole does not: remove one');
  }
  const same = [archive, failed].some(
    (path) => path !== undefined && posix.relative(path, folder) === '',
  );
  if (same) {
    throw new DisableError(
      'archive and failed must differ from folder: files moved there would be taken again',
    );
  }
  if (keep && archive !== undefined) {
    throw new DisableError('keep leaves files where they are: remove keep, or remove archive');
  }
}

/** What picking up needs from what the engine lends. */
type PickupLent = Pick<LentInbound<Settings>, 'deliver' | 'memory' | 'event'>;

interface LookOptions {
  readonly settings: PickupValues;
  readonly lent: PickupLent;
  readonly origin: string;
  readonly store: FileStore;
  readonly taken: TakenFiles;
  readonly told: Notices;
  readonly still: Stillness;
}

const REFUSED = 'file-refused';
/** After so many files it is made sure that those cleared away stay so: doing it for each costs more than the rest of the clearing. */
const MOST_CLEARED = 64;

/** One look at a folder: clears away the files taken earlier, then takes those that are ready. */
export class Look {
  readonly #options: LookOptions;
  /** Files that are away, but might be back after a loss of power: then they count as taken. */
  #cleared: MarkedFile[] = [];
  /** The file before, while it is cleared away. `#away` throws what went wrong. */
  #clearing: Promise<readonly PromiseSettledResult<void>[]> = Promise.resolve([]);

  constructor(options: LookOptions) {
    this.#options = options;
  }

  async work(scan: Scan, signal: AbortSignal): Promise<void> {
    const { settings, taken, told, still } = this.#options;
    const meant = await filterInTurns(
      scan.files,
      ({ relative }) => isMeant(relative, settings.pattern) && !isMeant(relative, settings.ignore),
    );
    told.keepOnly(scan.files);
    try {
      const files = withMarkers(await this.#exact(meant), scan.files, settings.marker);
      if (scan.unlisted.length === 0) await taken.keepOnly(files);
      const isTaken = (file: MarkedFile): boolean => taken.has(file.path, file);
      const known = taken.size === 0 ? [] : await filterInTurns(files, isTaken);
      const fresh =
        known.length === 0 ? files : await filterInTurns(files, (file) => !isTaken(file));
      for (const file of known) await this.#finish(file);
      const marked = fresh.filter(
        ({ marker }) => settings.marker === undefined || marker !== undefined,
      );
      const settled = await still.settled(marked);
      for (const file of settled.toSorted(BY_ORDER[settings.order])) {
        signal.throwIfAborted();
        if (!(await this.#take(file))) break;
      }
      await this.#away();
    } finally {
      await this.#clearing;
      try {
        await this.#forgetCleared();
      } finally {
        await taken.save();
      }
    }
  }

  /** Approximate times are made exact only if files are remembered: it costs one request each. */
  async #exact(files: readonly FoundFile[]): Promise<readonly FoundFile[]> {
    if (this.#options.taken.size === 0) return files;
    const exact: FoundFile[] = [];
    for (const file of files) {
      const now = file.rough === true ? await this.#options.store.facts(file.path) : file;
      if (now !== undefined) exact.push({ ...file, ...now });
    }
    return exact;
  }

  /** Delivers one file and begins to clear it away. False ends the look: the engine accepts nothing now. */
  async #take(found: MarkedFile): Promise<boolean> {
    const { settings, store, taken, told } = this.#options;
    if (store.readsBeside !== true) await this.#away();
    const facts = found.rough === true ? await store.facts(found.path) : found;
    if (facts === undefined) return true;
    const file = { ...found, ...facts };
    if (told.was(file, REFUSED)) return true;
    if (file.size > settings.limit) {
      return this.#refuse(file, `it is larger than the limit of ${describeSize(settings.limit)}`);
    }
    if (file.size === 0 && !settings.empty) {
      told.about(file, 'warn', 'file-empty', `${file.relative} is empty and was not taken.`);
      return true;
    }
    taken.ensureRoom();
    const read = await this.#read(file);
    let content: FileBody | undefined;
    try {
      if (read.status === 'rejected') throw read.reason;
      content = read.value;
      await this.#deliver(file, this.#message(file, content));
    } catch (error) {
      return await this.#undelivered(file, content, error);
    } finally {
      await content?.close();
    }
    await taken.add(file.path, file);
    this.#clearing = Promise.allSettled([this.#finish(file)]);
    return true;
  }

  /** Reads a file while the one before is cleared away, and throws what kept that from being done. */
  async #read(file: MarkedFile): Promise<PromiseSettledResult<FileBody>> {
    const [read] = await Promise.allSettled([fileBody(this.#options.store, file)]);
    try {
      await this.#away();
    } catch (error) {
      if (read.status === 'fulfilled') await read.value.close();
      throw error;
    }
    return read;
  }

  /** Resolves once the file before is cleared away, or remembered because it could not be. */
  async #away(): Promise<void> {
    for (const one of await this.#clearing) if (one.status === 'rejected') throw one.reason;
  }

  /**
   * One after another, so that a file interrupted by a failure is continued in order. How many messages, or records of
   * a file that is cut, are stored is noted alongside the delivery of the next one: after a crash one may come twice, but
   * never all.
   */
  async #deliver(file: MarkedFile, message: NewMessage): Promise<void> {
    const { settings, lent, told, taken } = this.#options;
    if (settings.batch === 'whole') {
      await lent.deliver(message);
      return;
    }
    const begun = taken.begun(file.path, file);
    const parts = settings.cut ? cutMessages(message, settings.cut, begun) : messagesIn(message);
    let stored = begun;
    for await (const { message: one, upTo } of parts.messages) {
      if (upTo <= begun) continue;
      const noted = stored > 0 ? taken.noteBegun(file.path, file, stored) : undefined;
      await (noted === undefined ? lent.deliver(one) : both(lent.deliver(one), noted));
      stored = upTo;
    }
    if (settings.cut !== undefined) {
      const text = `${file.relative} had ${stored} records, in messages of up to ${settings.cut.every}.`;
      lent.event('info', 'file-cut', text, file.relative);
    }
    const odd = parts.oddities();
    if (odd.length > 0) {
      told.about(file, 'warn', 'batch-odd', `${file.relative} looks wrong: ${odd.join(' ')}`);
    }
  }

  #message(file: MarkedFile, { head, body }: FileBody): NewMessage {
    const { settings, origin } = this.#options;
    return {
      body,
      type: settings.type ?? fileType(head, file.name),
      charset: settings.charset,
      name: file.relative,
      origin,
      dedupeKey: [file.relative, file.size, file.modified, file.version ?? []].flat().join(' '),
    };
  }

  async #undelivered(
    file: MarkedFile,
    content: FileBody | undefined,
    error: unknown,
  ): Promise<boolean> {
    const { told } = this.#options;
    const reading = content === undefined ? asError(error) : content.problem;
    if (reading !== undefined) {
      if (!isOfThisFile(reading)) throw reading;
      // A file that changed or disappeared while being read is looked at again in its new state.
      if (isFileProblem(reading, 'denied', 'failed')) {
        const { text } = describeError(reading);
        told.about(file, 'warn', 'file-unreadable', `${file.relative} could not be read: ${text}`);
      }
      // Listed but not found under its name: the peer's file names are not in UTF-8.
      if (isFileProblem(reading, 'missing') && file.relative.includes('\uFFFD')) {
        const text = `${file.relative} cannot be taken: its name is not in UTF-8. Have the file renamed.`;
        told.about(file, 'warn', 'file-unreadable', text);
      }
      return true;
    }
    const { text, retryable } = describeError(error);
    if (isEngineError(error) && !retryable) return this.#refuse(file, text);
    told.about(
      file,
      'warn',
      'file-waits',
      `${file.relative} stays where it is until the engine takes it: ${text}`,
    );
    return false;
  }

  /** Sets aside a file that can never be taken. */
  async #refuse(file: MarkedFile, reason: string): Promise<boolean> {
    const { settings, store, told, taken } = this.#options;
    const { failed } = settings;
    await this.#away();
    const begun = taken.begun(file.path, file);
    const stored =
      settings.cut === undefined
        ? `${reason} Its first ${begun} messages are stored.`
        : `${reason} Its first ${begun} records are stored.`;
    const why = begun === 0 ? reason : stored;
    if (failed !== undefined && (await this.#clear(file, () => moveAway(store, file, failed)))) {
      this.#cleared.push(file);
      told.about(file, 'error', 'file-failed', `${file.relative} was moved to ${failed}: ${why}`);
      return true;
    }
    told.about(file, 'error', REFUSED, `${file.relative} was not taken and stays: ${why}`);
    return true;
  }

  /** Clears away a delivered file, unless it has changed meanwhile: then it is a new one, to be taken as such. */
  async #finish(file: MarkedFile): Promise<void> {
    const { settings, store } = this.#options;
    if (settings.keep) return;
    const now = await store.facts(file.path);
    const same = now !== undefined && isSameState(now, file);
    const { archive } = settings;
    const clear = (): Promise<void> =>
      archive === undefined ? removeFile(store, file) : moveAway(store, file, archive);
    const cleared = !same || (await this.#clear(file, () => clear().catch(unlessChanged)));
    if (!cleared) return;
    this.#options.taken.cleared(file.path, file);
    this.#cleared.push(file);
    if (this.#cleared.length >= MOST_CLEARED) await this.#forgetCleared();
  }

  async #forgetCleared(): Promise<void> {
    const { store, taken, told } = this.#options;
    const cleared = this.#cleared;
    this.#cleared = [];
    try {
      await store.flush?.();
    } catch (error) {
      const [file] = cleared;
      if (!(error instanceof FileError) || file === undefined) throw error;
      const { text } = describeError(error);
      told.about(
        file,
        'error',
        'file-not-removed',
        `${file.relative} was moved or deleted, but may be back after a loss of power; it is remembered until the next look: ${text}`,
      );
      return;
    }
    for (const file of cleared) taken.forget(file.path, file);
  }

  /** Whether a file could be cleared away. If not, it stays remembered, and is retried at every look. */
  async #clear(file: MarkedFile, clear: () => Promise<void>): Promise<boolean> {
    try {
      await clear();
      return true;
    } catch (error) {
      if (!isOfThisFile(error) && !isFileProblem(error, 'exists', 'full')) throw error;
      const { text } = describeError(error);
      this.#options.told.about(
        file,
        'error',
        'file-not-removed',
        `${file.relative} was handled but could not be moved or deleted; it is remembered and retried: ${text}`,
      );
      return false;
    }
  }
}

/** A file that changed at the last moment counts as a new one, and stays. */
function unlessChanged(error: unknown): void {
  if (!isFileProblem(error, 'changed')) throw error;
}

/** Both have ended when it resolves or rejects. */
async function both(first: Promise<unknown>, second: Promise<void>): Promise<void> {
  const results = await Promise.allSettled([first, second]);
  for (const one of results) if (one.status === 'rejected') throw one.reason;
}

const BY_ORDER: Readonly<Record<FileOrder, (a: FoundFile, b: FoundFile) => number>> = {
  oldest: (a, b) => a.modified - b.modified || byPath(a, b),
  newest: (a, b) => b.modified - a.modified || byPath(a, b),
  name: byPath,
};

function byPath(a: FoundFile, b: FoundFile): number {
  if (a.path === b.path) return 0;
  return a.path < b.path ? -1 : 1;
}

/**
 * Moves a file to a folder, keeping its path below the folder it was found in. If the name is taken
 * there, the time is added: yesterday's file is never overwritten. Creates folders as needed.
 */
async function moveAway(store: FileStore, file: MarkedFile, folder: string): Promise<void> {
  const path = inFolder(folder, file.relative);
  const names = [
    () => path,
    () => stamped(path, new Date()),
    () => stamped(path, new Date(), Math.random()),
  ];
  await removeMarker(store, file);
  for (const [index, name] of names.entries()) {
    try {
      await renameInto(store, file, name());
      return;
    } catch (error) {
      const last = index === names.length - 1;
      if (last || !isFileProblem(error, 'exists')) throw error;
    }
  }
}

/** Deletes a file and its marker. The marker goes first: one left behind would apply to the next file of that name. */
async function removeFile(store: FileStore, file: MarkedFile): Promise<void> {
  await removeMarker(store, file);
  await store.remove(file.path, file);
}

async function removeMarker(store: FileStore, { marker }: MarkedFile): Promise<void> {
  if (marker !== undefined) await store.remove(marker);
}

async function renameInto(store: FileStore, file: FoundFile, to: string): Promise<void> {
  const { path: from } = file;
  try {
    await store.rename(from, to, file);
  } catch (error) {
    // A server that says only "failure" may mean the folder: create it and see.
    if (!isFileProblem(error, 'missing', 'failed')) throw error;
    if ((await store.facts(from)) === undefined) throw error;
    await store.makeFolder(dirname(to));
    await store.rename(from, to, file);
  }
}

/** `lab.20261124T120000123.hl7` */
function stamped(path: string, time: Date, more?: number): string {
  const { dir, name, ext } = posix.parse(path);
  const stamp = time.toISOString().replaceAll(/[-:.Z]/g, '');
  const suffix = more === undefined ? '' : `-${more.toString(36).slice(2, 8)}`;
  return inFolder(dir, `${name}.${stamp}${suffix}${ext}`);
}

/** Whether reading failed because of this file only, so that others may still be read. */
function isOfThisFile(error: unknown): boolean {
  return isFileProblem(error, 'missing', 'denied', 'changed', 'failed');
}

/** A file that may be taken, and the marker that says so. */
interface MarkedFile extends FoundFile {
  /** Path of the marker; undefined if none is used or found. */
  readonly marker?: string | undefined;
}

/**
 * Gives each file its marker, found among `all`: `lab.hl7.done` or `lab.done` for `lab.hl7` and the
 * ending `.done`. Markers themselves are left out. Without an ending the files are returned
 * unchanged.
 */
export function withMarkers(
  files: readonly FoundFile[],
  all: readonly FoundFile[],
  ending: string | undefined,
): readonly MarkedFile[] {
  if (ending === undefined) return files;
  const markers = new Set(all.flatMap(({ path }) => (path.endsWith(ending) ? [path] : [])));
  return files
    .filter(({ path }) => !markers.has(path))
    .map((file) => ({
      ...file,
      marker: markersOf(file.path, ending).find((path) => markers.has(path)),
    }));
}

function markersOf(path: string, ending: string): readonly string[] {
  const stem = path.replace(/\.[^./]*$/, '');
  return [`${path}${ending}`, `${stem}${ending}`];
}
