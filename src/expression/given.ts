import type { FindEdifactProfile } from '../document/edi/profile/edifact-profile.ts';
import { nearest } from '../error/nearest.ts';
import type { ResultTypes } from './compiled.ts';
import type { ExpressionEnvironment } from './environment.ts';
import type { Expression } from './expression.ts';

export type GivenPath = readonly (string | number)[];

/**
 * Reports one problem in plain data: the keys and numbers that lead to its place, what is wrong and
 * what to do, and where in the text of that place, counted from 0.
 */
type ProblemSink = (path: GivenPath, text: string, offset?: number) => void;

/** What a reader of plain data needs to know of the production around it. */
export interface GivenReading {
  readonly environment: ExpressionEnvironment;
  /** Whether expressions may be in a loop. */
  readonly loops?: true;
  readonly problem: ProblemSink;
  /** The problem with a name, with the nearest known one; undefined if it exists. */
  unknown(kind: 'target' | 'transform', name: string): string | undefined;
  /** Missing where there are no profiles. */
  readonly edifact?: FindEdifactProfile | undefined;
}

/** Plain data of a production's files at one place, with the words for what is wrong with it. */
export class Given {
  readonly value: unknown;
  readonly path: GivenPath;
  readonly reading: GivenReading;

  constructor(value: unknown, path: GivenPath, reading: GivenReading) {
    this.value = value;
    this.path = path;
    this.reading = reading;
  }

  /** Reports a problem of this place. */
  wrong(text: string, offset?: number): void {
    if (offset === undefined) this.reading.problem(this.path, text);
    else this.reading.problem(this.path, text, offset);
  }

  get isAbsent(): boolean {
    return this.value === undefined || this.value === null;
  }

  /** What is below a key; absent if this is not a mapping. */
  at(key: string | number): Given {
    const below = isMapping(this.value) || Array.isArray(this.value) ? this.value : {};
    const value: unknown = Object.hasOwn(below, key)
      ? (below as Readonly<Record<string | number, unknown>>)[key]
      : undefined;
    return new Given(value, [...this.path, key], this.reading);
  }

  /** The entries of a mapping, in order; undefined, with a problem, if it is not a mapping. */
  mapping(what: string): readonly [string, Given][] | undefined {
    if (isMapping(this.value)) return Object.keys(this.value).map((key) => [key, this.at(key)]);
    this.wrong(`${what} must be a block of keys and values.`);
    return undefined;
  }

  /** Like `mapping`, with a problem for every unknown key. */
  block(what: string, known: readonly string[]): boolean {
    const entries = this.mapping(what);
    for (const [key, given] of entries ?? []) {
      if (known.includes(key)) continue;
      const near = nearest(key, known);
      const hint =
        near === undefined ? `Known keys: ${known.join(', ')}.` : `Did you mean ${near}?`;
      given.wrong(`${what} has no ${key}. ${hint}`);
    }
    return entries !== undefined;
  }

  /** The items of a list; a single one may be written without brackets. */
  items(): readonly Given[] {
    if (this.isAbsent) return [];
    if (!Array.isArray(this.value)) return [this];
    return this.value.map((_, index) => this.at(index));
  }

  /** A text that is not empty; otherwise undefined, with a problem. */
  text(what: string): string | undefined {
    if (typeof this.value === 'string' && this.value !== '') return this.value;
    this.wrong(`${what} must be a text.`);
    return undefined;
  }

  /** True or false; false if it is left out. */
  flag(what: string): boolean {
    if (this.isAbsent) return false;
    if (typeof this.value !== 'boolean') this.wrong(`${what} must be true or false.`);
    return this.value === true;
  }

  /** The name of something that exists. */
  name(kind: 'target' | 'transform', what: string): string | undefined {
    const name = this.text(what);
    const problem = name === undefined ? undefined : this.reading.unknown(kind, name);
    if (problem !== undefined) this.wrong(problem);
    return problem === undefined ? name : undefined;
  }

  /** A compiled expression; undefined, with its problems, if it is wrong. */
  expression<Result extends keyof ResultTypes>(
    what: string,
    result: Result,
  ): Expression<ResultTypes[Result]> | undefined {
    // YAML reads `when: true` and `to: 5` as values, not texts.
    const source = typeof this.value === 'boolean' ? String(this.value) : this.value;
    if (typeof source !== 'string') {
      this.wrong(`${what} must be an expression, written as a text.`);
      return undefined;
    }
    const compiled = this.reading.environment.compile(source, { result });
    if (compiled.ok) {
      if (compiled.expression.facts?.needsLoop === true && this.reading.loops !== true) {
        this.wrong(
          'index() and following() are about a loop, and only steps of a transform have one.',
        );
      }
      return compiled.expression;
    }
    for (const { text, offset } of compiled.problems) this.wrong(text, offset);
    return undefined;
  }

  /** A condition; undefined if left out, which means always. */
  condition(): Expression<boolean> | undefined {
    return this.isAbsent ? undefined : this.expression('A condition', 'bool');
  }
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
