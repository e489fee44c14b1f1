import { STATUSES } from '../../message/status.ts';
import { TEXTS_LIMIT } from '../../trace/any-of.ts';
import { closed, Id, Json, list, maybe, Reason, record, Time, word } from '../../web/schema.ts';
import { type Static, Type } from '../../web/type.ts';

export const Status = word(...STATUSES);

export const RecordedError = Type.Object({
  code: Type.String(),
  text: Type.String(),
  retryable: Type.Boolean(),
  said: maybe(Type.String({ description: "The receiver's own text." })),
});

const Sent = Type.Object({
  to: Type.String(),
  transform: maybe(Type.String()),
  rule: Type.String(),
});

export const Explanation = Type.Object({
  rules: list(
    Type.Object({
      rule: Type.String(),
      result: word('fired', 'no', 'skipped', 'off', 'error'),
      when: maybe(Type.String()),
      text: maybe(Type.String()),
    }),
  ),
  sent: list(Sent),
  otherwise: maybe(word('discard', 'suspend', 'send')),
  notes: maybe(
    list(Type.String({ description: 'What transforms noted, without any value of the message.' })),
  ),
});

const Reply = Type.Object({
  type: Type.String(),
  code: maybe(Type.String()),
  text: maybe(Type.String()),
  hasBody: Type.Boolean(),
});

/** Everything the trace knows about one message, without its body. */
export const Message = Type.Object({
  id: Id,
  sessionId: Id,
  parentId: maybe(Id),
  resendOf: maybe(Id),
  source: Type.String({ description: 'Empty while only the outcome has been read.' }),
  target: Type.String(),
  type: Type.String(),
  status: Status,
  created: Time,
  received: Time,
  size: Type.Integer({ description: 'Bytes of the body.' }),
  started: maybe(Time),
  done: maybe(Time),
  attempts: Type.Integer(),
  error: maybe(RecordedError),
  reply: maybe(Reply),
  explain: maybe(Explanation),
  name: maybe(Type.String()),
  /** If a transform made several messages from one: the number of this one, and how many there are. */
  part: maybe(Type.Integer()),
  parts: maybe(Type.Integer()),
  branch: maybe(Id),
  joins: maybe(Type.Integer()),
  origin: maybe(Type.String()),
  caller: maybe(
    Type.String({
      description: 'Who sent it, as a web service has proven: a JSON object with name and claims.',
    }),
  ),
  charset: maybe(Type.String()),
  priority: maybe(Type.Number()),
  replyTo: maybe(Type.String()),
  traceparent: maybe(Type.String()),
  testBy: maybe(
    Type.String({ description: 'Who sent the first message of the session as a test.' }),
  ),
  possibleDuplicate: maybe(Type.Boolean()),
  duplicateOf: maybe(Id),
  receivedBy: maybe(
    Type.Integer({ description: 'The message whose waiting process received this one.' }),
  ),
  receivedIds: maybe(list(Id, { description: 'The messages that its process received.' })),
  states: maybe(list(Type.String(), { description: 'The keys of shared state that it changed.' })),
  warning: maybe(Type.String()),
  by: maybe(Type.String()),
  presumed: maybe(Type.Boolean()),
  setAside: maybe(
    Type.Boolean({ description: 'Its process waits, or has waited, for a time or an answer.' }),
  ),
  hasBody: Type.Boolean(),
});
export type Message = Static<typeof Message>;

/** A message with the values of the search fields that were asked for. */
export const FoundMessage = Type.Object({
  ...Message.properties,
  fields: maybe(record(list(Type.String()))),
});
export type FoundMessage = Static<typeof FoundMessage>;

const host = Type.String({ maxLength: 200 });
const size = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

/** What to look for: every criterion given must hold. */
export const SearchCriteria = closed({
  from: maybe(Time),
  to: maybe(Time),
  hosts: maybe(list(host, { maxItems: 1_000 })),
  source: maybe(host),
  target: maybe(host),
  type: maybe(Type.String({ maxLength: 200 })),
  status: maybe(list(Status, { maxItems: STATUSES.length })),
  search: maybe(
    Type.Unsafe<Readonly<Record<string, string>>>({
      type: 'object',
      additionalProperties: { type: 'string', maxLength: 500 },
      description: 'Search field → value; a value that ends in * matches a beginning.',
    }),
  ),
  anyOf: maybe(
    list(Type.String({ minLength: 1, maxLength: 200 }), {
      maxItems: TEXTS_LIMIT,
      description:
        'A pasted list: ids of messages, or values of any search field, which stand for the messages of their sessions.',
    }),
  ),
  error: maybe(Type.String({ maxLength: 500 })),
  cause: maybe(Type.String({ maxLength: 500, description: '`cause` of a group of failures.' })),
  minSize: maybe(size),
  maxSize: maybe(size),
  minDuration: maybe(size),
  maxDuration: maybe(size),
  resendOf: maybe(Id),
  contains: maybe(Type.String({ maxLength: 500 })),
});
export type SearchCriteria = Static<typeof SearchCriteria>;

