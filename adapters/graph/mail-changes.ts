import type { GraphClient } from './graph-client.ts';
import { GraphError } from './graph-error.ts';
import { type Json, listAt, objectAt, textAt } from './graph-json.ts';

/** A mail as a delta query reports it. */
export interface MailFacts {
  /** The same as long as the mail exists, even after a move. */
  readonly id: string;
  /** As the sender wrote it; `''` if there is none. */
  readonly messageId: string;
  readonly subject: string;
  /** Address and name of the sender, for a filter. */
  readonly sender: string;
  readonly isRead: boolean;
  readonly categories: readonly string[];
  /** Milliseconds since 1970. */
  readonly received: number;
  readonly hasAttachments: boolean;
}

/** What a look at a folder found. */
export interface MailChanges {
  /** Mails that have arrived in the folder since, oldest first. */
  readonly mails: readonly MailFacts[];
  /** Where the next look begins. */
  readonly link: string;
  /** Whether Graph had lost our position, so that everything was read again. */
  readonly anew: boolean;
}

export interface ChangeQuestion {
  readonly folder: string;
  /** Where the last look ended. */
  readonly link: string | undefined;
  /** When everything is read again: mails received before this are left out. */
  readonly since: number | undefined;
  readonly signal: AbortSignal;
}

const SELECT =
  'subject,from,sender,isRead,categories,receivedDateTime,internetMessageId,hasAttachments';
const PAGE = 'IdType="ImmutableId", odata.maxpagesize=50';

/** Fetches all pages of changes; Graph returns the newest first, so none can be taken before all are read. */
export async function mailChanges(
  client: GraphClient,
  question: ChangeQuestion,
): Promise<MailChanges> {
  const { link } = question;
  try {
    return { ...(await pages(client, link ?? first(question), question.signal)), anew: false };
  } catch (error) {
    if (link === undefined || !isForgotten(error)) throw error;
    return { ...(await pages(client, first(question), question.signal)), anew: true };
  }
}

/** 410, with one of several codes: SyncStateNotFound, resyncRequired … */
function isForgotten(error: unknown): boolean {
  return error instanceof GraphError && error.status === 410;
}

function first({ folder, since }: ChangeQuestion): string {
  const query = new URLSearchParams({
    $select: SELECT,
    // The one order that Graph guarantees. Times are in seconds, so it also tells the order within one.
    $orderby: 'receivedDateTime desc',
    changeType: 'created',
  });
  if (since !== undefined) {
    query.set('$filter', `receivedDateTime ge ${new Date(since).toISOString()}`);
  }
  return `/mailFolders/${folder}/messages/delta?${query.toString().replaceAll('+', '%20')}`;
}

async function pages(
  client: GraphClient,
  begin: string,
  signal: AbortSignal,
): Promise<{ readonly mails: readonly MailFacts[]; readonly link: string }> {
  const found = new Map<string, MailFacts>();
  for (let at = begin; ; ) {
    const page = await client.ask('GET', at, { headers: { prefer: PAGE }, signal });
    for (const one of listAt(page, 'value')) {
      if ('@removed' in one) found.delete(textAt(one, 'id'));
      else found.set(textAt(one, 'id'), facts(one));
    }
    const link = textAt(page, '@odata.deltaLink');
    if (link !== '') {
      const oldestFirst = [...found.values()].toReversed();
      return { mails: oldestFirst.toSorted((a, b) => a.received - b.received), link };
    }
    at = textAt(page, '@odata.nextLink');
    if (at === '') throw new GraphError(200, NO_LINK);
  }
}

const NO_LINK = {
  code: 'NoLink',
  said: 'the page has neither a next link nor a delta link',
  retryAfter: undefined,
  requestId: undefined,
};

function facts(json: Json): MailFacts {
  const from = objectAt(objectAt(json, 'from'), 'emailAddress');
  return {
    id: textAt(json, 'id'),
    messageId: textAt(json, 'internetMessageId'),
    subject: textAt(json, 'subject'),
    sender: `${textAt(from, 'name')} <${textAt(from, 'address')}>`,
    isRead: json['isRead'] === true,
    categories: (json['categories'] as readonly string[] | undefined) ?? [],
    received: Date.parse(textAt(json, 'receivedDateTime')) || 0,
    hasAttachments: json['hasAttachments'] === true,
  };
}
