import {
  type FileHandle,
  lstat,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  rmdir,
  stat,
} from 'node:fs/promises';
import { join, posix } from 'node:path';
import ssh2, { type Attributes, type FileEntry, type SFTPWrapper } from 'ssh2';
import { background } from '../src/error/background.ts';

const { STATUS_CODE, OPEN_MODE } = ssh2.utils.sftp;

/** One request, before it is carried out. */
export interface SftpRequest {
  /** `OPEN`, `READ`, `RENAME` … as in the SFTP draft. */
  readonly name: string;
  /** Its path; empty for a request on an open file. */
  readonly path: string;
}

/**
 * Decides about a request: undefined carries it out; a number answers with that status, optionally
 * with a text; `die-before` and `die-after` break the connection without an answer, before or after
 * carrying it out; `silent` never answers.
 */
export type Interception = (
  request: SftpRequest,
) => undefined | Refusal | 'die-before' | 'die-after' | 'silent';

export interface Refusal {
  readonly status: number;
  readonly text?: string;
}

export interface Serving {
  readonly folder: string;
  readonly overwrites: boolean;
  readonly intercept: Interception;
  /** Breaks the connection. */
  die(): void;
}

type Answer = (sftp: SFTPWrapper, id: number) => void;

interface Opened {
  readonly file?: FileHandle;
  /** The rest of a listing. */
  entries?: FileEntry[];
}

/** Serves a folder on one SFTP channel. */
export function serveFiles(sftp: SFTPWrapper, serving: Serving): void {
  const files = new Files(serving);
  sftp.on('error', () => undefined);
  sftp.on('close', () => background(files.close(), 'closing files'));
  for (const [name, run] of Object.entries(files.requests)) {
    sftp.on(name, (id: number, ...given: unknown[]) => {
      background(answer(sftp, id, { name, given, run, serving }), 'answering over SFTP');
    });
  }
}

interface Asked {
  readonly name: string;
  readonly given: readonly unknown[];
  readonly run: (...given: never[]) => Promise<Answer>;
  readonly serving: Serving;
}

async function answer(sftp: SFTPWrapper, id: number, asked: Asked): Promise<void> {
  const { name, given, run, serving } = asked;
  const verdict = serving.intercept({ name, path: typeof given[0] === 'string' ? given[0] : '' });
  if (verdict === 'silent') return;
  if (verdict === 'die-before') return serving.die();
  if (typeof verdict === 'object') return refuse(sftp, id, verdict);
  try {
    const reply = await run(...(given as never[]));
    if (verdict === 'die-after') return serving.die();
    reply(sftp, id);
  } catch (error) {
    sftp.status(id, statusOf(error));
  }
}

/** Any code, even one of later drafts; the library only sends those of version 3. */
function refuse(sftp: SFTPWrapper, id: number, { status, text = '' }: Refusal): void {
  if (status <= 8) return sftp.status(id, status, text);
  const words = Buffer.from(text);
  const packet = Buffer.alloc(21 + words.length);
  packet.writeUInt32BE(packet.length - 4, 0);
  packet.writeUInt8(STATUS, 4);
  packet.writeUInt32BE(id, 5);
  packet.writeUInt32BE(status, 9);
  packet.writeUInt32BE(words.length, 13);
  words.copy(packet, 17);
  const { _protocol: protocol, outgoing } = sftp as unknown as Channel;
  protocol.channelData(outgoing.id, packet);
}

/** The number of a status packet. */
const STATUS = 101;

/** Private properties of the library's channel. */
interface Channel {
  readonly _protocol: { channelData(id: number, packet: Buffer): void };
  readonly outgoing: { readonly id: number };
}

const done: Answer = (sftp, id) => sftp.status(id, STATUS_CODE.OK);
const ended: Answer = (sftp, id) => sftp.status(id, STATUS_CODE.EOF);

function statusOf(error: unknown): number {
  const { code } = error as { code?: string };
  if (code === 'ENOENT') return STATUS_CODE.NO_SUCH_FILE;
  return code === 'EACCES' || code === 'EPERM'
    ? STATUS_CODE.PERMISSION_DENIED
    : STATUS_CODE.FAILURE;
}

class Files {
  readonly #folder: string;
  readonly #overwrites: boolean;
  readonly #open = new Map<string, Opened>();
  #handles = 0;

  constructor({ folder, overwrites }: Serving) {
    this.#folder = folder;
    this.#overwrites = overwrites;
  }

