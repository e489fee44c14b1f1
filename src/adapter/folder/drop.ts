import {
  DisableError,
  NotConnectedError,
  RejectedError,
  SuspendError,
} from '../../error/adapter-error.ts';
import type { Message } from '../../message/message.ts';
import type { DropValues, WhenRefused } from './drop-settings.ts';
import { checkFileName, numbered, temporaryPath } from './file-name.ts';
import { FileError, type FileStore, inFolder, isFileProblem } from './file-store.ts';
import { hasSameBytes } from './same-bytes.ts';

/** How many numbers are tried before a person is asked. */
const MOST_NUMBERS = 1_000;

/** Messages whose last step had no answer: their file may already have its name. */
const unsure = new WeakSet<Message>();

/**
 * Puts a message into a folder as one file: written under a temporary name, renamed once the peer
 * has confirmed every byte. Nobody sees half a file, and a try that broke off leaves at most a
 * temporary file, which the next try writes over. Throws by the contract of `send`.
 */
export async function dropFile(
  store: FileStore,
  settings: DropValues,
  message: Message,
  signal: AbortSignal,
): Promise<void> {
  const name = await settings.name.render(message);
  checkFileName(name);
  const temporary = temporaryPath(settings.temporary, { folder: settings.folder, name, message });
  const drop = new Drop({ store, settings, message, name, temporary });
  try {
    await drop.run(signal);
  } catch (error) {
    throw asRefused(error, settings.denied);
  }
}

interface Parts {
  readonly store: FileStore;
  readonly settings: DropValues;
  readonly message: Message;
  readonly name: string;
  readonly temporary: string;
}

class Drop {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { store, settings, temporary } = this.#parts;
    // Known beforehand, a taken name saves sending the whole body; the rename decides for good.
    if (await this.#isThere()) return;
    await this.#write(signal);
    try {
      await this.#rename(signal);
    } catch (error) {
      if (!(error instanceof NotConnectedError)) {
        await store.remove(temporary).catch(() => undefined);
      }
      throw isFileProblem(error, 'exists') ? this.#taken(settings.folder) : error;
    }
  }

  async #write(signal: AbortSignal): Promise<void> {
    const { store, settings, message, temporary } = this.#parts;
    try {
      await store.write(temporary, message.body.stream(), signal);
    } catch (error) {
      if (isFileProblem(error, 'missing') && settings.makeFolder) {
        await store.makeFolder(settings.folder);
        await store.write(temporary, message.body.stream(), signal);
        return;
      }
      if (!(error instanceof NotConnectedError)) {
        await store.remove(temporary).catch(() => undefined);
      }
      throw error;
    }
  }

  async #rename(signal: AbortSignal): Promise<void> {
    const { store, settings, message, name, temporary } = this.#parts;
    signal.throwIfAborted();
    try {
      if (settings.exists === 'replace') await this.#replace();
      else if (settings.exists === 'number') await this.#number();
      else await store.rename(temporary, inFolder(settings.folder, name));
    } catch (error) {
      if (error instanceof NotConnectedError) unsure.add(message);
      throw error;
    }
  }

  /** Where the peer cannot replace in one step the old file is kept under another name until the new one is in place. */
  async #replace(): Promise<void> {
    const { store, settings, name, temporary } = this.#parts;
    const path = inFolder(settings.folder, name);
    try {
      await store.replace(temporary, path);
      return;
    } catch (error) {
      if (!isFileProblem(error, 'unsupported')) throw error;
    }
    const old = `${temporary}.old`;
    await store.remove(old);
    const hadOne = await moved(store, path, old);
    try {
      await store.rename(temporary, path);
    } catch (error) {
      if (hadOne && !(error instanceof NotConnectedError)) {
        await store.rename(old, path).catch(() => undefined);
      }
      throw error;
    }
    await store.remove(old);
  }

  async #number(): Promise<void> {
    const { store, settings, name, temporary } = this.#parts;
    for (let number = 0; number < MOST_NUMBERS; number++) {
      try {
        await store.rename(temporary, inFolder(settings.folder, numbered(name, number)));
        return;
      } catch (error) {
        if (!isFileProblem(error, 'exists')) throw error;
      }
    }
    throw this.#taken(settings.folder);
  }

  /** Whether an earlier try has put the file there already. Throws where another file has its name. */
  async #isThere(): Promise<boolean> {
    const { store, settings, message, name } = this.#parts;
    const { exists, folder } = settings;
    if (exists === 'suspend') {
      const path = inFolder(folder, name);
      if ((await store.facts(path)) === undefined) return false;
      if (await hasSameBytes(store, path, message.body)) return true;
      throw this.#taken(folder);
    }
    // Two messages may well hold the same bytes: only a try whose end is not known is looked for.
    if (message.possibleDuplicate !== true && !unsure.has(message)) return false;
    for (let number = 0; number < (exists === 'number' ? MOST_NUMBERS : 1); number++) {
      const path = inFolder(folder, numbered(name, number));
      if ((await store.facts(path)) === undefined) return false;
      if (await hasSameBytes(store, path, message.body)) return true;
    }
    return false;
  }

  #taken(folder: string): SuspendError {
    return new SuspendError(
      `A file of this name is in ${folder || 'the folder'} already, with other content. Take it away, or set exists to replace or number, and resend.`,
    );
  }
}

async function moved(store: FileStore, from: string, to: string): Promise<boolean> {
  try {
    await store.rename(from, to);
    return true;
  } catch (error) {
    if (isFileProblem(error, 'missing')) return false;
    if (isFileProblem(error, 'failed') && (await store.facts(from)) === undefined) return false;
    throw error;
  }
}

const REFUSED: Readonly<
  Record<Exclude<WhenRefused, 'retry'>, new (message: string, detail: ErrorOptions) => Error>
> = { suspend: SuspendError, reject: RejectedError, stop: DisableError };

/** A forbidden path or a folder that is not there stays so for every message: the production says what that means. */
function asRefused(error: unknown, denied: WhenRefused): unknown {
  if (denied === 'retry' || !(error instanceof FileError)) return error;
  if (!isFileProblem(error, 'denied', 'missing')) return error;
  return new REFUSED[denied](error.message, { cause: error });
}
