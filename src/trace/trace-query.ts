import type { Status } from '../message/status.ts';
import type { TracedMessage } from './traced-message.ts';

/** What to look for. All that is given must hold. Times are milliseconds since 1970 and mean when the message was made. */
export interface TraceQuery {
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** Messages from or to any of these hosts. */
  readonly hosts?: readonly string[] | undefined;
  readonly source?: string | undefined;
  readonly target?: string | undefined;
  /** A part of the type: `ADT_A01` finds `HL7v2:ADT_A01:2.5.1`. */
  readonly type?: string | undefined;
  readonly status?: readonly Status[] | undefined;
  /** Search field → value; a value that ends in `*` finds what begins so. Case does not matter. Finds whole sessions. */
  readonly search?: Readonly<Record<string, string>> | undefined;
  /** Ids of messages, or values of any search field: see `findAnyOf`. Those of which none is known are told. */
  readonly anyOf?: readonly string[] | undefined;
  /** Messages with one of these ids. */
  readonly ids?: readonly number[] | undefined;
  /** A part of the error's text or code, or of what the peer said. */
  readonly error?: string | undefined;
  /** What `causeOfFailure` makes of the error: failures of one cause. */
  readonly cause?: string | undefined;
  readonly minSize?: number | undefined;
  readonly maxSize?: number | undefined;
  /** Milliseconds from making to outcome. */
  readonly minDuration?: number | undefined;
  readonly maxDuration?: number | undefined;
  readonly resendOf?: number | undefined;
  /** Text that the body must hold, byte for byte in UTF-8. Reads every body that passes the rest: give a short time range. */
  readonly contains?: string | undefined;
  /** Hosts the asker may see; ANDed with everything else. */
  readonly visible?: readonly string[] | undefined;
  /** Where an earlier page ended. */
  readonly after?: string | undefined;
  /** 1 to 1000. Default 50. */
  readonly limit?: number | undefined;
  /** Milliseconds after which the page ends with what was found. Default 2000. */
  readonly timeBudget?: number | undefined;
}

/**
 * Messages newest first; with `search`, sessions newest first and the messages of each newest first.
 * The page is short of the limit when the time budget ended it.
 */
export interface TracePage {
  readonly items: readonly TracedMessage[];
  /** `after` of the next page; undefined when everything was searched. */
  readonly next?: string | undefined;
  /** Texts of `anyOf` that stand for no message at all. */
  readonly missing?: readonly string[] | undefined;
  /** Everything newer was searched. */
  readonly searchedBackTo: number;
  readonly complete: boolean;
}

/** What a text typed into the search box may mean. */
export interface QuickHit {
  readonly kind: 'message' | 'session' | 'field';
  readonly sessionId: number;
  readonly messageId?: number | undefined;
  /** The search field that has the value. */
  readonly field?: string | undefined;
  readonly at: number;
}

export interface EventQuery {
  readonly hosts?: readonly string[] | undefined;
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly level?: 'info' | 'warn' | 'error' | undefined;
  /** Default 100. */
  readonly limit?: number | undefined;
}

export interface StatisticsQuery {
  readonly from: number;
  readonly to: number;
  /** Milliseconds of one interval, a multiple of a minute. What is older than `keep` is known by the hour. */
  readonly step: number;
  readonly hosts?: readonly string[] | undefined;
}

/** Messages of one host in the order they were made: what a replay repeats. */
export interface ReplayQuery {
  readonly host: string;
  readonly from: number;
  readonly to: number;
  readonly status?: readonly Status[] | undefined;
  /** The last id of the page before. */
  readonly after?: number | undefined;
  /** Default 1000. */
  readonly limit?: number | undefined;
}

export const FIND_LIMIT = 50;
export const FIND_LIMIT_MAX = 1_000;
export const FIND_TIME_BUDGET = 2_000;
