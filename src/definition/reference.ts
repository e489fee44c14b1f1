import type { JsonSchema } from './form/form.ts';

const MARKED = /(<!-- keys of (\w+): (\S+) -->\n)[\s\S]*?(<!-- end of keys -->)/g;

/**
 * Fills the tables of keys in the reference page from the schemas, between `<!-- keys of
 * production: services.* -->` and `<!-- end of keys -->`. In a path, `*` means the names that a
 * production chooses, `[]` the items of a list, `#basic` the variant of that kind, `.` the top.
 * Throws if a path is not in its schema.
 */
export function fillReference(text: string, schemas: Readonly<Record<string, JsonSchema>>): string {
  return text.replace(MARKED, (...found) => {
    const [, start = '', name = '', path = '', end = ''] = found as readonly string[];
    const schema = schemas[name];
    const block = schema === undefined ? undefined : schemaAt(schema, path);
    if (block === undefined)
      throw new Error(`the reference names ${name}: ${path}, which does not exist`);
    return `${start}${keyTable(block)}\n${end}`;
  });
}

/** Every path that has a block of keys, for the check that the reference leaves none out. */
export function blocksIn(schema: JsonSchema): string[] {
  return [...blocksBelow(schema, '.')].map(({ path }) => path);
}

interface SchemaBlock {
  readonly suffix: string;
  readonly block: JsonSchema;
}

/** The blocks that a schema allows: itself, its alternatives, the items of its list, its variants. */
function* objectsIn(schema: JsonSchema): Generator<SchemaBlock> {
  const { type, items, properties, additionalProperties } = schema;
  if (type === 'object' && (properties !== undefined || additionalProperties !== undefined)) {
    yield { suffix: '', block: schema };
  }
  if (properties === undefined) yield* alternativesIn(schema);
  if (type === 'array' && typeof items === 'object') yield* objectsIn(items as JsonSchema);
}

function* alternativesIn({ anyOf }: JsonSchema): Generator<SchemaBlock> {
  const alternatives = Array.isArray(anyOf) ? (anyOf as JsonSchema[]) : [];
  const blocks = alternatives.filter(({ properties }) => properties !== undefined);
  const seen = new Set<JsonSchema>();
  for (const one of alternatives) {
    for (const { suffix, block } of objectsIn(one)) {
      // A list and its single item without brackets are the same block.
      if (seen.has(block)) continue;
      seen.add(block);
      yield { suffix: blocks.length > 1 ? `#${variantOf(one)}` : suffix, block };
    }
  }
}

/** The word of `kind:`, or otherwise the key that only this variant requires. */
function variantOf({ properties, required }: JsonSchema): string {
  const { kind } = (properties ?? {}) as { readonly kind?: { readonly const?: unknown } };
  if (typeof kind?.const === 'string') return kind.const;
  return Array.isArray(required) ? String(required[0]) : '';
}

function schemaAt(schema: JsonSchema, path: string): JsonSchema | undefined {
  return [...blocksBelow(schema, '.')].find((one) => one.path === path)?.block;
}

function* blocksBelow(
  schema: JsonSchema,
  path: string,
): Generator<{ readonly path: string; readonly block: JsonSchema }> {
  for (const { suffix, block } of objectsIn(schema)) {
    const own = suffix === '' ? path : `${path === '.' ? '' : path}${suffix}`;
    const below = own === '.' ? '' : `${own}.`;
    const { properties, additionalProperties } = block;
    if (properties !== undefined) yield { path: own, block };
    for (const [key, inner] of Object.entries((properties ?? {}) as JsonSchema)) {
      yield* blocksBelow(inner as JsonSchema, `${below}${key}`);
    }
    if (typeof additionalProperties === 'object' && additionalProperties !== null) {
      yield* blocksBelow(additionalProperties as JsonSchema, `${below}*`);
    }
  }
}

function keyTable({ properties, required }: JsonSchema): string {
  const needed = (required ?? []) as readonly string[];
  const rows = Object.entries((properties ?? {}) as Readonly<Record<string, JsonSchema>>).map(
    ([key, schema]) => {
      const what = cell(
        `${textOf(schema['description'])}${choicesText(schema)}${exampleText(schema)}`,
      );
      return `| \`${key}\` | ${what} | ${presetText(schema, needed.includes(key))} |`;
    },
  );
  return ['| key | what | default |', '|---|---|---|', ...rows].join('\n');
}

/** The words of a choice, each with its meaning. */
function choicesText({ anyOf }: JsonSchema): string {
  const alternatives = Array.isArray(anyOf) ? (anyOf as JsonSchema[]) : [];
  const words = alternatives.flatMap(({ const: word, description }) =>
    word === undefined ? [] : [`${code(word)}: ${textOf(description)}`],
  );
  return words.length === 0 ? '' : ` ${words.join('; ')}.`;
}

function exampleText({ examples }: JsonSchema): string {
  return Array.isArray(examples) ? ` Example: ${code(examples[0])}` : '';
}

function presetText({ default: preset }: JsonSchema, needed: boolean): string {
  if (needed) return 'required';
  const isEmpty = preset === undefined || (Array.isArray(preset) && preset.length === 0);
  return isEmpty ? '' : code(preset);
}

const code = (value: unknown): string =>
  `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** In a table of Markdown. */
export const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
