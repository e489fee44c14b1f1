import type { DrawingOptions } from '../trace/drawing/terminal-text.ts';

/** What standard output can show: its width if it is a terminal, and whether it knows Unicode. */
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
