import type { Type as TypeBox } from 'typebox';

type Options = Readonly<Record<string, unknown>>;

/** The optional properties of an object. */
const optional = new WeakSet<object>();

const of =
  (type: string) =>
  (options: Options = {}) => ({ type, ...options });

const parts = {
  String: of('string'),
  Integer: of('integer'),
  Number: of('number'),
  Boolean: of('boolean'),
  Unknown: (options: Options = {}) => ({ ...options }),
  Literal: (value: unknown) => ({ type: typeof value, const: value }),
  Array: (items: object, options: Options = {}) => ({ type: 'array', items, ...options }),
  Union: (anyOf: readonly object[]) => ({ anyOf }),
  Object: (properties: Readonly<Record<string, object>>, options: Options = {}) => {
    const required = Object.entries(properties)
      .filter(([, one]) => !optional.has(one))
      .map(([name]) => name);
    return {
      type: 'object',
      ...(required.length === 0 ? {} : { required }),
      properties,
      ...options,
    };
  },
  Optional: (schema: object) => {
    const copy = { ...schema };
    optional.add(copy);
    return copy;
  },
  Unsafe: (schema: object) => ({ ...schema }),
};

/**
 * The builders of TypeBox used for the schemas of the API, and its types. They make the same plain
 * JSON Schema; TypeBox itself is about seven hundred modules, and reading them would take a fifth
 * of every start.
 */
export const Type = parts as unknown as Pick<typeof TypeBox, keyof typeof parts>;
export type { Static } from 'typebox';
