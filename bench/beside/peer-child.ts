import { once } from 'node:events';
import { say } from '../../src/cli/output.ts';
import { PEERS } from './every-peer.ts';
import { type Load, type Measured, measured } from './measured.ts';

/**
 * Measures the subjects of one peer in a process of its own, and tells its parent: what others left in memory and in the
 * compiler counts for nobody, and a subject that hangs can be ended.
 */
export interface Order {
  readonly peer: string;
  /** A part of the names of those that are wanted. */
  readonly what: string;
  /** Those that an earlier process has measured, or has failed at. */
  readonly done: readonly string[];
  readonly load: Load;
}

export type Told =
  | { readonly kind: 'begun'; readonly what: string; readonly left: number }
  | { readonly kind: 'alive' }
  | { readonly kind: 'measured'; readonly measured: Measured }
  /** After all, or at one that failed: what that left undone shall not disturb the next. */
  | { readonly kind: 'ended'; readonly why?: string };

/** Nothing hangs: the next turn has its own time. */
const alive = (): void => tell({ kind: 'alive' });
const tell = (told: Told): void => void process.send?.(told);
const stopping = new AsyncDisposableStack();

async function work({ peer, what: wanted, done, load }: Order): Promise<void> {
  const start = await PEERS[peer]?.();
  if (start === undefined) throw new Error(`there is no peer ${peer}`);
  const { subjects } = stopping.use(await start());
  const chosen = subjects.filter(({ what }) => what.includes(wanted) && !done.includes(what));
  for (const [at, subject] of chosen.entries()) {
    const { what } = subject;
    tell({ kind: 'begun', what, left: chosen.length - at });
    tell({ kind: 'measured', measured: await measured(subject, load, alive) });
  }
}

async function end(): Promise<void> {
  await stopping.disposeAsync();
  process.exit();
}

/** By its parent, or without it. */
for (const name of ['SIGTERM', 'disconnect'] as const) process.once(name, () => void end());
const [order] = (await once(process, 'message')) as [Order];
try {
  await work(order);
  tell({ kind: 'ended' });
} catch (error) {
  const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
  say(why);
  tell({ kind: 'ended', why: why.split('\n', 1).join() });
}
