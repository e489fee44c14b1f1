import { idAtTime } from '../../message/id.ts';
import type { Status } from '../../message/status.ts';
import { afterPrefix, type KeyMatch } from '../key-value.ts';
import { scopeOf } from '../scope.ts';
import type { SearchPart } from '../search.ts';
import type { ShownTo } from '../shown-to.ts';
import type { TraceQuery } from '../trace-query.ts';
import type { TracedMessage } from '../traced-message.ts';
import { SAID } from './message-columns.ts';
import { NOT_COMPLETED, STATUS_CODE } from './stored-code.ts';
import { keyForms, type TraceCipher } from './trace-cipher.ts';

/** A part of a WHERE clause with `?` for its values. Columns are those of the message table, named `m`. */
export interface Condition {
  readonly sql: string;
  readonly values: readonly (number | string)[];
}

/** The numbers of texts, which a store may or may not have. */
export interface WordSearch {
  find(text: string): number | undefined;
  /** All texts that contain `part`, ignoring case. */
  matching(part: string): number[];
  /** The operator that compares with a pattern, ignoring case. */
  readonly like: 'LIKE' | 'ILIKE';
  /** A subquery that gives the numbers of a JSON list: as many as there are take one parameter. */
  readonly listed: string;
}

/**
 * How a query is executed: the branches together give every candidate, each through one index in
 * order; `rest` is then checked on each row. No branch means that nothing can match.
 */
export interface SearchPlan {
  readonly branches: readonly Branch[];
  readonly rest: readonly Condition[];
}

interface Branch extends Condition {
  readonly index: SearchIndex;
}

export type SearchIndex = 'id' | 'source' | 'target' | 'status' | 'resend';

const FAILED = ['retrying', 'discarded', 'error', 'suspended'] as const satisfies Status[];

/**
 * Chooses the index that finds the fewest, based on hospitals' traces: a resend is rare, then what
 * is not completed, then one host. The database's planner is not used: it walked a host's whole
 * index for a key with ten hits (997 ms instead of 0.05).
 */
export function searchPlan(
  query: TraceQuery,
  words: WordSearch,
  shown: Pick<ShownTo, 'masksAll'> = {},
): SearchPlan {
  const hosts = hostChoices(query, words);
  const type = query.type === undefined ? undefined : words.matching(query.type);
  if (hosts === NOTHING || type?.length === 0) return { branches: [], rest: [] };
  const status =
    query.status ?? (query.error === undefined && query.cause === undefined ? undefined : FAILED);
  const [branches = EVERYTHING, ...others] = [
    ...idChoice(query.ids, words),
    ...resendChoice(query.resendOf),
    ...statusChoice(status),
    ...hosts,
  ];
  const rest = [
    ...others.map(anyOf),
    ...(type === undefined ? [] : [within('m.type', type)]),
    ...completedCondition(status),
    ...measures(query),
    ...errorCondition(query, words, shown),
    ...visibleCondition(query, words),
  ];
  return { branches, rest };
}

function idChoice(ids: readonly number[] | undefined, { listed }: WordSearch): Branch[][] {
  if (ids === undefined) return [];
  return [[{ index: 'id', sql: `m.id IN (${listed})`, values: [JSON.stringify(ids)] }]];
}

function resendChoice(resendOf: number | undefined): Branch[][] {
  if (resendOf === undefined) return [];
  return [[{ index: 'resend', sql: 'm.resend_of = ?', values: [resendOf] }]];
}

/** Completed messages are not in the index of the others: a search that includes them checks each row. */
function statusChoice(status: readonly Status[] | undefined): Branch[][] {
  if (status === undefined || status.includes('completed')) return [];
  return [[...new Set(status)].map(statusBranch)];
}

function completedCondition(status: readonly Status[] | undefined): Condition[] {
  if (status?.includes('completed') !== true) return [];
  return [
    within(
      'm.status',
      status.map((one) => STATUS_CODE[one]),
    ),
  ];
}

