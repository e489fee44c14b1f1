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
import { uptime } from 'node:os';
import { join } from 'node:path';
import { EngineError } from '../../error/engine-error.ts';
import { isSystemError, tolerate } from '../../error/foreseen.ts';
import { pause } from '../../time/pause.ts';
import { after } from '../../time/timer.ts';
import { isGone, isLocal, processIdentity } from '../process-identity.ts';

/** A data folder, in use by this process until it is released or the process ends. */
export interface DataLock {
  release(): void;
}

/** The content of a lock file, about its holder. */
interface Holder {
  readonly pid: number;
  /** Identifies the process if the system allows it, since process ids may be reused. */
  readonly identity: string | undefined;
  readonly started: string;
}

/** Milliseconds between two heartbeats, for processes that cannot see this one, as from another container. */
const BEAT = 2_000;
/** Milliseconds without a heartbeat after which the holder is considered gone. */
const SILENCE = 3 * BEAT;
const TRIES = 5;

/**
 * Locks a folder for one process: `engine` for the one that runs the embedded server in it,
 * `operator` for the one that writes its trace. The lock of a killed process is taken over at once,
 * even if its process id was reused. Throws ALREADY_RUNNING, and changes nothing, if the holder is
 * alive.
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
  const holder: Holder = { pid: process.pid, identity: processIdentity(), started };
  const text = JSON.stringify(holder);
  writeFileSync(own, text, { mode: 0o600 });
  try {
    for (let tries = 1; !linked(own, file); tries++) {
      const found = read(file);
      const lives = found !== undefined && !(await isLeft(file, found.holder));
      if (lives || tries === TRIES) throw alreadyRuns(data, what, found?.holder);
      if (found !== undefined) remove(file, found.text);
    }
  } finally {
    rmSync(own, { force: true });
  }
  let beat = after(BEAT, live, { ref: false });
  function live(): void {
    const found = read(file);
    if (found !== undefined && found.text !== text) return onTaken();
    // somebody removed it, or the whole folder
    if (found === undefined) restore(file, text);
    else touch(file);
    beat = after(BEAT, live, { ref: false });
  }
  const release = (): void => {
    beat.stop();
    if (read(file)?.text === text) rmSync(file, { force: true });
  };
  return { release };
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
  const booted = Date.now() - uptime() * 1_000;
  if (last === undefined || last < booted) return true;
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
  try {
    const now = new Date();
    utimesSync(file, now, now);
  } catch (error) {
    // somebody removed it
    tolerate(error, (one) => isSystemError(one), 'showing that the data folder is in use');
  }
}

/** Unless another process has it by now. */
function restore(file: string, text: string): void {
  const own = `${file}.${process.pid}`;
  try {
    writeFileSync(own, text, { mode: 0o600 });
    linked(own, file);
    rmSync(own, { force: true });
  } catch (error) {
    tolerate(error, (one) => isSystemError(one), 'locking the data folder again');
  }
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
  const { pid, started } = holder;
  const who = pid === undefined ? 'another process' : `process ${pid}, started ${started ?? ''}`;
  const role = what === 'engine' ? 'an engine' : 'an operator plane';
  return new EngineError(
    'ALREADY_RUNNING',
    `${role} on ${data} already runs as ${who}; stop it first, or give another folder with --data`,
  );
}