const TimeBudget = Type.Integer({
  minimum: 10,
  maximum: 10_000,
  description:
    'Milliseconds after which the search answers with what it has found so far. Default 2000.',
});

/** Search fields whose values are returned with each message. */
const Fields = list(Type.String({ maxLength: 200 }), { maxItems: 20 });

export const SearchRequest = closed({
  ...SearchCriteria.properties,
  fields: maybe(Fields),
  after: maybe(Type.String({ maxLength: 100, description: '`next` of the previous page.' })),
  limit: maybe(Type.Integer({ minimum: 1, maximum: 1_000 })),
  timeBudget: maybe(TimeBudget),
});
export type SearchRequest = Static<typeof SearchRequest>;

const Indexing = Type.Object(
  { fields: list(Type.String()), backTo: Time },
  {
    description:
      'These search fields are new or have another path: sessions that began before `backTo` may not be found by them yet.',
  },
);

/** Newest first. A short page with `next` was ended by time: `searchedBackTo` says how far it got. */
export const MessagePage = Type.Object({
  items: list(FoundMessage),
  next: maybe(Type.String()),
  missing: maybe(
    list(Type.String(), { description: 'Texts of `anyOf` that no message has, at any time.' }),
  ),
  shared: maybe(
    list(Id, {
      description:
        'Items that hold more than what was searched for by a field, such as a file with other patients. Jobs over the search leave them out.',
    }),
  ),
  indexing: maybe(Indexing),
  searchedBackTo: Time,
  complete: Type.Boolean(),
});
export type MessagePage = Static<typeof MessagePage>;

/** How many match; if not complete, at least this many. Continue with `next`. */
export const MessageCount = Type.Object({
  count: Type.Integer(),
  next: maybe(Type.String()),
  searchedBackTo: Time,
  complete: Type.Boolean(),
});
export type MessageCount = Static<typeof MessageCount>;

export const FindQuery = closed({
  text: Type.String({ minLength: 1, maxLength: 200 }),
  limit: maybe(Type.Integer({ minimum: 1, maximum: 100 })),
});

export const QuickHits = Type.Object({
  hits: list(
    Type.Object({
      kind: word('message', 'session', 'field'),
      sessionId: Id,
      messageId: maybe(Id),
      field: maybe(Type.String()),
      at: Time,
      type: maybe(Type.String({ description: 'Of the message that began the session.' })),
      status: maybe(
        Type.Unsafe<Static<typeof Status>>({
          ...Status,
          description: 'The worst of the session, or that of the message.',
        }),
      ),
    }),
  ),
  indexing: maybe(Indexing),
});
export type QuickHits = Static<typeof QuickHits>;

export const SearchFields = Type.Object({ fields: list(Type.String()) });

/** Columns of an export, in this order. */
export const EXPORT_COLUMNS = [
  'id',
  'sessionId',
  'created',
  'source',
  'target',
  'type',
  'status',
  'size',
  'attempts',
  'done',
  'errorCode',
  'errorText',
  'errorSaid',
  'replyCode',
  'resendOf',
  'by',
] as const;