function hostChoices(query: TraceQuery, words: WordSearch): Branch[][] | typeof NOTHING {
  const choices: Branch[][] = [];
  for (const [hosts, branches] of [
    [query.target === undefined ? undefined : [query.target], [targetBranch]],
    [query.source === undefined ? undefined : [query.source], [sourceBranch]],
    [query.hosts, [targetBranch, sourceBranch]],
  ] as const) {
    if (hosts === undefined) continue;
    const numbers = [...new Set(hosts)].flatMap((host) => words.find(host) ?? []);
    if (numbers.length === 0) return NOTHING;
    choices.push(numbers.flatMap((number) => branches.map((branch) => branch(number))));
  }
  return choices;
}

function targetBranch(word: number): Branch {
  return { index: 'target', sql: 'm.target = ?', values: [word] };
}

function sourceBranch(word: number): Branch {
  return { index: 'source', sql: 'm.source = ?', values: [word] };
}

const NOTHING = 'nothing';
const EVERYTHING: readonly Branch[] = [{ index: 'id', sql: '', values: [] }];

/** The first term is that of the partial index, which the planner must find literally. */
function statusBranch(status: Status): Branch {
  return {
    index: 'status',
    sql: `m.${NOT_COMPLETED} AND m.status = ?`,
    values: [STATUS_CODE[status]],
  };
}

/** True if one of them is. Written as a balanced tree: SQLite allows at most 1000 levels in an expression. */
function anyOf(branches: readonly Condition[]): Condition {
  const half = Math.ceil(branches.length / 2);
  const parts =
    branches.length < 3 ? branches : [anyOf(branches.slice(0, half)), anyOf(branches.slice(half))];
  return {
    sql: `(${parts.map(({ sql }) => `(${sql})`).join(' OR ')})`,
    values: branches.flatMap(({ values }) => values),
  };
}

function within(column: string, numbers: readonly number[]): Condition {
  return { sql: `${column} IN (${numbers.map(() => '?').join(', ')})`, values: numbers };
}

function measures({ minSize, maxSize, minDuration, maxDuration }: TraceQuery): Condition[] {
  const limits = [
    ['m.size >= ?', minSize],
    ['m.size <= ?', maxSize],
    ['m.done - m.created >= ?', minDuration],
    ['m.done - m.created <= ?', maxDuration],
  ] as const;
  return limits.flatMap(([sql, value]) => (value === undefined ? [] : [{ sql, values: [value] }]));
}

/**
 * A text that is not shown unchanged to the viewer must not be searched directly: it is checked row
 * by row, see `shownTest`.
 */
function errorCondition(
  { error: text, visible }: TraceQuery,
  words: WordSearch,
  { masksAll = false }: Pick<ShownTo, 'masksAll'>,
): Condition[] {
  if (text === undefined || masksAll) return [];
  const codes = words.matching(text);
  const pattern = `%${escapeLike(text)}%`;
  const like = anyOf(
    ['m.error', SAID].map((column) => ({
      sql: `${column} ${words.like} ? ESCAPE '\\'`,
      values: [pattern],
    })),
  );
  const inText = [like, ...openCondition(visible, words)];
  const byText = {
    sql: inText.map(({ sql }) => sql).join(' AND '),
    values: inText.flatMap(({ values }) => values),
  };
  return [codes.length === 0 ? byText : anyOf([byText, within('m.error_code', codes)])];
}

function escapeLike(text: string): string {
  return text.replace(/[\\%_]/g, String.raw`\$&`);
}

/** Criteria on bodies only find messages that the viewer may open; all others find what they may see at all. */
function visibleCondition(
  { visible, search = {}, contains }: TraceQuery,
  words: WordSearch,
): Condition[] {
  if (visible === undefined) return [];
  if (contains !== undefined || Object.keys(search).length > 0)
    return openCondition(visible, words);
  const numbers = visible.flatMap((host) => words.find(host) ?? []);
  if (numbers.length === 0) return [NOWHERE];
  return [anyOf([within('m.source', numbers), within('m.target', numbers)])];
}

/** Like `isOpenTo`: both hosts of the message are visible. */
function openCondition(visible: readonly string[] | undefined, words: WordSearch): Condition[] {
  if (visible === undefined) return [];
  const numbers = visible.flatMap((host) => words.find(host) ?? []);
  if (numbers.length === 0) return [NOWHERE];
  return [within('m.source', numbers), within('m.target', numbers)];
}

const NOWHERE: Condition = { sql: '1 = 0', values: [] };

