import type { LentInbound } from '../../adapter/adapter.ts';
import type { Settings } from '../../adapter/setting.ts';
import { describeError, isEngineError } from '../../error/engine-error.ts';
import type { NewMessage } from '../../message/message.ts';
import { describeSize } from '../../time/size.ts';
import { batchParts } from './batch-parts.ts';
import { moveAway, removeFile } from './clear-away.ts';
import { asError, type FileBody, fileBody, isOfThisFile } from './file-body.ts';
import { isMeant } from './file-pattern.ts';
import type { FoundFile, Scan } from './file-scan.ts';
import { type FileStore, isFileProblem } from './file-store.ts';
import { fileType } from './file-type.ts';
import { type MarkedFile, withMarkers } from './marked-files.ts';
import type { Notices } from './notices.ts';
import type { FileOrder, PickupValues } from './pickup-settings.ts';
import type { Stillness } from './stillness.ts';
import type { TakenFiles } from './taken-files.ts';

/** What picking up needs of what the engine lends. */
export type PickupLent = Pick<LentInbound<Settings>, 'deliver' | 'memory' | 'event'>;

export interface LookParts {
  readonly settings: PickupValues;
  readonly lent: PickupLent;
  readonly origin: string;
  readonly store: FileStore;
  readonly taken: TakenFiles;
  readonly told: Notices;
  readonly still: Stillness;
}

const REFUSED = 'file-refused';

/** One look at a folder: clears away what was taken before, then takes what is ready. */
export class Look {
  readonly #parts: LookParts;

  constructor(parts: LookParts) {
    this.#parts = parts;
  }

  async work(scan: Scan, signal: AbortSignal): Promise<void> {
    const { settings, taken, told, still } = this.#parts;
    const meant = scan.files.filter(
      ({ relative }) => isMeant(relative, settings.pattern) && !isMeant(relative, settings.ignore),
    );
    told.keepOnly(scan.files);
    try {
      const files = withMarkers(await this.#exact(meant), scan.files, settings.marker);
      if (scan.unlisted.length === 0) taken.keepOnly(files);
      const fresh = files.filter((file) => !taken.has(file.path, file));
      for (const file of files) if (taken.has(file.path, file)) await this.#finish(file);
      const marked = fresh.filter(
        ({ marker }) => settings.marker === undefined || marker !== undefined,
      );
      for (const file of still.settled(marked).toSorted(BY_ORDER[settings.order])) {
        signal.throwIfAborted();
        if (!(await this.#take(file))) break;
      }
    } finally {
      await taken.save();
    }
  }

  /** Rough times are made exact only where files are remembered: it costs a request for each. */
  async #exact(files: readonly FoundFile[]): Promise<readonly FoundFile[]> {
    if (this.#parts.taken.size === 0) return files;
    const exact: FoundFile[] = [];
    for (const file of files) {
      const now = file.rough === true ? await this.#parts.store.facts(file.path) : file;
      if (now !== undefined) exact.push({ ...file, ...now });
    }
    return exact;
  }

  /** Delivers one file and clears it away. False ends the look: the engine takes nothing now. */
  async #take(found: MarkedFile): Promise<boolean> {
    const { settings, store, taken, told } = this.#parts;
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
    let content: FileBody | undefined;
    try {
      content = await fileBody(store, file);
      await this.#deliver(file, this.#message(file, content));
    } catch (error) {
      return await this.#undelivered(file, content, error);
    } finally {
      await content?.close();
    }
    await taken.add(file.path, file);
    await this.#finish(file);
    return true;
  }

  /**
   * One after the other, so that a file that is cut off by a failure is taken up again in order. How many
   * are stored is noted beside the delivery of the next: after a crash one may come twice, never all.
   */
  async #deliver(file: MarkedFile, message: NewMessage): Promise<void> {
    const { settings, lent, told, taken } = this.#parts;
    if (settings.batch === 'whole') {
      await lent.deliver(message);
      return;
    }
    const parts = batchParts(message);
    const begun = taken.begun(file.path, file);
    let number = 0;
    for await (const one of parts.messages) {
      number += 1;
      if (number <= begun) continue;
      const noted = number > 1 ? taken.noteBegun(file.path, file, number - 1) : undefined;
      await both(lent.deliver(one), noted);
    }
    const odd = parts.oddities();
    if (odd.length > 0) {
      told.about(file, 'warn', 'batch-odd', `${file.relative} is odd: ${odd.join(' ')}`);
    }
  }

  #message(file: MarkedFile, { head, body }: FileBody): NewMessage {
    const { settings, origin } = this.#parts;
    return {
      body,
      type: settings.type ?? fileType(head, file.name),
      charset: settings.charset,
      name: file.relative,
      origin,
      dedupeKey: `${file.relative} ${file.size} ${file.modified}`,
    };
  }

  async #undelivered(
    file: MarkedFile,
    content: FileBody | undefined,
    error: unknown,
  ): Promise<boolean> {
    const { told } = this.#parts;
    const reading = content === undefined ? asError(error) : content.problem;
    if (reading !== undefined) {
      if (!isOfThisFile(reading)) throw reading;
      // A file that changed or went away while it was read is looked at again as it is then.
      if (isFileProblem(reading, 'denied', 'failed')) {
        const { text } = describeError(reading);
        told.about(file, 'warn', 'file-unreadable', `${file.relative} could not be read: ${text}`);
      }
      // Listed but not found under its name: the peer's names are not in UTF-8.
      if (isFileProblem(reading, 'missing') && file.relative.includes('\uFFFD')) {
        const text = `${file.relative} cannot be taken: its name is not in UTF-8. Have it renamed.`;
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

  /** Puts aside a file that can never be taken. */
  async #refuse(file: MarkedFile, reason: string): Promise<boolean> {
    const { settings, store, told, taken } = this.#parts;
    const { failed } = settings;
    const begun = taken.begun(file.path, file);
    const why = begun === 0 ? reason : `${reason} Its first ${begun} messages are stored.`;
    if (failed !== undefined && (await this.#clear(file, () => moveAway(store, file, failed)))) {
      told.about(file, 'error', 'file-failed', `${file.relative} was moved to ${failed}: ${why}`);
      return true;
    }
    told.about(file, 'error', REFUSED, `${file.relative} was not taken and stays: ${why}`);
    return true;
  }

  /** Clears away a delivered file, unless it was changed meanwhile: then it is a new one, to be taken as such. */
  async #finish(file: MarkedFile): Promise<void> {
    const { settings, store, taken } = this.#parts;
    if (settings.keep) return;
    const now = await store.facts(file.path);
    const same = now?.size === file.size && now.modified === file.modified;
    const { archive } = settings;
    const cleared =
      !same ||
      (await this.#clear(file, () =>
        archive === undefined ? removeFile(store, file) : moveAway(store, file, archive),
      ));
    if (cleared) taken.forget(file.path, file);
  }

  /** Whether a file could be cleared away. If not it stays remembered, and is tried again at every look. */
  async #clear(file: MarkedFile, clear: () => Promise<void>): Promise<boolean> {
    try {
      await clear();
      return true;
    } catch (error) {
      if (!isOfThisFile(error) && !isFileProblem(error, 'exists', 'full')) throw error;
      const { text } = describeError(error);
      this.#parts.told.about(
        file,
        'error',
        'file-not-removed',
        `${file.relative} was dealt with but could not be moved or deleted; it is remembered and tried again: ${text}`,
      );
      return false;
    }
  }
}

/** Both are over when it resolves or rejects. */
async function both(first: Promise<unknown>, second: Promise<void> | undefined): Promise<void> {
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
