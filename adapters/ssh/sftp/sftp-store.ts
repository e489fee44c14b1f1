import { posix } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { FileEntryWithStats, Stats } from 'ssh2';
import { background, toldElsewhere } from 'waybill/adapter';
import { asBuffer, inFlight } from 'waybill/peer/basics';
import {
  type FileEntry,
  FileError,
  type FileFacts,
  type FileStore,
  inFolder,
  isFileProblem,
} from 'waybill/peer/folder';
import { codeOf, type Doing, fileFailure, problemOf } from './sftp-failure.ts';
import type { SftpSession } from './sftp-session.ts';

/** Codes of the protocol; servers of version 3 send only the first. */
const UNSUPPORTED = 8;
const EXISTS = 11;
const DISK_FULL = 14;
/** How many links of a folder are looked at together. */
const AT_ONCE = 64;

export interface SftpStoreOptions {
  readonly writing?: WriteFileOptions | undefined;
  /** Whether a link to a file or folder counts as what it points to. */
  readonly followLinks?: boolean | undefined;
}

const WRITING: WriteFileOptions = { mode: undefined, sync: true };

/** The files of an SFTP server, as picking up and dropping see them. */
export class SftpStore implements FileStore {
  readonly #session: SftpSession;
  readonly #writing: WriteFileOptions;
  readonly #followLinks: boolean;

  constructor(
    session: SftpSession,
    { writing = WRITING, followLinks = true }: SftpStoreOptions = {},
  ) {
    this.#session = session;
    this.#writing = writing;
    this.#followLinks = followLinks;
  }

