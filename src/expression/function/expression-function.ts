/** One function of the expression language, as users call it. */
export interface ExpressionFunction {
  /** In the notation of the CEL package: `left(string, int): string`. CEL's `int` is a bigint in JavaScript. */
  readonly signature: string;
  /** What it returns, for the reference page and the console. */
  readonly help: string;
  /** It reads the message's body; an expression that calls it needs the body in memory. */
  readonly readsBody?: true;
  readonly call: (...given: never[]) => unknown;
}

/** `timestamp` in the CEL package's own words. */
export const TIMESTAMP = 'google.protobuf.Timestamp';
