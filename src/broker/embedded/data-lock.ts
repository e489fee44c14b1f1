import {
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { EngineError } from '../../error/engine-error.ts';
import { isSystemError, tolerate } from '../../error/foreseen.ts';
import { pause } from '../../time/pause.ts';
import { after } from '../../time/timer.ts';
import { isGone, isLocal, processIdentity } from '../process-identity.ts';

/** A data folder, in use by this process until it is released or the process ends. */
export interface DataLock {
  /** The machine on which its last holder neither ended nor shows a sign of life, if it is another one. */
  readonly leftBy: string | undefined;
  release(): void;
}

/** The content of a lock file, about its holder. */
interface Holder {
  readonly pid: number;
  /** Identifies the process if the system allows it, since process ids may be reused. */
  readonly identity: string | undefined;
  readonly started: string;
  /** The folder as its holder names it: a copy has the lock of the original. */
  readonly data: string;
  readonly machine: string;
}

/** Milliseconds between two heartbeats, for processes that cannot see this one, as from another container. */
const BEAT = 2_000;
/** Milliseconds without a heartbeat after which the holder is considered gone. */
const SILENCE = 3 * BEAT;
const TRIES = 5;

/**
 * Locks a folder for one process: `engine` for the one that notes in it what was stored and what it
 * works on, and runs the embedded server in it, `operator` for the one that writes its trace. The
 * lock of a killed process is taken over at once, even if its process id was reused; that of one that
 * cannot be seen from here (in another container, on another machine, before this one was started)
 * after a while without a sign of life, whatever the clocks say. Throws ALREADY_RUNNING, and changes
 * nothing, if the holder is alive.
 *
 * @param onTaken called once if another process has taken the folder: this one stood still for so
 * long, in another container or on another machine, that it counted as gone. Nothing may be written
 * to the folder any more.
 */
export async function lockData(
  data: string,
  what: 'engine' | 'operator',
  onTaken: () => void,
): Promise<DataLock> {
  const file = join(data, `${what}.lock`);
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const own = `${file}.${process.pid}`;
  const started = new Date(Date.now() - process.uptime() * 1_000).toISOString();
  const [identity, machine] = [processIdentity(), hostname()];
  const holder: Holder = { pid: process.pid, identity, started, data, machine };
  const text = JSON.stringify(holder);
  writeFileSync(own, text, { mode: 0o600 });
  let leftBy: string | undefined;
  try {
    for (let tries = 1; !linked(own, file); tries++) {
      const found = read(file);
      const lives = found !== undefined && !(await isLeft(file, found.holder));
      if (lives || tries === TRIES) throw alreadyRuns(data, what, found?.holder);
      if (found === undefined) continue;
      remove(file, found.text);
      leftBy = found.holder.machine === machine ? undefined : found.holder.machine;
    }
  } finally {
    rmSync(own, { force: true });
  }
  let beat = after(BEAT, live, { ref: false });
  function live(): void {
    // a share that fails for a moment says nothing
    const found = attempted(() => ({ lock: read(file) }));
    if (found?.lock !== undefined && found.lock.text !== text) return onTaken();
    // somebody removed it, or the whole folder
    if (found !== undefined && found.lock === undefined) restore(file, text);
    else touch(file);
    beat = after(BEAT, live, { ref: false });
  }
  const release = (): void => {
    beat.stop();
    attempted(() => {
      if (read(file)?.text === text) rmSync(file, { force: true });
    });
  };
  return { leftBy, release };
}

/** Whether the lock is now ours: a link is created completely or not at all. */
function linked(own: string, file: string): boolean {
  try {
    linkSync(own, file);
    return true;
  } catch (error) {
    if (isSystemError(error, 'EEXIST')) return false;
    throw error;
  }
}

function read(
  file: string,
): { readonly holder: Partial<Holder>; readonly text: string } | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  }
  try {
    return { holder: JSON.parse(text) as Holder, text };
  } catch (error) {
    tolerate(error, (one) => one instanceof SyntaxError, 'reading a lock');
    // truncated by a power failure
    return { holder: {}, text };
  }
}

/**
 * Whether its holder is gone. A holder in another container or machine is not visible, so this
 * waits for its heartbeats.
 */
async function isLeft(file: string, { identity }: Partial<Holder>): Promise<boolean> {
  if (isLocal(identity)) return isGone(identity);
  const last = touched(file);
  if (last === undefined) return true;
  for (let waited = 0; waited < SILENCE; waited += BEAT / 4) {
    await pause(BEAT / 4);
    if (touched(file) !== last) return false;
  }
  return true;
}

function touched(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs;
}

function touch(file: string): void {
  // somebody may have removed it
  attempted(() => {
    const now = new Date();
    utimesSync(file, now, now);
  });
}

/** Undefined if the disk does not let us. */
function attempted<Result>(work: () => Result): Result | undefined {
  try {
    return work();
  } catch (error) {
    return tolerate(error, (one) => isSystemError(one), 'keeping the lock of the data folder');
  }
}

/** Unless another process has it by now. */
function restore(file: string, text: string): void {
  const own = `${file}.${process.pid}`;
  attempted(() => {
    writeFileSync(own, text, { mode: 0o600 });
    linked(own, file);
    rmSync(own, { force: true });
  });
}

/** Removes the lock that was found, unless another process was faster and now owns it. */
function remove(file: string, text: string): void {
  const aside = `${file}.left.${process.pid}`;
  try {
    renameSync(file, aside);
    if (readFileSync(aside, 'utf8') !== text) linked(aside, file);
  } catch (error) {
    if (!isSystemError(error, 'ENOENT')) throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function alreadyRuns(data: string, what: string, holder: Partial<Holder> = {}): EngineError {
  const { pid, started, data: of = data } = holder;
  const who = pid === undefined ? 'another process' : `process ${pid}, started ${started ?? ''}`;
  const role = what === 'engine' ? 'an engine' : 'an operator plane';
  if (of !== data) {
    return new EngineError(
      'ALREADY_RUNNING',
      `${data} is a copy of ${of}, or the same folder under another name, and ${role} already runs there as ${who}: both would send what waits. Stop it first; if this is a copy that sends nothing, remove ${what}.lock from it`,
    );
  }
  return new EngineError(
    'ALREADY_RUNNING',
    `${role} on ${data} already runs as ${who}; stop it first, or give another folder with --data`,
  );
}
