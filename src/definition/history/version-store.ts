import { createHash } from 'node:crypto';
import { appendFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PRIVATE_FILE, PRIVATE_FOLDER } from '../../database/private-files.ts';
import { EngineError } from '../../error/engine-error.ts';
import { isSystemError, toldElsewhere, tolerate } from '../../error/foreseen.ts';
import type { KeptFile, KeptVersion, NewVersion } from './kept-version.ts';

/**
 * What was applied, kept below the engine's data folder: `history/versions.jsonl` has a line for each version,
 * `history/files/` each content once, under its hash. Every engine keeps its own.
 */
export interface VersionStore {
  /** Oldest first. */
  list(): Promise<readonly KeptVersion[]>;
  /** The newest one of that version. Throws NOT_FOUND. */
  find(version: string): Promise<KeptVersion>;
  /** Throws NOT_FOUND where the content was removed by hand. */
  content(file: KeptFile): Promise<Uint8Array>;
  keep(version: NewVersion): Promise<void>;
}

/** The most versions that are kept, and the most bytes of their files; the newest two stay whatever they take. */
const MOST = 500;
const BYTES = 1024 ** 3;
const ALWAYS = 2;

export function versionStore(data: string, most = { versions: MOST, bytes: BYTES }): VersionStore {
  const folder = join(data, 'history');
  const lines = join(folder, 'versions.jsonl');
  const pathOf = (hash: string): string => join(folder, 'files', hash);
  let turn: Promise<unknown> = Promise.resolve();
  const list = async (): Promise<KeptVersion[]> => {
    const text = await readFile(lines, 'utf8').catch((error: unknown) =>
      tolerate(error, isSystemError, 'reading the kept versions'),
    );
    return (text ?? '').split('\n').flatMap((line) => versionOfLine(line) ?? []);
  };
  const keep = async ({ files, ...version }: NewVersion): Promise<void> => {
    await mkdir(join(folder, 'files'), { recursive: true, mode: PRIVATE_FOLDER });
    const kept: Record<string, KeptFile> = {};
    for (const [path, bytes] of files) {
      const hash = createHash('sha256').update(bytes).digest('hex');
      kept[path] = { hash, bytes: bytes.byteLength };
      await writeOnce(pathOf(hash), bytes);
    }
    // on a line of its own also after one that a loss of power has cut
    const line = `\n${JSON.stringify({ ...version, files: kept } satisfies KeptVersion)}\n`;
    await appendFile(lines, line, { mode: PRIVATE_FILE, flush: true });
    const all = await list();
    const stay = bounded(all, most);
    if (stay.length < all.length) await forget(stay, { folder, lines });
  };
  return {
    list,
    async find(wanted) {
      const found = (await list()).findLast(({ version }) => version === wanted);
      if (found === undefined) throw unknown(`the version ${wanted} is not kept`);
      return found;
    },
    async content({ hash }) {
      const bytes = await readFile(pathOf(hash)).catch((error: unknown) =>
        tolerate(error, (one) => isSystemError(one, 'ENOENT'), 'reading a kept file'),
      );
      if (bytes === undefined) throw unknown('the content of a file of this version is gone');
      return bytes;
    },
    keep(version) {
      const mine = turn.then(() => keep(version));
      turn = mine.catch(toldElsewhere);
      return mine;
    },
  };
}

/** A line that a loss of power has cut is left out. */
function versionOfLine(line: string): KeptVersion | undefined {
  if (line === '') return undefined;
  try {
    return JSON.parse(line) as KeptVersion;
  } catch {
    // SyntaxError: what was written next begins on a line of its own
    return undefined;
  }
}

/** Another version may hold the same content. */
async function writeOnce(path: string, bytes: Uint8Array): Promise<void> {
  try {
    await writeFile(`${path}.new`, bytes, { mode: PRIVATE_FILE, flush: true, flag: 'wx' });
  } catch (error) {
    if (!isSystemError(error, 'EEXIST')) throw error;
    // left by a process that was killed
    await rm(`${path}.new`);
    return writeOnce(path, bytes);
  }
  return rename(`${path}.new`, path);
}

/** The newest that fit. */
function bounded(
  all: readonly KeptVersion[],
  { versions, bytes }: { readonly versions: number; readonly bytes: number },
): readonly KeptVersion[] {
  const seen = new Set<string>();
  let sum = 0;
  for (let at = all.length - 1; at >= 0; at--) {
    for (const { hash, bytes: size } of Object.values(all[at]?.files ?? {})) {
      if (!seen.has(hash)) sum += size;
      seen.add(hash);
    }
    const count = all.length - at;
    if (count > ALWAYS && (count > versions || sum > bytes)) return all.slice(at + 1);
  }
  return all;
}

async function forget(
  stay: readonly KeptVersion[],
  { folder, lines }: { readonly folder: string; readonly lines: string },
): Promise<void> {
  const text = stay.map((one) => `${JSON.stringify(one)}\n`).join('');
  await writeFile(`${lines}.new`, text, { mode: PRIVATE_FILE, flush: true });
  await rename(`${lines}.new`, lines);
  const used = new Set(stay.flatMap(({ files }) => Object.values(files).map(({ hash }) => hash)));
  for (const name of await readdir(join(folder, 'files')))
    if (!used.has(name)) await rm(join(folder, 'files', name), { force: true });
}

const unknown = (what: string): EngineError =>
  new EngineError('NOT_FOUND', `${what}: look at the history for those that are`);
