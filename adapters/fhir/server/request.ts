import { isFhirType } from 'waybill/document';
import type { Incoming } from 'waybill/peer/http-server';
import type { FhirInValues, Interaction } from '../fhir-in-settings.ts';
import { type FhirRefusal, refused } from './outcome.ts';

/** What a request asks for, by its method and its path below the base address. */
export interface Asked {
  readonly interaction: Interaction | 'capabilities';
  readonly type: string | undefined;
  readonly id: string | undefined;
  readonly version: string | undefined;
  /** The name of an operation, without `$`. */
  readonly operation: string | undefined;
}

const ID = /^[A-Za-z\d\-.]{1,64}$/;

/** Reads the path. Throws the refusal: 404 for what does not exist, 405 for what is not allowed there. */
export function askedBy(
  { method, query }: Pick<Incoming, 'method' | 'query'>,
  below: string,
  settings: Pick<FhirInValues, 'interactions' | 'resources' | 'version'>,
): Asked {
  const parts = below.split('/').filter((part, at, all) => part !== '' || at < all.length - 1);
  const asked = askedAt(method, parts, query);
  if (asked === undefined) throw refused(405, 'This address does not accept this method.');
  const { interaction, type } = asked;
  if (type !== undefined && !isServed(type, settings)) {
    const text =
      type === 'Subscription'
        ? 'This server has no subscriptions. Its operators name Subscription under resources, and send it to what keeps them.'
        : 'This server has no resources of this type.';
    throw refused(404, text, 'not-supported');
  }
  const isBundle = interaction === 'transaction' || interaction === 'batch';
  const allowed: readonly string[] = settings.interactions;
  const may = isBundle
    ? allowed.includes('transaction') || allowed.includes('batch')
    : interaction === 'capabilities' || allowed.includes(interaction);
  if (!may) throw refused(405, `This server does not support ${interaction}.`);
  if (isForAll(asked, query)) {
    throw refused(412, `Without an id, ${interaction} needs a search that finds one resource.`);
  }
  return asked;
}

/** Whoever could create a Subscription would wait for notifications: it has to be named by who knows that something sends them. */
export const isServed = (
  type: string,
  { resources, version }: Pick<FhirInValues, 'resources' | 'version'>,
): boolean =>
  isFhirType(type, version) &&
  (resources.length === 0 ? type !== 'Subscription' : resources.includes(type));

/** Parameters that find nothing. */
const OF_ANSWER = new Set(['_format', '_pretty', '_summary', '_elements']);

/** Whether it would change every resource of a type. */
const isForAll = ({ interaction, id }: Asked, query: URLSearchParams): boolean =>
  id === undefined &&
  /^(?:update|patch|delete)$/.test(interaction) &&
  [...query].every(([name, value]) => OF_ANSWER.has(name) || value === '');

const NOTHING = { type: undefined, id: undefined, version: undefined, operation: undefined };

/** What a method asks for at a path in parts; undefined if it is not allowed there. Throws 404. */
export function askedAt(
  method: string,
  parts: readonly string[],
  query: URLSearchParams,
): Asked | undefined {
  const [first, ...rest] = parts;
  if (first === undefined) return atBase(method, query);
  const last = parts.at(-1) ?? '';
  if (last.startsWith('$')) return operation(method, parts, last.slice(1));
  const whole = rest.length === 0 ? WHOLE[first] : undefined;
  if (whole !== undefined) return method === 'GET' ? { ...NOTHING, interaction: whole } : undefined;
  if (!/^[A-Z][A-Za-z]{1,63}$/.test(first)) throw missing();
  return rest.length === 0 ? ofType(method, first) : ofInstance(method, first, rest);
}

/** What is below the base and concerns the whole server. */
const WHOLE: Readonly<Record<string, 'capabilities' | 'history'>> = {
  metadata: 'capabilities',
  _history: 'history',
};

const missing = (): FhirRefusal => refused(404, 'This address does not exist.');

function operation(method: string, parts: readonly string[], name: string): Asked | undefined {
  const [type, id] = parts.slice(0, -1);
  if (parts.length > 3 || !/^[\w-]{1,64}$/.test(name)) throw missing();
  if (id !== undefined && !ID.test(id)) throw refused(404, 'This is not an id.');
  const isAsked = method === 'GET' || method === 'POST';
  return isAsked ? { ...NOTHING, interaction: 'operation', type, id, operation: name } : undefined;
}

/** A Bundle is posted to the base; what is got there is a further page, or a search of all types. */
function atBase(method: string, query: URLSearchParams): Asked | undefined {
  if (method === 'POST') return { ...NOTHING, interaction: 'transaction' };
  return method === 'GET' && query.size > 0 ? { ...NOTHING, interaction: 'search' } : undefined;
}

const OF_TYPE: Readonly<Record<string, Interaction>> = {
  GET: 'search',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

function ofType(method: string, type: string): Asked | undefined {
  const interaction = OF_TYPE[method];
  return interaction && { ...NOTHING, interaction, type };
}

const OF_INSTANCE: Readonly<Record<string, Interaction>> = {
  GET: 'read',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

function ofInstance(
  method: string,
  type: string,
  [second = '', third, fourth, ...more]: readonly string[],
): Asked | undefined {
  if (third === undefined && second.startsWith('_')) return special(method, type, second);
  if (!ID.test(second) || more.length > 0) throw missing();
  const one = { ...NOTHING, type, id: second };
  if (third === undefined) {
    const interaction = OF_INSTANCE[method];
    return interaction && { ...one, interaction };
  }
  if (third !== '_history') throw missing();
  if (method !== 'GET') return undefined;
  const isWhole = fourth === undefined;
  return { ...one, interaction: isWhole ? 'history' : 'vread', version: fourth };
}

function special(method: string, type: string, name: string): Asked | undefined {
  if (name === '_search') {
    return method === 'POST' ? { ...NOTHING, interaction: 'search', type } : undefined;
  }
  if (name !== '_history') throw missing();
  return method === 'GET' ? { ...NOTHING, interaction: 'history', type } : undefined;
}

/** Whether it changes nothing, so that its answer can only come from the target. */
export const isReading = ({ interaction }: Asked): boolean =>
  ['read', 'vread', 'search', 'history', 'operation'].includes(interaction);
