import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Stats } from 'ssh2';
import { background } from 'waybill/adapter';
import { asBuffer, inFlight } from 'waybill/peer/basics';
import { FileError } from 'waybill/peer/folder';
import { doesInOrder, partSize } from './server-traits.ts';
import { problemOf } from './sftp-failure.ts';
import type { SftpSession } from './sftp-session.ts';

/** How many bytes may be in flight without an answer. */
const WINDOW = 2 * 1024 * 1024;

export interface WriteFileOptions {
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
export async function writeFile(
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
