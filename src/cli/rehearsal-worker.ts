import { type MessagePort, parentPort } from 'node:worker_threads';
import { adapterCatalogue } from '../../adapters/index.ts';
import { readProduction } from '../definition/read.ts';
import type { Rehearsal, RehearsalRequest } from '../definition/rehearsal.ts';
import { type Rehearser, rehearser } from '../definition/rehearse.ts';
import { background } from '../error/background.ts';
import { describeError } from '../error/engine-error.ts';
import { type LoadedTable, LoadedTables } from '../lookup/loaded-tables.ts';
import { beginSpareThread } from './spare-threads.ts';

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

/** What a thread is told: the files of a run, then each message of it. */
export type RehearsalWork = { readonly order: RehearsalOrder } | Tried;

/** The answer to each `Tried`, in their order; before the first of a run, that the files are read. */
export type TriedAnswer =
  | { readonly read: true }
  | { readonly result: Rehearsal }
  | { readonly failure: ReturnType<typeof describeError> };

if (parentPort !== null) serve(parentPort);

/** Reads the files of a run with its first message, and keeps to them until the next run. */
function serve(port: MessagePort): void {
  beginSpareThread(port);
  let read: () => Promise<Rehearser>;
  let reading: Promise<Rehearser> | undefined;
  const answer = async ({ request, body }: Tried): Promise<TriedAnswer> => {
    try {
      reading ??= read();
      const rehearse = await reading;
      port.postMessage({ read: true } satisfies TriedAnswer);
      return { result: await rehearse(request, body) };
    } catch (error) {
      return { failure: describeError(error) };
    }
  };
  port.on('message', (work: RehearsalWork) => {
    if ('order' in work) {
      read = () => filesOf(work.order);
      reading = undefined;
      return;
    }
    background(
      answer(work).then((told) => port.postMessage(told)),
      'trying a message with the files',
    );
  });
}

function filesOf({ folder, overlays, environment, loaded }: RehearsalOrder): Promise<Rehearser> {
  return rehearser((clock) =>
    // it signs in nowhere, so no secret has to be there
    readProduction(folder, {
      adapters: adapterCatalogue,
      overlays,
      ...(environment !== undefined && { environment }),
      loaded: new LoadedTables(loaded),
      clock,
      assume: true,
    }),
  );
}
