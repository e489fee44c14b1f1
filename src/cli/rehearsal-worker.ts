import { setPriority } from 'node:os';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { adapterCatalogue } from '../../adapters/index.ts';
import { readProduction } from '../definition/read.ts';
import type { Rehearsal, RehearsalRequest } from '../definition/rehearsal.ts';
import { type Rehearser, rehearser } from '../definition/rehearse.ts';
import { background } from '../error/background.ts';
import { describeError } from '../error/engine-error.ts';
import { type LoadedTable, LoadedTables } from '../lookup/loaded-tables.ts';

/** What the engine's thread hands one in which messages are tried. */
export interface RehearsalOrder {
  /** The production's folder. */
  readonly folder: string;
  readonly overlays: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>> | undefined;
  /** The rows of code tables that the engine has loaded. */
  readonly loaded: ReadonlyMap<string, LoadedTable>;
}

export interface Tried {
  readonly request: RehearsalRequest;
  readonly body: Uint8Array;
}

/** The answer to each `Tried`, in their order; before the first, that the files are read. */
export type TriedAnswer =
  | { readonly read: true }
  | { readonly result: Rehearsal }
  | {
      readonly failure: {
        readonly code: string;
        readonly text: string;
        readonly retryable: boolean;
      };
    };

/** Yields to the engine's thread, as the operator plane does. */
const NICENESS = 10;

if (parentPort !== null) {
  if (process.platform === 'linux') setPriority(0, NICENESS);
  serve(parentPort, workerData as RehearsalOrder);
}

/** Reads the files with the first message, and keeps to them. */
function serve(port: MessagePort, order: RehearsalOrder): void {
  const { folder, overlays, environment } = order;
  let reading: Promise<Rehearser> | undefined;
  const answer = async ({ request, body }: Tried): Promise<TriedAnswer> => {
    try {
      reading ??= rehearser((clock) =>
        // nobody is signed in to: no secret has to be there
        readProduction(folder, {
          adapters: adapterCatalogue,
          overlays,
          ...(environment !== undefined && { environment }),
          loaded: tablesOf(order),
          clock,
          assume: true,
        }),
      );
      const rehearse = await reading;
      port.postMessage({ read: true } satisfies TriedAnswer);
      return { result: await rehearse(request, body) };
    } catch (error) {
      return { failure: describeError(error) };
    }
  };
  port.on('message', (tried: Tried) =>
    background(
      answer(tried).then((told) => port.postMessage(told)),
      'trying a message with the files',
    ),
  );
}

function tablesOf({ loaded }: Pick<RehearsalOrder, 'loaded'>): LoadedTables {
  const tables = new LoadedTables();
  for (const [name, table] of loaded) tables.fill(name, table);
  return tables;
}
