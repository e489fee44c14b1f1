import { findingFhir, inTurns, jsonToKeep, readingJsonValue } from 'waybill/document';
import { mediaTypeOf } from 'waybill/peer/http';
import type { Incoming, RequestBody } from 'waybill/peer/http-server';
import type { FhirInValues } from '../fhir-in-settings.ts';
import { permitsVersion } from '../fhir-version.ts';
import { FhirRefusal, issuesOf, refused } from './outcome.ts';
import { type Asked, isServed } from './request.ts';

type Json = Readonly<Record<string, unknown>>;

/** What a request carries. */
export interface Carried {
  /** A resource, or the operations of a JSON Patch, to be written again: its numbers are those of `exactJson`. */
  readonly resource: unknown;
  /** A transaction may turn out to be a batch. */
  readonly asked: Asked;
  /** Parameters of a search that were posted. */
  readonly posted: URLSearchParams | undefined;
}

const JSON_TYPES = /^(?:application\/(?:fhir\+json|json|json-patch\+json)|text\/json)$/;

/** Refuses a caller who wants anything but JSON. */
export function checkFormat(
  { headers, query }: Incoming,
  { version }: Pick<FhirInValues, 'version'>,
): void {
  const format = query.get('_format');
  const { accept = '*/*' } = headers;
  const wanted = format ?? accept;
  if (!permitsVersion(wanted, version)) {
    throw refused(406, `This server answers in FHIR ${version}.`);
  }
  if (/json|\*\/\*|application\/\*/i.test(wanted) || wanted.trim() === '') return;
  throw refused(406, 'This server answers in JSON: application/fhir+json.');
}

/** Reads and checks the body. Throws the refusal: 415, 400, or 422 with all that is wrong with the resource. */
export async function carriedBy(
  incoming: Incoming,
  asked: Asked,
  body: RequestBody,
  settings: Pick<FhirInValues, 'validate' | 'interactions' | 'resources' | 'version'>,
): Promise<Carried> {
  const { interaction } = asked;
  const isPosted = incoming.method === 'POST' && interaction === 'search';
  const carries = ['create', 'update', 'patch', 'transaction'].includes(interaction);
  const isEmpty = body.length === 0 || (!carries && incoming.method !== 'POST');
  if (isEmpty && !carries) return { resource: undefined, asked, posted: undefined };
  checkEncoding(incoming);
  const { type } = mediaTypeOf(incoming.headers['content-type']);
  if (isPosted) return { resource: undefined, asked, posted: await form(type, body) };
  if (!JSON_TYPES.test(type)) throw refused(415, 'Send JSON: application/fhir+json.');
  if (!permitsVersion(incoming.headers['content-type'], settings.version)) {
    throw refused(415, `Send FHIR ${settings.version}.`);
  }
  const { value, exact } = await parsed(await body.bytes());
  if (interaction === 'patch') return { resource: patchOf(exact), asked, posted: undefined };
  const resource = await checkedResource(value, settings);
  const known = matching(resource, asked, settings);
  return { resource: exact, asked: known, posted: undefined };
}

function checkEncoding({ headers }: Incoming): void {
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') throw refused(415, 'Send the body uncompressed.');
}

async function form(type: string, body: RequestBody): Promise<URLSearchParams> {
  if (type !== 'application/x-www-form-urlencoded') {
    throw refused(415, 'Send the parameters as application/x-www-form-urlencoded.');
  }
  return new URLSearchParams((await body.bytes()).toString('utf8'));
}

/** From this size on, other work gets its turn while a body is read or written. */
export const LARGE = 1_048_576;

/** The value, and the same with its numbers as they are written. */
async function parsed(
  bytes: Buffer,
): Promise<{ readonly value: unknown; readonly exact: unknown }> {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    if (bytes.length < LARGE) return jsonToKeep(text);
    // looking through all of it at a stretch for such numbers would hold up the others
    const value = await inTurns(readingJsonValue(text));
    return { value, exact: await inTurns(readingJsonValue(text, 'exactly')) };
  } catch {
    // the parser's error is dropped: it quotes the body
    throw refused(400, 'The body is not JSON in UTF-8.', 'structure');
  }
}

function patchOf(value: unknown): unknown {
  if (Array.isArray(value)) return value;
  throw refused(400, 'A patch is a list of operations of JSON Patch.', 'structure');
}

/** A large Bundle takes its time: other work gets its turn meanwhile. */
async function checkedResource(
  value: unknown,
  { validate: level, version }: Pick<FhirInValues, 'validate' | 'version'>,
): Promise<Json> {
  const { resourceType } = Object(value) as Json;
  if (typeof resourceType !== 'string') {
    throw refused(400, 'The body is not a FHIR resource: it has no resourceType.', 'structure');
  }
  const findings = level === 'none' ? [] : await inTurns(findingFhir(value, { level, version }));
  if (findings.some(({ severity }) => severity === 'error')) {
    throw new FhirRefusal(422, issuesOf(findings));
  }
  return value as Json;
}

/** The resource must be the one that the address says. */
function matching(
  { resourceType, id, type: bundleType, entry }: Json,
  asked: Asked,
  settings: Pick<FhirInValues, 'interactions' | 'resources' | 'version'>,
): Asked {
  const { interaction, type } = asked;
  if (interaction === 'operation') return asked;
  if (interaction === 'transaction') {
    if (resourceType !== 'Bundle' || (bundleType !== 'transaction' && bundleType !== 'batch')) {
      throw refused(400, 'Only a Bundle of type transaction or batch is posted here.');
    }
    if (!settings.interactions.includes(bundleType))
      throw refused(405, `This server does not support ${bundleType}.`);
    checkEntries(entry, settings);
    return { ...asked, interaction: bundleType };
  }
  if (resourceType !== type) throw refused(400, `The body is not a ${type}, as the address says.`);
  if (interaction === 'update' && asked.id !== undefined && id !== asked.id) {
    throw refused(400, 'The id of the resource is not that of the address.');
  }
  return asked;
}

/** No entry asks for a type that could not be asked for alone. */
function checkEntries(given: unknown, settings: Pick<FhirInValues, 'resources' | 'version'>): void {
  const entries: readonly unknown[] = Array.isArray(given) ? given : [];
  for (const [at, entry] of entries.entries()) {
    const { request, resource } = Object(entry) as Json;
    const { url = '' } = Object(request) as { readonly url?: unknown };
    const { resourceType } = Object(resource) as Json;
    const path = typeof url === 'string' ? (url.split(/[?#]/, 1)[0] ?? '').split('/') : [];
    if (path.some((part) => /^(?:\.|%2e){1,2}$/i.test(part))) {
      throw refused(400, `Entry ${at + 1} of the Bundle has an address with dots.`);
    }
    const named = [path.find((part) => /^[A-Z][A-Za-z]{1,63}$/.test(part)), resourceType];
    const isOther = named.some((type) => typeof type === 'string' && !isServed(type, settings));
    if (!isOther) continue;
    const text = `Entry ${at + 1} of the Bundle is of a type that this server does not have.`;
    throw refused(422, text, 'not-supported');
  }
}
