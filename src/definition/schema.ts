import { type AnyAdapter, isInbound, isLookup } from './find-adapter.ts';
import { DRAFT, type JsonSchema } from './form/form.ts';
import { fieldsSchema } from './form/setting-schema.ts';
import { productionForm } from './grammar/production-form.ts';
import { testFileForm } from './grammar/test-form.ts';
import { transformSchema } from './grammar/transform-schema.ts';

/**
 * JSON Schema of production.yaml, of the files it includes and of its overlays, for YAML editors. The settings
 * of a host are those of the adapter it names.
 */
export function productionSchema(adapters: readonly AnyAdapter[]): JsonSchema {
  const { required: _, ...schema } = productionForm.schema();
  const properties = schema['properties'] as Readonly<Record<string, JsonSchema>>;
  const inbound = adapters.filter(isInbound);
  const lookups = adapters.filter(isLookup);
  const outbound = adapters.filter((adapter) => !isInbound(adapter) && !isLookup(adapter));
  return {
    $schema: DRAFT,
    title: 'A Waybill production',
    ...schema,
    properties: {
      ...properties,
      services: hostsSchema(properties['services'] ?? {}, inbound),
      operations: hostsSchema(properties['operations'] ?? {}, outbound),
      lookups: lookupsSchema(properties['lookups'] ?? {}, lookups),
    },
  };
}

/** A file, or a block that names an adapter. */
function lookupsSchema(lookups: JsonSchema, adapters: readonly AnyAdapter[]): JsonSchema {
  const { anyOf } = lookups['additionalProperties'] as { anyOf: readonly JsonSchema[] };
  const entries = anyOf.map((one) =>
    one['type'] === 'object' ? adaptedSchema(one, adapters) : one,
  );
  return { ...lookups, additionalProperties: { anyOf: entries } };
}

function hostsSchema(hosts: JsonSchema, adapters: readonly AnyAdapter[]): JsonSchema {
  const host = hosts['additionalProperties'] as JsonSchema;
  return { ...hosts, additionalProperties: adaptedSchema(host, adapters) };
}

/** A block with the settings of the adapter that it names. */
function adaptedSchema(
  { required: _, ...host }: JsonSchema,
  adapters: readonly AnyAdapter[],
): JsonSchema {
  const properties = host['properties'] as Readonly<Record<string, JsonSchema>>;
  const types = adapters.map(({ type, summary }) => ({ const: type, description: summary }));
  const own = { pattern: '^\\.{0,2}/' };
  return {
    ...host,
    properties: {
      ...properties,
      adapter: { ...properties['adapter'], anyOf: [...types, own] },
    },
    anyOf: [
      ...adapters.map(settingsOfType),
      { required: ['adapter'], properties: { adapter: own } },
      // An overlay or a second file need not repeat it.
      { not: { required: ['adapter'] } },
    ],
  };
}

/** An overlay has only some of the settings, so none is required here: the check does that. */
function settingsOfType({ type, settings }: AnyAdapter): JsonSchema {
  return {
    required: ['adapter'],
    properties: { adapter: { const: type }, settings: withoutRequired(fieldsSchema(settings)) },
  };
}

function withoutRequired({ required: _, ...schema }: JsonSchema): JsonSchema {
  return schema;
}

/** JSON Schema of production.test.yaml. */
export function testSchema(): JsonSchema {
  return { $schema: DRAFT, title: 'Tests of a Waybill production', ...testFileForm.schema() };
}

/** The schema files that ship with the examples, by name. The build writes them; a test compares them. */
export function schemaFiles(adapters: readonly AnyAdapter[]): ReadonlyMap<string, string> {
  return new Map([
    ['production.schema.json', fileText(productionSchema(adapters))],
    ['transform.schema.json', fileText(transformSchema())],
    ['test.schema.json', fileText(testSchema())],
  ]);
}

const fileText = (schema: JsonSchema): string =>
  `${JSON.stringify(shareSchemas(schema), undefined, 2)}\n`;

/** Shorter ones are easier to read in place. */
const LEAST = 300;

/** The same schema with repeated parts written once, under `definitions`. */
export function shareSchemas(schema: JsonSchema): JsonSchema {
  const counts = new Map<string, number>();
  count(schema, counts, true);
  const names = new Map<string, string>();
  const definitions: Record<string, unknown> = {};
  /** Named after the key where it is first found, so that a new adapter does not rename the others. */
  const nameFor = (key: string): string => {
    let number = 1;
    let name = key;
    while (Object.hasOwn(definitions, name)) name = `${key}${++number}`;
    return name;
  };
  const replace = (value: unknown, key: string): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map((item) => replace(item, key));
    const inner = (): JsonSchema =>
      Object.fromEntries(
        Object.entries(value).map(([name, one]) => [name, replace(one, isWord(name) ? key : name)]),
      );
    const text = JSON.stringify(value);
    const isRepeated = text.length >= LEAST && (counts.get(text) ?? 0) > 1;
    if (value === schema || !isRepeated || !isSchema(value as JsonSchema)) return inner();
    let name = names.get(text);
    if (name === undefined) {
      name = nameFor(key);
      names.set(text, name);
      definitions[name] = {};
      definitions[name] = inner();
    }
    return { $ref: `#/definitions/${name}` };
  };
  const made = replace(schema, 'schema') as JsonSchema;
  if (names.size === 0) return made;
  return { ...made, definitions: { ...(made['definitions'] as JsonSchema), ...definitions } };
}

/** Words of JSON Schema between a key and its content. */
const isWord = (name: string): boolean => name === 'anyOf' || name === 'items';

function count(value: unknown, counts: Map<string, number>, top = false): void {
  if (typeof value !== 'object' || value === null) return;
  if (!top && !Array.isArray(value)) {
    const text = JSON.stringify(value);
    const seen = counts.get(text) ?? 0;
    if (text.length >= LEAST) counts.set(text, seen + 1);
    // What is inside a repeated part is shared along with it.
    if (seen > 0 && text.length >= LEAST) return;
  }
  for (const inner of Object.values(value)) count(inner, counts);
}

/** A block of properties is not a schema, although one of them may be named `type`. */
function isSchema({ type, anyOf }: JsonSchema): boolean {
  return typeof type === 'string' || Array.isArray(type) || Array.isArray(anyOf);
}
