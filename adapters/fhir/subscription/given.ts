import type { FhirVersion } from 'waybill/document';
import { type Criteria, type Json, readCriteria, readFilter } from './criteria.ts';
import { type Content, isAllowed } from './subscriptions.ts';

/** A topic of the production: what happens with such resources. */
export interface Topic {
  readonly url: string;
  readonly criteria: readonly Criteria[];
}

/** What a Subscription resource asks for. */
export interface Given {
  readonly criteria: readonly Criteria[];
  readonly topic: string | undefined;
  readonly endpoint: string;
  readonly content: Content;
  /** When it asks to end, milliseconds since 1970. */
  readonly end: number | undefined;
  readonly isOff: boolean;
  /** Milliseconds between signs of life, if it wants any. */
  readonly heartbeat: number | undefined;
  /** Without status, id and meta. */
  readonly resource: Json;
}

interface Permitted {
  readonly version: FhirVersion;
  readonly topics: readonly Topic[];
  readonly endpoints: readonly string[];
  /** The shortest heartbeat in milliseconds. */
  readonly shortest: number;
}

const BACKPORT = 'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/';
const CONTENTS = new Set<unknown>(['empty', 'id-only', 'full-resource']);
const JSON_TYPE = /^application\/(?:fhir\+)?json\b/;

/** Characters of one that is kept: each engine has all of them in memory. */
const LONGEST = 32_768;

/** A week: what is longer is no sign of life. */
const LONGEST_PERIOD = 604_800_000;

/** What a subscription asks for and does not get. */
class Unserved extends Error {}

/** Reads a Subscription of any version. A text that says what is wrong with it, or not supported, otherwise. */
export function readGiven(resource: Json, permitted: Permitted): Given | string {
  try {
    return asGiven(resource, permitted);
  } catch (error) {
    if (error instanceof Unserved) return error.message;
    throw error;
  }
}

function asGiven(resource: Json, permitted: Permitted): Given {
  const { status, id: _, meta: __, error: ___, end, ...rest } = resource;
  if (
    status !== undefined &&
    !(typeof status === 'string' && /^(?:requested|active|off)$/.test(status))
  ) {
    throw new Unserved('status must be requested, or off.');
  }
  const asked = permitted.version === 'R5' ? inR5(resource, permitted) : inR4(resource, permitted);
  const { endpoint } = asked;
  if (typeof endpoint !== 'string' || !isAllowed(endpoint, permitted.endpoints)) {
    throw new Unserved(
      'The endpoint is not among the addresses that this server may notify. Its operators list them.',
    );
  }
  if (JSON.stringify([rest, asked.criteria]).length > LONGEST) {
    throw new Unserved('A subscription has 32 KB at most.');
  }
  const until = end === undefined ? undefined : Date.parse(typeof end === 'string' ? end : '');
  if (until !== undefined && !(until > Date.now())) {
    throw new Unserved('end is over, or is no time.');
  }
  return { ...asked, endpoint, end: until, isOff: status === 'off', resource: rest };
}

type Asked = Pick<Given, 'criteria' | 'topic' | 'content' | 'heartbeat'> & {
  readonly endpoint: unknown;
};

/** R4 and R4B: by criteria, or by a topic as HL7's backport of R5 writes it. */
function inR4(resource: Json, { version, topics, shortest }: Permitted): Asked {
  const channel = Object(resource['channel']) as Json;
  const { type, endpoint, payload, header, _payload } = channel;
  checkChannel({ code: type, secret: header, type: payload });
  const [period] = extensionsOf(channel, 'backport-heartbeat-period');
  const heartbeat = heartbeatOf(period?.['valueUnsignedInt'], shortest);
  if (extensionsOf(resource, 'backport-additional-criteria').length > 0) {
    throw new Unserved('A subscription has one criteria here: make another one for the others.');
  }
  const text = String(resource['criteria']);
  const topic = topics.find(({ url }) => url === text);
  if (topic === undefined) {
    if (/^https?:/.test(text)) throw new Unserved('There is no such topic.');
    if (heartbeat !== undefined)
      throw new Unserved('Only subscriptions to a topic have heartbeats.');
    const criteria = [understood(readCriteria(text, version))];
    const content = payload === undefined ? 'empty' : 'full-resource';
    return { criteria, topic: undefined, endpoint, content, heartbeat };
  }
  const [wanted] = extensionsOf(_payload, 'backport-payload-content');
  let { criteria } = topic;
  for (const { valueString } of extensionsOf(resource['_criteria'], 'backport-filter-criteria')) {
    const { type: about, filters } = understood(readCriteria(String(valueString), version));
    criteria = narrowed(criteria, about, () => filters);
  }
  const content = contentOf(wanted?.['valueCode']);
  return { criteria, topic: topic.url, endpoint, content, heartbeat };
}

