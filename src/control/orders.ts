import { createHash } from 'node:crypto';
import type { Subscriber } from '../adapter/subscribers.ts';
import type { Override } from '../broker/overrides.ts';
import type { Difference } from '../definition/difference.ts';
import type { VersionOrigin } from '../definition/history/kept-version.ts';
import type { EndOrder } from '../flow/end-message.ts';
import type { Envelope } from '../message/message.ts';
import type { LeftQueue } from './engine-report.ts';

/** Marks an order that came from the command line, not from the operator plane. */
export const COMMAND_LINE = 'command line';

/** Who gives an order, and from where. */
export interface Ordered {
  readonly by: string;
  readonly via?: typeof COMMAND_LINE | undefined;
}

/** Starts or stops a host, or makes it retry. */
export interface SwitchOrder extends Ordered {
  readonly host: string;
  readonly reason?: string | undefined;
}

/** Sets an override for a host, or without `set` ends it now. */
export interface OverrideOrder extends Pick<Override, 'host' | 'kind'> {
  readonly set?: Override | undefined;
}

/** Messages that a process collects under a key, before one is made of them. */
export interface BatchBrief {
  readonly host: string;
  /** Empty for a process without a key. */
  readonly key: string;
  readonly parts: number;
  readonly bytes: number;
  readonly since: number;
  readonly until: number;
  /** Why it takes no more, while its message is being made. */
  readonly closed: string | undefined;
}

/** A message that waits for another one under a key, or came before anybody waited. */
export interface WaitBrief {
  readonly host: string;
  readonly key: string;
  readonly message: number;
  readonly state: 'waits' | 'early';
  /** What must be true of the other one. */
  readonly when?: string | undefined;
  readonly until: number;
}

/** What messages share under a key, without the value. */
export interface StateBrief {
  readonly key: string;
  readonly bytes: number;
  readonly at: number;
  readonly until: number;
  readonly by: { readonly host: string; readonly message: number };
}

/** Of all keys, or of one, by itself or by its id. */
export interface StatesOf {
  readonly key?: string | undefined;
  readonly keyId?: string | undefined;
}

/** What stands for a key, which may name a patient: the same for everybody, and nothing can be read from it. */
export const keyIdOf = (key: string): string =>
  createHash('sha256').update(key).digest('base64url');

/** The first of a list, and whether there are more. */
export interface Listed<Item> {
  readonly items: readonly Item[];
  readonly cut: boolean;
}

/** A part of a list. */
export interface ListedOn<Item> extends Listed<Item> {
  /** Given back, it leads to the next part; undefined at the end of the list. */
  readonly next: string | undefined;
}

/** Which subscribers: those of one operation, or of all, from behind `after`. */
export interface SubscribersOf {
  readonly host?: string | undefined;
  /** Of no others: `next` would name one that somebody does not see. */
  readonly hosts?: readonly string[] | undefined;
  readonly after?: string | undefined;
}

/** Who is told of something by an operation. */
export interface SubscriberBrief extends Subscriber {
  readonly host: string;
}

/** Switches a subscriber off, or on again. */
export interface TurnSubscriber {
  readonly host: string;
  readonly id: string;
  readonly on: boolean;
  readonly by: string;
}

/** Makes one message of what is collected under a key, or discards it. */
export interface CloseBatch {
  readonly host: string;
  readonly key: string;
  readonly discard: boolean;
  readonly by: string;
}

/** Removes what messages share under a key. */
export interface RemoveState {
  readonly key: string;
  readonly by: string;
}

