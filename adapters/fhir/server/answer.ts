import type { Receipt, Reply } from 'waybill/adapter';
import { exactJson } from 'waybill/document';
import type { HttpReply, Incoming } from 'waybill/peer/http-server';
import type { FhirInValues } from '../fhir-in-settings.ts';
import { fhirType } from '../fhir-version.ts';
import { tag } from './message.ts';
import { FHIR_TYPE, FhirRefusal, issueCode, outcomeBody, refused } from './outcome.ts';
import { type Asked, isReading } from './request.ts';

type Json = Readonly<Record<string, unknown>>;

/** What an answer depends on, besides the receipt. */
export interface Answering {
  readonly incoming: Incoming;
  readonly asked: Asked;
  readonly settings: FhirInValues;
  /** Our own base address, without a slash at its end. */
  readonly base: string;
  /** What the caller may see of an answer; throws the refusal if that is nothing. */
  readonly shown: (resource: Json) => Json;
}

const BY_CODE: Readonly<Record<string, number>> = { AE: 422, CE: 422, AR: 503, CR: 503 };

/** The answer once the message is stored. Throws the refusal for what the target did not do. */
export function answerTo(receipt: Receipt, answering: Answering): HttpReply {
  const { asked, settings } = answering;
  const isStored = settings.answer === 'stored' && !isReading(asked);
  const answer = isStored ? WAITING : settledAnswer(receipt, answering);
  return { ...answer, headers: { ...answer.headers, 'x-message-id': receipt.messageId } };
}

/** Accepted, not done yet. */
const WAITING: HttpReply = { status: 202, headers: {}, body: '' };

/** As with `WAITING`, but a client that takes 202 for success can see that it is none yet. */
const SUSPENDED: HttpReply = {
  status: 202,
  headers: { 'content-type': `${FHIR_TYPE}; charset=utf-8` },
  body: outcomeBody([
    {
      severity: 'warning',
      code: 'incomplete',
      diagnostics:
        'The message is stored, but waits for a person: it is not done yet. Do not send it again.',
    },
  ]),
};

const IS_DONE = new Set(['completed', 'discarded', undefined]);

function settledAnswer({ reply, outcome }: Receipt, answering: Answering): HttpReply {
  // a positive answer is not passed on if a rule set the message aside anyway
  const isPassedOn = IS_DONE.has(outcome?.status);
  if (reply !== undefined && (isPassedOn || statusOf(reply) >= 400)) {
    return fromReply(reply, answering);
  }
  if (outcome === undefined) {
    throw refused(
      504,
      'The message is stored; its target has not answered in time. Do not send it again.',
    );
  }
  if (isPassedOn) return silent(answering);
  if (outcome.status === 'error') {
    throw refused(502, 'The message is stored; its target did not accept it.');
  }
  if (!isReading(answering.asked)) return SUSPENDED;
  throw refused(502, 'The message is stored, but waits for a person; there is no answer.');
}

const statusOf = ({ code = '' }: Reply): number =>
  /^[2-5]\d\d$/.test(code) ? Number(code) : (BY_CODE[code] ?? 200);

/** The target has done it and says nothing. */
function silent({ asked }: Answering): HttpReply {
  if (asked.interaction === 'read' || asked.interaction === 'vread') {
    throw refused(404, 'There is no such resource.');
  }
  if (asked.interaction === 'search' || asked.interaction === 'history') {
    const body = JSON.stringify(setOf(asked, []));
    return { status: 200, headers: { 'content-type': FHIR_TYPE }, body };
  }
  return { status: SILENT[asked.interaction] ?? 200, headers: {}, body: '' };
}

const SILENT: Readonly<Record<string, number>> = { create: 201, delete: 204 };

function fromReply(reply: Reply, answering: Answering): HttpReply {
  const status = statusOf(reply);
  const resource = parsed(reply.body);
  if (status >= 400) throw failed(status, resource, answering.asked);
  if (status === 304) return { status, headers: {}, body: '' };
  if (resource === undefined) return { ...silent(answering) };
  const { asked } = answering;
  if (isList(resource)) return whole(setOf(asked, resource), 200, answering);
  // a server of one resource answers a search with it
  const isOne =
    asked.interaction === 'search' &&
    !/^(?:Bundle|OperationOutcome)$/.test(String(resource['resourceType']));
  return isOne
    ? whole(setOf(asked, [resource]), 200, answering)
    : whole(resource, status, answering);
}

const isList = (value: Json | readonly unknown[]): value is readonly unknown[] =>
  Array.isArray(value);