function extensionsOf(element: unknown, name: string): readonly Json[] {
  return listOf((Object(element) as Json)['extension']).filter(
    ({ url }) => url === `${BACKPORT}${name}`,
  );
}

const listOf = (value: unknown): readonly Json[] =>
  Array.isArray(value) ? value.map((one) => Object(one) as Json) : [];

function inR5(resource: Json, { version, topics, shortest }: Permitted): Asked {
  const { channelType, endpoint, parameter, contentType, content, heartbeatPeriod } = resource;
  const { code } = Object(channelType) as Json;
  checkChannel({ code, secret: parameter, type: contentType });
  const heartbeat = heartbeatOf(heartbeatPeriod, shortest);
  const topic = topics.find(({ url }) => url === resource['topic']);
  if (topic === undefined) throw new Unserved('There is no such topic.');
  let { criteria } = topic;
  for (const { resourceType, filterParameter, ...filter } of listOf(resource['filterBy'])) {
    const { comparator = 'eq', modifier, value } = filter;
    if (modifier !== undefined || comparator !== 'eq') {
      throw new Unserved('Filters have neither modifiers nor comparators here.');
    }
    const condition = { name: String(filterParameter), value: String(value) };
    criteria = narrowed(criteria, resourceType, (type) => [
      understood(readFilter(type, condition, version)),
    ]);
  }
  return { criteria, topic: topic.url, endpoint, content: contentOf(content), heartbeat };
}

interface Channel {
  readonly code: unknown;
  readonly secret: unknown;
  readonly type: unknown;
}

function checkChannel({ code, secret, type }: Channel): void {
  if (code !== 'rest-hook') throw new Unserved('Only channels of type rest-hook are served.');
  if (secret !== undefined) {
    throw new Unserved(
      'Headers and parameters for the endpoint are not kept, as they are secrets: the operators of this server give it a credential for the endpoint.',
    );
  }
  if (type !== undefined && !(typeof type === 'string' && JSON_TYPE.test(type))) {
    throw new Unserved('Only application/fhir+json is sent.');
  }
}

/** A period in seconds; 0 asks for none. */
function heartbeatOf(given: unknown, shortest: number): number | undefined {
  if (given === undefined || given === 0) return undefined;
  const period = Number.isInteger(given) ? Number(given) * 1_000 : Number.NaN;
  if (period >= shortest && period <= LONGEST_PERIOD) return period;
  throw new Unserved(
    `The period of heartbeats is a number of seconds from ${Math.ceil(shortest / 1_000)} to ${LONGEST_PERIOD / 1_000}.`,
  );
}

function contentOf(given: unknown = 'id-only'): Content {
  if (CONTENTS.has(given)) return given as Content;
  throw new Unserved('The content is empty, id-only or full-resource.');
}

function understood<Value>(read: Value | string): Value {
  if (typeof read === 'string') throw new Unserved(read);
  return read;
}

/** The criteria with further conditions for one type, or for all if none is named; other types stay as they are. */
function narrowed(
  criteria: readonly Criteria[],
  type: unknown,
  more: (type: string) => Criteria['filters'],
): readonly Criteria[] {
  const isMeant = (one: Criteria): boolean => type === undefined || type === one.type;
  if (!criteria.some(isMeant)) {
    throw new Unserved('The filters are for types that the topic is not about.');
  }
  return criteria.map((one) =>
    isMeant(one) ? { ...one, filters: [...one.filters, ...more(one.type)] } : one,
  );
}
