import type { GraphMailbox } from './graph-mailbox.ts';
import { type GraphMessage, idOf, viewOf } from './graph-message.ts';
import { badRequest, GraphRefusal } from './graph-refusal.ts';

/** A question for the changes of a folder. */
export interface DeltaQuestion {
  readonly mailbox: GraphMailbox;
  readonly folder: string;
  /** The address without its query, for the links of the answer. */
  readonly address: string;
  readonly query: URLSearchParams;
  readonly immutable: boolean;
  /** How many a page holds. */
  readonly page: number;
}

interface Token {
  /** Changes after this are told; 0 tells everything. */
  readonly from: number;
  /** Changes up to this are told. */
  readonly to: number;
  readonly skip: number;
  readonly select: string | null;
  readonly filter: string | null;
  readonly changeType: string | null;
  readonly order: string | null;
}

/** One page of changes, with the link to the next page or to the next time. */
export function deltaPage(question: DeltaQuestion): object {
  const { mailbox, address, page } = question;
  const token = tokenOf(question);
  if (token.from < mailbox.oldestToken && token.from > 0) {
    throw new GraphRefusal(
      410,
      'SyncStateNotFound',
      'The sync state generation is not found; please start a full synchronisation.',
      { location: address },
    );
  }
  const all = changesOf(question, token);
  const rest = all.length > token.skip + page;
  const next: Token = rest
    ? { ...token, skip: token.skip + page }
    : { ...token, from: token.to, to: 0, skip: 0 };
  const link = `${address}?${rest ? '$skiptoken' : '$deltatoken'}=${encoded(next)}`;
  return {
    '@odata.context': `${address}#Collection(message)`,
    value: all.slice(token.skip, token.skip + page),
    ...(rest ? { '@odata.nextLink': link } : { '@odata.deltaLink': link }),
  };
}

const encoded = (token: Token): string => Buffer.from(JSON.stringify(token)).toString('base64url');

function tokenOf({ query, mailbox }: DeltaQuestion): Token {
  const text = query.get('$skiptoken') ?? query.get('$deltatoken');
  if (text !== null) {
    const read = JSON.parse(Buffer.from(text, 'base64url').toString()) as Token;
    return query.has('$deltatoken') ? { ...read, to: mailbox.changes } : read;
  }
  return {
    from: 0,
    to: mailbox.changes,
    skip: 0,
    select: query.get('$select'),
    filter: query.get('$filter'),
    changeType: query.get('changeType'),
    order: query.get('$orderby'),
  };
}

/** Newest first if that is asked for, else in no order to rely on; what left the folder comes last. */
function changesOf(
  { mailbox, folder, immutable }: DeltaQuestion,
  token: Token,
): readonly Record<string, unknown>[] {
  const since = sinceOf(token.filter);
  const isTold = (message: GraphMessage): boolean => {
    const at = token.changeType === 'created' ? message.created : message.changed;
    return at > token.from && at <= token.to && message.received >= since;
  };
  const told = mailbox
    .messages(folder)
    .filter(isTold)
    .toSorted((a, b) => (token.order === null ? a.key.localeCompare(b.key) : byTime(a, b)))
    .map((message) => viewOf(message, immutable, token.select?.split(',')));
  if (token.from === 0 || token.changeType === 'created') return told;
  const gone = mailbox.departures
    .filter((one) => one.folder === folder && one.at > token.from && one.at <= token.to)
    .map((one) => ({
      id: idOf(one, immutable),
      '@removed': { reason: 'deleted' },
    }));
  return [...told, ...gone];
}

const byTime = (a: GraphMessage, b: GraphMessage): number =>
  b.received - a.received || b.created - a.created;

/** The one filter that message delta takes. */
function sinceOf(filter: string | null): number {
  if (filter === null) return 0;
  const [, date] = /^receivedDateTime g[et] (\S+)$/i.exec(filter) ?? [];
  if (date === undefined) throw badRequest('The query specified in the URI is not valid.');
  return Date.parse(date);
}
