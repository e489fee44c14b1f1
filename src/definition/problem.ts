import { nearest } from '../error/nearest.ts';
import type { Place } from './place.ts';

/** One problem of a production, where it is and what to do about it. */
export interface Problem extends Place {
  /** Keys from the top of the production: `operations.ward.settings.connect`; `''` for the file itself. */
  readonly path: string;
  /** What is wrong; no capital, no full stop. Never holds a secret's value. */
  readonly what: string;
  /** What to do: a full sentence, or `''` where `what` already says it. */
  readonly remedy: string;
  /** A production with an error does not start; a warning is shown and it starts. */
  readonly severity: 'error' | 'warning';
}

/** Collects the problems of one reading. */
export interface Problems {
  error(place: Place, path: string, what: string, remedy?: string): void;
  warning(place: Place, path: string, what: string, remedy?: string): void;
  /** From now on, the text of no problem may show this value. */
  hide(secret: string): void;
  /** All of them, in the order of files, lines and columns, each once. */
  list(): Problem[];
  readonly failed: boolean;
}

/** Hiding shorter texts would blank out ordinary words. */
const LEAST_SECRET = 4;

/** An empty collection. */
export function problemList(): Problems {
  const found = new Map<string, Problem>();
  const secrets = new Set<string>();
  const safe = (text: string): string =>
    [...secrets].reduce((rest, secret) => rest.replaceAll(secret, '•••'), text);
  const add = (problem: Problem): void => {
    const key = `${problem.file}:${problem.line}:${problem.column} ${problem.path} ${problem.what}`;
    if (!found.has(key)) found.set(key, problem);
  };
  return {
    error: ({ file, line, column }, path, what, remedy = '') =>
      add({ file, line, column, path, what, remedy, severity: 'error' }),
    warning: ({ file, line, column }, path, what, remedy = '') =>
      add({ file, line, column, path, what, remedy, severity: 'warning' }),
    hide(secret) {
      if (secret.length >= LEAST_SECRET) secrets.add(secret);
    },
    list: () =>
      [...found.values()]
        .map((one) => ({ ...one, what: safe(one.what), remedy: safe(one.remedy) }))
        .toSorted(byPlace),
    get failed() {
      return [...found.values()].some(({ severity }) => severity === 'error');
    },
  };
}

function byPlace(a: Problem, b: Problem): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return a.line - b.line || a.column - b.column;
}

/** One line for a terminal: `file:line:column path: what is wrong. What to do.` */
export function describeProblem(problem: Problem): string {
  const { file, line, column, path, what, remedy, severity } = problem;
  const subject = path === '' ? '' : `${path}: `;
  const note = severity === 'warning' ? 'warning: ' : '';
  return `${file}:${line}:${column} ${note}${subject}${what}.${remedy === '' ? '' : ` ${remedy}`}`;
}

/** The remedy for a name that does not exist: the nearest one, or all of them if they are few. */
export function suggestion(given: string, known: Iterable<string>, otherwise = ''): string {
  const names = [...known];
  const near = nearest(given, names);
  if (near !== undefined) return `Did you mean ${near}?`;
  if (names.length === 0 || names.length > 12) return otherwise;
  return `Known: ${names.join(', ')}.`;
}

/** Splits the text of a setting's problem into what is wrong and what to do. */
export function splitProblem(text: string): { what: string; remedy: string } {
  // The sentence continues after the path, so it begins in lower case; names such as PID-3 stay as
  // they are.
  const said = text.replace(/^[A-Z](?=[a-z]* )/, (letter) => letter.toLowerCase());
  const [, what = said, rest = ''] = /^(.*?)(?:\. |; )(.*)$/s.exec(said) ?? [];
  if (rest === '') return { what: said.replace(/\.$/, ''), remedy: '' };
  const sentence = `${rest.charAt(0).toUpperCase()}${rest.slice(1)}`;
  return { what, remedy: /[.?!]$/.test(sentence) ? sentence : `${sentence}.` };
}
