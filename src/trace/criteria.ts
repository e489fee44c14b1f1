import { EngineError } from '../error/engine-error.ts';
import { nearest } from '../error/nearest.ts';
import { STATUSES, type Status } from '../message/status.ts';
import { milliseconds } from '../time/duration.ts';
import { byteCount } from '../time/size.ts';
import { momentOf } from './moment.ts';
import type { TraceQuery } from './trace-query.ts';

type Draft = { -readonly [Key in keyof TraceQuery]: TraceQuery[Key] };

type Criterion = (query: Draft, value: string, now: number) => void;

/** The names before `=`; any other name is a search field of the production. */
const CRITERIA: Readonly<Record<string, Criterion>> = {
  from: (query, value, now) => {
    query.from = moment('from', value, now);
  },
  to: (query, value, now) => {
    query.to = moment('to', value, now);
  },
  host: (query, value) => {
    query.hosts = list(value);
  },
  source: (query, value) => {
    query.source = value;
  },
  target: (query, value) => {
    query.target = value;
  },
  type: (query, value) => {
    query.type = value;
  },
  status: (query, value) => {
    query.status = list(value).map(statusOf);
  },
  error: (query, value) => {
    query.error = value;
  },
  contains: (query, value) => {
    query.contains = value;
  },
  'any-of': (query, value) => {
    query.anyOf = list(value).filter((one) => one !== '');
  },
  'slower-than': (query, value) => {
    query.minDuration = measured(value, milliseconds(value), 'a duration such as 500ms or 5s');
  },
  'larger-than': (query, value) => {
    query.minSize = measured(value, byteCount(value), 'a size such as 256KB');
  },
  'resend-of': (query, value) => {
    query.resendOf = measured(
      value,
      /^\d+$/.test(value) ? Number(value) : undefined,
      'a message id',
    );
  },
};

export const CRITERION_NAMES = Object.keys(CRITERIA);

/**
 * Reads `name=value` words as a query. Throws QUERY_INVALID for what cannot be read, and for a name that is
 * neither a criterion nor one of the search `fields`.
 */
export function criteria(
  words: readonly string[],
  fields: readonly string[],
  now: number,
): TraceQuery {
  const query: Draft = {};
  const search: Record<string, string> = {};
  for (const word of words) {
    const at = word.indexOf('=');
    if (at < 1) throw invalid(`${word} is not a criterion: write name=value, such as status=error`);
    const [name, value] = [word.slice(0, at), word.slice(at + 1)];
    const criterion = Object.hasOwn(CRITERIA, name) ? CRITERIA[name] : undefined;
    if (criterion !== undefined) criterion(query, value, now);
    else if (fields.includes(name)) search[name] = value;
    else throw unknown(name, fields);
  }
  if (query.from !== undefined && query.to !== undefined && query.from > query.to) {
    throw invalid('from is after to: nothing can be between them');
  }
  return Object.keys(search).length === 0 ? query : { ...query, search };
}

function list(value: string): string[] {
  return value.split(',').map((one) => one.trim());
}

function statusOf(text: string): Status {
  const status = STATUSES.find((one) => one === text);
  if (status === undefined) throw invalid(`${text} is not a status: ${STATUSES.join(', ')}`);
  return status;
}

/** How a time may be typed. */
export const TIME_WORDS = 'a time such as 2026-11-24T14:05, 14:05, 2h (ago) or yesterday';

function moment(name: 'from' | 'to', value: string, now: number): number {
  return measured(`${name}=${value}`, momentOf(value, now, name), TIME_WORDS);
}

function measured(given: string, value: number | undefined, what: string): number {
  if (value === undefined) throw invalid(`${given} is not ${what}`);
  return value;
}

function unknown(name: string, fields: readonly string[]): EngineError {
  const known = [...fields, ...CRITERION_NAMES];
  const meant = nearest(name, known);
  const hint = meant === undefined ? `one of ${known.join(', ')}` : `${meant}?`;
  return invalid(`${name} is neither a criterion nor a search field of the production; ${hint}`);
}

function invalid(text: string): EngineError {
  return new EngineError('QUERY_INVALID', text);
}