/** The conditions on each message `m` of the scopes `k.session_id` with the requested keys. */
export function withinScopes(
  query: TraceQuery,
  { branches, rest }: SearchPlan,
  { high, belowId }: SearchPart,
): Condition[] {
  const { from, to } = query;
  return [
    ...(branches.some(({ sql }) => sql !== '') ? [anyOf(branches)] : []),
    ...(from === undefined ? [] : [{ sql: 'm.id >= ?', values: [idAtTime(from)] }]),
    ...(to === undefined ? [] : [{ sql: 'm.id < ?', values: [idAtTime(to + 1)] }]),
    ...rest,
    ...(belowId === undefined
      ? []
      : [{ sql: '(k.session_id < ? OR m.id < ?)', values: [high, belowId] }]),
  ];
}

/** Conditions on the table of search keys, one per key; undefined if one of the fields is unknown. */
export function keyConditions(
  keys: readonly KeyMatch[],
  words: Pick<WordSearch, 'find'>,
  { span, cipher }: { readonly span: SearchPart; readonly cipher: TraceCipher | undefined },
): Condition[] | undefined {
  const conditions = keys.map(({ name, value, prefix }) => {
    const number = words.find(name);
    if (number === undefined) return undefined;
    const forms = prefix ? [value, afterPrefix(value)] : keyForms(value, cipher);
    return {
      sql: `name = ? AND ${prefix ? 'value >= ? AND value < ?' : isOneOf(forms)} AND session_id BETWEEN ? AND ?`,
      values: [number, ...forms, span.low, span.high],
    };
  });
  const known = conditions.filter((one) => one !== undefined);
  return known.length === keys.length ? known : undefined;
}

/** The messages `m` of a scope `k.session_id`: of a session without its branches, or of a branch, which is never older. */
export const SCOPE_MESSAGES = {
  session: 'm.session_id = k.session_id AND m.branch IS NULL',
  branch: 'm.branch = k.session_id AND m.session_id <= k.session_id',
} as const;

/** How many messages of a session are looked at for branches. */
const BRANCHES_SEEN = 5_000;

/**
 * Selects the messages of a session, or some of them, that were split into branches without all of the keys. What an
 * earlier version kept of a part says nothing about its keys.
 *
 * @param messages a condition on the messages
 * @param bucket a condition that restricts the search keys to those of the scope `r.id`
 */
export function branchesWithout(
  keys: readonly KeyMatch[],
  words: Pick<WordSearch, 'find'>,
  {
    messages,
    bucket = '',
    cipher,
  }: {
    readonly messages: string;
    readonly bucket?: string;
    readonly cipher: TraceCipher | undefined;
  },
): Condition {
  const has = keys.map(({ name, value, prefix }) => {
    const forms = prefix ? [value, afterPrefix(value)] : keyForms(value, cipher);
    const isValue = prefix ? 'value >= ? AND value < ?' : isOneOf(forms);
    return {
      sql: `EXISTS (SELECT 1 FROM skey WHERE ${bucket}name = ? AND ${isValue} AND session_id = r.id)`,
      values: [words.find(name) ?? 0, ...forms],
    };
  });
  return {
    sql: `SELECT DISTINCT parent_id FROM (SELECT * FROM message ${messages} ORDER BY id LIMIT ${BRANCHES_SEEN}) r
      WHERE parent_id IS NOT NULL AND CASE
        WHEN branch IS NULL THEN coalesce(more LIKE '%"parts":%', false)
        WHEN branch <> id OR more LIKE '%"joins":%' THEN false
        ELSE NOT (${has.map(({ sql }) => sql).join(' AND ')}) END`,
    values: has.flatMap(({ values }) => values),
  };
}

/** A value that may be stored in one of several forms. */
export function isOneOf(forms: readonly string[]): string {
  return forms.length === 1 ? 'value = ?' : `value IN (${forms.map(() => '?').join(', ')})`;
}

/** Puts messages in the order of a search. */
export function newestFirst({ order }: Pick<SearchPart, 'order'>) {
  return (a: TracedMessage, b: TracedMessage): number =>
    order === 'id' ? b.id - a.id : scopeOf(b) - scopeOf(a) || b.id - a.id;
}
