import type { Document } from '../../document/document.ts';
import { anySegmentPath, hasSegments } from '../../document/segment-paths.ts';
import type { Scope } from '../../expression/expression.ts';
import type { Given } from '../../expression/given.ts';
import { pathProblem } from '../../expression/path-problem.ts';
import { examplePath, loopsNeeded, placeOf, type WrittenPlace } from '../place.ts';
import type { Step, Work } from '../work.ts';

/** What the reader of one kind of step knows of the transform around it. */
export interface StepContext {
  /** The kind of the new message; undefined if it depends on the incoming message. */
  readonly kind: Document['kind'] | undefined;
  /** What the surrounding loops go over, outermost first; each adds itself while its own steps are read. */
  readonly around: string[];
  /** Notes that something needs a loop, or one more, around this transform. */
  needs(what: string): void;
  /** Reads steps inside this one. */
  steps(given: Given, label: string): readonly Step[];
  /** Notes that the transform loops over segments, or may. */
  loops(): void;
  /** Notes that the transform calls another one. */
  calls(name: string): void;
}

/** One kind of step: its keys in a production, the first of which names it. */
export interface StepKind {
  readonly keys: readonly [name: string, ...others: string[]];
  /** What it does, a full sentence for editors. */
  readonly help: string;
  /** It handles its `when` itself; otherwise the step is skipped if the condition is false. */
  readonly ownCondition?: true;
  /** Undefined, with problems, if the step is wrong. `label` is the prefix of the labels of inner steps. */
  read(given: Given, context: StepContext, label: string): Step['run'] | undefined;
}

export type Value = (scope: Scope) => string;

/**
 * Reports what a step in a loop over a whole body that is a list (`each: /`) reads at a path from
 * the list itself, in which there is never anything.
 *
 * @param read a path, or an expression with paths
 */
export function checkListPaths(
  given: Given,
  read: unknown,
  { around }: Pick<StepContext, 'around'>,
): void {
  if (typeof read !== 'string' || !around.includes('/')) return;
  const [, path] = /(?:^|\b(?:json|field|fields|has)\(["'])(\/[A-Za-z_][^"'#]*)/.exec(read) ?? [];
  if (path === undefined) return;
  given.wrong(
    `each: / says that the body is a list, which has nothing at ${path}. Of the current element write /*${path}.`,
  );
}

/** An expression that gives a text; a YAML number or boolean stands for itself. */
export function readValue(given: Given, what: string): Value | undefined {
  if (typeof given.value === 'number') {
    const text = String(given.value);
    return () => text;
  }
  const expression = given.expression(what, 'string');
  return expression === undefined ? undefined : (scope) => expression.evaluate(scope);
}

type PathContext = Pick<StepContext, 'kind' | 'around' | 'needs'>;

/** A path that a step writes to. */
export function readPlace(given: Given, context: PathContext): WrittenPlace | undefined {
  return readPath(given, context, (path) => {
    const isSegment =
      (context.kind === undefined || hasSegments(context.kind)) &&
      anySegmentPath(path)?.field === 0;
    return isSegment
      ? `${path} is a whole segment; name a field of it, such as ${path}-1.`
      : undefined;
  });
}

/** A path that a step empties: a value, or a whole segment. */
export function readPlaceOrSegment(given: Given, context: PathContext): WrittenPlace | undefined {
  return readPath(given, context, () => undefined);
}

function readPath(
  given: Given,
  { kind, around, needs }: PathContext,
  problemOf: (path: string) => string | undefined,
): WrittenPlace | undefined {
  const path = given.text('A path');
  if (path === undefined) return undefined;
  const example = examplePath(path);
  const problem = pathProblem(example, kind) ?? problemOf(example);
  if (loopsNeeded(path) > around.length) needs(path);
  if (problem === undefined) return placeOf(path);
  given.wrong(problem);
  return undefined;
}

/** The name of a segment. */
export function readSegmentName(
  given: Given,
  { kind }: Pick<StepContext, 'kind'>,
): string | undefined {
  const name = given.text('A segment');
  if (name === undefined) return undefined;
  const problem = /^\w{2,3}$/.test(name) ? pathProblem(name, kind) : `${name} is not a segment.`;
  if (problem === undefined) return name;
  given.wrong(problem);
  return undefined;
}

/** The values of a new segment's fields, by `1`, `3.2` or `3[2].1`. */
export function readFields(
  given: Given,
  segment: string,
  { kind }: Pick<StepContext, 'kind'>,
): ((work: Work) => Record<string, string>) | undefined {
  if (given.isAbsent) return () => ({});
  const entries = given.mapping('fields');
  if (entries === undefined) return undefined;
  const values: [string, Value][] = [];
  for (const [field, value] of entries) {
    const problem = pathProblem(`${segment}-${field}`, kind);
    if (problem !== undefined) value.wrong(problem);
    const read = readValue(value, `${segment}-${field}`);
    if (read !== undefined && problem === undefined) values.push([field, read]);
  }
  return ({ scope }) => Object.fromEntries(values.map(([field, value]) => [field, value(scope)]));
}
