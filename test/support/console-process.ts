import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConsoleGiven } from './console-program.ts';
import { program } from './program.ts';

/** An operator plane with its console in a process of its own. */
export interface ConsoleProcess extends AsyncDisposable {
  readonly ended: boolean;
  /** The folder of its console. */
  readonly serves: string;
  /** Ends it without a word to anybody. */
  kill(): Promise<void>;
}

/** Resolves once it answers. */
export async function consoleProcess(given: ConsoleGiven): Promise<ConsoleProcess> {
  const child = spawn(
    process.execPath,
    await program('test/support/console-program.ts', JSON.stringify(given)),
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const isOver = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const kill = async (): Promise<void> => {
    if (isOver()) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
  const health = `http://127.0.0.1:${given.port}/health/live`;
  for (;;) {
    const answer = await fetch(health).catch(() => undefined);
    if (answer?.ok === true) {
      return {
        kill,
        get ended() {
          return isOver();
        },
        serves: given.consoleFolder,
        [Symbol.asyncDispose]: kill,
      };
    }
    if (isOver()) throw new Error(`the console ended with ${child.exitCode}`);
    await sleep(50);
  }
}
