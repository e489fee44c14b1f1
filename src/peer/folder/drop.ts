import { posix } from 'node:path';
import {
  DisableError,
  NotConnectedError,
  RejectedError,
  SuspendError,
} from '../../error/adapter-error.ts';
import type { ErrorDetail } from '../../error/engine-error.ts';
import { isTold, unless } from '../../error/foreseen.ts';
import { inlineBody } from '../../message/body.ts';
import type { Message } from '../../message/message.ts';
import type { DropValues, WhenRefused } from './drop-settings.ts';
import { checkFileName, markerName, numbered, temporaryPath } from './file-name.ts';
import { FileError, type FileStore, inFolder, isFileProblem } from './file-store.ts';
import { hasSameBytes } from './same-bytes.ts';

/** The size in bytes from which a round trip that may save sending the body is worthwhile. */
const WORTH_A_LOOK = 1024 * 1024;
/** How many numbers are tried before a person is asked. */
const MOST_NUMBERS = 1_000;

/** What a try leaves behind is overwritten by the next: the error of the try itself matters more. */
const leftBehind = unless(
  (error) => error instanceof FileError || isTold(error),
  'cleaning up after a file that was not written',
);

/** Messages whose last step got no answer: their file may already have its name. */
const unsure = new WeakSet<Message>();

/**
 * How many tries of a message the peer may still carry out, because they ended without its answer. One that goes on
 * after a while opens, empties or renames its temporary file whatever another try writes there: so each has its own.
 */
const open = new WeakMap<Message, number>();
/** How many temporary files of earlier tries are removed at most. */
const MOST_LEFT = 100;

const openTries = (message: Message): number =>
  open.get(message) ?? (message.possibleDuplicate === true ? 1 : 0);

/**
 * Puts a message into a folder as one file: written under a temporary name, and renamed once the
 * peer has confirmed every byte. Nobody sees half a file, and an interrupted try leaves at most a
 * temporary file, and what was to be replaced beside it, which the next try removes. Throws as `send` is specified to.
 */
export async function dropFile(
  store: FileStore,
  settings: DropValues,
  message: Message,
  signal: AbortSignal,
): Promise<void> {
  const folder = await settings.folder.render(message);
  const name = await settings.name.render(message);
  if (settings.marker !== undefined && markerName(settings.marker, name) === name) throw sameName();
  const placed = await dropAs({ store, settings, message, folder, name }, signal);
  if (settings.marker === undefined) return;
  // A try of which only the marker failed finds its file, and comes to this point again.
  const marker = markerName(settings.marker, placed);
  const empty = { ...message, body: inlineBody(new Uint8Array()), size: 0 };
  const markerSettings = { ...settings, exists: 'replace' } as const;
  await dropAs({ store, settings: markerSettings, message: empty, folder, name: marker }, signal);
}

const sameName = (): SuspendError =>
  new SuspendError(
    'The marker of this file would have the name of the file. Correct the setting marker, and resend.',
  );

/** @returns the name of the file, which has a number if that is wanted and there was one of its name */
async function dropAs(
  { store, settings, message, folder, name }: Omit<Placement, 'temporary' | 'left'>,
  signal: AbortSignal,
): Promise<string> {
  checkFileName(name);
  const earlier = openTries(message);
  const temporaryOf = (tries: number): string =>
    temporaryPath(settings.temporary, { folder, name, message, earlier: tries });
  const temporary = temporaryOf(earlier);
  const left = Array.from({ length: Math.min(earlier, MOST_LEFT) }, (_, n) =>
    temporaryOf(earlier - 1 - n),
  );
  const drop = new Drop({ store, settings, message, folder, name, temporary, left });
  // from the beginning: whoever waits may give it up while the peer does not answer
  open.set(message, earlier + 1);
  try {
    await drop.run(signal);
    return drop.placed;
  } catch (error) {
    // nothing of it is under way any more
    if (isAnswer(error) && open.get(message) === earlier + 1) open.set(message, earlier);
    throw asRefused(error, settings.denied);
  }
}

/** Whether the peer has answered all of a try. */
const isAnswer = (error: unknown): boolean =>
  error instanceof FileError || error instanceof SuspendError;

/** One message, and where it goes. */
interface Placement {
  readonly store: FileStore;
  readonly settings: DropValues;
  readonly message: Message;
  readonly folder: string;
  readonly name: string;
  readonly temporary: string;
  /** Temporary files of earlier tries, the last one first. */
  readonly left: readonly string[];
}

class Drop {
  readonly #placement: Placement;
  /** The name under which the message is there, once it is. */
  placed: string;

  constructor(placement: Placement) {
    this.#placement = placement;
    this.placed = placement.name;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { settings, left } = this.#placement;
    // without its file an earlier try gives it no name any more
    const [last] = left;
    if (last !== undefined) await this.#remove(last);
    const found = this.#mayBeThere() ? await this.#find() : 'none';
    if (found === 'other' && settings.exists === 'suspend') throw this.#taken();
    if (found !== 'ours') await this.#put(signal);
    for (const path of left) {
      await this.#remove(path);
      // what it had moved aside, if it ended before it could remove that
      if (settings.exists === 'replace') await this.#remove(asideOf(path));
    }
  }

