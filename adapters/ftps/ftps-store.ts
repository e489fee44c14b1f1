import { once } from 'node:events';
import { posix } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { type Client, type FileInfo, FileType } from 'basic-ftp';
import { background, isTold } from 'waybill/adapter';
import { inFlight } from 'waybill/peer/basics';
import {
  type FileEntry,
  FileError,
  type FileFacts,
  type FileProblem,
  type FileStore,
  isFileProblem,
} from 'waybill/peer/folder';
import { type Doing, fileFailure, ownFailure, problemOf, replyCode } from './ftps-failure.ts';
import type { FtpsSession } from './ftps-session.ts';

/** The files of an FTP server, as picking up and dropping see them. */
export class FtpsStore implements FileStore {
  readonly #session: FtpsSession;

  constructor(session: FtpsSession) {
    this.#session = session;
  }

  async list(folder: string): Promise<readonly FileEntry[]> {
    const path = this.#absolute(folder);
    // Many servers answer LIST for a missing folder with an empty list, and treat a path as a
    // pattern.
    const entries = await this.#tried('list', path, async (client) => {
      await client.cd(path);
      const listed = await client.list();
      // vsftpd lists nothing, and reports success, where it may not look.
      if (/failed to open/i.test(this.#session.lastReply)) throw this.#own('list', path, 'denied');
      return listed;
    });
    return entries.filter(({ name }) => isSane(name)).map(entryOf);
  }

  async facts(path: string): Promise<FileFacts | undefined> {
    const absolute = this.#absolute(path);
    let size: number;
    try {
      size = await this.#session.run((client) => client.size(absolute));
    } catch (error) {
      const problem = problemOf(error);
      if (problem === 'unsupported') return await this.#listedFacts(absolute);
      // Only 550: a folder, or nothing there.
      if (problem !== undefined && (replyCode(error) ?? 0) >= 550) return undefined;
      throw this.#failure(error, 'look at', absolute);
    }
    try {
      const modified = await this.#session.run((client) => client.lastMod(absolute));
      if (!Number.isNaN(modified.getTime())) return { size, modified: modified.getTime() };
    } catch (error) {
      if (replyCode(error) === undefined) throw error;
    }
    return await this.#listedFacts(absolute);
  }

  async *read(path: string, expected: FileFacts): AsyncGenerator<Uint8Array, void, undefined> {
    const absolute = this.#absolute(path);
    try {
      yield* readFile(this.#session, absolute, expected);
    } catch (error) {
      throw await this.#told(error, 'read', absolute);
    }
    const now = await this.facts(path);
    if (now?.size !== expected.size || now.modified !== expected.modified) {
      throw this.#own('read', absolute, 'changed');
    }
  }

  async write(path: string, body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    const absolute = this.#absolute(path);
    try {
      await writeFile(this.#session, absolute, body, signal);
    } catch (error) {
      throw await this.#told(error, 'write', absolute);
    }
  }

  async rename(from: string, to: string): Promise<void> {
    // FTP servers overwrite what is there; between this look and the rename somebody may be faster.
    const taken = await this.facts(to);
    const target = this.#absolute(to);
    if (taken !== undefined) throw this.#own('rename', target, 'exists');
    await this.#move(from, to);
  }

  async replace(from: string, to: string): Promise<void> {
    try {
      await this.#move(from, to);
    } catch (error) {
      if (!isFileProblem(error, 'failed', 'denied', 'exists')) throw error;
      // Some servers never overwrite a file.
      if ((await this.facts(to)) === undefined) throw error;
      throw this.#own('rename', this.#absolute(to), 'unsupported');
    }
  }

  async remove(path: string): Promise<void> {
    const absolute = this.#absolute(path);
    try {
      await this.#session.run((client) => client.remove(absolute));
    } catch (error) {
      if (replyCode(error) === undefined) throw error;
      if ((await this.facts(path)) === undefined) return;
      throw await this.#told(error, 'delete', absolute);
    }
  }

  async makeFolder(path: string): Promise<void> {
    const absolute = this.#absolute(path);
    await this.#tried('make', absolute, (client) => client.ensureDir(absolute));
  }

  async #move(from: string, to: string): Promise<void> {
    const target = this.#absolute(to);
    try {
      await this.#session.run((client) => client.rename(this.#absolute(from), target));
    } catch (error) {
      throw await this.#told(error, 'rename', target);
    }
  }

  /** The listing changes the server's current folder, so every path is absolute. */
  #absolute(path: string): string {
    return posix.resolve(this.#session.facts.start, path);
  }

  async #tried<Value>(
    doing: Doing,
    path: string,
    work: (client: Client) => Promise<Value>,
  ): Promise<Value> {
    try {
      return await this.#session.run(work);
    } catch (error) {
      // What fails here is entering the folder: it does not exist, or is closed to us.
      const problem = replyCode(error) === 550 && doing === 'list' ? entering(error) : undefined;
      throw this.#failure(error, doing, path, problem);
    }
  }

