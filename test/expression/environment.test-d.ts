import { expectTypeOf, test } from 'vitest';
import type { Compiled } from '../../src/expression/compiled.ts';
import type { ExpressionEnvironment } from '../../src/expression/environment.ts';

declare const environment: ExpressionEnvironment;

test('what is asked for is what an expression gives', () => {
  expectTypeOf(environment.compile('true', { result: 'bool' })).toEqualTypeOf<Compiled<boolean>>();
  expectTypeOf(environment.compile('""', { result: 'string' })).toEqualTypeOf<Compiled<string>>();
  expectTypeOf(environment.compile('1', { result: 'number' })).toEqualTypeOf<Compiled<number>>();
  expectTypeOf(environment.compile('1', { result: 'any' })).toEqualTypeOf<Compiled<unknown>>();
});

test('there is an expression only if there is no problem', () => {
  const compiled = environment.compile('true', { result: 'bool' });
  // @ts-expect-error it may be a list of problems
  expectTypeOf(compiled.expression).toBeUnknown();
  if (compiled.ok) expectTypeOf(compiled.expression.readsBody).toEqualTypeOf<boolean>();
  else expectTypeOf(compiled.problems[0]?.offset).toEqualTypeOf<number | undefined>();
});
