import type { Expression } from './expression.ts';

/** What an expression must give; `any` is for keys and the like, where every value is fine. */
export interface ResultTypes {
  readonly bool: boolean;
  readonly string: string;
  readonly number: number;
  /** A text, number or boolean; an integer is a bigint. */
  readonly plain: string | number | bigint | boolean;
  readonly any: unknown;
}

/** One mistake in an expression, found before any message arrives. */
export interface ExpressionProblem {
  /** What is wrong and what to do; a full sentence without the expression's place. */
  readonly text: string;
  /** Where it begins and ends in the source, counted from 0. */
  readonly offset: number;
  readonly end: number;
}

export type Compiled<Value> =
  | { readonly ok: true; readonly expression: Expression<Value> }
  | { readonly ok: false; readonly problems: readonly ExpressionProblem[] };
