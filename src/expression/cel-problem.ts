import { TypeError as CelTypeError, ParseError } from '@marcbachmann/cel-js';
import { nearest } from '../error/nearest.ts';
import type { ExpressionProblem } from './compiled.ts';
import { TIMESTAMP } from './function/expression-function.ts';
import { outerText } from './syntax.ts';

/** What the language knows, for suggestions. */
export interface KnownNames {
  readonly variables: readonly string[];
  readonly functions: readonly string[];
  /** By function or method name, as users write them. */
  readonly signatures: ReadonlyMap<string, readonly string[]>;
}

/** What the CEL package found wrong, in our own words where that helps. */
export function celProblem(thrown: unknown, source: string, known: KnownNames): ExpressionProblem {
  if (!(thrown instanceof ParseError || thrown instanceof CelTypeError)) throw thrown;
  const offset = Math.min(thrown.range?.start ?? 0, source.length);
  const end = Math.max(offset, Math.min(thrown.range?.end ?? offset, source.length));
  const summary = readable(thrown.summary);
  const text =
    thrown instanceof ParseError
      ? `It is not valid: ${summary}.${syntaxHint(source, offset)}`
      : typeText(thrown.code, summary, { source: source.slice(offset, end), known });
  return { text, offset, end };
}

/** Type names as users write them. */
export function readable(text: string): string {
  return outerText(text)
    .replaceAll(TIMESTAMP, 'timestamp')
    .replaceAll('google.protobuf.Duration', 'duration');
}

function syntaxHint(source: string, offset: number): string {
  const around = source.slice(Math.max(0, offset - 1), offset + 4);
  if (/(^|[^=!<>])=($|[^=])/.test(around)) return ' Values are compared with ==.';
  if (/\b(and|or|not)\b/i.test(source))
    return ' Conditions are joined with && and ||, and ! negates.';
  return '';
}

function typeText(
  code: string,
  summary: string,
  { source, known }: { source: string; known: KnownNames },
): string {
  switch (code) {
    case 'unknown_variable':
      return unknownVariable(source, known);
    case 'no_matching_overload':
      return wrongArguments(summary, known);
    case 'no_such_overload':
      return wrongOperands(summary);
    case 'invalid_logical_operand':
      return `Both sides of && and || must be true or false, but one is ${quoted(summary)}. Compare it with something, or use has(…).`;
    default:
      return `${summary}.`;
  }
}

function unknownVariable(source: string, known: KnownNames): string {
  const near = nearest(source, known.variables);
  const hint = near === undefined ? '' : ` Did you mean ${near}?`;
  return `There is no ${source}.${hint} A text is written in quotes.`;
}

function wrongArguments(summary: string, known: KnownNames): string {
  const [, name = '', given = ''] = /'(?:[^'(]*\.)?(\w+)\((.*)\)'/.exec(summary) ?? [];
  const written = known.signatures.get(name) ?? [];
  return `${name}() cannot be used with (${given}). It is written ${written.join(' or ')}.`;
}

function wrongOperands(summary: string): string {
  const [, left = '', operator = '', right = ''] =
    /overload: (\S+) (\S+) (.+)$/.exec(summary) ?? [];
  if (left === '') return `${summary}.`;
  const remedy = new Set([left, right]).has('string')
    ? ' Turn a text into a number with number(…), or a value into a text with string(…).'
    : '';
  return `${operator} does not work between ${left} and ${right}.${remedy}`;
}

function quoted(summary: string): string {
  return /'([^']*)'/.exec(summary)?.[1] ?? 'something else';
}
