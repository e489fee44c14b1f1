import type { Status } from '../message/status.ts';
import type { TracedMessage } from './traced-message.ts';

/** Search criteria; all of them must match. Times are milliseconds since 1970, of when the message was made. */
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
  /** Search field → value; a value that ends in `*` matches a beginning. Case does not matter. Finds scopes, see `scope.ts`. */
  readonly search?: Readonly<Record<string, string>> | undefined;
  /** Ids of messages, or values of any search field: see `findAnyOf`. Those of which none is known are told. */
  readonly anyOf?: readonly string[] | undefined;
  /** Messages with one of these ids. */
  readonly ids?: readonly number[] | undefined;
  /** A part of the error's text or code, or of the peer's text. */
  readonly error?: string | undefined;
  /** The result of `causeOfFailure` for the error: finds failures with one cause. */
  readonly cause?: string | undefined;
  readonly minSize?: number | undefined;
  readonly maxSize?: number | undefined;
  /** Milliseconds from creation to outcome. */
  readonly minDuration?: number | undefined;
  readonly maxDuration?: number | undefined;
  readonly resendOf?: number | undefined;
  /**
   * Text that the body must contain, byte for byte in UTF-8. Reads every body that matches the
   * rest: give a short time range.
   */
  readonly contains?: string | undefined;
  /** Hosts the viewer may see; ANDed with everything else. */
  readonly visible?: readonly string[] | undefined;
  /** Where an earlier page ended. */
  readonly after?: string | undefined;
  /** 1 to 1000. Default 50. */
  readonly limit?: number | undefined;
  /** Milliseconds after which the page ends with the results so far. Default 2000. */
  readonly timeBudget?: number | undefined;
}

/**
 * Messages newest first; with `search`, scopes newest first and the messages of each newest
 * first. The page has fewer than the limit if the time budget ended it.
 */
export interface TracePage {
  readonly items: readonly TracedMessage[];
  /** `after` of the next page; undefined if everything was searched. */
  readonly next?: string | undefined;
  /** Texts of `anyOf` that stand for no message at all. */
  readonly missing?: readonly string[] | undefined;
  /** Those of the items that hold more than what was searched for by a field: see `holdingOthers`. */
  readonly shared?: readonly number[] | undefined;
  /** What could not be searched for yet. */
  readonly indexing?: Indexing | undefined;
  /** Everything newer was searched. */
  readonly searchedBackTo: number;
  readonly complete: boolean;
}

/** Search fields that are new or have another path, and of which earlier messages are still being read. */
export interface Indexing {
  readonly fields: readonly string[];
  /** Sessions that began before this time may not be found by them. */
  readonly backTo: number;
}

/** What a text pasted into the search box may be. */
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
  /** Milliseconds of one interval, a multiple of a minute. What is older than `keep` is only known by the hour. */
  readonly step: number;
  readonly hosts?: readonly string[] | undefined;
}

export interface HostHoursQuery {
  /** Hours that begin from here … */
  readonly from: number;
  /** … to here, inclusive. */
  readonly to: number;
}

/** That a host was seen running within an hour. */
export interface HostHour {
  readonly host: string;
  /** Start of the hour, of UTC. */
  readonly at: number;
  /** The part of the hour, above 0 to 1, by ten minutes. */
  readonly ran: number;
}

/** Messages of one host in the order they were made, for a replay. */
export interface ReplayQuery {
  readonly host: string;
  readonly from: number;
  readonly to: number;
  readonly status?: readonly Status[] | undefined;
  /** The last id of the previous page. */
  readonly after?: number | undefined;
  /** Default 1000. */
  readonly limit?: number | undefined;
}

export const FIND_LIMIT = 50;
export const FIND_LIMIT_MAX = 1_000;
export const FIND_TIME_BUDGET = 2_000;
