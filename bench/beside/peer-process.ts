import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { descendants, signal } from '../../sandbox/daemon.ts';
import { say } from '../../src/cli/output.ts';
import type { Measured } from './measured.ts';
import type { Order, Told } from './peer-child.ts';

/** A subject that could not be measured, or a peer that did not start. */
export interface Failed {
  readonly what: string;
  readonly why: string;
}

export type Outcome = Measured | Failed;

export interface Place {
  readonly tell: (outcome: Outcome) => void;
  /** Where its servers keep their files; also in the environment of everything it starts, which is known by it. */
  readonly folder: string;
  readonly stop: AbortSignal;
  /** Milliseconds for the start of a peer, and for one turn of one side. */
  readonly limit: number;
}

const CHILD = fileURLToPath(new URL('./peer-child.ts', import.meta.url));
/** Milliseconds for servers to end. */
const GO_DOWN = 15_000;

/** Measures the subjects of a peer. What fails, hangs or ends its process does not stop the others. */
export async function measurePeer(order: Omit<Order, 'done'>, place: Place): Promise<void> {
  const done: string[] = [];
  const tell = (outcome: Outcome): void => {
    done.push(outcome.what);
    place.tell(outcome);
  };
  for (let isLeft = true; isLeft && !place.stop.aborted; ) {
    isLeft = await oneProcess({ ...order, done }, { ...place, tell });
  }
}

/** Returns whether there are subjects that it did not come to. */
async function oneProcess(order: Order, place: Place): Promise<boolean> {
  const { tell, folder, stop, limit } = place;
  const child = fork(CHILD, {
    // not told of Ctrl-C, which is for us: its servers are ended in order
    detached: true,
    stdio: ['ignore', 2, 2, 'ipc'],
    env: { ...process.env, TMPDIR: folder },
  });
  let [now, left] = [order.peer, 0];
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const late = setTimeout(() => resolve(`took longer than ${limit / 1_000} s`), limit);
  child.on('message', (told: Told) => {
    late.refresh();
    if (told.kind === 'measured') tell(told.measured);
    else if (told.kind === 'ended') resolve(told.why);
    else if (told.kind === 'begun') {
      [now, left] = [told.what, told.left];
      say(`${now} …`);
    }
  });
  child.on('error', ({ message }) => resolve(message));
  child.on('exit', (code, name) => resolve(`its process ended (${name ?? code})`));
  const interrupt = (): void => resolve('interrupted');
  stop.addEventListener('abort', interrupt);
  child.send(order);
  const why = await promise;
  stop.removeEventListener('abort', interrupt);
  clearTimeout(late);
  await ended(child, folder);
  if (why === undefined) return false;
  tell({ what: now, why });
  return left > 1;
}

/** Ends it with its servers, and then whatever it has left. */
async function ended(child: ChildProcess, folder: string): Promise<void> {
  const { pid } = child;
  const family = pid === undefined ? [] : await descendants(pid);
  if (child.exitCode === null && child.signalCode === null) {
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    const late = sleep(GO_DOWN, 'late', { ref: false });
    if ((await Promise.race([exit, late])) === 'late') child.kill('SIGKILL');
    await exit;
  }
  for (const one of new Set([...family, ...(await startedIn(folder))])) signal(one, 'SIGKILL');
}

/** Every process that has the folder in its environment. Only on Linux, otherwise none. */
async function startedIn(folder: string): Promise<number[]> {
  const found: number[] = [];
  // no /proc
  for (const name of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(name)) continue;
    // it has ended meanwhile
    const environment = await readFile(`/proc/${name}/environ`, 'latin1').catch(() => '');
    if (environment.includes(`TMPDIR=${folder}\0`)) found.push(Number(name));
  }
  return found;
}