  async list(folder: string): Promise<readonly FileEntry[]> {
    const entries = await this.#tried('list', folder, () =>
      this.#session.request<FileEntryWithStats[]>((sftp, done) =>
        sftp.readdir(folder || '.', done),
      ),
    );
    const sane = entries.filter(({ filename }) => filename !== '' && !filename.includes('/'));
    const listed: FileEntry[] = [];
    for (let at = 0; at < sane.length; at += AT_ONCE) {
      const some = sane.slice(at, at + AT_ONCE);
      listed.push(...(await Promise.all(some.map((entry) => this.#entry(folder, entry)))));
    }
    return listed;
  }

  async real(folder: string): Promise<string | undefined> {
    try {
      return await this.#tried('look at', folder, () =>
        this.#session.request<string>((sftp, done) => sftp.realpath(folder || '.', done)),
      );
    } catch (error) {
      if (!isFileProblem(error, 'missing', 'denied', 'failed', 'unsupported')) throw error;
      return undefined;
    }
  }

  async facts(path: string): Promise<FileFacts | undefined> {
    try {
      return factsOf(await this.#stat(path));
    } catch (error) {
      if (isFileProblem(error, 'missing')) return undefined;
      throw error;
    }
  }

  async *read(path: string, expected: FileFacts): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* readFile(this.#session, path, expected);
    } catch (error) {
      throw this.#failure(error, 'read', path);
    }
  }

  async write(path: string, body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    try {
      await writeFile(this.#session, path, body, { ...this.#writing, signal });
    } catch (error) {
      throw await this.#explained(error, path);
    }
  }

  async rename(from: string, to: string): Promise<void> {
    // Between this look and the rename somebody may be faster.
    if (!keepsWhatIsThere(this.#session) && (await this.facts(to)) !== undefined) {
      throw this.#failure({ code: EXISTS }, 'rename', to);
    }
    try {
      await this.#tried('rename', to, () =>
        this.#session.request((sftp, done) => sftp.rename(from, to, done)),
      );
    } catch (error) {
      // Version 3 has no code for a name that is taken.
      if (!isFileProblem(error, 'failed')) throw error;
      if ((await this.facts(to)) === undefined) throw error;
      throw new FileError('exists', (error as Error).message, { cause: error });
    }
  }

  async replace(from: string, to: string): Promise<void> {
    try {
      await this.#tried('rename', to, () =>
        this.#session.request((sftp, done) => sftp.ext_openssh_rename(from, to, done)),
      );
    } catch (error) {
      // Some have the function but never overwrite a file.
      if (!isFileProblem(error, 'failed', 'exists')) throw error;
      if ((await this.facts(to)) === undefined) throw error;
      throw this.#failure({ code: UNSUPPORTED }, 'rename', to);
    }
  }

  async remove(path: string): Promise<void> {
    try {
      await this.#tried('delete', path, () =>
        this.#session.request((sftp, done) => sftp.unlink(path, done)),
      );
    } catch (error) {
      if (!isFileProblem(error, 'missing')) throw error;
    }
  }

  async makeFolder(path: string): Promise<void> {
    if (path === '' || path === '.' || path === '/' || (await this.#isFolder(path))) return;
    await this.makeFolder(posix.dirname(path));
    try {
      await this.#tried('make', path, () =>
        this.#session.request((sftp, done) => sftp.mkdir(path, done)),
      );
    } catch (error) {
      // Somebody else may have made it at the same time.
      if (!(await this.#isFolder(path))) throw error;
    }
  }

  async #isFolder(path: string): Promise<boolean> {
    try {
      return (await this.#stat(path)).isDirectory();
    } catch (error) {
      if (isFileProblem(error, 'missing')) return false;
      throw error;
    }
  }

  #stat(path: string): Promise<Stats> {
    return this.#tried('look at', path, () =>
      this.#session.request<Stats>((sftp, done) => sftp.stat(path || '.', done)),
    );
  }

  async #entry(
    folder: string,
    { filename: name, longname, attrs }: FileEntryWithStats,
  ): Promise<FileEntry> {
    const kind = kindOf(attrs, longname);
    if (kind !== 'link') return { name, kind, ...factsOf(attrs) };
    if (!this.#followLinks) return { name, kind: 'other', ...factsOf(attrs) };
    try {
      const stats = await this.#stat(inFolder(folder, name));
      const behind = kindOf(stats, '');
      return { name, kind: behind === 'link' ? 'other' : behind, linked: true, ...factsOf(stats) };
    } catch (error) {
      // A dangling link is not a file; a lost connection is reported.
      if (!isFileProblem(error, 'missing', 'denied', 'failed')) throw error;
      return { name, kind: 'other', ...factsOf(attrs) };
    }
  }

  async #tried<Value>(doing: Doing, path: string, run: () => Promise<Value>): Promise<Value> {
    try {
      return await run();
    } catch (error) {
      throw this.#failure(error, doing, path);
    }
  }

  #failure(error: unknown, doing: Doing, path: string): unknown {
    return fileFailure(error, { place: this.#session.facts.place, doing, path });
  }

  /** For a full disk, a server only says "failure"; many report the free space when asked. */
  async #explained(error: unknown, path: string): Promise<unknown> {
    const failure = this.#failure(error, 'write', path);
    if (!isFileProblem(failure, 'failed')) return failure;
    try {
      const folder = posix.dirname(path);
      const room = await this.#session.request<{ f_bavail?: number }>((sftp, done) =>
        sftp.ext_openssh_statvfs(folder, done),
      );
      const full = room.f_bavail === 0;
      return full ? this.#failure({ code: DISK_FULL }, 'write', path) : failure;
    } catch {
      // a server without this request: the first error is reported
      return failure;
    }
  }
}

function factsOf({ size, mtime }: Pick<Stats, 'size' | 'mtime'>): FileFacts {
  return { size, modified: mtime * 1_000 };
}

/** By the mode; some servers leave it out of a listing and put it only into the long name. */
function kindOf(
  { mode }: Pick<Stats, 'mode'>,
  longname: string,
): 'file' | 'folder' | 'link' | 'other' {
  const bits = (mode ?? 0) & 0o170000;
  if (bits === 0o120000 || (bits === 0 && longname.startsWith('l'))) return 'link';
  if (bits === 0o040000 || (bits === 0 && longname.startsWith('d'))) return 'folder';
  return bits === 0o100000 || (bits === 0 && longname.startsWith('-')) ? 'file' : 'other';
}

/**
 * How much is requested at once, and how many requests are in flight: otherwise each request would
 * wait for a round trip.
 */
const WINDOW = 2 * 1024 * 1024;
const END_OF_FILE = 1;

