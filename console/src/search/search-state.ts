import type { Message, SearchCriteria, SearchRequest } from '../../../src/api/contract/message.ts';
import { timeOf, zonedTime } from '../element/local-time.ts';
import { addressOf, searchedTexts } from '../element/pasted-list.ts';
import { t } from '../language/translate.ts';

type Status = Message['status'];

/**
 * The whole state of a search, as in the address. All are texts, so that an address can be read and
 * written by hand.
 */
export interface SearchState {
  readonly last?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly host?: string | undefined;
  readonly source?: string | undefined;
  readonly target?: string | undefined;
  readonly type?: string | undefined;
  readonly status?: string | undefined;
  readonly find?: string | undefined;
  /** A pasted list of ids, or the name under which this tab keeps it. */
  readonly list?: string | undefined;
  readonly contains?: string | undefined;
  readonly error?: string | undefined;
  readonly cause?: string | undefined;
  readonly minDuration?: string | undefined;
  readonly maxDuration?: string | undefined;
  readonly minSize?: string | undefined;
  readonly maxSize?: string | undefined;
  readonly resendOf?: string | undefined;
  readonly live?: string | undefined;
  readonly at?: string | undefined;
}

/** Ranges that end now; `all` goes as far back as the trace. */
export const RANGES = {
  '15m': 15 * 60_000,
  '1h': 3_600_000,
  '6h': 6 * 3_600_000,
  '24h': 86_400_000,
  '7d': 7 * 86_400_000,
  all: Number.POSITIVE_INFINITY,
} as const;

export type Range = keyof typeof RANGES;

export const RANGE_NAMES = {
  '15m': t('15 minutes'),
  '1h': t('1 hour'),
  '6h': t('6 hours'),
  '24h': t('24 hours'),
  '7d': t('7 days'),
  all: t('all time'),
} as const satisfies Record<Range, string>;

export const STATUSES: readonly Status[] = [
  'queued',
  'retrying',
  'completed',
  'discarded',
  'error',
  'suspended',
];

const isRange = (text: string | undefined): text is Range =>
  text !== undefined && Object.hasOwn(RANGES, text);

/** The range of a state: two times take precedence over a range that ends now; without either, a day. */
export function rangeOf({ last, from, to }: SearchState): Range | undefined {
  if (from !== undefined || to !== undefined) return undefined;
  return isRange(last) ? last : '24h';
}

export const statusesOf = ({ status }: SearchState): readonly Status[] =>
  STATUSES.filter((one) => status?.split(',').includes(one) === true);

/** `mrn:4711` → field and value; the value may have colons of its own. */
export function findOf({
  find,
}: SearchState): { readonly field: string; readonly value: string } | undefined {
  const at = find?.indexOf(':') ?? -1;
  if (find === undefined || at < 1 || at === find.length - 1) return undefined;
  return { field: find.slice(0, at), value: find.slice(at + 1) };
}

/** What is saved under a name. */
export type KeptCriteria = SearchCriteria & { readonly last?: Range };

/** The request to the API. `now` fixes the end of a range, so that all pages of one search have the same bounds. */
export function criteriaOf(state: SearchState, now: number): SearchCriteria {
  const range = rangeOf(state);
  const statuses = statusesOf(state);
  const find = findOf(state);
  const { host, source, target, type, contains, error, cause } = state;
  return withoutGaps({
    from: range === undefined ? timeOf(state.from) : lowerBound(range, now),
    to: range === undefined ? timeOf(state.to) : undefined,
    hosts: host?.split(','),
    source,
    target,
    type,
    status: statuses.length === 0 ? undefined : statuses,
    search: find === undefined ? undefined : { [find.field]: find.value },
    anyOf: state.list === undefined ? undefined : searchedTexts(state.list),
    contains,
    error,
    cause,
    minDuration: wholeNumber(state.minDuration),
    maxDuration: wholeNumber(state.maxDuration),
    minSize: wholeNumber(state.minSize),
    maxSize: wholeNumber(state.maxSize),
    resendOf: wholeNumber(state.resendOf),
  });
}

const lowerBound = (range: Range, now: number): number | undefined =>
  Number.isFinite(RANGES[range]) ? now - RANGES[range] : undefined;

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,16}$/.test(text) ? Number(text) : undefined;
}

function withoutGaps(criteria: SearchRequest): SearchCriteria {
  return Object.fromEntries(Object.entries(criteria).filter(([, value]) => value !== undefined));
}

/** A search as it is saved: a range that ends now stays one. */
export function keptCriteria(state: SearchState): KeptCriteria {
  const last = rangeOf(state);
  const criteria = criteriaOf(state, 0);
  if (last === undefined) return criteria;
  const { from: _from, ...rest } = criteria;
  return { ...rest, last };
}

/** The state of a saved search. */
export function stateOf(kept: KeptCriteria): SearchState {
  const { last, from, to, hosts, status, search = {}, anyOf, ...rest } = kept;
  const [field] = Object.entries(search);
  return Object.fromEntries(
    Object.entries({
      ...rest,
      last: last === '24h' ? undefined : last,
      from: zonedTime(from),
      to: zonedTime(to),
      host: hosts?.join(','),
      status: status?.join(','),
      find: field?.join(':'),
      list: anyOf && addressOf(anyOf),
    })
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => [key, `${value}`]),
  );
}

/** How many criteria there are besides the time. */
export function criterionCount(state: SearchState): number {
  const { last: _last, from: _from, to: _to, live: _live, at: _at, ...rest } = state;
  return Object.values(rest).filter((value) => value !== undefined).length;
}
