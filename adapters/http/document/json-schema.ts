import { Build, Errors } from 'typebox/schema';
import { isLinear, pattern } from 'waybill/document';
import type { BodyCheck } from '../operation.ts';
import type { Tell } from './faults.ts';
import type { DocumentNode } from './read-document.ts';
import { tellOfSchema } from './schema-faults.ts';

export const anything: BodyCheck = () => [];

/** The check for a schema at `keys` of a document. If it is invalid, that is reported and nothing is checked. */
export function schemaCheck(
  schema: unknown,
  {
    keys,
    root,
    tell,
  }: {
    readonly keys: readonly string[];
    /** What references are resolved against, if not the schema itself. */
    readonly root?: DocumentNode;
    readonly tell: Tell;
  },
): BodyCheck {
  let isGood = true;
  tellOfSchema(schema, keys, (...fault) => {
    isGood = false;
    tell(...fault);
  });
  if (!isGood) return anything;
  try {
    return bodyCheck(schema as object, root);
  } catch {
    // whatever the library found wrong
    tell(keys, 'this is not a usable JSON Schema', 'Correct the schema.');
    return anything;
  }
}

const MOST = 20;

/** Compiles a JSON Schema. References are resolved against `root`, if given, otherwise against the schema itself. */
export function bodyCheck(schema: object, root: Readonly<Record<string, unknown>> = {}): BodyCheck {
  const whole = Object.keys(root).length === 0 ? schema : { ...root, allOf: [schema] };
  const linear = withLinearPatterns(whole) as Parameters<typeof Build>[0];
  const build = Build(linear);
  makeLinear(build.External().variables);
  const compiled = build.Evaluate();
  const explaining = withoutNamePatterns(linear) as typeof linear;
  return (value) => {
    if (compiled.Check(value)) return [];
    const [, errors] = Errors(explaining, value);
    const problems = errors
      .filter(({ keyword }) => keyword !== 'boolean')
      .slice(0, MOST)
      .map((error) => ({ at: error.instancePath || '/', problem: worded(error) }));
    return problems.length > 0
      ? problems
      : [{ at: '/', problem: 'must have properties as required by patternProperties' }];
  };
}

/** How many names or values a problem shows, and how much of them; characters. */
const SHOWN = 10;
const LONGEST_SHOWN = 200;

/** The library says that properties are too many, or a value is none of several, but not which. */
function worded(error: ReturnType<typeof Errors>[1][number]): string {
  const { keyword, message, params } = error;
  if (keyword === 'additionalProperties') {
    return `${message}: ${shown(params.additionalProperties)}`;
  }
  if (keyword === 'unevaluatedProperties') {
    return `${message}: ${shown(params.unevaluatedProperties.map(String))}`;
  }
  if (keyword === 'enum') return `${message}: ${shown(params.allowedValues)}`;
  return keyword === 'const' ? `${message}: ${shown([params.allowedValue])}` : message;
}

function shown(values: readonly unknown[]): string {
  const more = values.length > SHOWN ? ', …' : '';
  const text = values
    .slice(0, SHOWN)
    .map((value) => JSON.stringify(value))
    .join(', ');
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : `${text}${more}`;
}

/** Below these is data, where `pattern` is an ordinary name. */
const DATA = new Set(['const', 'default', 'enum', 'example', 'examples']);

/** The library joins the names of all properties into one expression. */
const LONGEST = 1_000_000;

/** A regular expression with linear time that the library takes for a native one. */
class LinearRegExp extends RegExp {
  readonly #source: string;

  constructor(source: string) {
    super('');
    this.#source = source;
  }

  /** Throws if it cannot be linear. */
  prepare(): this {
    pattern(this.#source, LONGEST);
    return this;
  }

  override test(text: string): boolean {
    return pattern(this.#source, LONGEST).test(text);
  }

  /** For the library's message. */
  override toString(): string {
    return this.#source;
  }
}

/** The same schema with linear expressions under `pattern`; unreferenced ones are never compiled. */
function withLinearPatterns(schema: unknown): unknown {
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
 * Replaces the native expressions that the library made from property names with linear ones.
 * Throws if one cannot be linear.
 */
function makeLinear(variables: unknown[]): void {
  for (const [at, one] of variables.entries()) {
    if (one instanceof LinearRegExp) one.prepare();
    else if (one instanceof RegExp && !isLinear(one.source)) {
      variables[at] = new LinearRegExp(one.source).prepare();
    }
  }
}

/**
 * The schema for finding out what is wrong, where the library makes expressions from names itself:
 * without those that are not linear, and without what only they can decide.
 */
function withoutNamePatterns(schema: unknown): unknown {
  return hasSlowNames(schema) ? stripped(schema) : schema;
}

function hasSlowNames(schema: unknown): boolean {
  if (typeof schema !== 'object' || schema === null) return false;
  return isSlow(schema) || Object.values(schema).some(hasSlowNames);
}

/** Combined with the names next to it, even a linear one may not be linear. */
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