/** The words of the target are passed on if they are an OperationOutcome. */
function failed(status: number, resource: unknown, { interaction }: Asked): FhirRefusal {
  const { resourceType, issue } = Object(resource) as Json;
  if (resourceType === 'OperationOutcome' && Array.isArray(issue)) {
    return new FhirRefusal(status, issue as FhirRefusal['issues']);
  }
  const isMissing = interaction === 'read' && (status === 404 || status === 410);
  const text = isMissing ? 'There is no such resource.' : 'The target did not accept it.';
  return refused(status, text, issueCode(status));
}

function parsed(body: Uint8Array): Json | readonly unknown[] | undefined {
  if (body.byteLength === 0) return undefined;
  try {
    const value = exactJson(Buffer.from(body).toString('utf8'));
    if (Array.isArray(value)) return value as readonly unknown[];
    const { resourceType } = Object(value) as Json;
    return typeof resourceType === 'string' ? (value as Json) : undefined;
  } catch {
    // not JSON, such as an acknowledgement of HL7 v2
    return undefined;
  }
}

function setOf({ interaction }: Asked, resources: readonly unknown[]): Json {
  return {
    resourceType: 'Bundle',
    type: interaction === 'history' ? 'history' : 'searchset',
    total: resources.length,
    ...(resources.length > 0 && {
      entry: resources.map((resource) => ({ resource, search: { mode: 'match' } })),
    }),
  };
}

/** A resource with the headers that FHIR has for it. */
function whole(given: Json, given200: number, answering: Answering): HttpReply {
  const { incoming, asked, base, settings, shown } = answering;
  const resource = shown(ours(given, base, settings.upstream));
  const headers = headersOf(resource, answering);
  const known = tag(incoming.headers['if-none-match']);
  if (asked.interaction === 'read' && known !== undefined && headers['etag'] === `W/"${known}"`) {
    return { status: 304, headers: { etag: headers['etag'] }, body: '' };
  }
  const isNew = asked.interaction === 'create' && given200 === 200;
  return {
    status: isNew ? 201 : given200,
    headers: { 'content-type': `${fhirType(settings.version)}; charset=utf-8`, ...headers },
    body: bodyFor(resource, answering),
  };
}

function headersOf(
  { id, meta, resourceType }: Json,
  { asked, base }: Answering,
): Readonly<Record<string, string>> {
  const { versionId, lastUpdated } = Object(meta) as Json;
  const version = typeof versionId === 'string' ? versionId : undefined;
  const changed = modified(lastUpdated);
  const isWritten = asked.interaction === 'create' || asked.interaction === 'update';
  const place = `${base}/${String(resourceType)}/${String(id)}`;
  return {
    ...(version !== undefined && { etag: `W/"${version}"` }),
    ...(changed !== undefined && { 'last-modified': changed }),
    ...(isWritten &&
      typeof id === 'string' && {
        location: version === undefined ? place : `${place}/_history/${version}`,
      }),
  };
}

const modified = (at: unknown): string | undefined =>
  typeof at === 'string' && !Number.isNaN(Date.parse(at)) ? new Date(at).toUTCString() : undefined;

/** What `Prefer: return=…` wants of something that was written, and `_pretty`. */
function bodyFor(resource: Json, { incoming, asked }: Answering): string {
  const [, wanted] =
    /return=(minimal|representation|OperationOutcome)/.exec(
      String(incoming.headers['prefer'] ?? ''),
    ) ?? [];
  const isWritten = ['create', 'update', 'patch'].includes(asked.interaction);
  if (isWritten && wanted === 'minimal') return '';
  if (isWritten && wanted === 'OperationOutcome') {
    return outcomeBody([
      { severity: 'information', code: 'informational', diagnostics: 'It was done.' },
    ]);
  }
  return JSON.stringify(resource, undefined, incoming.query.get('_pretty') === 'true' ? 2 : 0);
}

/** Links and full URLs of the server behind become ours. */
function ours(resource: Json, base: string, upstream: URL | undefined): Json {
  if (upstream === undefined || resource['resourceType'] !== 'Bundle') return resource;
  const theirs = upstream.href.replace(/\/$/, '');
  const rewritten = (url: unknown): unknown =>
    typeof url === 'string' &&
    (url === theirs || /^[/?]/.test(url.slice(theirs.length))) &&
    url.startsWith(theirs)
      ? base + url.slice(theirs.length)
      : url;
  const list = (name: string): readonly Json[] =>
    Array.isArray(resource[name]) ? (resource[name] as Json[]) : [];
  return {
    ...resource,
    ...(list('link').length > 0 && {
      link: list('link').map((link) => ({ ...link, url: rewritten(link['url']) })),
    }),
    ...(list('entry').length > 0 && {
      entry: list('entry').map((entry) => ({
        ...entry,
        ...(entry['fullUrl'] !== undefined && { fullUrl: rewritten(entry['fullUrl']) }),
      })),
    }),
  };
}
