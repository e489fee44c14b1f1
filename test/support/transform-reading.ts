import type { Scope } from '../../src/expression/expression.ts';
import type {
  DeclarativeTransform,
  FindTransform,
} from '../../src/transform/declarative-transform.ts';
import { readTransform } from '../../src/transform/read-transform.ts';
import type { TransformInput, TransformOutput } from '../../src/transform/transform.ts';
import { noKeys } from './no-keys.ts';
import { environment, NOW } from './subject-message.ts';

/** Reads a transform; its problems as `path [offset] text`. */
export function readProblems(given: unknown): string[] {
  const problems: string[] = [];
  readTransform('t', given, [], {
    environment,
    problem: (path, text, offset) =>
      problems.push([path.join('.'), offset, text].filter((part) => part !== undefined).join(' ')),
    unknown: (_, name) => (name === 'missing' ? 'There is no transform missing.' : undefined),
    find: () => undefined,
  });
  return problems;
}

/** A transform as written in a production; throws with its problems. */
export function transformOf(
  given: unknown,
  { name = 't', find = () => undefined }: { name?: string; find?: FindTransform } = {},
): DeclarativeTransform {
  const problems: string[] = [];
  const transform = readTransform(name, given, [], {
    environment,
    problem: (path, text) => problems.push(`${path.join('.')}: ${text}`),
    unknown: () => undefined,
    find,
  });
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return transform;
}

export function inputOf(scope: Scope): TransformInput {
  return {
    message: scope.message,
    document: scope.document().copy(),
    lookup: (_, __, otherwise = '') => otherwise,
    now: () => NOW,
    jwt: noKeys,
  };
}

/** The one message that steps make of a body. */
export function madeBy(given: unknown, scope: Scope): TransformOutput {
  const outputs = transformOf(given).apply(inputOf(scope));
  if (outputs instanceof Promise) throw new Error('it waits for a token');
  const [made, ...more] = outputs;
  if (made === undefined || more.length > 0) throw new Error('not one message');
  return made;
}

/** Its body as text, segments on lines of their own. */
export function textOf(output: TransformOutput | undefined): string {
  return Buffer.from(output?.body ?? [])
    .toString('utf8')
    .replaceAll('\r', '\n');
}

/** The segments of a made message that begin with a name. */
export function linesOf(output: TransformOutput, name: string): string[] {
  return textOf(output)
    .split('\n')
    .filter((line) => line.startsWith(name));
}
