import { Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { background } from '../error/background.ts';
import { isSystemError } from '../error/foreseen.ts';
import { unexpected } from '../error/unexpected.ts';

/**
 * Makes V8 collect the old generation of every thread once it has grown by half. By default it lets
 * it grow to four times what is in use, and each message leaves some 5 KB there: measured, 579 MiB
 * were resident, of which 100 were in use. Collecting earlier costs little processor time; see
 * docs/performance.md.
 */
export function limitHeapGrowth(): void {
  // what was set for the whole process takes precedence
  if (/heap[-_]growing[-_]percent/.test(process.execArgv.join(' '))) return;
  setFlagsFromString('--heap-growing-percent=50');
}

/** EX_SOFTWARE of sysexits.h: a supervisor restarts the program. */
const FAULT = 70;
/** Milliseconds that an orderly end may take after a fault. */
const PATIENCE = 5_000;

/** Errors that a peer or the network causes on one connection. */
const OF_A_CONNECTION = [
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
] as const;

/**
 * Handles an error that nobody caught. A rejected promise without an owner has only interrupted its
 * own work, and the error of one connection only ends that connection: both are reported, and the
 * engine continues. After any other exception, nobody knows what was left half done: it is
 * reported, the engine ends as when it is stopped, within seconds, and its process with code 70.
 * The messages in hand stay in their queues, so a fresh start is consistent.
 */
export function lastResort(end: () => Promise<void>): void {
  process.on('unhandledRejection', (reason) => {
    unexpected('running something that was not awaited', reason);
  });
  let ending = false;
  process.on('uncaughtException', (error) => {
    const goesOn = isSystemError(error, ...OF_A_CONNECTION);
    unexpected(
      goesOn ? 'using a connection' : 'running the engine, which ends with code 70',
      error,
    );
    if (goesOn || ending) return;
    ending = true;
    setTimeout(leave, PATIENCE);
    background(ended(end), 'ending the engine');
  });
}

const leave = (): void => process.exit(FAULT);

async function ended(end: () => Promise<void>): Promise<void> {
  try {
    await end();
  } finally {
    leave();
  }
}

const end = (): void => void process.kill(process.pid, 'SIGTERM');

/**
 * Stops this process in an orderly way, as by SIGTERM, when the one that started it is gone:
 * `waybill` starts the engine as a separate process, and killing `waybill` is meant for both. It
 * passes on a pipe that then breaks.
 */
export function endWithParent(): void {
  const { WAYBILL_PARENT: fd } = process.env;
  delete process.env['WAYBILL_PARENT'];
  if (fd === undefined) return;
  const pipe = new Socket({ fd: Number(fd), readable: true, writable: false });
  pipe.on('error', end).once('end', end);
  pipe.resume().unref();
}
