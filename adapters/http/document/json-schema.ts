import { Build, Errors } from 'typebox/schema';
import { isLinear, pattern } from 'waybill/document';
import type { BodyCheck } from '../operation.ts';
import type { Tell } from './faults.ts';
import type { DocumentNode } from './read-document.ts';
import { tellOfSchema } from './schema-faults.ts';

export const anything: BodyCheck = () => [];

/** The check of a schema that stands at `keys` of a document. What is wrong with it is told, and then nothing is checked. */
export function schemaCheck(
  schema: unknown,
  {
    keys,
    root,
    tell,
  }: {
    readonly keys: readonly string[];
    /** What references count from, where that is not the schema itself. */
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
    // whatever the library found wrong with it
    tell(keys, 'this is not a JSON Schema that can be used', 'Correct the schema.');
    return anything;
  }
}

const MOST = 20;

/** Compiles a JSON Schema. `root` is what references in it count from, where that is not the schema itself. */
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
      .map(({ instancePath, message }) => ({ at: instancePath || '/', problem: message }));
    return problems.length > 0
      ? problems
      : [{ at: '/', problem: 'must have properties as patternProperties wants them' }];
  };
}

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
 * Puts linear expressions where the library made such of the run time, out of the names of properties. Throws
 * where one cannot be linear.
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
 * The schema for looking up what is wrong, where the library makes expressions out of names itself: without
 * those that are not linear, and without what only they can decide.
 */
function withoutNamePatterns(schema: unknown): unknown {
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
