import { PatternFault } from '../document/text/pattern.ts';
import { EngineError, isEngineError } from '../error/engine-error.ts';

/**
 * Why a function in an expression failed. The text is a constant or names a function; it never
 * contains a value of the message.
 */
export class ExpressionFault extends Error {
  override readonly name = 'ExpressionFault';
}

/** The CEL package quotes values in its messages, so only its codes are used. */
const REASONS: Readonly<Record<string, string>> = {
  bool_conversion_error: 'a text is not true or false',
  double_conversion_error: 'a text is not a number',
  int_conversion_error: 'a text is not a whole number',
  uint_conversion_error: 'a text is not a whole number',
  numeric_overflow: 'a number is too large',
  division_by_zero: 'a division by zero',
  modulo_by_zero: 'a division by zero',
  index_out_of_range: 'a position is outside the text',
  index_out_of_bounds: 'a position is outside the list',
  no_such_key: 'a map has no such key',
  invalid_regular_expression: 'a regular expression is not valid',
  invalid_timestamp: 'a text is not an ISO 8601 time',
  invalid_duration: 'a text is not a duration such as 1h30m',
};

/** Turns what an evaluation threw into an EngineError that names the expression and quotes no value. */
export function expressionFailed(source: string, thrown: unknown): EngineError {
  if (isEngineError(thrown) && thrown.retryable) return thrown;
  return new EngineError(
    'EXPRESSION_FAILED',
    `The expression ${source} failed: ${reason(thrown)}.`,
  );
}

function reason(thrown: unknown): string {
  if (thrown instanceof ExpressionFault || thrown instanceof PatternFault) return thrown.message;
  if (isEngineError(thrown)) {
    // A path may have been built from values, and its error quotes it.
    return thrown.code === 'PATH_INVALID'
      ? 'a path does not fit this kind of body'
      : thrown.message.replace(/\.$/, '');
  }
  const { code, range } = thrown as { code?: unknown; range?: { start?: unknown } };
  const known = typeof code === 'string' ? REASONS[code] : undefined;
  const column = typeof range?.start === 'number' ? ` at column ${range.start + 1}` : '';
  return `${known ?? 'it could not be evaluated'}${column}`;
}