export const ExportRequest = closed({
  criteria: SearchCriteria,
  format: word('csv', 'ndjson'),
  fields: maybe(Fields),
  limit: maybe(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
});
export type ExportRequest = Static<typeof ExportRequest>;

/** A whole session, as drawn by the visual trace. Messages are in the order they were made. */
export const Session = Type.Object({
  id: Id,
  started: Time,
  messages: list(Message),
  attempts: list(
    Type.Object({
      messageId: Id,
      attempt: Type.Integer(),
      at: Time,
      next: Time,
      error: RecordedError,
    }),
  ),
  /** Outcomes that were later replaced: how a message had failed before a person resent or discarded it. */
  past: list(
    Type.Object({
      messageId: Id,
      status: Status,
      started: maybe(Time),
      done: Time,
      error: maybe(RecordedError),
      reply: maybe(Reply),
      explain: maybe(Explanation),
      warning: maybe(Type.String()),
      by: maybe(Type.String()),
    }),
  ),
  resends: list(Type.Object({ id: Id, of: Id, sessionId: Id })),
  truncated: Type.Boolean({ description: 'The session has more messages than these.' }),
  hidden: Type.Integer({ description: 'Messages of the session that you may not see.' }),
  traceUrl: maybe(
    Type.String({ description: 'Its trace in the system configured in console.yaml.' }),
  ),
});
export type Session = Static<typeof Session>;

export const Failures = Type.Object({
  groups: list(
    Type.Object({
      host: Type.String(),
      status: Status,
      code: Type.String(),
      cause: Type.String({
        description: 'What the texts have in common, without ids, names and numbers.',
      }),
      text: Type.String({ description: 'That of the newest one.' }),
      said: maybe(Type.String({ description: "The receiver's own text for the newest one." })),
      count: Type.Integer(),
      first: Time,
      last: Time,
      newestId: Id,
    }),
  ),
});
export type Failures = Static<typeof Failures>;

/** What somebody knew of a message when they decided to act on it. */
export const Seen = Type.Object(
  { status: Status, resent: maybe(Id) },
  {
    additionalProperties: false,
    description:
      'What the caller knew of the message: its status, and the latest message made from it. If that has changed, nothing is done (409); two who know the same and order the same at once make one message.',
  },
);
export type Seen = Static<typeof Seen>;

export const ResendRequest = closed({
  to: maybe(host),
  text: maybe(Type.String({ maxLength: 4 * 1024 * 1024, description: 'The edited body.' })),
  base64: maybe(Type.String({ maxLength: 6 * 1024 * 1024, contentEncoding: 'base64' })),
  reason: maybe(Type.String({ maxLength: 2_000 })),
  seen: maybe(Seen),
});
export type ResendRequest = Static<typeof ResendRequest>;

export const ReprocessRequest = closed({
  targets: maybe(list(host, { maxItems: 100 })),
  reason: maybe(Type.String({ maxLength: 2_000 })),
  dryRun: maybe(
    Type.Boolean({ description: "Stores nothing, and reports what today's rules would make." }),
  ),
  seen: maybe(Seen),
});
export type ReprocessRequest = Static<typeof ReprocessRequest>;

export const Reprocessed = Type.Object({
  messageId: Id,
  sessionId: Id,
  of: Id,
  made: list(Type.Object({ messageId: Id, target: Type.String(), type: Type.String() })),
  failed: maybe(Type.Object({ host: Type.String(), code: Type.String(), text: Type.String() })),
});
export type Reprocessed = Static<typeof Reprocessed>;

/** A test message by a person, sent into a host. */
export const TestMessageRequest = closed({
  text: Type.String({ minLength: 1, maxLength: 256 * 1024, description: 'The body, in UTF-8.' }),
  type: maybe(
    Type.String({
      minLength: 1,
      maxLength: 200,
      description: 'Detected from the body if left out.',
    }),
  ),
  name: maybe(Type.String({ maxLength: 200, description: 'Such as a file name.' })),
  reason: maybe(Reason),
});
export type TestMessageRequest = Static<typeof TestMessageRequest>;

export const TestMessageSent = Type.Object({ messageId: Id, sessionId: Id });
export type TestMessageSent = Static<typeof TestMessageSent>;

export const AbortRequest = closed({
  keep: maybe(
    Type.Boolean({
      description: 'Set it aside as suspended, to be resent, instead of discarding it.',
    }),
  ),
  reason: Reason,
});
export type AbortRequest = Static<typeof AbortRequest>;

export const Resent = Type.Object({
  messageId: Id,
  sessionId: Id,
  of: Id,
  waitsFor: Type.Optional(
    Type.String({
      description:
        'The one before still waits in the queue of this host, and is sent from there as well.',
    }),
  ),
});
export type Resent = Static<typeof Resent>;

export const SavedSearch = Type.Object({
  id: Type.Integer(),
  name: Type.String(),
  owner: Type.String(),
  shared: Type.Boolean(),
  criteria: record(Json),
});
export type SavedSearch = Static<typeof SavedSearch>;
