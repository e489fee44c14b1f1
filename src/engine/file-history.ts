import { createHash } from 'node:crypto';
import type { FileBrief, FileText, VersionBrief } from '../control/file-orders.ts';
import type { Definition } from '../definition/definition.ts';
import type { CheckOrder, FileEdit, FilesOf } from '../definition/history/checked-files.ts';
import { commitOf } from '../definition/history/commit-of.ts';
import type { KeptVersion } from '../definition/history/kept-version.ts';
import {
  contentsOf,
  filesOf,
  isEditable,
  writtenFilesIn,
  yamlFilesIn,
} from '../definition/history/production-files.ts';
import { type Contents, checkBelow } from '../definition/history/staged-folder.ts';
import type { VersionStore } from '../definition/history/version-store.ts';
import { versionOf } from '../definition/version-of.ts';
import { EngineError } from '../error/engine-error.ts';
import type { AppliedHow } from './reload.ts';

/** The prefix of the name of what was on disk and never ran. */
export const ASIDE = 'aside-';
/** Bytes of the largest file that can be shown and edited: it has to fit into a request. */
const LARGEST_SHOWN = 400 * 1024;

export interface FileHistoryOptions {
  readonly store: VersionStore;
  readonly folder: string;
  readonly overlays: readonly string[];
  readonly running: () => Definition;
}

/** The content of the production's files, now and in each applied version. */
export class FileHistory {
  readonly #parts: FileHistoryOptions;

  constructor(parts: FileHistoryOptions) {
    this.#parts = parts;
  }

  /** Stores what has just been applied, unless it equals the last stored version. */
  async keep(definition: Definition, how: AppliedHow): Promise<void> {
    const { store, folder } = this.#parts;
    const version = versionOf(definition);
    const last = (await store.list()).findLast(({ origin }) => origin !== 'set-aside');
    if (last?.version === version) return;
    const [files, commit] = await Promise.all([
      contentsOf(folder, filesOf(definition)),
      commitOf(folder),
    ]);
    await store.keep({ ...how, version, at: Date.now(), commit, files });
  }

  /** Stores what is on disk and never ran, before it is overwritten. */
  async setAside(paths: readonly string[], by: string): Promise<void> {
    const { store, folder, running } = this.#parts;
    const files = await contentsOf(folder, [...new Set([...filesOf(running()), ...paths])]);
    const last = (await store.list()).at(-1);
    const same = [...files].every(([path, bytes]) => last?.files[path]?.hash === hashOf(bytes));
    if (same && last !== undefined) return;
    const all = createHash('sha256');
    for (const [path, bytes] of files) all.update(`${path} ${hashOf(bytes)}\n`);
    const version = `${ASIDE}${all.digest('base64url').slice(0, 10)}`;
    const commit = await commitOf(folder);
    await store.keep({
      version,
      at: Date.now(),
      by,
      origin: 'set-aside',
      commit,
      warnings: 0,
      files,
    });
  }

  /** Newest first. */
  async list(): Promise<readonly VersionBrief[]> {
    const all = await this.#parts.store.list();
    return all.toReversed().map(({ files, ...one }) => ({
      ...one,
      files: Object.keys(files).length,
    }));
  }

  async files(of: FilesOf): Promise<readonly FileBrief[]> {
    const kept = await this.#kept(of);
    if (kept === undefined) {
      const { folder, overlays, running } = this.#parts;
      const paths = new Set([...filesOf(running()), ...(await writtenFilesIn(folder, overlays))]);
      const found = await contentsOf(folder, [...paths].toSorted());
      return [...found].map(([path, bytes]) => briefOf(path, hashOf(bytes), bytes.byteLength));
    }
    return Object.entries(kept.files).map(([path, { hash, bytes }]) => briefOf(path, hash, bytes));
  }

  /** Throws NOT_FOUND for a path that is not a file of the production. */
  async text(of: FilesOf, path: string): Promise<FileText> {
    const { store, folder } = this.#parts;
    const kept = await this.#kept(of);
    const file = (await this.files(of)).find((one) => one.path === path);
    if (file === undefined)
      throw new EngineError('NOT_FOUND', `${path} is no file of the production`);
    if (file.bytes > LARGEST_SHOWN) return { ...file, text: undefined };
    const bytes =
      kept === undefined ? (await contentsOf(folder, [path])).get(path) : await store.content(file);
    return { ...file, text: bytes === undefined ? undefined : textIn(bytes) };
  }

  /** The contents to stage for a check. */
  async contents(
    order: CheckOrder,
  ): Promise<{ readonly before: Contents; readonly after: Contents }> {
    const after = new Map(await this.#contents(order.after));
    for (const edit of order.edits ?? []) after.set(edit.path, bytesOf(edit));
    return { before: await this.#contents(order.before), after };
  }

  /** The contents to write to restore a version on disk. */
  async wayBack(version: string): Promise<Contents> {
    const { folder, overlays } = this.#parts;
    const wanted = await this.#contents(version);
    const now = await contentsOf(folder, [...wanted.keys()]);
    // other YAML in the folder does not belong to the production
    const included = new Set(await writtenFilesIn(folder, overlays));
    return new Map(
      [...wanted].filter(
        ([path, bytes]) =>
          !isSame(now.get(path), bytes) && (bytes !== undefined || included.has(path)),
      ),
    );
  }

  async #contents(of: FilesOf): Promise<Contents> {
    const kept = await this.#kept(of);
    if (kept === undefined) return new Map();
    const { store, folder } = this.#parts;
    const contents = new Map<string, Uint8Array | undefined>();
    // a production may include any YAML there
    for (const path of await yamlFilesIn(folder)) contents.set(path, undefined);
    for (const [path, file] of Object.entries(kept.files))
      if (!path.startsWith('..')) contents.set(path, await store.content(file));
    return contents;
  }

  async #kept(of: FilesOf): Promise<KeptVersion | undefined> {
    if (of === 'disk') return undefined;
    const { store, running } = this.#parts;
    return store.find(of === 'running' ? versionOf(running()) : of);
  }
}

const briefOf = (path: string, hash: string, bytes: number): FileBrief => ({
  path,
  hash,
  bytes,
  editable: isEditable(path) && !path.startsWith('..'),
});

/** Checks what a person wants to write, and returns its bytes. Throws CONFIG_INVALID. */
export function bytesOf({ path, text }: FileEdit): Uint8Array | undefined {
  checkBelow(path);
  if (!isEditable(path))
    throw new EngineError(
      'CONFIG_INVALID',
      `${path} cannot be changed here: only YAML and tables are; code is changed on the machine`,
    );
  return text === undefined ? undefined : Buffer.from(text);
}

export const hashOf = (bytes: Uint8Array): string =>
  createHash('sha256').update(bytes).digest('hex');

function isSame(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return Buffer.from(a).equals(b);
}

/** Undefined if it is not UTF-8 text. */
function textIn(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // TypeError: it is shown as a file without a text
    return undefined;
  }
}
