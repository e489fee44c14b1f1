import { posix } from 'node:path';
import { type Client, type FileInfo, FileType } from 'basic-ftp';
import {
  type FileEntry,
  type FileError,
  type FileFacts,
  type FileProblem,
  type FileStore,
  isFileProblem,
} from 'waybill/peer';
import { type Doing, fileFailure, ownFailure, problemOf, replyCode } from './ftps-failure.ts';
import type { FtpsSession } from './ftps-session.ts';
import { listTime } from './list-time.ts';
import { readFile } from './read-file.ts';
import { writeFile } from './write-file.ts';

/** The files of an FTP server, as picking up and dropping see them. */
export class FtpsStore implements FileStore {
  readonly #session: FtpsSession;

  constructor(session: FtpsSession) {
    this.#session = session;
  }

  async list(folder: string): Promise<readonly FileEntry[]> {
    const path = this.#absolute(folder);
    // Many servers answer LIST of a missing folder with an empty list, and take a path for a pattern.
    const entries = await this.#tried('list', path, async (client) => {
      await client.cd(path);
      const listed = await client.list();
      // vsftpd lists nothing, and calls that a success, where it may not look.
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
      // 550 and nothing else: a folder, or nothing there.
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
    // FTP servers write over what is there; between this look and the rename somebody may come first.
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
      // Some servers never write over a file.
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
      // What fails here is to enter a folder: there is none, or it is closed to us.
      const problem = replyCode(error) === 550 && doing === 'list' ? entering(error) : undefined;
      throw this.#failure(error, doing, path, problem);
    }
  }

  #failure(error: unknown, doing: Doing, path: string, problem = problemOf(error)): unknown {
    return fileFailure(error, { place: this.#session.facts.place, doing, path }, problem);
  }

  /** A refusal of our own. */
  #own(doing: Doing, path: string, problem: FileProblem): FileError {
    return ownFailure({ place: this.#session.facts.place, doing, path }, problem);
  }

  /** A refusal without a reason: whether its folder can be entered tells a wrong path from a missing permission. */
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