/** Reads a file with many requests in flight, in order. Ends with `changed` if it is not as expected at its end. */
async function* readFile(
  session: SftpSession,
  path: string,
  expected: FileFacts,
): AsyncGenerator<Uint8Array, void, undefined> {
  const handle = await session.request<Buffer>((sftp, done) => sftp.open(path, 'r', done));
  const reading = new FileReading(session, handle, expected.size);
  try {
    for (let part = reading.next(); part !== undefined; part = reading.next()) {
      const bytes = await part;
      yield bytes;
    }
    const stats = await reading.stats;
    const same = stats.size === expected.size && stats.mtime * 1_000 === expected.modified;
    if (!same) throw changed();
  } finally {
    // Nothing was written, so it does not matter how closing ends.
    session.request((sftp, done) => sftp.close(handle, done)).catch(() => undefined);
  }
}

function changed(): FileError {
  return new FileError(
    'changed',
    'The file was changed while it was read. It is read again once it no longer changes.',
  );
}

class FileReading {
  readonly #session: SftpSession;
  readonly #handle: Buffer;
  readonly #size: number;
  readonly #part: number;
  readonly #asked: Promise<Uint8Array>[] = [];
  #stats: Promise<Stats> | undefined;
  #position = 0;

  constructor(session: SftpSession, handle: Buffer, size: number) {
    this.#session = session;
    this.#handle = handle;
    this.#size = size;
    this.#part = partSize(session);
  }

