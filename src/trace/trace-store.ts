import type { StreamRead } from '../broker/stream-reader.ts';
import type { LostRange } from '../message/record.ts';
import type { Status } from '../message/status.ts';
import type { TraceDifference } from './difference.ts';
import type { MessageState } from './message-state.ts';
import type { SessionOutcome } from './session-outcome.ts';
import type { ShownTo } from './shown-to.ts';
import type { SearchKey, TraceInput } from './trace-input.ts';
import type {
  EventQuery,
  HostHour,
  HostHoursQuery,
  Indexing,
  QuickHit,
  ReplayQuery,
  StatisticsQuery,
  TracePage,
  TraceQuery,
} from './trace-query.ts';
import type {
  HostEvent,
  HostStatistics,
  StoredBody,
  TracedMessage,
  TracedSession,
} from './traced-message.ts';

/** The searchable store of the content of the streams. One per production; written by one projector, read by all. */
export interface TraceStore extends TraceReader, TraceUpkeep, AsyncDisposable {
  /**
   * Applies a batch; resolves once it is durable, so that the streams may be acknowledged.
   * Idempotent and independent of order: a repeated batch changes nothing, and an outcome may come
   * before its message. Resolves to the current states of the messages of the batch. Rejects with
   * STORE_UNAVAILABLE; the batch then has to be applied again.
   *
   * @param read how far the streams have been read with it, which is stored with it
   */
  apply(
    inputs: readonly TraceInput[],
    read?: readonly StreamRead[],
  ): Promise<readonly MessageState[]>;
  /**
   * Completes queue messages that the worker has acknowledged but that have no outcome, which was
   * lost in a crash. The floors must be older than everything applied: see `projector`. Returns how
   * many.
   */
  settleByFloor(floors: readonly StreamFloor[]): Promise<number>;
  /** What `apply` would change, without changing anything. */
  differences(inputs: readonly TraceInput[]): Promise<readonly TraceDifference[]>;
  /**
   * Ends, as errors, messages that were waiting in a queue that lost them; their bodies are here,
   * so they can be resent. Returns their ids. An outcome that is reported nevertheless takes
   * precedence.
   */
  settleLost(lost: LostMessages): Promise<readonly number[]>;
  close(): Promise<void>;
}

/** What a queue lost: sequences are reused, so messages made since then are not included. */
export interface LostMessages extends LostRange {
  /** Milliseconds since 1970. */
  readonly before: number;
}

/** Queries of the console, the API and the command line. */
export interface TraceReader {
  find(query: TraceQuery, options?: FindOptions): Promise<TracePage>;
  /** What a pasted text may be: a message or session id, a control id, or the value of any search field. Newest first. */
  quickFind(text: string, options?: QuickFindOptions): Promise<readonly QuickHit[]>;
  /** What is not found yet by search fields that are new or have another path. */
  indexing(): Promise<Indexing | undefined>;
  /** Names of the search fields in the trace. */
  fields(): Promise<readonly string[]>;
  /** The session of that id or, if it is a message's id, the session it belongs to. */
  session(id: number): Promise<TracedSession | undefined>;
  message(id: number): Promise<TracedMessage | undefined>;
  /** The states of these sessions, in no particular order; those not in the trace are left out. */
  outcomes(sessionIds: readonly number[]): Promise<readonly SessionOutcome[]>;
  body(id: number, part?: 'message' | 'reply'): Promise<StoredBody | undefined>;
  /** Newest first. */
  events(query: EventQuery): Promise<readonly HostEvent[]>;
  /** In order of time; intervals in which nothing happened are left out. */
  statistics(query: StatisticsQuery): Promise<readonly HostStatistics[]>;
  /** When hosts ran, in order of time: without it, that nothing came and that nothing was there look alike. */
  hostHours(query: HostHoursQuery): Promise<readonly HostHour[]>;
  /** Ids in the order the messages were made: freeze the list, then resend one by one. */
  replayList(
    query: ReplayQuery,
  ): Promise<{ readonly ids: readonly number[]; readonly more: boolean }>;
  /** Queued and retried messages of a host, oldest first. */
  openMessages(host: string, page?: OpenPage): Promise<readonly OpenMessage[]>;
  /** Errors and suspensions grouped by host and code, or by cause, most frequent first. */
  failures(query: FailureQuery, shown?: ShownTo): Promise<readonly FailureGroup[]>;
}

