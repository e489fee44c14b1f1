import { describeError, isEngineError } from '../error/engine-error.ts';
import type { DrawingOptions } from '../trace/drawing/terminal-text.ts';

let isServing = false;

/**
 * From now on this program outlives the readers of its output: an engine whose log's pipe broke, or whose log's disk
 * is full, still moves messages. What cannot be written is lost; later lines are tried again.
 */
export function outliveReaders(): void {
  isServing = true;
}

/** Called once, before anything is written: what becomes of output that cannot be written. */
export function hearUnwritten(): void {
  process.stdout.on('error', unwritten);
  process.stderr.on('error', unwritten);
}

function unwritten(error: NodeJS.ErrnoException): void {
  if (isServing) return;
  // the reader may stop early: `waybill find … | head`
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
}

/** Writes a line for a person or a program to standard output. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Progress and warnings go to standard error, so that `--json` can be piped. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Says in one line what went wrong and, if known, what to do; returns the exit code. */
export function explainError(error: unknown): number {
  const { code, text, retryable } = describeError(error);
  say(`${code}: ${text}`);
  if (retryable) say('Trying again may help.');
  else if (!isEngineError(error) && process.env['WAYBILL_DEBUG'] !== undefined) {
    say(error instanceof Error ? (error.stack ?? '') : String(error));
  }
  return 1;
}

/** Columns of equal width; the last is not padded. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    }
  }
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Where the console is, and how the first administrator gets in. The part after `#` is never sent to a server. */
export function sayConsole(url: string, firstCode?: string): void {
  say(`console: ${url}`);
  if (firstCode === undefined) return;
  say(
    `nobody can sign in yet. The first administrator starts here, once: ${url}#first=${firstCode}`,
  );
}

/** What standard output can show: its width if it is a terminal, and whether it supports Unicode. */
export function terminal(
  output: { readonly isTTY?: boolean; readonly columns?: number } = process.stdout,
  environment: NodeJS.ProcessEnv = process.env,
): DrawingOptions {
  const charset = environment['LC_ALL'] || environment['LC_CTYPE'] || environment['LANG'] || '';
  return {
    width: output.isTTY === true ? output.columns : undefined,
    ascii: process.platform !== 'win32' && !/utf-?8/i.test(charset),
  };
}