/** Reads the production's files again and, unless only asked to show, applies them. */
export interface ReloadOrder extends Ordered {
  /** Only show what would change. */
  readonly dryRun: boolean;
  /** The folder of the production that is meant; any other production ignores it. */
  readonly folder?: string | undefined;
  /** How it came about, for the history of changes. Default: apply. */
  readonly origin?: VersionOrigin | undefined;
  /** Why, for the history of changes. */
  readonly reason?: string | undefined;
  /** Remove hosts although messages wait in their queues. */
  readonly leaveWaiting?: boolean | undefined;
  /** Apply and report nothing if the files match what is already running. */
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
 * A message to be resent, unchanged or edited; its body is sent with the order unless it is in the
 * store of large bodies.
 */
export interface Resend {
  /** The original message. */
  readonly message: Envelope;
  /** Another target than before, if given. */
  readonly to?: string | undefined;
  readonly bodyRef?: string | undefined;
  /** Also settle the original, if it is suspended. */
  readonly suspended?: boolean | undefined;
  readonly by: string;
  readonly reason?: string | undefined;
  /** Identifies the order: a repeated one is carried out once. Letters, digits, `-`, `_`, `.`. */
  readonly order?: string | undefined;
  /** What its orderer knew, of which only one order is to come: of two who know the same, the first has it. */
  readonly knowing?: string | undefined;
}

/** The first message of a new session. */
export interface SentMessage {
  readonly messageId: number;
  readonly sessionId: number;
}

/**
 * A session's original to be processed again; its body is sent with the order unless it is in the
 * store of large bodies.
 */
export interface Reprocess {
  readonly original: Envelope;
  readonly bodyRef?: string | undefined;
  /** The hosts that get something; left out only to preview the result. */
  readonly targets: readonly string[] | undefined;
  /** If it is about a part of the original: its number, and how many there were; of a part of a part, both. */
  readonly part?: PartPath | undefined;
  /** What the new messages replace, in the order they were made; a suspended one is settled. */
  readonly replaces: readonly {
    readonly message: Pick<Envelope, 'id' | 'sessionId' | 'target'>;
    readonly suspended: boolean;
  }[];
  readonly by: string;
  readonly reason?: string | undefined;
  /** Identifies the order: a repeated one is carried out once. */
  readonly order?: string | undefined;
  /** As of `Resend`. */
  readonly knowing?: string | undefined;
  /** Store nothing. */
  readonly dryRun?: boolean | undefined;
}

/** Which part of a message: the outermost first. */
export type PartPath = readonly { readonly part: number; readonly parts: number }[];

/** What reprocessing an original has queued, or would queue. */
export interface Reprocessed extends SentMessage {
  readonly made: readonly {
    readonly messageId: number;
    readonly target: string;
    readonly type: string;
  }[];
  /** For a dry run: where the rules or transforms fail, if they do. */
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

/** One of many orders that are given together; each has a name, and its body's length in bytes. */
export type BulkOrder = { readonly order: string; readonly bytes: number } & (
  | ({ readonly act: 'resend' } & Resend)
  | ({ readonly act: 'reprocess' } & Reprocess)
  | ({ readonly act: 'discard' } & Discard)
);

/** Orders that are carried out in this order; their bodies are sent with them, one after another. */
export interface BulkOrders {
  readonly orders: readonly BulkOrder[];
}

/**
 * How one of them ended. If its failure may be retried, the same order has to be given again: part
 * of it may be done.
 */
export type BulkResult =
  | {
      /** Missing if the order makes no message. */
      readonly sent?: SentMessage | undefined;
    }
  | {
      readonly failure: {
        readonly code: string;
        readonly text: string;
        readonly retryable: boolean;
        /** Nothing of it was done. */
        readonly untouched?: boolean | undefined;
        /** It failed by itself, although NATS answers and the queue has room. */
        readonly own?: boolean | undefined;
      };
    };

/** Ends a message that waits in a queue or is being sent. */
export interface EndRequest extends EndOrder {
  readonly message: Pick<Envelope, 'id' | 'target'>;
}

/** A text for people, sent by operations of the production. */
export interface Notification {
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
  /** Equal for repeated requests of the same notification, so that it is sent once. */
  readonly key: string;
}

export interface TestAlertsOrder {
  readonly channels: readonly string[];
  readonly by: string;
}

/** Planned work, during which nobody is told of what it causes: see `Maintenance` of the operator plane. */
export interface Planned extends PlanOrder {
  readonly id: number;
}

export interface PlanOrder {
  /** None if it is about the whole production. */
  readonly hosts: readonly string[];
  /** Milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
  readonly reason: string;
  readonly by: string;
}

/** Changes when planned work ends; a time that is past ends it now. */
export interface UntilOrder {
  readonly id: number;
  readonly to: number;
  readonly by: string;
}

/** How a test message by one channel of alerts ended. */
export interface ChannelTest {
  readonly channel: string;
  readonly kind: 'operation' | 'webhook' | 'teams' | 'slack' | 'mail';
  readonly result: 'passed' | 'failed';
  readonly cause?: string | undefined;
  readonly remedy?: string | undefined;
  /** Milliseconds. */
  readonly took: number;
}

/** An alert that is not over. */
export interface OpenAlert {
  readonly id: number;
  readonly state: 'open' | 'acknowledged';
  readonly level: 'warn' | 'error';
  readonly rule: string;
  readonly host: string | undefined;
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly first: number;
  /** Who has taken it on. */
  readonly owner: string | undefined;
}

/** A person's test message for a host; its body is sent with the order. */
export interface TestMessage {
  readonly host: string;
  /** Detected from the body and the name if left out. */
  readonly type?: string | undefined;
  readonly charset?: string | undefined;
  readonly name?: string | undefined;
  readonly by: string;
  /** Identifies the order: a repeated one is carried out once. */
  readonly order?: string | undefined;
}

/** Removes from the trace what is settled and past its retention. */
export interface PurgeOrder {
  /** Milliseconds, instead of the production's own setting. */
  readonly keep?: number;
  readonly dryRun?: boolean;
  readonly by: string;
}

/** Compares the trace with the streams. */
export interface VerifyOrder {
  readonly repair: boolean;
  readonly by: string;
}

/** Ends a message that has no outcome yet, given only its id. */
export interface AbortOrder {
  readonly id: number;
  /** Set aside, to be checked and resent, instead of ended permanently. */
  readonly keep: boolean;
  readonly by: string;
  readonly reason: string;
}

export interface Aborted {
  readonly id: number;
  readonly target: string;
  readonly status: 'suspended' | 'discarded';
}

/** Resends a message of the trace, given only its id. */
export interface ResendOrder {
  readonly id: number;
  /** Another target than before. */
  readonly to?: string | undefined;
  readonly by: string;
  readonly reason?: string | undefined;
  /** Identifies the order, so that it is carried out once, however often it is sent. */
  readonly order?: string | undefined;
  /** As of `Resend`. */
  readonly knowing?: string | undefined;
}

export interface Resent extends SentMessage {
  readonly of: number;
  /** The one before still waits in the queue of this host, and is sent from there as well. */
  readonly waitsFor?: string;
}

/** Processes the original of a message again, given only the message's id. */
export interface ReprocessOrder extends Omit<ResendOrder, 'to'> {
  /** The hosts that get something; the message's own target if left out. */
  readonly targets?: readonly string[] | undefined;
  /** Store nothing, and report everything that today's rules would make. */
  readonly dryRun?: boolean | undefined;
}

/** Tries what the files on disk would make of the originals of messages; nothing is sent. */
export interface RehearseOrder {
  /** In this order, as far as the time allows. */
  readonly ids: readonly number[];
  /** Identifies one run over many messages, over any number of orders: the files are read once for it. */
  readonly run: string;
  readonly by: string;
}

/** A message that could not be resent, and why. */
export interface NotResent {
  readonly of: number;
  readonly code: string;
  readonly text: string;
}

/** Resends every message of a time range at one host. */
export interface ReplayOrder {
  readonly host: string;
  readonly from: number;
  readonly to: number;
  /** Where to send; the host itself by default. */
  readonly into?: string | undefined;
  /** Process the originals again instead of sending the stored bodies. */
  readonly reprocess?: boolean | undefined;
  readonly by: string;
  /** Identifies the order: if it is repeated, no message is sent twice. */
  readonly order?: string | undefined;
}
