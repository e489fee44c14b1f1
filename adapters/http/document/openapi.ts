import { type Access, cookieOf, type Incoming, routePatternOf } from 'waybill/peer/http-server';
import type { BodyCheck, BodyProblems, Operation } from '../operation.ts';
import type { Tell } from './faults.ts';
import { schemaCheck } from './json-schema.ts';
import { type DocumentNode, list, object, target } from './read-document.ts';
import { tellOfReferences } from './reference-faults.ts';
import { tellOfSchema } from './schema-faults.ts';
import { type DeclaredSecurity, securityOf } from './security.ts';

export interface OpenApiService {
  readonly document: DocumentNode;
  /** The prefix of the document's paths. */
  readonly base: string;
  /** Turns the document's declarations into what is enforced. */
  readonly access: (security: DeclaredSecurity | undefined, method: string) => Access;
  /** Called for everything that cannot be enforced; the result then serves nobody. */
  readonly tell: Tell;
}

const METHODS = ['get', 'put', 'post', 'delete', 'patch', 'head', 'options'];

/** A part of the document, and the keys that lead to where it is written. */
interface Part {
  readonly keys: readonly string[];
  readonly node: DocumentNode;
}

interface OpenApiReading extends OpenApiService {
  readonly root: DocumentNode;
}

/** Every operation of an OpenAPI 3 document. */
export function openApiOperations(service: OpenApiService): readonly Operation[] {
  const { document, tell } = service;
  if (!String(document['openapi']).startsWith('3.')) {
    const what = 'the document is neither OpenAPI 3 nor Swagger 2.0';
    tell(['openapi'], what, 'Convert it.');
    return [];
  }
  tellOfReferences(document, tell);
  for (const [name, schema] of Object.entries(object(object(document['components'])['schemas']))) {
    tellOfSchema(withoutOldWords(schema), ['components', 'schemas', name], tell);
  }
  tellOfServers(service);
  const reading: OpenApiReading = { ...service, root: schemaRoot(document) };
  const paths = Object.entries(object(document['paths']));
  const operations = paths.flatMap(([path, item]) => pathOperations(reading, path, item));
  if (paths.length === 0) tell(['paths'], 'the document has no paths', 'Correct it.');
  tellOfTwins(operations, tell);
  return operations.map(({ operation }) => operation);
}

/** The value, or what its reference points to. */
function resolved(document: DocumentNode, value: unknown, keys: readonly string[]): Part {
  const { $ref: reference } = object(value) as { $ref?: unknown };
  if (typeof reference !== 'string') return { keys, node: object(value) };
  const led = target(document, reference);
  return { keys: led?.keys ?? keys, node: object(led?.value) };
}

interface Located {
  readonly operation: Operation;
  readonly keys: readonly string[];
}

function pathOperations(reading: OpenApiReading, path: string, item: unknown): Located[] {
  const { document, base, tell } = reading;
  const written = ['paths', path];
  const pattern = routePatternOf(`${base}${path}`);
  if (typeof pattern === 'string') {
    tell(written, `the path ${path} ${pattern}`, 'It cannot be served: change it.');
    return [];
  }
  const whole = resolved(document, item, written);
  const methods = METHODS.filter((method) => method in whole.node);
  if (methods.length === 0) {
    tell(written, `the path ${path} has no supported method`, '', 'warning');
  }
  return methods.map((method) => {
    const keys = [...whole.keys, method];
    const part = { keys, node: object(whole.node[method]) };
    const parameters = parametersOf(reading, [whole, part]);
    for (const { node, keys: place } of parameters) {
      const { in: where, name } = node as { in?: unknown; name?: unknown };
      if (where !== 'path' || path.includes(`{${String(name)}}`)) continue;
      const what = `the parameter ${String(name)} does not occur in the path ${path}`;
      tell(place, what, `Write it as {${String(name)}}, or correct its name.`);
    }
    const operation = { ...operationOf(reading, part, method.toUpperCase()), pattern };
    return {
      keys,
      operation: { ...operation, parameters: parameterCheck(parameters, partCheck(reading)) },
    };
  });
}

function operationOf(
  reading: OpenApiReading,
  part: Part,
  method: string,
): Omit<Operation, 'pattern' | 'parameters'> {
  const { document, access, tell } = reading;
  const body = resolved(document, part.node['requestBody'], [...part.keys, 'requestBody']);
  const compile = partCheck(reading);
  const checks = new Map(
    Object.entries(object(body.node['content'])).map(
      ([type, media]): [string, BodyCheck | undefined] => {
        const keys = [...body.keys, 'content', type];
        const { schema } = object(media) as { schema?: unknown };
        return [type.toLowerCase(), schema === undefined ? undefined : compile(schema, keys)];
      },
    ),
  );
  const security = securityOf(document, { operation: part.node, keys: part.keys }, tell);
  return {
    method,
    access: access(security, method),
    types: [...checks.keys()],
    check: (type) => checks.get(type),
    bodyRequired: body.node['required'] === true,
  };
}

/** Compiles the schema of the part at `keys`. */
function partCheck({
  root,
  tell,
}: OpenApiReading): (schema: unknown, keys: readonly string[]) => BodyCheck {
  return (schema, keys) =>
    schemaCheck(withoutOldWords(schema), { keys: [...keys, 'schema'], root, tell });
}