  /** The next part of the file; undefined after the last. */
  next(): Promise<Uint8Array> | undefined {
    const most = Math.max(1, Math.floor(WINDOW / this.#part));
    while (this.#asked.length < most && this.#position < this.#size) {
      const length = Math.min(this.#part, this.#size - this.#position);
      this.#asked.push(watched(this.#read(this.#position, length)));
      this.#position += length;
    }
    // Requested together with the last parts: it saves a round trip for each file.
    if (this.#position >= this.#size) this.#stats ??= watched(this.#stat());
    return this.#asked.shift();
  }

  get stats(): Promise<Stats> {
    return (this.#stats ??= this.#stat());
  }

  #stat(): Promise<Stats> {
    return this.#session.request<Stats>((sftp, done) => sftp.fstat(this.#handle, done));
  }

  /** A server may return less than requested. */
  async #read(position: number, length: number): Promise<Uint8Array> {
    const buffer = Buffer.allocUnsafe(length);
    for (let filled = 0; filled < length; ) {
      const got = await this.#ask(buffer, filled, position + filled);
      if (got === 0) throw changed();
      filled += got;
    }
    return buffer;
  }

  async #ask(buffer: Buffer, offset: number, position: number): Promise<number> {
    try {
      return await this.#session.request<number>((sftp, done) =>
        sftp.read(this.#handle, buffer, offset, buffer.length - offset, position, done),
      );
    } catch (error) {
      if (codeOf(error) === END_OF_FILE) return 0;
      throw error;
    }
  }
}

/** Requested ahead: if it fails before anybody waits for it, the waiter gets the error. */
function watched<Value>(promise: Promise<Value>): Promise<Value> {
  promise.catch(toldElsewhere);
  return promise;
}

interface WriteFileOptions {
  /** Permission bits; undefined leaves them to the server. */
  readonly mode: number | undefined;
  /** Asks the server to sync the file to its disk before the end, if it can. */
  readonly sync: boolean;
}

/**
 * Writes a file and resolves once the server has confirmed every byte, and has as many as were
 * sent. (The library's `put` resolves on a full disk: its stream drops the error.) Rejects with
 * what the server answered, or with the reason of the signal.
 */
async function writeFile(
  session: SftpSession,
  path: string,
  body: AsyncIterable<Uint8Array>,
  { signal, ...options }: WriteFileOptions & { readonly signal: AbortSignal },
): Promise<void> {
  const { mode } = options;
  const handle = await session.request<Buffer>((sftp, done) =>
    mode === undefined ? sftp.open(path, 'w', done) : sftp.open(path, 'w', { mode }, done),
  );
  const writing = new Writing(session, handle);
  let open = true;
  const close = (): Promise<void> => {
    // Never twice: the server reuses the handle of a closed file for the next one.
    open = false;
    return session.request((sftp, done) => sftp.close(handle, done));
  };
  try {
    // A stalled body would hold up the end of the pipeline, even after an abort.
    await inFlight().until(signal, () =>
      pipeline(Readable.from(body), (chunks) => writing.all(chunks), { signal }),
    );
    await finish(session, handle, { ...options, size: writing.size, close });
  } catch (error) {
    // The file is abandoned: it does not matter how closing ends.
    if (open) close().catch(() => undefined);
    throw error;
  }
}

/** Sends the parts of a file without waiting for each answer. */
class Writing {
  readonly #session: SftpSession;
  readonly #handle: Buffer;
  readonly #part: number;
  #position = 0;
  #underWay = 0;
  #failure: Error | undefined;
  #answered: () => void = () => undefined;

  constructor(session: SftpSession, handle: Buffer) {
    this.#session = session;
    this.#handle = handle;
    this.#part = partSize(session);
  }

  /** Bytes sent. */
  get size(): number {
    return this.#position;
  }

  /** Resolves once every part is confirmed. */
  async all(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const chunk of chunks) {
      for (let at = 0; at < chunk.byteLength; at += this.#part) {
        await this.#fallBelow(WINDOW);
        background(this.#write(chunk.subarray(at, at + this.#part)), 'writing a part of a file');
      }
    }
    await this.#fallBelow(1);
  }

  async #write(part: Uint8Array): Promise<void> {
    const position = this.#position;
    this.#position += part.byteLength;
    this.#underWay += part.byteLength;
    const bytes = asBuffer(part);
    try {
      await this.#session.request((sftp, done) =>
        sftp.write(this.#handle, bytes, 0, bytes.length, position, done),
      );
    } catch (error) {
      this.#failure ??= error as Error;
    }
    this.#underWay -= part.byteLength;
    this.#answered();
  }

  async #fallBelow(bytes: number): Promise<void> {
    while (this.#failure === undefined && this.#underWay >= bytes) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#answered = resolve;
      await promise;
    }
    if (this.#failure !== undefined) throw this.#failure;
  }
}

interface Finish extends WriteFileOptions {
  readonly size: number;
  readonly close: () => Promise<void>;
}

/** Syncs the file to disk, checks its size and closes it, in as few round trips as possible. */
async function finish(
  session: SftpSession,
  handle: Buffer,
  { mode, sync, size, close }: Finish,
): Promise<void> {
  const asked = [
    session.request<Stats>((sftp, done) => sftp.fstat(handle, done)),
    // The mode given at opening is reduced by the server's umask.
    mode === undefined
      ? undefined
      : session.request((sftp, done) => sftp.fchmod(handle, mode, done)),
    sync ? synced(session, handle) : undefined,
  ] as const;
  // OpenSSH does one thing after another; another server might close the file before reporting its
  // size.
  const closing = doesInOrder(session) ? close() : undefined;
  const [stats] = await Promise.all([...asked, closing]);
  if (stats.size !== size) {
    throw new FileError(
      'failed',
      `The server has ${stats.size} bytes of the ${size} that it confirmed. It is retried; its disk may be full.`,
    );
  }
  if (closing === undefined) await close();
}

async function synced(session: SftpSession, handle: Buffer): Promise<void> {
  try {
    await session.request((sftp, done) => sftp.ext_openssh_fsync(handle, done));
  } catch (error) {
    // A server without the extension decides itself when to write to its disk.
    if (problemOf(error) !== 'unsupported') throw error;
  }
}

const isOpenSsh = ({ facts }: SftpSession): boolean => facts.software.startsWith('OpenSSH');

/** What one request may carry: OpenSSH accepts 255 KB, all other servers 32 KB including overhead. */
function partSize(session: SftpSession): number {
  return isOpenSsh(session) ? 255 * 1024 : 30 * 1024;
}

/** Whether a rename never overwrites a file, as version 3 says. Some servers other than OpenSSH do. */
const keepsWhatIsThere: (session: SftpSession) => boolean = isOpenSsh;

/** Whether pipelined requests are always processed in order. */
const doesInOrder: (session: SftpSession) => boolean = isOpenSsh;
