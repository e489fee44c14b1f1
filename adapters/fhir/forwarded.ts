import { inlineBody, type Message, RejectedError } from 'waybill/adapter';
import { exactJson } from 'waybill/document';
import { asBuffer } from 'waybill/peer/basics';
import type { HttpQuestion } from 'waybill/peer/http';
import type { FhirTarget, FhirValues } from './fhir-settings.ts';
import { askedTypes } from './fhir-version.ts';

const NAME = /^[A-Za-z\d\-.]{1,64}$/;

/** The document that `fhir-in` makes of a request, as far as it is passed on. */
type Document = Readonly<Record<string, unknown>>;

const METHODS: Readonly<Record<string, string>> = {
  create: 'POST',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
  transaction: 'POST',
  batch: 'POST',
};

/** The same request for another server. Throws a RejectedError if the message is not one. */
export async function forwarded(
  message: Message,
  { url, version }: Pick<FhirTarget, 'url'> & Partial<Pick<FhirValues, 'version'>>,
): Promise<Omit<HttpQuestion, 'signal'>> {
  const document = await documentOf(message);
  const { json } = askedTypes(version);
  const { interaction, resource, search } = document;
  const isPosted = interaction === 'operation' && resource !== undefined;
  const method = isPosted ? 'POST' : (METHODS[String(interaction)] ?? 'GET');
  const query = typeof search === 'string' && search !== '' ? `?${search}` : '';
  const patch = interaction === 'patch' ? 'application/json-patch+json' : undefined;
  const body = resource === undefined ? undefined : Buffer.from(JSON.stringify(resource));
  return {
    method,
    url: addressOf(url, `${pathOf(document)}${query}`),
    headers: {
      accept: json,
      ...(body !== undefined && { 'content-type': patch ?? `${json}; charset=utf-8` }),
      ...conditions(document),
      ...(message.traceparent !== undefined && { traceparent: message.traceparent }),
    },
    ...(body !== undefined && { body: inlineBody(body) }),
  };
}

/** The address that was made last: most messages of an operation go to the same one. */
let latest: { readonly base: URL; readonly path: string; readonly url: URL } | undefined;

/** An address below the base, whether or not the base ends in a slash. Whoever changes it takes a copy. */
export function addressOf(base: URL, path: string): URL {
  if (latest?.base !== base || latest.path !== path) {
    const start = base.href.replace(/[?#].*$/, '').replace(/\/$/, '');
    const isNext = path === '' || path.startsWith('?');
    latest = { base, path, url: new URL(isNext ? `${start}${path}` : `${start}/${path}`) };
  }
  return latest.url;
}

async function documentOf(message: Message): Promise<Document> {
  try {
    const value = exactJson(asBuffer(await message.body.bytes()).toString('utf8'));
    if (typeof (value as Document | null)?.['interaction'] === 'string') return value as Document;
  } catch {
    // the parser's error is dropped: it quotes the body
  }
  throw new RejectedError(
    'The message is not a request as fhir-in delivers it: JSON with interaction, type, id and search. Use action forward for its messages, with deliver: request there, or for those of a process.',
  );
}

/** What may stand in an address stands there as it is. */
function pathOf(document: Document): string {
  const part = (name: string): string[] => {
    const value = document[name];
    if (value === undefined || value === null) return [];
    if (typeof value === 'string' && NAME.test(value) && !/^\.+$/.test(value)) return [value];
    throw new RejectedError(
      'The request of the message does not name a resource. Correct the message.',
    );
  };
  const isHistory = document['interaction'] === 'history' || part('version').length > 0;
  return [
    ...part('type'),
    ...part('id'),
    ...(isHistory ? ['_history'] : []),
    ...part('version'),
    ...part('operation').map((name) => `$${name}`),
  ].join('/');
}

function conditions(document: Document): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  const tagged = { 'if-match': 'ifMatch', 'if-none-match': 'ifNoneMatch' } as const;
  for (const [header, name] of Object.entries(tagged)) {
    const version = document[name];
    if (typeof version === 'string' && NAME.test(version)) headers[header] = `W/"${version}"`;
  }
  const plain = {
    'if-none-exist': 'ifNoneExist',
    'if-modified-since': 'ifModifiedSince',
    prefer: 'prefer',
  };
  for (const [header, name] of Object.entries(plain)) {
    const value = document[name];
    if (typeof value === 'string' && /^[\x20-\x7e]+$/.test(value)) headers[header] = value;
  }
  return headers;
}
