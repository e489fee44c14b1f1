import type { Stats } from 'ssh2';
import { toldElsewhere } from 'waybill/adapter';
import { FileError, type FileFacts } from 'waybill/peer';
import { partSize } from './server-traits.ts';
import { codeOf } from './sftp-failure.ts';
import type { SftpSession } from './sftp-session.ts';

/** How much is asked for at once, and how many requests are under way: without this each request waits for the last one's round trip. */
const WINDOW = 2 * 1024 * 1024;
const END_OF_FILE = 1;

/** Reads a file with many requests under way, in order. Ends with `changed` if it is not as expected at its end. */
export async function* readFile(
  session: SftpSession,
  path: string,
  expected: FileFacts,
): AsyncGenerator<Uint8Array, void, undefined> {
  const handle = await session.request<Buffer>((sftp, done) => sftp.open(path, 'r', done));
  const reading = new Reading(session, handle, expected.size);
  try {
    for (let part = reading.next(); part !== undefined; part = reading.next()) {
      const bytes = await part;
      yield bytes;
    }
    const stats = await reading.stats;
    const same = stats.size === expected.size && stats.mtime * 1_000 === expected.modified;
    if (!same) throw changed();
  } finally {
    // Nothing was written, so how closing ends does not matter.
    session.request((sftp, done) => sftp.close(handle, done)).catch(() => undefined);
  }
}

function changed(): FileError {
  return new FileError(
    'changed',
    'The file was changed while it was read. It is read again when it has come to rest.',
  );
}

class Reading {
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
    // Asked together with the last parts: it saves a round trip for each file.
    if (this.#position >= this.#size) this.#stats ??= watched(this.#stat());
    return this.#asked.shift();
  }

  get stats(): Promise<Stats> {
    return (this.#stats ??= this.#stat());
  }

  #stat(): Promise<Stats> {
    return this.#session.request<Stats>((sftp, done) => sftp.fstat(this.#handle, done));
  }

  /** A server may give less than was asked for. */
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

/** Asked for ahead: if it fails before anybody waits for it, that is told when somebody does. */
function watched<Value>(promise: Promise<Value>): Promise<Value> {
  promise.catch(toldElsewhere);
  return promise;
}