  async #put(signal: AbortSignal): Promise<void> {
    await this.#write(signal);
    try {
      await this.#rename(signal);
    } catch (error) {
      await this.#settle(error);
    }
  }

  async #remove(path: string): Promise<void> {
    await this.#placement.store.remove(path).catch(leftBehind);
  }

  /** After a rename that failed: whether the message is there anyway, or why not. */
  async #settle(refusal: unknown): Promise<void> {
    const { settings, temporary } = this.#placement;
    if (refusal instanceof NotConnectedError) throw refusal;
    const taken = isFileProblem(refusal, 'exists');
    const ours = taken && settings.exists === 'suspend' && (await this.#find()) === 'ours';
    if (isFileProblem(refusal, 'missing') && (await this.#isTakenAway())) throw this.#takenAway();
    await this.#remove(temporary);
    if (ours) return;
    throw taken ? this.#taken() : refusal;
  }

  /** Whether what was written, and confirmed, is gone from a folder that is there. */
  async #isTakenAway(): Promise<boolean> {
    const { store, folder, temporary } = this.#placement;
    if ((await store.facts(temporary)) !== undefined) return false;
    try {
      await store.list(folder);
      return true;
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      // one that may only be written to is there
      return error.problem === 'denied';
    }
  }

  /**
   * Whether to look for the file before sending. The rename decides in the end; looking first costs
   * a round trip and may save sending a large body for nothing. Two messages may have the same
   * bytes: so where names are numbered or replaced, only a try with an unknown outcome is looked
   * for.
   */
  #mayBeThere(): boolean {
    const { settings, message } = this.#placement;
    if (message.possibleDuplicate === true || unsure.has(message)) return true;
    return settings.exists === 'suspend' && message.body.size > WORTH_A_LOOK;
  }

  async #write(signal: AbortSignal): Promise<void> {
    const { store, settings, message, folder, temporary } = this.#placement;
    try {
      await store.write(temporary, message.body.stream(), signal);
    } catch (error) {
      if (isFileProblem(error, 'missing') && settings.makeFolder) {
        await store.makeFolder(folder);
        await store.makeFolder(posix.dirname(temporary));
        await store.write(temporary, message.body.stream(), signal);
        return;
      }
      if (!(error instanceof NotConnectedError)) {
        await this.#remove(temporary);
      }
      throw error;
    }
  }

  async #rename(signal: AbortSignal): Promise<void> {
    const { store, settings, message, folder, name, temporary } = this.#placement;
    signal.throwIfAborted();
    // Until the peer has answered, even if nobody waits for the answer any more.
    unsure.add(message);
    try {
      if (settings.exists === 'replace') await this.#replace();
      else if (settings.exists === 'number') await this.#number();
      else await store.rename(temporary, inFolder(folder, name));
    } catch (error) {
      if (!(error instanceof NotConnectedError)) unsure.delete(message);
      throw error;
    }
  }

  /** If the peer cannot replace in one step, the old file is kept under another name until the new one is in place. */
  async #replace(): Promise<void> {
    const { store, folder, name, temporary } = this.#placement;
    const path = inFolder(folder, name);
    try {
      await store.replace(temporary, path);
      return;
    } catch (error) {
      if (!isFileProblem(error, 'unsupported')) throw error;
    }
    const old = asideOf(temporary);
    await store.remove(old);
    const hadOne = await moved(store, path, old);
    try {
      await store.rename(temporary, path);
    } catch (error) {
      if (hadOne && !(error instanceof NotConnectedError)) {
        await store.rename(old, path).catch(leftBehind);
      }
      throw error;
    }
    await store.remove(old);
  }

  async #number(): Promise<void> {
    const { store, folder, name, temporary } = this.#placement;
    for (let number = 0; number < MOST_NUMBERS; number++) {
      try {
        this.placed = numbered(name, number);
        await store.rename(temporary, inFolder(folder, this.placed));
        return;
      } catch (error) {
        if (!isFileProblem(error, 'exists')) throw error;
      }
    }
    throw this.#taken();
  }

  /** What already has the name of the message: the message itself, put there by an earlier try, or another file. */
  async #find(): Promise<'ours' | 'other' | 'none'> {
    const { store, settings, message, folder, name } = this.#placement;
    const most = settings.exists === 'number' ? MOST_NUMBERS : 1;
    for (let number = 0; number < most; number++) {
      const path = inFolder(folder, numbered(name, number));
      if ((await store.facts(path)) === undefined) return number === 0 ? 'none' : 'other';
      if (!(await hasSameBytes(store, path, message.body))) continue;
      this.placed = numbered(name, number);
      return 'ours';
    }
    return 'other';
  }

  /** How the folder is called in texts: a name that comes from a message may be a patient's. */
  #where(): string {
    const { folder } = this.#placement.settings;
    return folder.isFixed && folder.top !== '' ? folder.top : 'the folder';
  }

  #takenAway(): FileError {
    const text = `A file that was written to ${this.#where()} was gone before it got its name: a program there takes files that are still being written, and may have it. Have that program pass over such names, or change temporary.`;
    // what `denied` says holds for it too: each further try may be one more copy
    return new FileError('missing', text);
  }

  #taken(): SuspendError {
    return new SuspendError(
      `A file of this name with other content is already in ${this.#where()}. Remove it, or set exists to replace or number, and resend.`,
    );
  }
}

/** Where the replaced file is until the new one is in place. */
const asideOf = (temporary: string): string => `${temporary}.old`;

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
  Record<Exclude<WhenRefused, 'retry'>, new (message: string, detail: ErrorDetail) => Error>
> = { suspend: SuspendError, reject: RejectedError, stop: DisableError };

/** A forbidden path or a missing folder is the same for every message: the production says what that means. */
export function asRefused(error: unknown, denied: WhenRefused): unknown {
  if (denied === 'retry' || !(error instanceof FileError)) return error;
  if (!isFileProblem(error, 'denied', 'missing')) return error;
  return new REFUSED[denied](error.message, {
    cause: error,
    ...(error.detail !== undefined && { detail: error.detail }),
  });
}
