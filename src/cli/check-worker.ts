import { parentPort } from 'node:worker_threads';
import { adapterCatalogue } from '../../adapters/index.ts';
import { checkFiles, type FilesToCheck } from '../definition/history/check-files.ts';
import type { CheckedFiles } from '../definition/history/checked-files.ts';
import { background } from '../error/background.ts';
import { describeError } from '../error/engine-error.ts';
import { type LoadedTable, LoadedTables } from '../lookup/loaded-tables.ts';
import { beginSpareThread } from './spare-threads.ts';

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

const port = parentPort;
if (port !== null) {
  beginSpareThread(port);
  // one after the other
  port.on('message', (order: FilesCheck) =>
    background(
      checked(order).then((told) => port.postMessage(told)),
      'checking files of the production',
    ),
  );
}

async function checked({
  overlays,
  environment,
  loaded,
  ...files
}: FilesCheck): Promise<FilesChecked> {
  try {
    const result = await checkFiles(files, {
      adapters: adapterCatalogue,
      overlays,
      ...(environment !== undefined && { environment }),
      loaded: new LoadedTables(loaded),
    });
    return { result };
  } catch (error) {
    return { failure: describeError(error) };
  }
}
