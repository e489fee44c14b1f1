import { globSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** The part of JSON Schema that the contract uses. */
interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
}

interface Described {
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly schema: Schema;
  }[];
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: Schema }>>;
  };
  readonly responses: {
    readonly 200: { readonly content?: Readonly<Record<string, { readonly schema: Schema }>> };
  };
}

/** What the modules of the contract export, by file name: schemas, and other values. */
type Contract = ReadonlyMap<string, Readonly<Record<string, unknown>>>;

export const OPERATIONS = 'src/api/contract/operations.ts';

const PREFIX = '/api/v1';
const JSON_TYPE = 'application/json';

/**
 * The types of every request and answer, from the OpenAPI document, so that a client only names the
 * operation. A schema that the contract exports is referred to by its name, any other is written out.
 */
export async function operationTypes(document: string, root: string): Promise<string> {
  const { paths } = JSON.parse(document) as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
  };
  const names = namesOf(await contractOf(root));
  const used = new Set<string>();
  const text = (schema: Schema): string => {
    const known = names.get(keyOf(schema));
    if (known?.length !== 1) return written(schema, text);
    const [[file, name] = ['', '']] = known;
    used.add(file);
    return `${spaceOf(file)}.${name}`;
  };
  const lines = Object.entries(paths)
    .filter(([path]) => path.startsWith(`${PREFIX}/`))
    .flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, described]) => {
        const name = `${method.toUpperCase()} ${path.slice(PREFIX.length)}`;
        return `  readonly '${name}': { ${partsOf(described, text)} };`;
      }),
    )
    .toSorted();
  const imports = [...used]
    .toSorted()
    .map((file) => `import type * as ${spaceOf(file)} from './${file}';`);
  return [
    '// made from the routes by `npm run build`; a test compares it with them',
    ...imports,
    '',
    '/** What each operation of the API takes and answers; an answer that is not JSON is `bytes`. */',
    'export interface Operations {',
    ...lines,
    '}',
    '',
  ].join('\n');
}

function partsOf(
  { parameters = [], requestBody, responses }: Described,
  text: (schema: Schema) => string,
): string {
  const asked = parameters.filter((one) => one.in === 'query');
  const body = requestBody?.content[JSON_TYPE]?.schema;
  const answer = responses[200].content?.[JSON_TYPE]?.schema;
  const query: Schema = {
    type: 'object',
    properties: Object.fromEntries(asked.map(({ name, schema }) => [name, schema])),
    required: asked.flatMap(({ name, required }) => (required === true ? [name] : [])),
  };
  return [
    ...(asked.length === 0 ? [] : [`query: ${text(query)}`]),
    ...(body === undefined ? [] : [`body: ${text(body)}`]),
    `result: ${answer === undefined ? "'bytes'" : text(answer)}`,
  ].join('; ');
}

/** A schema as a type, with `text` for what is in it. */
function written(schema: Schema, text: (schema: Schema) => string): string {
  const choices = schema.const === undefined ? schema.enum : [schema.const];
  if (choices !== undefined) return choices.map(literal).join(' | ');
  if (schema.anyOf !== undefined) return schema.anyOf.map(text).join(' | ');
  if (schema.type === 'object') return objectText(schema, text);
  if (schema.type === 'array') return `readonly ${inList(text(schema.items ?? {}))}[]`;
  return SIMPLE[schema.type ?? ''] ?? 'unknown';
}

const SIMPLE: Readonly<Record<string, string>> = {
  string: 'string',
  boolean: 'boolean',
  null: 'null',
  integer: 'number',
  number: 'number',
};

const literal = (value: unknown): string =>
  typeof value === 'string' ? `'${value}'` : JSON.stringify(value);

const inList = (text: string): string => (text.includes(' | ') ? `(${text})` : text);

function objectText(
  { properties, required = [], additionalProperties }: Schema,
  text: (schema: Schema) => string,
): string {
  if (properties === undefined)
    return typeof additionalProperties === 'object'
      ? `Readonly<Record<string, ${text(additionalProperties)}>>`
      : 'Readonly<Record<string, unknown>>';
  const parts = Object.entries(properties).map(([name, schema]) => {
    const key = /^[A-Za-z_]\w*$/.test(name) ? name : `'${name}'`;
    const type = text(schema);
    if (required.includes(name)) return `${key}: ${type}`;
    return `${key}?: ${type === 'unknown' ? type : `${type} | undefined`}`;
  });
  return parts.length === 0 ? 'Readonly<Record<string, never>>' : `{ ${parts.join('; ')} }`;
}

async function contractOf(root: string): Promise<Contract> {
  const contract = new Map<string, Readonly<Record<string, unknown>>>();
  for (const file of globSync(join(root, dirname(OPERATIONS), '*.ts')).toSorted()) {
    if (basename(file) === basename(OPERATIONS)) continue;
    const module: unknown = await import(pathToFileURL(file).href);
    contract.set(basename(file), module as Readonly<Record<string, unknown>>);
  }
  return contract;
}

/** `saved-search.ts` → `savedSearch`: the name of what a module exports. */
const spaceOf = (file: string): string =>
  file.replace('.ts', '').replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());

/** The exported objects with a content, each as its module and its name. */
function namesOf(contract: Contract): ReadonlyMap<string, readonly (readonly [string, string])[]> {
  const exported = [...contract].flatMap(([file, module]) =>
    Object.entries(module).flatMap(([name, schema]) =>
      isNamed(schema) ? [{ key: keyOf(schema), name: [file, name] as const }] : [],
    ),
  );
  return new Map(
    [...Map.groupBy(exported, ({ key }) => key)].map(([key, all]) => [
      key,
      all.map(({ name }) => name),
    ]),
  );
}

/** An object of a single property is written out: others may have the same by chance. */
function isNamed(value: unknown): value is Schema {
  if (typeof value !== 'object' || value === null || !('properties' in value)) return false;
  return Object.keys(value.properties ?? {}).length > 1;
}

/** The same for schemas that say the same, in whatever order. */
function keyOf(schema: Schema): string {
  return JSON.stringify(schema, (_, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}
