import { type Answered, type SeenRequest, type WebServer, webServer } from './web-server.ts';

type Resource = Readonly<Record<string, unknown>> & {
  readonly resourceType: string;
  readonly id?: string;
};

/**
 * A FHIR server in memory, as far as a client uses it: create, conditional create, update, search
 * by identifier with pages, transaction and batch, and refusals as OperationOutcome.
 */
export interface FhirServer extends AsyncDisposable {
  readonly web: WebServer;
  /** The base address. */
  readonly url: string;
  readonly resources: Map<string, Resource>;
  /** How often each was stored. */
  readonly versions: Map<string, number>;
  /** Decides before anything else: a fault, or a refused sign-in. */
  gate: (request: SeenRequest) => Answered | undefined | Promise<Answered | undefined>;
}

const PAGE = 2;

export async function fhirServer(): Promise<FhirServer> {
  const resources = new Map<string, Resource>();
  const web = await webServer();
  const url = `${web.url}/r4`;
  const server: FhirServer = {
    web,
    url,
    resources,
    versions: new Map(),
    gate: () => undefined,
    [Symbol.asyncDispose]: () => web[Symbol.asyncDispose](),
  };
  web.answer(async (request) => (await server.gate(request)) ?? route(request, server));
  return server;
}

export const outcome = (status: number, code: string, diagnostics: string): Answered =>
  json(status, {
    resourceType: 'OperationOutcome',
    issue: [{ severity: 'error', code, diagnostics, expression: ['Patient.birthDate'] }],
  });

export function json(
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): Answered {
  return {
    status,
    headers: { 'content-type': 'application/fhir+json; charset=utf-8', ...headers },
    body: JSON.stringify(body),
  };
}

function route(request: SeenRequest, server: FhirServer): Answered {
  const { pathname, searchParams } = new URL(request.path, server.web.url);
  const [, base, type = '', id] = pathname.split('/');
  if (base !== 'r4') return outcome(404, 'not-found', 'no such base');
  if (type === 'metadata') {
    const software = { name: 'Memory FHIR' };
    return json(200, { resourceType: 'CapabilityStatement', fhirVersion: '4.0.1', software });
  }
  if (request.method === 'GET') return search(type, searchParams, server);
  if (id === '_search') return search(type, new URLSearchParams(String(request.body)), server);
  if (request.headers['content-type']?.includes('xml') === true)
    return stored(server, xml(request), 201);
  const resource = JSON.parse(request.body.toString('utf8')) as Resource;
  if (type === '') return processed(resource, server);
  return request.method === 'PUT'
    ? updated(request, { ...resource, id: id ?? '' }, server)
    : created(request, resource, server);
}

function updated({ headers }: SeenRequest, resource: Resource, server: FhirServer): Answered {
  const key = `${resource.resourceType}/${resource.id}`;
  const match = headers['if-match'];
  const isOther = match !== undefined && match !== `W/"${server.versions.get(key) ?? 0}"`;
  return isOther ? outcome(412, 'conflict', 'another version') : stored(server, resource, 200);
}

function created({ headers }: SeenRequest, resource: Resource, server: FhirServer): Answered {
  const type = resource.resourceType;
  const condition = headers['if-none-exist'];
  const known =
    condition === undefined
      ? undefined
      : found(type, new URLSearchParams(String(condition)), server)[0];
  if (known !== undefined)
    return json(200, known, { location: `${server.url}/${type}/${known.id}` });
  if (resource['birthDate'] === 'yesterday') {
    return outcome(422, 'value', 'Not a valid date');
  }
  return stored(server, { ...resource, id: String(server.resources.size + 1) }, 201);
}

/** The type and id of a resource in XML. */
function xml({ path, body }: SeenRequest): Resource {
  const [, , resourceType = '', id = 'x'] = path.split('/');
  return { resourceType, id, xml: body.toString() };
}

function stored(server: FhirServer, resource: Resource, status: number): Answered {
  const key = `${resource.resourceType}/${resource.id}`;
  const version = (server.versions.get(key) ?? 0) + 1;
  server.versions.set(key, version);
  server.resources.set(key, resource);
  const headers = { location: `${server.url}/${key}/_history/${version}`, etag: `W/"${version}"` };
  return json(status, resource, headers);
}

function found(type: string, wanted: URLSearchParams, { resources }: FhirServer): Resource[] {
  const identifier = wanted.get('identifier');
  return [...resources.values()].filter(
    (one) =>
      one.resourceType === type &&
      (identifier === null ||
        JSON.stringify(one['identifier'] ?? []).includes(identifier.split('|').at(-1) ?? '')),
  );
}

function search(type: string, wanted: URLSearchParams, server: FhirServer): Answered {
  const all = found(type, wanted, server);
  const offset = Number(wanted.get('_offset') ?? 0);
  const page = all.slice(offset, offset + PAGE);
  const next = new URLSearchParams(wanted);
  next.set('_offset', String(offset + PAGE));
  return json(200, {
    resourceType: 'Bundle',
    type: 'searchset',
    total: all.length,
    link:
      offset + PAGE < all.length
        ? [{ relation: 'next', url: `${server.url}/${type}?${next}` }]
        : [],
    entry: page.map((resource) => ({ resource })),
  });
}

function processed(bundle: Resource, server: FhirServer): Answered {
  const entries = bundle['entry'] as readonly { readonly resource: Resource }[];
  const answers = entries.map(({ resource }) => {
    const isBad = resource['birthDate'] === 'yesterday';
    if (isBad)
      return {
        status: '422 Unprocessable',
        outcome: JSON.parse(String(outcome(422, 'value', 'Not a valid date').body)) as object,
      };
    stored(server, { ...resource, id: String(server.resources.size + 1) }, 201);
    return { status: '201 Created' };
  });
  return json(200, {
    resourceType: 'Bundle',
    type: `${String(bundle['type'])}-response`,
    entry: answers.map((response) => ({ response })),
  });
}
