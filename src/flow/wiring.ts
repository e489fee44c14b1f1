import type { Reply } from '../message/message.ts';
import type { Explanation, RecordedError } from '../message/record.ts';
import type { TransformOutput } from '../transform/transform.ts';
import type { Subject } from './subject.ts';
import type { WorkMark } from './work-marks.ts';

/**
 * Where a message can go, as the flow sees the production. Assembled once and replaced as a whole
 * when the production changes.
 */
export interface Wiring {
  /** How many hosts may send a message on, one after another, before it is suspended as one that goes in a circle. */
  readonly hopLimit: number;
  /** Throws HOST_UNKNOWN if a message (from a queue or a resend) names a host that no longer exists. */
  target(name: string): WiredTarget;
}

export type WiredTarget = QueueTarget | InlineTarget;

/** A host with its own queue: an operation or a queued process. */
export interface QueueTarget {
  readonly kind: 'queue';
  readonly name: string;
  /** The generation of the queue into which messages are stored. */
  readonly generation: number;
  /** The partition of a by-key queue; undefined if there is one line. */
  readonly partition: ((subject: Subject) => number) | undefined;
  /** Whether choosing the partition reads the body. */
  readonly readsBody: boolean;
}

/** A process that runs while the message is accepted. */
export interface InlineTarget {
  readonly kind: 'inline';
  readonly name: string;
  readonly process: Process;
}

/** What a business process does with one message, inline or from its queue. */
export interface Process {
  /** Whether it reads the body of this type of message; a large one is then fetched first. */
  readonly readsBody: boolean;
  /**
   * @param signal aborts when the host stops; a queued process then runs again later
   * @param mark tells the watchdog when its code is at work
   */
  run(
    subject: Subject,
    signal?: AbortSignal,
    mark?: WorkMark,
  ): ProcessResult | Promise<ProcessResult>;
  /** A person ended a message of it, which may wait or be part of something. */
  ended?(id: number): Promise<void>;
  /** Only for a process that can wait for long: runs until it ends or can only wait. */
  runOrWait?(subject: Subject, run: DurableRun): Promise<ProcessResult | Waits>;
}

/** How a durable process runs this time. */
export interface DurableRun {
  /** Ends it at once; it runs again later. */
  readonly cut: AbortSignal;
  /** Ends it if it is only waiting. */
  readonly stopping: AbortSignal;
  /** Whether it waits in place, because later messages must not overtake it. */
  readonly inPlace: boolean;
  /** It waited outside its queue. */
  readonly cameBack?: boolean;
  /** Called when a run in place starts to wait, with the end of the wait; Infinity without a time. */
  readonly onWait: (until: number) => void;
  /** Tells the watchdog when its code is running. */
  readonly mark?: WorkMark | undefined;
}

/** A waiting process: it has to run again, from the top, as soon as one of these happens. */
export class Waits {
  /** Milliseconds since 1970; Infinity without a time. */
  readonly until: number;
  /** Where the answers to its calls are stored. */
  readonly answers: readonly string[];

  constructor(until: number, answers: readonly string[]) {
    this.until = until;
    this.answers = answers;
  }
}

export interface ProcessResult {
  /** `completed` with its sends, `discarded` without, or `suspended`. */
  readonly status: 'completed' | 'discarded' | 'suspended';
  readonly sends: readonly ProcessSend[];
  readonly explain: Explanation | undefined;
  /** The answer to a waiting sender. */
  readonly reply?: Reply | undefined;
  /** The keys of the shared state that it changed. */
  readonly states?: readonly string[] | undefined;
  /** The message whose process received it. */
  readonly receivedBy?: number | undefined;
  /** The messages that it received. */
  readonly receivedIds?: readonly number[] | undefined;
  /** Other messages of the host that end with this one. */
  readonly takes?: TakenAlong | undefined;
  /** Who ordered it, if a person did. */
  readonly by?: string | undefined;
  /** Why it is suspended, for a person. */
  readonly reason?: string | undefined;
  /** What failed; the explanation still says how far the rules got, and `status` is `suspended`. */
  readonly error?: RecordedError | undefined;
}

/** Messages that wait outside the queue and end with another one. */
export interface TakenAlong {
  readonly ids: readonly number[];
  readonly status: 'completed' | 'discarded';
  readonly by: string | undefined;
  /** Called once what the process sends is stored, before they are settled: from then on it is not made again. */
  begin(): Promise<void>;
  /** Called once they are settled. */
  end(): Promise<void>;
}

export interface ProcessSend {
  readonly to: string;
  /** The new message; undefined sends the one that came in, unchanged. */
  readonly output?: TransformOutput | undefined;
  /** How many messages were made into it. */
  readonly joins?: number | undefined;
  /** The process has sent this target another new message before. */
  readonly isFurther?: boolean | undefined;
}
