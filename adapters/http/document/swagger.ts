import type { Tell } from './faults.ts';
import { type DocumentNode, list, object, type ReadDocument, target } from './read-document.ts';

const FORM = 'application/x-www-form-urlencoded';
const MULTIPART = 'multipart/form-data';
const JSON_TYPE = 'application/json';

/** What is about a parameter and not about its value. */
const OF_PARAMETER = new Set([
  'name',
  'in',
  'required',
  'description',
  'collectionFormat',
  'schema',
]);

/** Where a part of the new document is written in the old one: the longest beginning counts. */
type Origins = Map<string, readonly string[]>;

interface Converting {
  readonly document: DocumentNode;
  readonly origins: Origins;
  readonly forms: string[][];
}

export const isSwagger = ({ value }: ReadDocument): boolean => String(value['swagger']) === '2.0';

/** A Swagger 2.0 document in the words of OpenAPI 3; faults are told at their places in the old one. */
export function asOpenApi(read: ReadDocument): ReadDocument & { readonly forms: string[][] } {
  const { value: document } = read;
  const origins: Origins = new Map([
    ['components\0schemas', ['definitions']],
    ['components\0securitySchemes', ['securityDefinitions']],
    ['servers', ['basePath']],
  ]);
  const converting: Converting = { document, origins, forms: [] };
  const { security, basePath } = document as { security?: unknown; basePath?: unknown };
  const value: DocumentNode = {
    openapi: '3.0.3',
    ...(security !== undefined && { security }),
    ...(typeof basePath === 'string' && { servers: [{ url: basePath }] }),
    paths: Object.fromEntries(
      Object.entries(object(document['paths'])).map(([path, item]) => [
        path,
        pathItem(converting, object(item), ['paths', path]),
      ]),
    ),
    components: {
      schemas: withNewWords(object(document['definitions'])),
      securitySchemes: mapped(object(document['securityDefinitions']), securityScheme),
    },
  };
  return {
    file: read.file,
    value,
    forms: converting.forms,
    placeOf: (keys) => read.placeOf(writtenAt(origins, keys)),
  };
}

/** Says in the old document's words what is told of the new one. */
export function inSwaggerWords(tell: Tell): Tell {
  return (keys, what, remedy, severity) => tell(keys, oldWords(what), oldWords(remedy), severity);
}

const oldWords = (text: string): string =>
  text
    .replaceAll('components.securitySchemes', 'securityDefinitions')
    .replace(
      'apiKey, http basic, http bearer, oauth2, openIdConnect and mutualTLS',
      'basic, apiKey and oauth2',
    );

function writtenAt(origins: Origins, keys: readonly string[]): readonly string[] {
  for (let length = keys.length; length > 0; length--) {
    const origin = origins.get(keys.slice(0, length).join('\0'));
    if (origin !== undefined) return [...origin, ...keys.slice(length)];
  }
  return keys;
}

const mapped = (block: DocumentNode, change: (node: DocumentNode) => DocumentNode): DocumentNode =>
  Object.fromEntries(Object.entries(block).map(([name, one]) => [name, change(object(one))]));

const securityScheme = (scheme: DocumentNode): DocumentNode =>
  scheme['type'] === 'basic' ? { type: 'http', scheme: 'basic' } : scheme;

const METHODS: ReadonlySet<string> = new Set([
  'get',
  'put',
  'post',
  'delete',
  'patch',
  'head',
  'options',
]);

function pathItem(
  converting: Converting,
  item: DocumentNode,
  keys: readonly string[],
): DocumentNode {
  const common = parametersOf(converting, item, keys);
  return Object.fromEntries(
    Object.entries(item).flatMap(([key, one]): [string, unknown][] => {
      if (key === '$ref') return [[key, one]];
      if (!METHODS.has(key)) return [];
      return [[key, operation(converting, { node: object(one), keys: [...keys, key], common })]];
    }),
  );
}

/** A parameter as it is written, and where. */
interface Written {
  readonly node: DocumentNode;
  readonly keys: readonly string[];
}

