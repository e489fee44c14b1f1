import { isLinear, pattern } from 'waybill/document';

/** Below these stands data, where `pattern` is a name like any other. */
const DATA = new Set(['const', 'default', 'enum', 'example', 'examples']);

/** The library joins the names of all properties into one expression. */
const LONGEST = 1_000_000;

/** A regular expression that the library takes for one of the run time, and whose time grows with the text alone. */
class LinearRegExp extends RegExp {
  readonly #source: string;

  constructor(source: string) {
    super('');
    this.#source = source;
  }

  /** Throws where it cannot be linear. */
  prepare(): this {
    pattern(this.#source, LONGEST);
    return this;
  }

  override test(text: string): boolean {
    return pattern(this.#source, LONGEST).test(text);
  }

  /** For the library's sentence. */
  override toString(): string {
    return this.#source;
  }
}

/** The same schema with linear expressions under `pattern`; those that nothing refers to are never looked at. */
export function withLinearPatterns(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withLinearPatterns);
  if (typeof schema !== 'object' || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema).map(([key, one]): [string, unknown] => {
      if (key === 'pattern' && typeof one === 'string') return [key, new LinearRegExp(one)];
      return [key, DATA.has(key) ? one : withLinearPatterns(one)];
    }),
  );
}

/**
 * Puts linear expressions where the library made such of the run time, out of the names of properties. Throws
 * where one cannot be linear.
 */
export function makeLinear(variables: unknown[]): void {
  for (const [at, one] of variables.entries()) {
    if (one instanceof LinearRegExp) one.prepare();
    else if (one instanceof RegExp && !isLinear(one.source)) {
      variables[at] = new LinearRegExp(one.source).prepare();
    }
  }
}

/**
 * The schema for looking up what is wrong, where the library makes expressions out of names itself: without
 * those that are not linear, and without what only they can decide.
 */
export function withoutNamePatterns(schema: unknown): unknown {
  return hasSlowNames(schema) ? stripped(schema) : schema;
}

function hasSlowNames(schema: unknown): boolean {
  if (typeof schema !== 'object' || schema === null) return false;
  return isSlow(schema) || Object.values(schema).some(hasSlowNames);
}

/** Together with the names beside them, even a linear one may not be. */
function isSlow({ patternProperties = {} }: { patternProperties?: unknown }): boolean {
  return (
    typeof patternProperties === 'object' &&
    !isLinear(`(${Object.keys(patternProperties ?? {}).join('|')})`)
  );
}

function stripped(schema: unknown): unknown {
  if (schema instanceof RegExp || typeof schema !== 'object' || schema === null) return schema;
  if (Array.isArray(schema)) return schema.map(stripped);
  const slow = isSlow(schema);
  const left = Object.entries(schema)
    .filter(([key]) => key !== 'unevaluatedProperties')
    .filter(([key]) => !slow || (key !== 'patternProperties' && key !== 'additionalProperties'));
  return Object.fromEntries(left.map(([key, one]) => [key, stripped(one)]));
}