  readonly requests: Readonly<Record<string, (...given: never[]) => Promise<Answer>>> = {
    REALPATH: async (path: string) =>
      named([{ filename: virtual(path), longname: '', attrs: NONE }]),
    STAT: async (path: string) => attributes(await stat(this.#real(path))),
    LSTAT: async (path: string) => attributes(await lstat(this.#real(path))),
    FSTAT: async (handle: Buffer) => attributes(await this.#file(handle).stat()),
    SETSTAT: async () => done,
    FSETSTAT: async (handle: Buffer, { mode }: Partial<Attributes>) => {
      if (mode !== undefined) await this.#file(handle).chmod(mode & 0o7777);
      return done;
    },
    OPEN: async (path: string, flags: number) =>
      this.#handle({ file: await open(this.#real(path), modeOf(flags)) }),
    OPENDIR: async (path: string) => this.#handle({ entries: await this.#entries(path) }),
    READDIR: async (handle: Buffer) => {
      const opened = this.#open.get(handle.toString());
      const entries = opened?.entries?.splice(0, 100) ?? [];
      return entries.length === 0 ? ended : named(entries);
    },
    READ: async (handle: Buffer, offset: number, length: number) => {
      const buffer = Buffer.alloc(length);
      const { bytesRead } = await this.#file(handle).read(buffer, 0, length, offset);
      return bytesRead === 0 ? ended : (sftp, id) => sftp.data(id, buffer.subarray(0, bytesRead));
    },
    WRITE: async (handle: Buffer, offset: number, bytes: Buffer) => {
      await this.#file(handle).write(bytes, 0, bytes.length, offset);
      return done;
    },
    CLOSE: async (handle: Buffer) => {
      await this.#open.get(handle.toString())?.file?.close();
      this.#open.delete(handle.toString());
      return done;
    },
    REMOVE: async (path: string) => {
      await rm(this.#real(path));
      return done;
    },
    MKDIR: async (path: string) => {
      await mkdir(this.#real(path));
      return done;
    },
    RMDIR: async (path: string) => {
      await rmdir(this.#real(path));
      return done;
    },
    RENAME: async (from: string, to: string) => {
      // Version 3 never overwrites a file.
      const taken = await lstat(this.#real(to)).catch(() => undefined);
      if (taken !== undefined && !this.#overwrites) throw new Error('exists');
      await rename(this.#real(from), this.#real(to));
      return done;
    },
  };

  async close(): Promise<void> {
    for (const { file } of this.#open.values()) await file?.close();
    this.#open.clear();
  }

  #real(path: string): string {
    return join(this.#folder, virtual(path));
  }

  #file(handle: Buffer): FileHandle {
    const file = this.#open.get(handle.toString())?.file;
    if (file === undefined) throw new Error('no such handle');
    return file;
  }

  #handle(opened: Opened): Answer {
    const name = String(++this.#handles);
    this.#open.set(name, opened);
    return (sftp, id) => sftp.handle(id, Buffer.from(name));
  }

  async #entries(path: string): Promise<FileEntry[]> {
    const names = await readdir(this.#real(path));
    return await Promise.all(
      names.map(async (filename) => {
        const attrs = await lstat(this.#real(posix.join(path, filename)));
        return { filename, longname: '', attrs: attributesOf(attrs) };
      }),
    );
  }
}

const NONE: Attributes = { mode: 0, uid: 0, gid: 0, size: 0, atime: 0, mtime: 0 };

/** A path below the folder, regardless of any `..` in it. */
function virtual(path: string): string {
  return posix.join('/', path);
}

interface Known {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly atimeMs: number;
  readonly mtimeMs: number;
}

function attributesOf({ mode, uid, gid, size, atimeMs, mtimeMs }: Known): Attributes {
  return { mode, uid, gid, size, atime: seconds(atimeMs), mtime: seconds(mtimeMs) };
}

const seconds = (time: number): number => Math.floor(time / 1_000);

function attributes(known: Known): Answer {
  return (sftp, id) => sftp.attrs(id, attributesOf(known));
}

function named(entries: FileEntry[]): Answer {
  return (sftp, id) => sftp.name(id, entries);
}

function modeOf(flags: number): string {
  if ((flags & OPEN_MODE.WRITE) === 0) return 'r';
  const exclusive = (flags & OPEN_MODE.EXCL) === 0 ? '' : 'x';
  return (flags & OPEN_MODE.APPEND) === 0 ? `w${exclusive}` : `a${exclusive}`;
}
