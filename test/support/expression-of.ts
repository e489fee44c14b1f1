import type { Expression } from '../../src/expression/expression.ts';
import { environment } from './subject-message.ts';

/** An expression as written in a production; throws with its problems. */
export function expressionOf(source: string, result: 'any' | 'bool' = 'any'): Expression {
  const compiled =
    result === 'bool'
      ? environment.compile(source, { result: 'bool' })
      : environment.compile(source, { result: 'any' });
  if (!compiled.ok) throw new Error(compiled.problems.map(({ text }) => text).join());
  return compiled.expression;
}

/** The key is the letter that a body begins with. */
export const firstLetter: Expression = {
  source: 'first letter',
  readsBody: true,
  evaluate: (scope) => Buffer.from(scope.document().bytes()).toString().slice(0, 1),
};