  #failure(error: unknown, doing: Doing, path: string, problem = problemOf(error)): unknown {
    return fileFailure(error, { place: this.#session.facts.place, doing, path }, problem);
  }

  /** A refusal by us. */
  #own(doing: Doing, path: string, problem: FileProblem): FileError {
    return ownFailure({ place: this.#session.facts.place, doing, path }, problem);
  }

  /**
   * A refusal without a reason: whether the folder can be entered distinguishes a wrong path from a
   * missing permission.
   */
  async #told(error: unknown, doing: Doing, path: string): Promise<unknown> {
    const problem = problemOf(error);
    const code = replyCode(error);
    if (problem !== 'failed' || code === undefined || code < 550) {
      return this.#failure(error, doing, path);
    }
    try {
      await this.#session.run((client) => client.cd(posix.dirname(path)));
    } catch (left) {
      return replyCode(left) === undefined ? left : this.#failure(error, doing, path, 'missing');
    }
    return this.#failure(error, doing, path, 'denied');
  }

  /** For servers without SIZE or MDTM. */
  async #listedFacts(path: string): Promise<FileFacts | undefined> {
    const name = posix.basename(path);
    try {
      const entries = await this.list(posix.dirname(path));
      return entries.find((entry) => entry.name === name && entry.kind === 'file');
    } catch (error) {
      if (isFileProblem(error, 'missing')) return undefined;
      throw error;
    }
  }
}

function entering(error: unknown): 'denied' | 'missing' {
  return problemOf(error) === 'denied' ? 'denied' : 'missing';
}

function isSane(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\r\n\0]/.test(name);
}

