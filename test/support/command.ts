import type { Command } from 'commander';
import { vi } from 'vitest';
import { explainError } from '../../src/cli/output.ts';

export interface Ran {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

/** Runs a command in this process like the program, without its start time. */
export async function ran(command: Command, args: readonly string[]): Promise<Ran> {
  const written = { output: '', errors: '' };
  const before = process.exitCode;
  process.exitCode = 0;
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      written.output += String(text);
      return true;
    }),
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
      written.errors += String(text);
      return true;
    }),
  ];
  try {
    await command.exitOverride().parseAsync(args, { from: 'user' });
  } catch (error) {
    process.exitCode = explainError(error);
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  const code = process.exitCode;
  process.exitCode = before;
  return { code, ...written };
}