/** Those of the path and of the operation, where the latter takes precedence; with the schema that is meant. */
function parametersOf({ document }: OpenApiReading, parts: readonly Part[]): readonly Part[] {
  const all = parts.flatMap(({ keys, node }) =>
    list(node['parameters']).map((one, at) =>
      resolved(document, one, [...keys, 'parameters', String(at)]),
    ),
  );
  const named = new Map(
    all.map((part) => [`${String(part.node['in'])} ${String(part.node['name'])}`, part]),
  );
  return [...named.values()].map(({ keys, node }) => ({
    keys,
    node:
      'schema' in node ? { ...node, schema: resolved(document, node['schema'], keys).node } : node,
  }));
}

/** Two paths that differ only in parameter names are the same: the second is never reached. */
function tellOfTwins(operations: readonly Located[], tell: Tell): void {
  const seen = new Map<string, string>();
  for (const { operation, keys } of operations) {
    const { method, pattern } = operation;
    const key = `${method} ${pattern.shape}`;
    const other = seen.get(key);
    if (other === undefined) seen.set(key, pattern.source);
    else {
      const what = `${method} ${pattern.source} has the same address as ${other}`;
      tell(keys, what, 'It would never be reached: remove one of them.');
    }
  }
}

function tellOfServers({ document, base, tell }: OpenApiService): void {
  const paths = list(document['servers']).flatMap((one) => {
    const { url } = object(one) as { url?: unknown };
    const parsed = typeof url === 'string' && !url.includes('{') && URL.parse(url, 'http://here');
    return parsed ? [parsed.pathname.replace(/\/$/, '')] : [];
  });
  const [first] = paths;
  if (first === undefined || paths.includes(base)) return;
  tell(
    ['servers'],
    `the document says that its paths begin below ${first || '/'}, but this service answers them below ${base || '/'}`,
    `Set path to ${first}/*, unless a gateway in front rewrites it.`,
    'warning',
  );
}

interface Parameter {
  readonly name: string;
  readonly place: string;
  readonly required: boolean;
  readonly types: readonly unknown[];
  readonly check: BodyCheck | undefined;
}

/** The check of the parameters that a document declares: that they are present, and each against its schema. */
function parameterCheck(
  declared: readonly { readonly node: DocumentNode; readonly keys: readonly string[] }[],
  compile: (schema: DocumentNode, keys: readonly string[]) => BodyCheck,
): Operation['parameters'] {
  const parameters = declared.map(({ node, keys }): Parameter => {
    const { name, in: place, required, schema } = node as Readonly<Record<Fields, unknown>>;
    const known = schema === undefined ? undefined : object(schema);
    const types = [known?.['type']].flat();
    return {
      name: String(name),
      place: String(place),
      required: required === true,
      types,
      // A list can be encoded in several ways, so only single values are checked.
      check: known === undefined || types.includes('array') ? undefined : compile(known, keys),
    };
  });
  return (incoming) => parameters.flatMap((parameter) => problemsOf(parameter, incoming));
}

type Fields = 'name' | 'in' | 'required' | 'schema';

function problemsOf(parameter: Parameter, incoming: Incoming): BodyProblems {
  const at = `${parameter.place} ${parameter.name}`;
  const value = valueOf(parameter, incoming);
  if (value === undefined) return parameter.required ? [{ at, problem: 'is required' }] : [];
  return (parameter.check?.(typed(value, parameter.types)) ?? []).map(({ problem }) => ({
    at,
    problem,
  }));
}

function valueOf({ name, place }: Parameter, incoming: Incoming): string | undefined {
  if (place === 'path') return incoming.parameters[name];
  if (place === 'query') return incoming.query.get(name) ?? undefined;
  if (place === 'cookie') return cookieOf(incoming.headers, name);
  return incoming.headers[name.toLowerCase()]?.toString();
}

function typed(value: string, types: readonly unknown[]): unknown {
  if ((types.includes('integer') || types.includes('number')) && /^-?\d+(\.\d+)?$/.test(value)) {
    return Number(value);
  }
  if (types.includes('boolean') && /^(true|false)$/.test(value)) return value === 'true';
  return value;
}

/** What the references of a document's schemas may point to. */
function schemaRoot({ components = {}, paths = {} }: DocumentNode): DocumentNode {
  return withoutOldWords({ components, paths }) as DocumentNode;
}

/**
 * OpenAPI 3.0 says `nullable: true`, and `exclusiveMinimum: true` beside a minimum, where JSON
 * Schema has other keywords.
 */
function withoutOldWords(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutOldWords);
  if (typeof value !== 'object' || value === null) return value;
  const words = Object.entries(value)
    // A property may have the same name, and is then a schema.
    .filter(([key, one]) => key !== 'nullable' || typeof one !== 'boolean')
    .map(([key, one]): [string, unknown] => [key, withoutOldWords(one)]);
  const schema: Record<string, unknown> = Object.fromEntries(words);
  const { nullable, type } = value as { nullable?: unknown; type?: unknown };
  if (nullable === true && typeof type === 'string') schema['type'] = [type, 'null'];
  return bounded(schema);
}

function bounded(schema: Record<string, unknown>): Record<string, unknown> {
  const changed = { ...schema };
  for (const [exclusive, bound] of [
    ['exclusiveMinimum', 'minimum'],
    ['exclusiveMaximum', 'maximum'],
  ] as const) {
    const isExclusive = schema[exclusive];
    if (typeof isExclusive !== 'boolean') continue;
    delete changed[exclusive];
    if (isExclusive && typeof schema[bound] === 'number') {
      changed[exclusive] = schema[bound];
      delete changed[bound];
    }
  }
  return changed;
}
