import type { Override } from '../broker/overrides.ts';
import type { Difference } from '../definition/difference.ts';
import type { EndOrder } from '../flow/end-message.ts';
import type { Envelope } from '../message/message.ts';
import type { LeftQueue } from './engine-report.ts';

/** Marks an order that came from the command line, not from the operator plane. */
export const COMMAND_LINE = 'command line';

/** Who orders something, and from where. */
interface Ordered {
  readonly by: string;
  readonly via?: typeof COMMAND_LINE | undefined;
}

/** Starts or stops a host, or makes it retry. */
export interface SwitchOrder extends Ordered {
  readonly host: string;
  readonly reason?: string | undefined;
}

/** Sets an override for a host; without `set` it ends now. */
export interface OverrideOrder extends Pick<Override, 'host' | 'kind'> {
  readonly set?: Override | undefined;
}

/** Reads the production's files again and, unless only asked to show, applies them. */
export interface ReloadOrder extends Ordered {
  /** Only shows what would change. */
  readonly dryRun: boolean;
  /** The folder of the production that is meant: any other production is left alone. */
  readonly folder?: string | undefined;
  /** Removes hosts although messages wait in their queues. */
  readonly leaveWaiting?: boolean | undefined;
  /** If the files match what already runs, applies nothing and reports nothing. */
  readonly ifChanged?: boolean | undefined;
  /** The `version` that was shown: anything else is not applied. */
  readonly expected?: string | undefined;
}

/** What a reload changes or has changed. */
export interface Reloaded extends Difference {
  /** Version of all the files that were read. */
  readonly version: string;
  /** The hosts that are removed or lose their queue, and what waits for them. */
  readonly waiting: readonly LeftQueue[];
}

/**
 * A message to be sent again, as it was or edited; its body travels beside the order unless it is in the
 * store of large bodies.
 */
export interface Resend {
  /** The message as it was. */
  readonly message: Envelope;
  /** Another target than before, if given. */
  readonly to?: string | undefined;
  readonly bodyRef?: string | undefined;
  /** Settles the original too, if it is suspended. */
  readonly suspended?: boolean | undefined;
  readonly by: string;
  readonly reason?: string | undefined;
  /** Names the order: one that comes again is done once. Letters, digits, `-`, `_`, `.`. */
  readonly order?: string | undefined;
}

/** The first message of a new session. */
export interface SentMessage {
  readonly messageId: number;
  readonly sessionId: number;
}

/** A session's original to be processed again; its body comes beside the order unless it lies in the store of large bodies. */
export interface Reprocess {
  readonly original: Envelope;
  readonly bodyRef?: string | undefined;
  /** The hosts that get something; left out only to see what there would be. */
  readonly targets: readonly string[] | undefined;
  /** What the new messages replace, in the order they were made; a suspended one is settled. */
  readonly replaces: readonly {
    readonly message: Pick<Envelope, 'id' | 'sessionId' | 'target'>;
    readonly suspended: boolean;
  }[];
  readonly by: string;
  readonly reason?: string | undefined;
  /** Names the order: one that comes again is done once. */
  readonly order?: string | undefined;
  /** Stores nothing. */
  readonly dryRun?: boolean | undefined;
}

/** What was queued by processing an original again, or would be. */
export interface Reprocessed extends SentMessage {
  readonly made: readonly {
    readonly messageId: number;
    readonly target: string;
    readonly type: string;
  }[];
  /** Of a dry run: where the rules or transforms fail, if they do. */
  readonly failed?:
    | { readonly host: string; readonly code: string; readonly text: string }
    | undefined;
}

/** Ends a suspended message. */
export interface Discard {
  readonly message: Pick<Envelope, 'id' | 'sessionId' | 'target'>;
  readonly by: string;
  readonly reason: string;
}

/** Ends a message that waits in a queue or is being sent. */
export interface EndRequest extends EndOrder {
  readonly message: Pick<Envelope, 'id' | 'target'>;
}

/** A text for people, sent by operations of the production. */
export interface Notification {
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
  /** Equal for the same notification asked for twice, so that it is sent once. */
  readonly key: string;
}

/** A person's own message for a host; its body travels beside the order. */
export interface TestMessage {
  readonly host: string;
  /** Detected from the body and the name if left out. */
  readonly type?: string | undefined;
  readonly charset?: string | undefined;
  readonly name?: string | undefined;
  readonly by: string;
  /** Names the order: one that comes again is done once. */
  readonly order?: string | undefined;
}

/** Removes from the trace what is settled and past its retention. */
export interface PurgeOrder {
  /** Milliseconds, in place of the production's own time. */
  readonly keep?: number;
  readonly dryRun?: boolean;
  readonly by: string;
}

/** Compares the trace with the streams. */
export interface VerifyOrder {
  readonly repair: boolean;
  readonly by: string;
}

/** Ends a message, given by its id alone, that has no outcome yet. */
export interface AbortOrder {
  readonly id: number;
  /** Set aside to be looked at and resent, instead of ended for good. */
  readonly keep: boolean;
  readonly by: string;
  readonly reason: string;
}

export interface Aborted {
  readonly id: number;
  readonly target: string;
  readonly status: 'suspended' | 'discarded';
}

/** Sends a message of the trace again, given by its id alone. */
export interface ResendOrder {
  readonly id: number;
  /** Another target than before. */
  readonly to?: string | undefined;
  readonly by: string;
  readonly reason?: string | undefined;
  /** Names the order, so that it is done once however often it comes. */
  readonly order?: string | undefined;
}

export interface Resent extends SentMessage {
  readonly of: number;
}

/** Processes the original of a message again, given by the message's id alone. */
export interface ReprocessOrder extends Omit<ResendOrder, 'to'> {
  /** The hosts that get something; the message's own target if left out. */
  readonly targets?: readonly string[] | undefined;
  /** Stores nothing, and tells everything that the rules of today would make. */
  readonly dryRun?: boolean | undefined;
}

/** Tries what the files on disk would make of the originals of messages; nothing is sent. */
export interface RehearseOrder {
  /** In this order, as far as time allows. */
  readonly ids: readonly number[];
  /** Names one look at many messages, in however many orders: the files are read once for it. */
  readonly run: string;
  readonly by: string;
}

/** A message that could not be sent again, and why. */
export interface NotResent {
  readonly of: number;
  readonly code: string;
  readonly text: string;
}

/** Sends every message of a time range at one host again. */
export interface ReplayOrder {
  readonly host: string;
  readonly from: number;
  readonly to: number;
  /** Where to send; the host itself by default. */
  readonly into?: string | undefined;
  /** Processes the originals again instead of sending the stored bodies. */
  readonly reprocess?: boolean | undefined;
  readonly by: string;
  /** Names the order: of one that comes again, no message is sent twice. */
  readonly order?: string | undefined;
}
