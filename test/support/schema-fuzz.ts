import type { Random } from './random.ts';

/** The parts of a JSON schema that the API uses. */
export interface Schema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly anyOf?: readonly Schema[];
}

const TEXTS = [
  '',
  ' ',
  'hl7-in',
  'hl7-out',
  '4711',
  '*',
  '%',
  '_',
  "' OR 1=1 --",
  '"; DROP TABLE audit;',
  '\u0000',
  'a\u0000b',
  '\ud800',
  '../../etc/passwd',
  '%00',
  '<script>alert(1)</script>',
  '${env:HOME}',
  '__proto__',
  '\r\nset-cookie: a=b',
  'm0',
  's0.',
  'm99999999999999999999',
  's9007199254740993.9007199254740993',
  '99999999999999999999.9',
  '1.99999999999',
  '\u{1f600}'.repeat(60),
  'x'.repeat(5_000),
] as const;

const NUMBERS = [
  0,
  1,
  -1,
  2,
  50,
  0.5,
  1_000,
  60_000,
  2 ** 31,
  2 ** 53,
  2 ** 53 - 1,
  2 ** 63,
  1e21,
  1e308,
  -1e308,
] as const;

const WRONG = [null, true, [], {}, [[]], { a: { b: [] } }, 'text', 7] as const;

/** Values for a schema: most are valid, some at the limits, some of another type. */
export interface SchemaFuzz {
  value(schema: Schema | undefined): unknown;
  /** A value for a path or a query. */
  text(schema: Schema | undefined): string;
}

export function schemaFuzz(chance: Random): SchemaFuzz {
  const one = <Value>(from: readonly Value[]): Value => from[chance.below(from.length)] as Value;
  const value = (schema: Schema | undefined, depth = 0): unknown =>
    schema === undefined || chance.below(25) === 0 ? one<unknown>(WRONG) : fitting(schema, depth);
  const fitting = (schema: Schema, depth: number): unknown => {
    if (schema.enum !== undefined) return chance.below(10) === 0 ? one(TEXTS) : one(schema.enum);
    if (schema.anyOf !== undefined) return value(one(schema.anyOf), depth);
    if (schema.type === 'integer' || schema.type === 'number') return one(NUMBERS);
    if (schema.type === 'boolean') return one([true, false]);
    if (schema.type === 'array') return array(schema, depth);
    return schema.type === 'object' ? object(schema, depth) : one(TEXTS);
  };
  const array = ({ items }: Schema, depth: number): unknown[] => {
    const few = Array.from({ length: chance.below(4) }, () => value(items, depth + 1));
    const [first] = few;
    return chance.below(20) === 0 ? Array.from({ length: 1_000 }, () => first) : few;
  };
  const object = (schema: Schema, depth: number): Record<string, unknown> => {
    const { properties = {}, required = [], additionalProperties } = schema;
    const names = Object.keys(properties).filter(
      (name) => (required.includes(name) && chance.below(20) > 0) || chance.below(3) === 0,
    );
    const entries = names.map((name) => [name, value(properties[name], depth + 1)] as const);
    const more = typeof additionalProperties === 'object' && depth < 4 ? chance.below(3) : 0;
    for (let n = 0; n < more; n += 1) {
      const inside = additionalProperties as Schema;
      entries.push([one(['mrn', 'control-id', '__proto__', '', 'x']), value(inside, depth + 1)]);
    }
    if (chance.below(40) === 0) entries.push(['unknown', 1]);
    return Object.fromEntries(entries);
  };
  return {
    value: (schema) => value(schema),
    text(schema) {
      const made = value(schema);
      return typeof made === 'string' ? made.toWellFormed() : JSON.stringify(made ?? '');
    },
  };
}
