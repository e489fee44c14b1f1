import { setPriority } from 'node:os';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { adapterCatalogue } from '../../adapters/index.ts';
import { checkFiles, type FilesToCheck } from '../definition/history/check-files.ts';
import type { CheckedFiles } from '../definition/history/checked-files.ts';
import { background } from '../error/background.ts';
import { describeError } from '../error/engine-error.ts';
import { type LoadedTable, LoadedTables } from '../lookup/loaded-tables.ts';

/** What the engine's thread hands one in which files are checked. */
export interface FilesCheck extends FilesToCheck {
  readonly overlays: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>> | undefined;
  /** The rows of code tables that the engine has loaded. */
  readonly loaded: ReadonlyMap<string, LoadedTable>;
}

export type FilesChecked =
  | { readonly result: CheckedFiles }
  | { readonly failure: ReturnType<typeof describeError> };

/** Yields to the engine's thread, as the operator plane does. */
const NICENESS = 10;

if (parentPort !== null) {
  if (process.platform === 'linux') setPriority(0, NICENESS);
  background(answer(parentPort, workerData as FilesCheck), 'checking files of the production');
}

async function answer(
  port: MessagePort,
  { overlays, environment, loaded, ...files }: FilesCheck,
): Promise<void> {
  const tables = new LoadedTables();
  for (const [name, table] of loaded) tables.fill(name, table);
  const told: FilesChecked = await checkFiles(files, {
    adapters: adapterCatalogue,
    overlays,
    ...(environment !== undefined && { environment }),
    loaded: tables,
  }).then(
    (result) => ({ result }),
    (error: unknown) => ({ failure: describeError(error) }),
  );
  port.postMessage(told);
}
