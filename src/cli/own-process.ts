import { Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { background } from '../error/background.ts';
import { isSystemError } from '../error/foreseen.ts';
import { unexpected } from '../error/unexpected.ts';

/**
 * Has V8 collect the old generation of every thread once it has doubled. By itself it lets it grow to four times
 * what is in use, and an engine's messages leave some 5 KB each there: measured, 579 MiB were resident of which
 * 100 were in use. Collecting earlier costs no measurable processor time, since most of the work is done beside.
 */
export function limitHeapGrowth(): void {
  // what somebody set for the whole process counts
  if (/heap[-_]growing[-_]percent/.test(process.execArgv.join(' '))) return;
  setFlagsFromString('--heap-growing-percent=100');
}

/** EX_SOFTWARE of sysexits.h: a supervisor starts the program again. */
const FAULT = 70;
/** Milliseconds that an orderly end may take after a fault. */
const PATIENCE = 5_000;

/** What a peer or the network does to one connection. */
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
 * What is done with an error that nobody caught. A rejected promise without an owner has broken off its own
 * work only, and the error of one connection is the end of that connection: both are told, and the engine
 * goes on. After any other exception nobody knows what was left half done: it is told, the engine ends as
 * it does when it is stopped, within seconds, and its process with code 70. What it had in hand stays in
 * its queues, so that a fresh start is whole.
 */
export function lastResort(end: () => Promise<void>): void {
  process.on('unhandledRejection', (reason) => {
    unexpected('running something that nobody waited for', reason);
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
 * Stops this process in order, as by SIGTERM, when the one that started it is gone: `waybill` starts the engine
 * as a process of its own, and whoever kills that one means both. It hands down a pipe that breaks then.
 */
export function endWithParent(): void {
  const { WAYBILL_PARENT: fd } = process.env;
  delete process.env['WAYBILL_PARENT'];
  if (fd === undefined) return;
  const pipe = new Socket({ fd: Number(fd), readable: true, writable: false });
  pipe.on('error', end).once('end', end);
  pipe.resume().unref();
}
