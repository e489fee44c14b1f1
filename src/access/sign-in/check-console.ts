import { existsSync, readFileSync } from 'node:fs';
import { isNode, LineCounter, parseDocument } from 'yaml';
import { ConfigError } from '../../error/adapter-error.ts';
import { describeError } from '../../error/engine-error.ts';
import { delegateOf } from './delegate.ts';

/** A problem that keeps the console from starting, with its place in `console.yaml`. */
export interface ConsoleProblem {
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

/**
 * Every problem in `console.yaml` and in the module it delegates to, which is loaded for this.
 * Called before anything accepts messages: a mistake here must not stop a running flow.
 */
export async function consoleProblems(
  file: string,
  environment: Readonly<Record<string, string | undefined>>,
  { assume = false }: { readonly assume?: boolean } = {},
): Promise<readonly ConsoleProblem[]> {
  if (!existsSync(file)) return [];
  const texts = await problemTexts(file, environment, assume);
  if (texts.length === 0) return [];
  const place = placesIn(file);
  return texts.map((text) => ({ text, ...place(text) }));
}

/** Throws a ConfigError with every problem. */
export async function checkConsole(
  file: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const problems = await consoleProblems(file, environment);
  if (problems.length === 0) return;
  throw new ConfigError(
    problems.map(({ text, line, column }) => `${file}:${line}:${column} ${text}`),
  );
}

async function problemTexts(
  file: string,
  environment: Readonly<Record<string, string | undefined>>,
  assume: boolean,
): Promise<readonly string[]> {
  // only needed here in the engine's own thread
  const { readConsoleSettings } = await import('./console-settings.ts');
  try {
    const { delegated, roles } = await readConsoleSettings(file, environment, assume);
    if (delegated !== undefined) await delegateOf(delegated, roles);
    return [];
  } catch (error) {
    if (error instanceof ConfigError)
      return error.problems.map((one) => one.replace(/^console\.yaml: /, ''));
    return [describeError(error).text];
  }
}

/** Finds the keys that a problem's text begins with; the beginning of the file if it names none. */
function placesIn(file: string): (text: string) => Pick<ConsoleProblem, 'line' | 'column'> {
  const lines = new LineCounter();
  const document = parseDocument(readFileSync(file, 'utf8'), { lineCounter: lines });
  return (text) => {
    const [, line, column] = /no YAML at (\d+):(\d+)$/.exec(text) ?? [];
    if (line !== undefined) return { line: Number(line), column: Number(column) };
    const keys = /^[\w.-]+/.exec(text)?.[0].split('.') ?? [];
    while (keys.length > 0 && document.errors.length === 0) {
      const node = document.getIn(
        keys.map((key) => (/^\d+$/.test(key) ? Number(key) : key)),
        true,
      );
      const at = isNode(node) ? node.range?.[0] : undefined;
      if (at !== undefined) {
        const { line: row, col } = lines.linePos(at);
        return { line: row, column: col };
      }
      keys.pop();
    }
    return { line: 1, column: 1 };
  };
}