/** Maintenance of the store's size and index. */
interface TraceUpkeep {
  /**
   * Removes sessions that began longer than `keep` ago and have been settled that long, but never
   * open or held ones. Safe to interrupt at any point.
   */
  purge(options: PurgeOptions): Promise<PurgeReport>;
  /** Rebuilds the search keys after the production's search fields have changed. */
  reindex(options: ReindexOptions): Promise<ReindexReport>;
  /** Records that hosts run now, for `hostHours`. */
  sawRunning(hosts: readonly string[], at: number): Promise<void>;
  /** Keeps a session from being purged until it is released or `until` has passed. */
  hold(sessionId: number, hold: Hold): Promise<void>;
  release(sessionId: number): Promise<void>;
  usage(): Promise<TraceUsage>;
  /** The mark that the store was given last; undefined if it has none, or if something of it is gone since or older. */
  mark(): Promise<string | undefined>;
  /** Marks the store as it is now: copies made before have another mark. */
  setMark(mark: string): Promise<void>;
  /**
   * How far it has read each stream, by its id; empty if that is not known, as of a trace that is new or that an older
   * version wrote, also in between.
   */
  readUpTo(): Promise<ReadonlyMap<string, number>>;
  /** From here on it is known: says how far streams were read at least, which no batch noted. */
  setReadUpTo(read: readonly StreamRead[]): Promise<void>;
  /** Whether the trace refers to the large body with that key. */
  pointsTo(bodyRef: string): Promise<boolean>;
  /** Rows that belong to no message; anything but 0 is a bug. Reads everything: for tests and diagnosis. */
  orphans(): Promise<number>;
}

export interface FindOptions {
  readonly signal?: AbortSignal | undefined;
  readonly shown?: ShownTo | undefined;
}

export interface QuickFindOptions {
  readonly visible?: readonly string[] | undefined;
  readonly shown?: ShownTo | undefined;
  /** Default 20. */
  readonly limit?: number | undefined;
}

export interface StreamFloor {
  readonly stream: string;
  /** Every sequence up to this one is acknowledged by the worker. */
  readonly floor: number;
}

export interface OpenPage {
  readonly after?: number | undefined;
  /** Default 1000. */
  readonly limit?: number | undefined;
}

export interface OpenMessage {
  readonly id: number;
  readonly sessionId: number;
  readonly status: Status;
  readonly created: number;
  readonly queue?: { readonly stream: string; readonly sequence: number } | undefined;
}

export interface FailureQuery {
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** Default: error and suspended. */
  readonly status?: readonly Status[] | undefined;
  readonly visible?: readonly string[] | undefined;
  /** Distinguishes causes with the same host and code; reads each text. */
  readonly byCause?: boolean | undefined;
}

export interface FailureGroup {
  readonly host: string;
  readonly status: Status;
  readonly code: string;
  /** What the texts have in common; `''` if causes are not distinguished. */
  readonly cause: string;
  /** The text of the newest one. */
  readonly text: string;
  /** The peer's text for the newest one. */
  readonly said?: string | undefined;
  readonly count: number;
  readonly first: number;
  readonly last: number;
  readonly newestId: number;
}

export interface Hold {
  readonly reason: string;
  readonly by: string;
  /** Milliseconds since 1970; undefined holds until `release`. */
  readonly until?: number | undefined;
}

export interface PurgeOptions {
  readonly now: number;
  /** Milliseconds that settled messages are kept. */
  readonly keep: number;
  /** The most bytes of the store: above it the oldest days are removed early, but never the current day. */
  readonly maxBytes?: number | undefined;
  /**
   * Deletes a large body from the object store; called `BODY_GRACE` after the last reference from
   * the trace is gone, and again after a crash.
   */
  readonly removeBody?: ((ref: string) => Promise<void>) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Removes nothing and reports what would be removed and kept, except for large bodies. */
  readonly dryRun?: boolean | undefined;
}

/**
 * Milliseconds from the end of a large body's last session to its deletion: a message resent just
 * before also refers to it, and may not have reached the trace.
 */
export const BODY_GRACE = 3_600_000;

export interface PurgeReport {
  readonly removed: readonly {
    readonly day: string;
    readonly messages: number;
    readonly bytes: number;
    readonly because: 'age' | 'size';
  }[];
  /** Messages kept beyond their time because they are open or their session is held; at most 1000 are listed. */
  readonly kept: readonly KeptMessage[];
  /** All sessions that outlive their day: open, held, or settled less than `keep` ago. */
  readonly keptSessions: number;
  /** Sessions kept earlier that have been settled since and are now gone. */
  readonly released: number;
  readonly bodiesRemoved: number;
}

export interface KeptMessage {
  readonly sessionId: number;
  readonly messageId: number;
  readonly host: string;
  readonly reason: Status | 'held';
  readonly since: number;
}

/** Reads the search keys of a body; from `searchFields`. */
export type KeyReader = (body: StoredBody) => readonly SearchKey[] | Promise<readonly SearchKey[]>;

export interface ReindexOptions {
  readonly keys: KeyReader;
  /** The search fields: name → path. What is indexed by them is left alone. */
  readonly search: ReadonlyMap<string, string>;
  /** Called once, if there is something to do. */
  readonly onBegin?: ((begin: ReindexBegin) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface ReindexBegin {
  readonly days: number;
  /** In all these days. */
  readonly messages: number;
  /** Search fields to read. */
  readonly fields: readonly string[];
}

export interface ReindexReport {
  readonly days: number;
  readonly messages: number;
  readonly keys: number;
  /** Messages whose body could not be read; they have no keys. */
  readonly failed: number;
}

export interface TraceUsage {
  readonly bytes: number;
  readonly days: readonly {
    readonly day: string;
    readonly bytes: number;
    readonly messages: number;
  }[];
  /** Sessions kept beyond their time. */
  readonly heldSessions: number;
}
