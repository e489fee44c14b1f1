import { mkdir, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Changed, ChangeOrder } from '../control/file-orders.ts';
import { commitFiles, commitOf } from '../definition/history/commit-of.ts';
import { contentsOf } from '../definition/history/production-files.ts';
import type { Contents } from '../definition/history/staged-folder.ts';
import { describeError, EngineError } from '../error/engine-error.ts';
import { isSystemError, tolerate } from '../error/foreseen.ts';
import type { Events } from '../log/events.ts';
import { isInside } from '../time/inside-folder.ts';
import { ASIDE, bytesOf, type FileHistory, hashOf } from './file-history.ts';
import type { Reload } from './reload.ts';

export interface ChangeFilesOptions {
  readonly folder: string;
  readonly history: FileHistory;
  readonly reload: Reload;
  readonly events: Pick<Events, 'told'>;
}

/**
 * Writes files of the production and applies them, as one step: if they are refused, the previous
 * content is restored. Throws CONFIG_CHANGED if a file differs from what its editor had seen.
 */
export async function changeFiles(
  { folder, history, reload, events }: ChangeFilesOptions,
  order: ChangeOrder,
): Promise<Changed> {
  const { by, reason, version, leaveWaiting } = order;
  let written: readonly string[] = [];
  const reloaded = await reload(
    {
      dryRun: false,
      by,
      reason,
      leaveWaiting,
      // what was set aside never had a version of its own
      expected: version?.startsWith(ASIDE) === true ? undefined : version,
      origin: version === undefined ? 'edit' : 'roll-back',
    },
    async () => {
      const wanted =
        version === undefined ? await edited(folder, order) : await history.wayBack(version);
      written = [...wanted.keys()];
      for (const path of written) await checkInside(folder, path);
      const before = await contentsOf(folder, written);
      await history.setAside(written, by);
      const undo = async (): Promise<void> => {
        for (const path of written) await write(folder, path, before.get(path));
      };
      try {
        for (const [path, bytes] of wanted) await write(folder, path, bytes);
      } catch (error) {
        await undo();
        throw notWritten(error);
      }
      return undo;
    },
  );
  if (written.length > 0) await committed(folder, written, { order, events });
  return { ...reloaded, written };
}

/** The contents to write for somebody's edits. */
async function edited(folder: string, { edits = [] }: ChangeOrder): Promise<Contents> {
  const now = await contentsOf(
    folder,
    edits.map(({ path }) => path),
  );
  const wanted = new Map<string, Uint8Array | undefined>();
  for (const edit of edits) {
    const bytes = bytesOf(edit);
    const there = now.get(edit.path);
    const hash = there === undefined ? undefined : hashOf(there);
    // another engine on the same folder was faster
    if (bytes === undefined ? hash === undefined : hash === hashOf(bytes)) continue;
    if (hash !== edit.was)
      throw new EngineError(
        'CONFIG_CHANGED',
        `${edit.path} was changed by somebody else since it was opened: look at it again`,
      );
    wanted.set(edit.path, bytes);
  }
  return wanted;
}

/** A link in the folder must not lead writes out of it. */
async function checkInside(folder: string, path: string): Promise<void> {
  if (await isInside(folder, join(folder, path))) return;
  throw new EngineError('CONFIG_INVALID', `${path} leads out of the production's folder`);
}

/** A reader sees the old content or the new one. */
async function write(folder: string, path: string, bytes: Uint8Array | undefined): Promise<void> {
  const file = join(folder, path);
  if (bytes === undefined) return rm(file, { force: true });
  await mkdir(dirname(file), { recursive: true });
  const target = await realpath(file).catch((error: unknown) =>
    tolerate(error, (one) => isSystemError(one, 'ENOENT'), 'looking where a file lies'),
  );
  const mode = target === undefined ? undefined : (await stat(target)).mode;
  const next = `${target ?? file}.waybill-new`;
  await writeFile(next, bytes, { flush: true, ...(mode === undefined ? {} : { mode }) });
  return rename(next, target ?? file);
}

function notWritten(error: unknown): EngineError {
  const { text } = describeError(error);
  return new EngineError(
    'CONFIG_INVALID',
    `the files could not be written: ${text}. Nothing was changed; give the account that Waybill runs under the right to write into the production's folder`,
  );
}

/** A failed commit undoes nothing: what is running matches the files. */
async function committed(
  folder: string,
  written: readonly string[],
  { order, events }: { readonly order: ChangeOrder; readonly events: Pick<Events, 'told'> },
): Promise<void> {
  if ((await commitOf(folder)) === undefined) return;
  const { by, reason } = order;
  await commitFiles(folder, written, { by, reason }).catch((error: unknown) => {
    const { code } = describeError(error);
    const text = `What was changed runs, but git did not take it (${code}): commit ${written.join(', ')} by hand`;
    events.told('', 'warn', 'change-not-committed', text);
  });
}
