import type { Envelope } from './message.ts';
import type { Outcome } from './status.ts';

/**
 * An entry of the journal, in the order of events. A queue message is also a record: a `leg` with
 * status `queued` whose body is in its queue. The trace is built only from these.
 */
export type JournalRecord = LegRecord | AttemptRecord | WaitRecord | OutcomeRecord | HostRecord;

/** A message went into an inline process, or was discarded or suspended on arrival. */
export interface LegRecord {
  readonly kind: 'leg';
  readonly message: Envelope;
  readonly status: Outcome;
  readonly started: number;
  readonly done: number;
  /** Which rules were tried and what they chose. */
  readonly explain?: Explanation | undefined;
  readonly error?: RecordedError | undefined;
  /** The message that was stored before, if this one repeats it; the status is then `discarded`. */
  readonly duplicateOf?: number | undefined;
  /**
   * Where the body is if it is not in this record: the object store's key, or the id of an earlier
   * leg with the same body.
   */
  readonly bodyRef?: string | undefined;
  readonly sameBodyAs?: number | undefined;
}

/** One failed try of an operation that will be repeated. */
export interface AttemptRecord {
  readonly kind: 'attempt';
  readonly id: number;
  readonly sessionId: number;
  readonly host: string;
  /** 1 for the first. */
  readonly attempt: number;
  readonly at: number;
  /** When the next try is due. */
  readonly next: number;
  readonly error: RecordedError;
}

/** A message left its queue without an outcome: its process waits for a time or an answer. */
export interface WaitRecord {
  readonly kind: 'wait';
  readonly id: number;
  readonly sessionId: number;
  readonly host: string;
  readonly at: number;
  /** Where it is meanwhile. */
  readonly sequence: number;
}

/** A queued message was settled. */
export interface OutcomeRecord {
  readonly kind: 'outcome';
  readonly id: number;
  readonly sessionId: number;
  readonly host: string;
  readonly status: Outcome;
  /** When the operation or process took it from its queue; milliseconds since 1970. */
  readonly started: number;
  readonly done: number;
  readonly attempts: number;
  readonly reply?:
    | {
        readonly type: string;
        readonly code?: string | undefined;
        readonly text?: string | undefined;
      }
    | undefined;
  readonly explain?: Explanation | undefined;
  readonly error?: RecordedError | undefined;
  /** What was unusual although the outcome is accepted (a `warn` of the reply rules). */
  readonly warning?: string | undefined;
  readonly possibleDuplicate?: boolean | undefined;
  /** The message whose process received it, instead of its being worked on itself. */
  readonly receivedBy?: number | undefined;
  /** The messages that its process received while it waited. */
  readonly receivedIds?: readonly number[] | undefined;
  /** The keys of the shared state that its process changed. */
  readonly states?: readonly string[] | undefined;
  /** Who settled it, if a person did. */
  readonly by?: string | undefined;
}

/** Something happened to a host: started, stopped, connected, lost, switched, configuration changed. */
export interface HostRecord {
  readonly kind: 'host';
  readonly host: string;
  readonly event: string;
  readonly level: 'info' | 'warn' | 'error';
  readonly at: number;
  readonly text: string;
  readonly by?: string | undefined;
  /** What a stream lost: messages at these sequences that were made before `at`. */
  readonly lost?: LostRange | undefined;
}

/** Sequences whose messages NATS no longer has. */
export interface LostRange {
  readonly stream: string;
  readonly from: number;
  readonly to: number;
}

export interface RecordedError {
  readonly code: string;
  readonly text: string;
  readonly retryable: boolean;
  /**
   * The peer's own text, which may name a patient: for the trace, never for a log. If a reply is
   * also recorded, its text says the same and this is left out.
   */
  readonly said?: string | undefined;
}

/** Why a router chose its targets. */
export interface Explanation {
  readonly rules: readonly RuleExplanation[];
  /** The final actions: targets with transform, or `discard`, `suspend`. */
  readonly sent: readonly {
    readonly to: string;
    readonly transform?: string | undefined;
    readonly rule: string;
  }[];
  readonly otherwise?: 'discard' | 'suspend' | 'send' | undefined;
  /** What transforms noted: sentences without any value of the message. */
  readonly notes?: readonly string[] | undefined;
}

export interface RuleExplanation {
  readonly rule: string;
  /** `fired`, `no` (condition false), `skipped` (an earlier rule fired), `off` (disabled), `error`. */
  readonly result: 'fired' | 'no' | 'skipped' | 'off' | 'error';
  /** The condition as written. */
  readonly when?: string | undefined;
  readonly text?: string | undefined;
}

/** A record with its body: the accepted message of a leg, or the reply of an outcome. */
export interface JournalEntry {
  readonly record: JournalRecord;
  readonly body?: Uint8Array | undefined;
}
