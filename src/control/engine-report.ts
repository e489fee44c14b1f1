import type { CutStream } from '../broker/cut-streams.ts';
import type { Override } from '../broker/overrides.ts';
import type { HostStatus } from '../host/host.ts';
import type { DiskSpace } from '../time/disk-space.ts';
import type { OpenFiles } from '../time/open-files.ts';
import type { ReplacedPackage } from '../time/own-package.ts';

export interface QueueReport {
  readonly depth: number;
  /** When the oldest was stored; milliseconds since 1970. */
  readonly oldest: number | undefined;
}

/** Messages of a host that wait for a time or an answer. */
export interface WaitingMessages {
  readonly count: number;
  /**
   * When the next one continues at the latest; milliseconds since 1970. Undefined if all wait for answers
   * without a limit.
   */
  readonly next: number | undefined;
}

/** The queue of a host that the production no longer has, or that no longer has a queue, with what waits in it. */
export interface LeftQueue {
  readonly host: string;
  /** Includes those that wait for a time or an answer, outside the queue. */
  readonly depth: number;
  /** How many of them wait for a time or an answer. */
  readonly waiting: number;
  /** When the oldest was stored; milliseconds since 1970. */
  readonly oldest: number | undefined;
  /** What a host of this name becomes that gets them as they are, if it was something else until now. */
  readonly becomes?: 'process' | 'operation' | undefined;
}

/** One host as `waybill status` and the console show it. */
export interface HostReport extends HostStatus {
  /** Messages waiting in its queue; undefined for a host without one. */
  readonly queue: QueueReport | undefined;
  /** Messages that wait for a time or an answer outside its queue; reported by the one engine that keeps the time. */
  readonly waiting?: WaitingMessages | undefined;
  readonly switchedOff:
    | { readonly by: string; readonly at: number; readonly reason: string }
    | undefined;
  /** Settings made by people for a limited time. */
  readonly overrides: readonly Override[];
}

/** How one engine and its hosts are doing. */
export interface StatusReport {
  readonly production: string;
  readonly title: string;
  readonly engine: number;
  readonly started: number;
  /** Of the files it runs, wherever they lie; engines of earlier versions do not say. */
  readonly files?: string;
  readonly hosts: readonly HostReport[];
  /** Messages that wait for hosts which the production no longer has; they are delivered once it has them again. */
  readonly left: readonly LeftQueue[];
  /** What NATS has lost, as found since this engine started. */
  readonly lost?: readonly CutStream[];
  /** Of the engine's data folder. */
  readonly disk?: DiskSpace | undefined;
  /** By the engine's process. */
  readonly opened?: OpenFiles | undefined;
  /** Its program was replaced while it runs. */
  readonly replaced?: ReplacedPackage | undefined;
}
