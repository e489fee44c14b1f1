import { flushCompileCache } from 'node:module';
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import type { ConsoleSettings } from '../access/sign-in/console-settings.ts';
import type { NatsAccess } from '../broker/embedded/nats-server.ts';
import { background } from '../error/background.ts';
import { describeError } from '../error/engine-error.ts';
import { unexpected } from '../error/unexpected.ts';
import { logUnexpected } from '../log/log-unexpected.ts';
import { type LoggedEvent, rootLogger } from '../log/logger.ts';
import type { ConsoleOptions } from './console.ts';
import { startOperator, type TraceEncryption } from './operator-plane.ts';

/** What the main thread passes to the operator plane when starting it in its own thread. */
export interface OperatorOrder {
  readonly access: NatsAccess;
  readonly production: string;
  readonly data: string;
  readonly trace: string | undefined;
  readonly encryption?: TraceEncryption | undefined;
  readonly search: readonly (readonly [string, string])[];
  readonly keep: number;
  readonly logLevel: string;
  /** Where the API and the console listen; undefined starts none. */
  readonly console?: ConsoleOrder | undefined;
}

/** The part of `ConsoleOptions` that can be passed to a thread. */
export type ConsoleOrder = Pick<
  ConsoleOptions,
  'host' | 'port' | 'tls' | 'trustedProxies' | 'consoleFolder' | 'settingsFile' | 'held'
>;

/**
 * The thread's reports: `ready` once the trace is being built, `failed` if it cannot be, `stopped` at the end, and what it
 * logs as a warning or an error, to be counted.
 */
export type OperatorNews =
  | {
      readonly kind: 'ready';
      readonly url: string | undefined;
      readonly firstCode?: string | undefined;
      readonly settings?: ConsoleSettings | undefined;
    }
  | { readonly kind: 'failed'; readonly code: string; readonly text: string }
  | ({ readonly kind: 'event' } & LoggedEvent)
  | { readonly kind: 'stopped' };

/** What may be passed to another thread: a function in it is `never`, and so an error of its own. */
type Cloneable<T> = T extends (...given: never) => unknown
  ? never
  : T extends ReadonlyMap<unknown, unknown> | ReadonlySet<unknown> | Uint8Array | Date
    ? T
    : T extends object
      ? { [Key in keyof T]: Cloneable<T[Key]> }
      : T;

/**
 * How much this thread yields to the engine's if there is not enough CPU for both: messages go
 * first, and the trace catches up. Linux has priorities per thread; elsewhere this would also
 * affect the engine.
 */
const NICENESS = 5;

const port = parentPort;
if (port !== null) {
  if (process.platform === 'linux') setPriority(0, NICENESS);
  const tell = (news: Cloneable<OperatorNews>): void => port.postMessage(news);
  const { search, logLevel, ...order } = workerData as OperatorOrder;
  const log = rootLogger(logLevel, undefined, (event) => tell({ kind: 'event', ...event }));
  logUnexpected(log);
  // only this work was interrupted; any other error ends the thread, which is then restarted
  process.on('unhandledRejection', (reason) => {
    unexpected('running something that was not awaited', reason);
  });
  try {
    const plane = await startOperator({ ...order, search: new Map(search), log });
    port.once('message', () => {
      const stopped = plane
        .stop()
        .then(() => tell({ kind: 'stopped' }))
        .finally(() => port.close());
      background(stopped, 'stopping the operator plane');
    });
    const { api, firstCode, settings } = plane;
    tell({ kind: 'ready', url: api?.url, firstCode, settings });
    // otherwise node holds the compiled code that it has read until this thread ends
    flushCompileCache();
  } catch (error) {
    const { code, text } = describeError(error);
    tell({ kind: 'failed', code, text });
    port.close();
  }
}
