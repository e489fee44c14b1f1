import { patternProblem } from 'waybill/document';
import type { Tell } from './faults.ts';

const TYPES = new Set(['string', 'number', 'integer', 'boolean', 'object', 'array', 'null']);

/** Keywords by what their value must be. A schema library ignores a misspelt value, and then anything passes. */
const VALUES: readonly (readonly [
  names: readonly string[],
  is: (value: unknown) => boolean,
  wanted: string,
])[] = [
  [['type'], isType, `must be one of ${[...TYPES].join(', ')}, or a list of them`],
  [['required'], isTexts, 'must be a list of names'],
  [['enum'], Array.isArray, 'must be a list'],
  [
    ['minimum', 'maximum', 'multipleOf', 'exclusiveMinimum', 'exclusiveMaximum'],
    (value) => typeof value === 'number',
    'must be a number',
  ],
  [
    ['minLength', 'maxLength', 'minItems', 'maxItems', 'minProperties', 'maxProperties'],
    (value) => Number.isInteger(value) && (value as number) >= 0,
    'must be a whole number',
  ],
];

/** Keywords that hold a schema, a list of them, or schemas by name. */
const SCHEMA = ['not', 'if', 'then', 'else', 'items', 'contains', 'propertyNames'] as const;
const MAYBE = ['additionalProperties', 'unevaluatedProperties', 'additionalItems'] as const;
const LISTS = ['allOf', 'anyOf', 'oneOf', 'prefixItems'] as const;
const NAMED = ['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas'];

/** What is wrong with a JSON Schema itself; its references are checked elsewhere. */
export function tellOfSchema(schema: unknown, keys: readonly string[], tell: Tell): void {
  if (typeof schema === 'boolean') return;
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) {
    return tell(keys, 'this is not a JSON Schema', 'It must be an object.');
  }
  const held = schema as Readonly<Record<string, unknown>>;
  tellOfValues(held, keys, tell);
  tellOfPatterns(held, keys, tell);
  for (const name of [...SCHEMA, ...MAYBE]) {
    if (name in held) tellOfSchema(held[name], [...keys, name], tell);
  }
  for (const name of LISTS) tellOfEach(held, { name, keys, tell, isList: true });
  for (const name of NAMED) tellOfEach(held, { name, keys, tell, isList: false });
}

function tellOfValues(
  held: Readonly<Record<string, unknown>>,
  keys: readonly string[],
  tell: Tell,
): void {
  for (const [names, is, wanted] of VALUES) {
    for (const name of names) {
      if (!(name in held) || is(held[name])) continue;
      tell([...keys, name], `${name} ${wanted}`, 'Correct the schema.');
    }
  }
}

/** They are matched against what callers send, so no text must take long. */
function tellOfPatterns(
  { pattern, patternProperties }: Readonly<{ pattern?: unknown; patternProperties?: unknown }>,
  keys: readonly string[],
  tell: Tell,
): void {
  const ofNames = typeof patternProperties === 'object' ? Object.keys(patternProperties ?? {}) : [];
  for (const [source, place] of [
    ...(pattern === undefined ? [] : [[pattern, ['pattern']] as const]),
    ...ofNames.map((name) => [name, ['patternProperties', name]] as const),
  ]) {
    const why = typeof source === 'string' ? patternProblem(source) : 'it is not a text';
    if (why === undefined) continue;
    tell(
      [...keys, ...place],
      `${place[0]} cannot be used: ${why}`,
      'Correct the schema; write several conditions as patterns of an allOf, and what is forbidden below not.',
    );
  }
}

function tellOfEach(
  held: Readonly<Record<string, unknown>>,
  {
    name,
    keys,
    tell,
    isList,
  }: {
    readonly name: string;
    readonly keys: readonly string[];
    readonly tell: Tell;
    readonly isList: boolean;
  },
): void {
  if (!(name in held)) return;
  const value = held[name];
  if (typeof value !== 'object' || value === null || Array.isArray(value) !== isList) {
    const wanted = isList ? 'a list of schemas' : 'schemas by name';
    return tell([...keys, name], `${name} must be ${wanted}`, 'Correct the schema.');
  }
  for (const [key, one] of Object.entries(value)) tellOfSchema(one, [...keys, name, key], tell);
}

function isType(value: unknown): boolean {
  return [value].flat().every((one) => typeof one === 'string' && TYPES.has(one));
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}
