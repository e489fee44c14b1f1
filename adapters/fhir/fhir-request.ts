import { inlineBody, type Message, RejectedError, SuspendError } from 'waybill/adapter';
import { documentOf } from 'waybill/document';
import type { HttpQuestion } from 'waybill/peer';
import type { FhirValues } from './fhir-settings.ts';

const JSON_TYPE = 'application/fhir+json';

export type FhirQuestion = Omit<HttpQuestion, 'signal'>;

/** An address below the base, whether or not the base ends in a slash. */
export function below(base: URL, path: string): URL {
  return new URL(`${base.href.replace(/[?#].*$/, '').replace(/\/$/, '')}/${path}`);
}

/**
 * The request for one message. Throws a RejectedError if the body is not a FHIR resource, or not
 * one for the action.
 */
export async function fhirRequest(message: Message, values: FhirValues): Promise<FhirQuestion> {
  const { action } = values;
  if (action === 'search') return searched(await found(message, values), values);
  if (action === 'delete') {
    return {
      method: 'DELETE',
      url: below(values.url, await found(message, values)),
      headers: { accept: JSON_TYPE, ...(await matching(message, values)) },
    };
  }
  if (action === 'transaction') return sent(message, values, { method: 'POST', path: '' });
  const resource = await resourceOf(message);
  if (action === 'auto' && isProcessed(resource)) {
    return sent(message, values, { method: 'POST', path: '' });
  }
  const updates = action === 'update' || (action === 'auto' && resource.id !== undefined);
  if (!updates) return created(message, values, resource);
  const path =
    values.query === undefined
      ? `${resource.resourceType}/${encodeURIComponent(idOf(resource))}`
      : await found(message, values);
  return sent(message, values, { method: 'PUT', path, headers: await matching(message, values) });
}

/** As a form, the criteria are not in the address, and so not in the logs of proxies and servers. */
function searched(query: string, { url, searchBy }: FhirValues): FhirQuestion {
  const headers = { accept: JSON_TYPE };
  if (searchBy === 'address') return { method: 'GET', url: below(url, query), headers };
  const [path = '', criteria = ''] = query.split(/\?(.*)/s, 2);
  return {
    method: 'POST',
    url: below(url, `${path}/_search`),
    headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
    body: inlineBody(Buffer.from(criteria)),
  };
}

/** The version to replace: the server answers 412 if it has another. */
async function matching(
  message: Message,
  { ifMatch }: FhirValues,
): Promise<Readonly<Record<string, string>>> {
  const version = (await ifMatch?.render(message))?.trim() ?? '';
  if (version === '') return {};
  if (/^[A-Za-z0-9.-]{1,64}$/.test(version)) return { 'If-Match': `W/"${version}"` };
  throw new RejectedError(
    'ifMatch does not give a version of a resource. Correct the template, or the message.',
  );
}

const isProcessed = ({ resourceType, type }: Resource): boolean =>
  resourceType === 'Bundle' && (type === 'transaction' || type === 'batch');

function idOf({ id, resourceType }: Resource): string {
  if (typeof id === 'string' && /^[A-Za-z0-9.-]{1,64}$/.test(id) && !/^\.+$/.test(id)) return id;
  throw new RejectedError(
    `The ${resourceType} has no id to update. Have the transform set one, or set query to find it.`,
  );
}

async function created(
  message: Message,
  values: FhirValues,
  { resourceType }: Resource,
): Promise<FhirQuestion> {
  const { ifNoneExist } = values;
  const headers: Record<string, string> =
    ifNoneExist === undefined ? {} : { 'If-None-Exist': await ifNoneExist.render(message) };
  return sent(message, values, { method: 'POST', path: resourceType, headers });
}

interface Place {
  readonly method: 'POST' | 'PUT';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
}

function sent(message: Message, { url, prefer }: FhirValues, place: Place): FhirQuestion {
  const type = isXml(message) ? 'application/fhir+xml' : JSON_TYPE;
  return {
    method: place.method,
    url: place.path === '' ? url : below(url, place.path),
    headers: {
      accept: JSON_TYPE,
      'content-type': `${type}; charset=utf-8`,
      prefer: `return=${prefer}`,
      ...(message.traceparent !== undefined && { traceparent: message.traceparent }),
      ...place.headers,
    },
    body: message.body,
  };
}

async function found(message: Message, { query, action }: FhirValues): Promise<string> {
  if (query === undefined) {
    throw new SuspendError(`action ${action} needs query. Set it and resend the message.`);
  }
  const path = await query.render(message);
  if (
    path
      .split(/[?#]/, 1)[0]
      ?.split('/')
      .some((part) => /^(\.|%2e){1,2}$/i.test(part)) === true
  ) {
    throw new RejectedError(
      'A value for the path of query is one or two dots, which would lead to another address. Correct the message.',
    );
  }
  return path;
}

/** The parts of a resource that decide where it goes. */
interface Resource {
  readonly resourceType: string;
  readonly id: unknown;
  /** The type of a Bundle. */
  readonly type: unknown;
}

/** Whether the body is XML: FHIR's own type, or that of any XML file. */
function isXml({ type }: Pick<Message, 'type'>): boolean {
  return /^(application\/(fhir\+)?xml|text\/xml)\b/i.test(type);
}

/**
 * Reads the body of a message. Throws a RejectedError if it is not a FHIR resource; the parser's
 * error is dropped, since it quotes the body.
 */
async function resourceOf(message: Message): Promise<Resource> {
  const bytes = await message.body.bytes();
  const { resourceType, id, type } = isXml(message) ? inXml(bytes) : inJson(bytes);
  if (typeof resourceType === 'string' && /^[A-Z][A-Za-z]{1,63}$/.test(resourceType)) {
    return { resourceType, id, type };
  }
  throw new RejectedError(
    'The body has no resourceType, so it is not a FHIR resource. Check the transform.',
  );
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });

type FoundFields = Partial<Record<keyof Resource, unknown>>;

function inJson(bytes: Uint8Array): FoundFields {
  try {
    return Object(JSON.parse(UTF8.decode(bytes))) as FoundFields;
  } catch {
    throw new RejectedError(
      'The body is not JSON, so it is not a FHIR resource. Have a transform make one; XML must have a type such as application/fhir+xml.',
    );
  }
}

function inXml(bytes: Uint8Array): FoundFields {
  try {
    const document = documentOf(bytes, { type: 'application/xml' });
    const valueOf = (name: string): string | undefined =>
      document.get(`/*/${name}/@value`) || undefined;
    return {
      resourceType: document.get('local-name(/*)'),
      id: valueOf('id'),
      type: valueOf('type'),
    };
  } catch {
    throw new RejectedError(
      'The body is not XML, so it is not a FHIR resource, although its type says so. Correct the type, or have a transform make one.',
    );
  }
}
