import type { Document } from '../document/document.ts';
import type { TokenKeys } from '../expression/token-keys.ts';
import type { Envelope, Reply } from '../message/message.ts';

/** The message a code process works on. */
export interface ProcessMessage extends Envelope {
  /** The body as a document; the process's own copy. */
  document(): Document;
  bytes(): Promise<Uint8Array>;
}

/**
 * What a process sends: the incoming message unchanged (if left out), text, bytes, a document, or
 * any of these with a type (`ADT_A01:2.5.1`, `application/json`). HL7, X12 and EDIFACT have the type
 * that they say themselves; otherwise the type is that of the incoming message, or of the document if
 * that is of another kind. Text is written in UTF-8, a document in its own charset.
 */
export type ProcessBody =
  | string
  | Uint8Array
  | Document
  | {
      readonly body: string | Uint8Array | Document;
      readonly type?: string;
      readonly name?: string;
      readonly charset?: string;
    };

/** A time in milliseconds, or a duration such as `20s`, `5m`, `2h` or `7d`; up to ten years. */
export type CodeTime = number | string;

export interface CallOptions {
  /** How long to wait for the answer; default `60s`. */
  readonly timeout?: CodeTime;
}

export interface StateOptions {
  /** After what time it ends if it is not changed before; default `90d`, at most ten years. */
  readonly ttl?: CodeTime;
}

/**
 * A JSON value that messages of the production share by a key, up to 64 KB. Each change happens
 * once, and a replay gets what the first run got.
 */
export interface SharedState<Value> {
  /** Undefined if there is none, or its time is over. */
  get(): Promise<Value | undefined>;
  set(value: Value, options?: StateOptions): Promise<void>;
  /**
   * Replaces what is there by what `change` makes of it, and resolves to that. `change` is called
   * again if another message was faster, so it has no other effect.
   */
  update(change: (before: Value | undefined) => Value, options?: StateOptions): Promise<Value>;
  delete(): Promise<void>;
}

export interface ReceiveOptions {
  /** The key of the message to wait for, as `receives` of the process computes it. */
  readonly key: string;
  /** A CEL expression that must also be true of it, such as `field("OBR-25") == "F"`. */
  readonly when?: string;
  /** How long to wait at most. */
  readonly timeout: CodeTime;
}

/** The answer of a called target. */
export interface CallAnswer {
  /** `completed`, `error`, `suspended`. */
  readonly status: string;
  /** The code of the target's own answer: `AE`, `404`. */
  readonly code?: string | undefined;
  /** Why the call did not complete: a code of docs/errors.md, and whether the same may succeed later. */
  readonly error?: { readonly code: string; readonly retryable: boolean } | undefined;
  readonly text?: string | undefined;
  readonly type?: string | undefined;
  readonly body?: Uint8Array | undefined;
}

/**
 * The effects of a code process. Each happens once even if the process runs again after a crash: it
 * then runs from the top and gets the answers of the completed steps. So between effects a process
 * must depend only on its message and on those answers: no clock, no random numbers.
 */
export interface ProcessContext {
  /** Puts a message into a target's queue; resolves once it is stored. */
  send(target: string, body?: ProcessBody): Promise<void>;
  /** Sends and waits for the target's answer. Throws REPLY_TIMEOUT. */
  call(target: string, body?: ProcessBody, options?: CallOptions): Promise<CallAnswer>;
  /**
   * Waits for another message that comes to this process, for months and across restarts. It is
   * given to one waiting message and not worked on itself. Undefined if none came in time.
   */
  receive(options: ReceiveOptions): Promise<ProcessMessage | undefined>;
  /** Waits, also across restarts. */
  sleep(time: CodeTime): Promise<void>;
  /** The value for a key in a code table of the production, otherwise `otherwise`. Throws for an unknown table. */
  lookup(table: string, key: string, otherwise?: string): string;
  /** Milliseconds since 1970; the same on a replay. */
  now(): Promise<number>;
  /** What messages of the production share under this key, of up to 256 characters. */
  state<Value>(key: string): SharedState<Value>;
  /** Signs and verifies tokens: `await context.jwt.verify('portal', token)`. The same on a replay. */
  readonly jwt: TokenKeys;
  /** Writes to the event log that operators read. Never a body. */
  log(text: string): void;
}

/**
 * What a process answers to a waiting sender: text, bytes or a document, alone or with a type and a
 * code: AA, AE or AR for HL7, the status for HTTP.
 */
export type ProcessReply =
  | string
  | Uint8Array
  | Document
  | (Partial<Omit<Reply, 'body' | 'code'>> & {
      readonly body?: string | Uint8Array | Document;
      readonly code?: string | number | undefined;
    });

/**
 * A business process in code. Its return value is the answer to a waiting sender; undefined answers
 * nothing. If it throws a `TemporaryError`, a queued process retries by its `retry`; any other error
 * suspends the message.
 */
export type ProcessCode = (
  message: ProcessMessage,
  context: ProcessContext,
) => Promise<ProcessReply | undefined>;

/** Declares a code process; it only exists to give its arguments types. */
export function defineProcess(code: ProcessCode): ProcessCode {
  return code;
}
