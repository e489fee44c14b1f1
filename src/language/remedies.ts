import type { Problem } from '../definition/problem.ts';
import { valueAt } from '../definition/written/written.ts';
import { spotAt } from './cursor.ts';
import type { ProductionFile } from './production.ts';
import { endOf, type Position, type Span } from './span.ts';

/** A change that does what the remedy of a problem says. */
export interface Remedy {
  readonly title: string;
  readonly span: Span;
  readonly text: string;
  /** Whether it is the only one that was meant. */
  readonly preferred: boolean;
}

const MEANT = /Did you mean ("?)([^"?]+)\1\?/i;
const KNOWN = /^Known(?: keys)?: (.+)\.$/;

/** What can be done about a problem without thinking: another name, or the key removed. */
export function remediesOf(file: ProductionFile, problem: Problem): Remedy[] {
  const { what, remedy } = problem;
  const [, , meant] = MEANT.exec(`${what}. ${remedy}`) ?? [];
  const [, known] = KNOWN.exec(remedy) ?? [];
  const names = meant === undefined ? (known?.split(', ') ?? []) : [meant];
  const span = names.length === 0 ? undefined : wrongName(file, problem);
  if (span !== undefined) {
    return names.map((name) => ({
      title: `Change to ${name}`,
      span,
      text: name,
      preferred: names.length === 1,
    }));
  }
  return /^Remove it(?:\.|,)/.test(remedy) ? removal(file, problem) : [];
}

/** The whole key or value at the place, or the part of it that the problem names. */
function wrongName(file: ProductionFile, { line, column, what }: Problem): Span | undefined {
  const spot = spotAt(file, { line, column });
  if (spot === undefined) return undefined;
  const { text, span } = spot;
  const said: readonly string[] = what.match(/[\w.-]+/g) ?? [];
  const isWhole = spot.on === 'key' || said.includes(text) || !/[\s("]/.test(text);
  if (isWhole) return span;
  const rest = (file.lines[line - 1] ?? '').slice(column - 1);
  const [word = ''] = /^[\w.-]+/.exec(rest) ?? [];
  if (word === '') return undefined;
  const start = { line, column };
  return { start, end: { line, column: column + word.length } };
}

/** The lines of a key that is on lines of its own. */
function removal(file: ProductionFile, { line, column }: Problem): Remedy[] {
  const spot = spotAt(file, { line, column });
  if (spot?.on !== 'key') return [];
  const before = (file.lines[line - 1] ?? '').slice(0, spot.span.start.column - 1);
  const value = valueAt(file.written, spot.keys);
  if (before.trim() !== '' || value === undefined) return [];
  const end: Position = { line: Math.max(endOf(value).line, line) + 1, column: 1 };
  const span = { start: { line, column: 1 }, end };
  return [{ title: `Remove ${spot.text}`, span, text: '', preferred: false }];
}

/** Where a problem is underlined: its key or value, or else the rest of the line. */
export function spanOfProblem(file: ProductionFile | undefined, problem: Problem): Span {
  const { line, column } = problem;
  const start = { line, column };
  const text = file?.lines[line - 1] ?? '';
  const spot = file === undefined ? undefined : spotAt(file, start);
  const isExact = spot?.span.start.line === line && spot.span.start.column === column;
  if (isExact && spot.span.end.line === line) return spot.span;
  const [word = ''] = /^[\w.-]+/.exec(text.slice(column - 1)) ?? [];
  const end = word.length > 0 ? column + word.length : text.trimEnd().length + 1;
  return { start, end: { line, column: Math.max(end, column + 1) } };
}
