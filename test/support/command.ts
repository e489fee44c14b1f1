import { AsyncLocalStorage } from 'node:async_hooks';
import type { Command } from 'commander';
import { commands } from '../../src/cli/commands.ts';
import { explainError } from '../../src/cli/output.ts';

export interface Ran {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

interface Written {
  output: string;
  errors: string;
}

/** Commands that run at once: what one of them writes is its own. */
const writer = new AsyncLocalStorage<Written>();
const running = new Set<Written>();
let restore = (): void => undefined;

const capture = (key: keyof Written) => (text: string | Uint8Array) => {
  // what is said outside of all, by a connection, belongs to the last one
  const to = writer.getStore() ?? [...running].at(-1);
  if (to !== undefined) to[key] += String(text);
  return true;
};

function begin(written: Written): void {
  running.add(written);
  if (running.size > 1) return;
  const { stdout, stderr } = process;
  // oxlint-disable-next-line typescript/unbound-method -- they are put back where they were
  const [output, errors] = [stdout.write, stderr.write];
  stdout.write = capture('output');
  stderr.write = capture('errors');
  restore = () => {
    stdout.write = output;
    stderr.write = errors;
  };
}

function end(written: Written): void {
  running.delete(written);
  if (running.size === 0) restore();
}

/** Runs a command in this process like the program, without its start time; several at once only if they set no exit code themselves. */
export async function ran(command: Command, args: readonly string[]): Promise<Ran> {
  const written = { output: '', errors: '' };
  const before = process.exitCode;
  process.exitCode = 0;
  begin(written);
  let failed: number | undefined;
  try {
    await writer.run(written, () => command.exitOverride().parseAsync(args, { from: 'user' }));
  } catch (error) {
    failed = writer.run(written, () => explainError(error));
  } finally {
    end(written);
  }
  const code = failed ?? process.exitCode;
  process.exitCode = before;
  return { code, ...written };
}

/**
 * The same by the words of the command line: a process of its own (`waybill` of engine-process.ts) costs half a second of
 * processor time before it has said anything.
 */
export async function commandLine(
  ...[name = '', ...args]: readonly string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  const [command] = await commands(name);
  if (command === undefined) throw new Error(`there is no command ${name}`);
  const { code, output, errors } = await ran(command, args);
  return { code, stdout: output, stderr: errors };
}