function entryOf({ name, type, size, modifiedAt, rawModifiedAt }: FileInfo): FileEntry {
  const kind = type === FileType.File ? 'file' : type === FileType.Directory ? 'folder' : 'other';
  return modifiedAt === undefined
    ? { name, kind, size, modified: listTime(rawModifiedAt), rough: true }
    : { name, kind, size, modified: modifiedAt.getTime() };
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/**
 * The time in a line of `LIST`, which has no seconds, often no year and an unknown time zone: good
 * enough to sort by. Milliseconds since 1970, or 0 if it cannot be parsed.
 */
export function listTime(text: string, now = Date.now()): number {
  return unixTime(text, now) ?? dosTime(text) ?? 0;
}

/** `Nov 24 12:00` of the last twelve months, or `Nov 24 2024`. */
function unixTime(text: string, now: number): number | undefined {
  const [, name = '', day, hour, minute, year] =
    /^([a-z]{3})\s+(\d{1,2})\s+(?:(\d{1,2}):(\d{2})|(\d{4}))$/i.exec(text.trim()) ?? [];
  const month = MONTHS.indexOf(name.toLowerCase());
  if (month < 0) return undefined;
  if (year !== undefined) return Date.UTC(Number(year), month, Number(day));
  const inYear = (one: number): number =>
    Date.UTC(one, month, Number(day), Number(hour), Number(minute));
  const thisYear = new Date(now).getUTCFullYear();
  // A day of slack for time zones.
  return inYear(thisYear) > now + 86_400_000 ? inYear(thisYear - 1) : inYear(thisYear);
}

/** `11-24-26 03:07PM` or `11-24-2026 15:07`. */
function dosTime(text: string): number | undefined {
  const [, month, day, year, hour, minute, half] =
    /^(\d{1,2})-(\d{1,2})-(\d{2}|\d{4})\s+(\d{1,2}):(\d{2})\s*([AP]M)?$/i.exec(text.trim()) ?? [];
  if (month === undefined) return undefined;
  const century = year?.length === 2 ? 2_000 : 0;
  const twelve = half === undefined ? Number(hour) : Number(hour) % 12;
  const afternoon = half?.toUpperCase() === 'PM' ? 12 : 0;
  return Date.UTC(
    century + Number(year),
    Number(month) - 1,
    Number(day),
    twelve + afternoon,
    Number(minute),
  );
}

/** How many bytes are fetched ahead of the reader. */
const AHEAD = 1024 * 1024;

/**
 * Fetches a file as fast as it is read. Ends with `changed` if its length is not the expected one:
 * a transfer that the server interrupts may look like a complete file. A reader that stops early
 * costs the connection, since FTP cannot stop a transfer otherwise.
 */
async function* readFile(
  session: FtpsSession,
  path: string,
  expected: FileFacts,
): AsyncGenerator<Uint8Array, void, undefined> {
  // Destroyed without an error: the library would close the client at an error, before the server
  // has said why.
  const through = new PassThrough({
    highWaterMark: AHEAD,
    destroy: (_error, done) => done(null),
  });
  const fetched = session.run((client) => client.downloadTo(through, path));
  // the reader notices the end of the stream, and asks for the reason
  fetched.catch(() => through.destroy());
  let size = 0;
  try {
    for await (const chunk of through as AsyncIterable<Uint8Array>) {
      size += chunk.byteLength;
      yield chunk;
    }
  } catch (error) {
    // The end of the transfer tells why it broke off.
    await fetched;
    throw error;
  } finally {
    through.destroy();
  }
  // The stream may end before the server says whether it succeeded.
  await fetched;
  if (size !== expected.size) {
    throw new FileError(
      'changed',
      'The file was changed while it was read. It is read again once it no longer changes.',
    );
  }
}

/**
 * Sends a file and resolves once the server has all of it. A body that breaks off, or a signal that
 * aborts, ends the transfer as if the file were shorter: the connection stays usable, so that the
 * piece can be deleted; then that error is thrown.
 */
async function writeFile(
  session: FtpsSession,
  path: string,
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  const source = new Source(body, signal);
  const stored = await session.run(async (client) => {
    await client.uploadFrom(quiet(withReadyEnd(source, client)), path);
    if (source.failure !== undefined) return source.size;
    return await sizeOf(() => client.size(path), source.size);
  });
  if (source.failure !== undefined) throw source.failure;
  if (stored !== source.size) {
    throw new FileError(
      'failed',
      `The server holds ${stored} bytes of the ${source.size} that were sent. It is retried; its disk may be full.`,
    );
  }
}

/**
 * A stream that is destroyed without an error: the library would close the client at an error,
 * before the server has said why.
 */
function quiet(chunks: AsyncGenerator<Uint8Array, void, undefined>): Readable {
  return new Readable({
    read() {
      background(pushNext(this, chunks), 'reading a body to be written');
    },
    destroy(_error, done) {
      background(chunks.return(), 'abandoning the body of a file');
      done(null);
    },
  });
}

async function pushNext(
  stream: Readable,
  chunks: AsyncGenerator<Uint8Array, void, undefined>,
): Promise<void> {
  const { done, value } = await chunks.next();
  stream.push(done === true ? null : value);
}

/**
 * A data connection that is closed before its TLS handshake is over breaks, and takes the control
 * connection with it. The library begins an upload that early; only an empty file ends so soon.
 */
async function* withReadyEnd(
  source: Source,
  client: Client,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* source.chunks();
  const { dataSocket } = client.ftp;
  if (source.size > 0 || !(dataSocket instanceof TLSSocket)) return;
  // The upload itself reports errors of the handshake.
  if (isSecuring(dataSocket)) await once(dataSocket, 'secureConnect').catch(() => undefined);
  // The last message of the handshake is sent in this turn of the event loop.
  await new Promise((resolve) => setImmediate(resolve));
}

/** Node's own mark; there is no public way to ask. */
function isSecuring(socket: TLSSocket): boolean {
  return Reflect.get(socket, 'secureConnecting') === true;
}

/** A server without SIZE is trusted to have what it confirmed. */
async function sizeOf(ask: () => Promise<number>, sent: number): Promise<number> {
  try {
    return await ask();
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === 500 || code === 502 || code === 504) return sent;
    throw error;
  }
}

/** The body as a source that never fails: it ends, and remembers why. */
class Source {
  readonly #body: AsyncIterable<Uint8Array>;
  readonly #signal: AbortSignal;
  size = 0;
  failure: Error | undefined;

  constructor(body: AsyncIterable<Uint8Array>, signal: AbortSignal) {
    this.#body = body;
    this.#signal = signal;
  }

  async *chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    const chunks = this.#body[Symbol.asyncIterator]();
    const waiting = inFlight();
    try {
      for (;;) {
        const { done, value } = await waiting.until(this.#signal, () => chunks.next());
        if (done === true) return;
        this.size += value.byteLength;
        yield value;
      }
    } catch (error) {
      this.failure = error instanceof Error ? error : new Error('the body broke off');
    } finally {
      // Not awaited: a stalled body would hold up the end.
      const given = chunks.return?.();
      if (given !== undefined) background(given, 'abandoning the body of a file', isTold);
    }
  }
}