function parametersOf(
  { document }: Converting,
  node: DocumentNode,
  keys: readonly string[],
): readonly Written[] {
  return list(node['parameters']).map((one, at) => {
    const { $ref: reference } = object(one) as { $ref?: unknown };
    const own = { node: object(one), keys: [...keys, 'parameters', String(at)] };
    if (typeof reference !== 'string') return own;
    const led = target(document, reference);
    return led === undefined ? own : { node: object(led.value), keys: led.keys };
  });
}

function operation(
  converting: Converting,
  {
    node,
    keys,
    common,
  }: {
    readonly node: DocumentNode;
    readonly keys: readonly string[];
    readonly common: readonly Written[];
  },
): DocumentNode {
  const all = new Map(
    [...common, ...parametersOf(converting, node, keys)].map((one) => [
      one.node['in'] === 'body' ? 'body' : `${String(one.node['in'])} ${String(one.node['name'])}`,
      one,
    ]),
  );
  const written = [...all.values()];
  const body = written.find((one) => one.node['in'] === 'body');
  const fields = written.filter((one) => one.node['in'] === 'formData');
  const others = written.filter((one) => one !== body && !fields.includes(one));
  const { origins, document, forms } = converting;
  for (const [at, one] of others.entries()) {
    origins.set([...keys, 'parameters', String(at)].join('\0'), one.keys);
  }
  const { security } = node as { security?: unknown };
  const consumes = list(node['consumes'] ?? document['consumes']).filter(
    (one) => typeof one === 'string',
  );
  const requestBody =
    body === undefined ? form(fields, consumes) : bodyOf(converting, { body, keys, consumes });
  if (body === undefined && fields.length > 0) forms.push([...(fields[0]?.keys ?? keys)]);
  return {
    ...('security' in node && { security }),
    parameters: others.map((one) => parameter(one.node)),
    ...(requestBody !== undefined && { requestBody }),
  };
}

function bodyOf(
  { origins }: Converting,
  {
    body,
    keys,
    consumes,
  }: {
    readonly body: Written;
    readonly keys: readonly string[];
    readonly consumes: readonly string[];
  },
): DocumentNode {
  const types = consumes.length > 0 ? consumes : [JSON_TYPE];
  for (const type of types) {
    origins.set([...keys, 'requestBody', 'content', type].join('\0'), body.keys);
  }
  const schema = withNewWords(body.node['schema'] ?? {});
  return {
    required: body.node['required'] === true,
    // a schema judges JSON; other bodies are taken by their type
    content: Object.fromEntries(
      types.map((type) => [type, /[/+]json$/i.test(type) ? { schema } : {}]),
    ),
  };
}

function form(fields: readonly Written[], consumes: readonly string[]): DocumentNode | undefined {
  if (fields.length === 0) return undefined;
  const own = consumes.filter((type) => type === FORM || type === MULTIPART);
  const usual = fields.some(({ node }) => node['type'] === 'file')
    ? [MULTIPART]
    : [FORM, MULTIPART];
  const types = own.length > 0 ? own : usual;
  return {
    required: fields.some(({ node }) => node['required'] === true),
    content: Object.fromEntries(types.map((type) => [type, {}])),
  };
}

function parameter(node: DocumentNode): DocumentNode {
  // one that leads nowhere is told as every reference is
  if ('$ref' in node) return node;
  const about = Object.entries(node).filter(([key]) => !OF_PARAMETER.has(key));
  const {
    name,
    in: place,
    required,
  } = node as { name?: unknown; in?: unknown; required?: unknown };
  return { name, in: place, required, schema: withNewWords(Object.fromEntries(about)) };
}

/** References to the new places, and `x-nullable`, which generators write where OpenAPI 3 has `nullable`. */
function withNewWords(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withNewWords);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]): [string, unknown] => {
      if (key === '$ref' && typeof one === 'string') {
        return [key, one.replace(/^#\/definitions\//, '#/components/schemas/')];
      }
      return key === 'x-nullable' ? ['nullable', one] : [key, withNewWords(one)];
    }),
  );
}
