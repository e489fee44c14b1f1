import type { JsonSchema } from '../definition/form/form.ts';
import { MEANING, type TextMeaning } from '../definition/form/meaning.ts';
import {
  type Keys,
  valueAt,
  type Written,
  type WrittenBlock,
} from '../definition/written/written.ts';

/** What the grammar allows at one place: every schema of which one is to fit. */
export type Allowed = readonly JsonSchema[];

/**
 * What the grammar allows below `keys` of a file. Of alternatives, those are left out that contradict what is written
 * there already, such as the settings of other adapters than the one that is named.
 */
export function allowedAt(root: JsonSchema, keys: Keys, written: Written | undefined): Allowed {
  let [here, at] = [allowedIn(root, [root], written), written];
  for (const key of keys) {
    at = valueAt(at, [key]);
    here = allowedBelow(root, here, { key, written: at });
  }
  return here;
}

/** What is allowed at a key or an item of what `allowed` describes. */
export function allowedBelow(
  root: JsonSchema,
  allowed: Allowed,
  { key, written }: { readonly key: string | number; readonly written: Written | undefined },
): Allowed {
  const below = allowed.flatMap((schema) => {
    const found = typeof key === 'number' ? schema['items'] : keySchema(schema, key);
    return isSchema(found) ? [found] : [];
  });
  return allowedIn(root, below, written);
}

const isSchema = (value: unknown): value is JsonSchema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const propertiesOf = ({ properties }: JsonSchema): Readonly<Record<string, JsonSchema>> =>
  isSchema(properties) ? (properties as Readonly<Record<string, JsonSchema>>) : {};

function keySchema(schema: JsonSchema, key: string): unknown {
  const properties = propertiesOf(schema);
  return Object.hasOwn(properties, key) ? properties[key] : schema['additionalProperties'];
}

function allowedIn(root: JsonSchema, schemas: Allowed, written: Written | undefined): Allowed {
  return schemas.flatMap((schema) => {
    const resolved = resolve(root, schema);
    const { anyOf } = resolved;
    if (!Array.isArray(anyOf)) return [resolved];
    const options = fitting(
      anyOf.map((one: JsonSchema) => resolve(root, one)),
      written,
    );
    return [resolved, ...allowedIn(root, options, written)];
  });
}

function resolve(root: JsonSchema, schema: JsonSchema): JsonSchema {
  const { $ref } = schema;
  if (typeof $ref !== 'string') return schema;
  const definitions = root['definitions'] as Readonly<Record<string, JsonSchema>> | undefined;
  return definitions?.[$ref.replace('#/definitions/', '')] ?? {};
}

function fitting(options: Allowed, written: Written | undefined): Allowed {
  const useful = options.filter((one) => one['not'] === undefined);
  if (written?.kind !== 'block') {
    if (written?.kind !== 'list') return useful;
    const lists = useful.filter((one) => 'items' in one || 'anyOf' in one);
    return lists.length > 0 ? lists : useful;
  }
  const possible = useful.filter((one) => !contradicts(one, written));
  const complete = possible.filter(({ required }) =>
    ((required as readonly string[] | undefined) ?? []).every((key) => written.entries.has(key)),
  );
  return complete.length > 0 ? complete : possible;
}

/** Whether a key that is written has another value than this alternative is for. */
function contradicts(schema: JsonSchema, { entries }: WrittenBlock): boolean {
  return Object.entries(propertiesOf(schema)).some(([key, property]) => {
    const value = entries.get(key)?.value;
    if (value?.kind !== 'scalar' || value.value === null) return false;
    if (property['const'] !== undefined) return property['const'] !== value.value;
    const { pattern, type } = property;
    return typeof pattern === 'string' && type === undefined
      ? !new RegExp(pattern).test(value.source)
      : false;
  });
}

/** What the texts at a place stand for. */
export function meaningsOf(allowed: Allowed): ReadonlySet<TextMeaning> {
  return new Set(
    allowed.flatMap((schema) => {
      const what = schema[MEANING];
      return what === undefined ? [] : [what as TextMeaning];
    }),
  );
}

/** What the keys of a block stand for, where they are names of the production. */
export function keyMeaningsOf(allowed: Allowed): ReadonlySet<TextMeaning> {
  return meaningsOf(
    allowed.flatMap(({ propertyNames }) => (isSchema(propertyNames) ? [propertyNames] : [])),
  );
}

/** The documentation of a place as Markdown: what it is, its default, an example and its words. */
export function explanation(allowed: Allowed): string | undefined {
  const text = (key: string): string | undefined =>
    allowed.map((one) => one[key]).find((one) => typeof one === 'string');
  const help = text('description');
  const preset = allowed.map((one) => one['default']).find((one) => one !== undefined);
  const examples = allowed.flatMap((one) => (one['examples'] as readonly unknown[]) ?? []);
  const words = allowed.flatMap((one) =>
    typeof one['const'] === 'string' && typeof one['description'] === 'string'
      ? [`- \`${one['const']}\`: ${one['description']}`]
      : [],
  );
  const isEmpty = Array.isArray(preset) && preset.length === 0;
  const parts = [
    help,
    words.length > 1 && words.length <= 20 ? words.join('\n') : undefined,
    preset === undefined || isEmpty ? undefined : `Default: \`${plainText(preset)}\``,
    examples.length === 0 ? undefined : `Example: \`${plainText(examples[0])}\``,
  ].filter((one) => one !== undefined);
  return parts.length === 0 ? undefined : parts.join('\n\n');
}

const plainText = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value);
