import { DisableError } from 'waybill/adapter';
import { type BodyCheck, bodyCheck, compiled } from './body-check.ts';
import type { Access } from './caller/authorize.ts';
import type { TokenSource } from './caller/caller-settings.ts';
import type { Operation } from './operation.ts';
import { parameterCheck } from './parameter-check.ts';
import { routePatternOf } from './route-pattern.ts';

type Node = Readonly<Record<string, unknown>>;

/** A security scheme of the document, in the words of `callers`. */
export interface DeclaredScheme {
  readonly name: string;
  readonly kind: 'api-key' | 'basic' | 'bearer' | 'certificate';
  /** Where the document says that the key is. */
  readonly from: TokenSource | undefined;
}

/** Needs by the names of schemes: alternatives of sets. Undefined where the document says nothing. */
export type DeclaredSecurity = readonly (readonly {
  readonly scheme: DeclaredScheme;
  readonly scopes: readonly string[];
}[])[];

export interface OpenApiParts {
  readonly document: Node;
  /** Stands before the paths of the document. */
  readonly base: string;
  /** Turns what the document declares into what is enforced. */
  readonly access: (security: DeclaredSecurity | undefined, method: string) => Access;
}

const METHODS = ['get', 'put', 'post', 'delete', 'patch', 'head', 'options'];

/** Every operation of an OpenAPI 3 document. Throws a DisableError that names the place of what cannot be enforced. */
export function openApiOperations(parts: OpenApiParts): readonly Operation[] {
  const { document } = parts;
  if (!String(document['openapi']).startsWith('3.')) {
    throw new DisableError('openapi: the document is not of OpenAPI 3. Convert it.');
  }
  const operations = Object.entries(object(document['paths'])).flatMap(([path, item]) => {
    const whole = resolved(document, item);
    return METHODS.filter((method) => method in whole).map((method) =>
      operationOf(parts, { path, item: whole, method }),
    );
  });
  if (operations.length > 0) return operations;
  throw new DisableError('openapi: the document has no paths. Correct it.');
}

interface Place {
  readonly path: string;
  readonly item: Node;
  readonly method: string;
}

function operationOf(parts: OpenApiParts, { path, item, method }: Place): Operation {
  const { document, base } = parts;
  const where = `${method.toUpperCase()} ${path}`;
  const operation = object(item[method]);
  const pattern = routePatternOf(`${base}${path}`);
  if (typeof pattern === 'string') throw new DisableError(`openapi: the path ${path} ${pattern}.`);
  const body = resolved(document, operation['requestBody'] ?? {});
  const content = Object.entries(object(body['content']));
  const checks = new Map(
    content.map(([type, media]) => [type.toLowerCase(), checkOf(document, object(media), where)]),
  );
  const parameters = [list(item['parameters']), list(operation['parameters'])]
    .flat()
    .map((one) => resolved(document, one));
  return {
    method: method.toUpperCase(),
    pattern,
    access: parts.access(securityOf(document, operation, where), method.toUpperCase()),
    types: [...checks.keys()],
    check: (type) => checks.get(type),
    bodyRequired: body['required'] === true,
    parameters: parameterCheck(parameters, (schema) => check(document, schema, where)),
  };
}

function checkOf(document: Node, media: Node, where: string): BodyCheck | undefined {
  return 'schema' in media ? check(document, object(media['schema']), where) : undefined;
}

function check(document: Node, schema: Node, where: string): BodyCheck {
  const root = { components: withoutNullable(document['components'] ?? {}) };
  return compiled(() => bodyCheck(withoutNullable(schema) as object, root), 'openapi', where);
}

/** OpenAPI 3.0 says `nullable: true` where JSON Schema says that the type may be null. */
function withoutNullable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNullable);
  if (typeof value !== 'object' || value === null) return value;
  const { nullable, ...rest } = Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key, withoutNullable(one)]),
  );
  const { type } = rest;
  return nullable === true && typeof type === 'string' ? { ...rest, type: [type, 'null'] } : rest;
}

function securityOf(document: Node, operation: Node, where: string): DeclaredSecurity | undefined {
  const declared = operation['security'] ?? document['security'];
  if (declared === undefined) return undefined;
  return list(declared).map((alternative) =>
    Object.entries(object(alternative)).map(([name, scopes]) => ({
      scheme: declaredScheme(document, name, where),
      scopes: list(scopes).filter((one) => typeof one === 'string'),
    })),
  );
}

function declaredScheme(document: Node, name: string, where: string): DeclaredScheme {
  const schemes = object(object(document['components'])['securitySchemes']);
  const {
    type,
    scheme,
    in: place,
    name: key,
  } = resolved(document, schemes[name] ?? {}) as {
    readonly type?: unknown;
    readonly scheme?: unknown;
    readonly in?: unknown;
    readonly name?: unknown;
  };
  if (type === 'apiKey' && (place === 'header' || place === 'cookie' || place === 'query')) {
    return { name, kind: 'api-key', from: { place, name: String(key) } };
  }
  const kind = type === 'http' ? String(scheme).toLowerCase() : KINDS[String(type)];
  if (kind === 'basic' || kind === 'bearer' || kind === 'certificate') {
    return { name, kind, from: undefined };
  }
  throw new DisableError(
    `openapi: ${where} needs the security scheme ${name}, which is not declared or of a kind that cannot be enforced (apiKey, http basic, http bearer, oauth2, openIdConnect and mutualTLS can).`,
  );
}

const KINDS: Readonly<Record<string, string>> = {
  oauth2: 'bearer',
  openIdConnect: 'bearer',
  mutualTLS: 'certificate',
};

function object(value: unknown): Node {
  return typeof value === 'object' && value !== null ? (value as Node) : {};
}

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** Follows a reference inside the document. */
function resolved(document: Node, value: unknown): Node {
  const { $ref: reference } = object(value);
  if (typeof reference !== 'string') return object(value);
  let current: unknown = document;
  for (const part of reference.replace(/^#\//, '').split('/')) {
    current = object(current)[part.replaceAll('~1', '/').replaceAll('~0', '~')];
  }
  if (current !== undefined && reference.startsWith('#/')) return object(current);
  throw new DisableError(
    `openapi: the reference ${reference} leads nowhere in the document. References to other files are not followed: bundle them.`,
  );
}
