import { expressionEnvironment } from './environment.ts';
import type { ExpressionFunction } from './function/expression-function.ts';
import { TIMESTAMP } from './function/expression-function.ts';
import type { ExpressionVariable } from './variable.ts';

/** What expressions may use, for people; nothing of it can be evaluated. */
export const expressionReference: {
  readonly variables: readonly ExpressionVariable[];
  readonly functions: readonly ExpressionFunction[];
} = expressionEnvironment({ lookups: { names: [], lookup: () => '' } });

/** A type or signature in short words: `timestamp` instead of the name that CEL gives it. */
export const plainType = (text: string): string => text.replaceAll(TIMESTAMP, 'timestamp');
