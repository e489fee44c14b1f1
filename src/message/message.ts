import type { Body } from './body.ts';
import type { Envelope, MessageFacts } from './envelope.ts';
import type { RecordedError } from './record.ts';

export type { Envelope, MessageFacts } from './envelope.ts';

/** What an adapter, a transform or a process delivers: a body and the facts about it. The engine adds the envelope. */
export interface NewMessage extends MessageFacts {
  /** The exact bytes; or a stream of them, which goes to the object store without being held in memory. */
  readonly body: Uint8Array | AsyncIterable<Uint8Array>;
  /**
   * The sender's own id (MSH-10; or file name, size and time). The same key with the same bytes inside
   * the duplicate window is stored once.
   */
  readonly dedupeKey?: string | undefined;
  /** The part of the body that is the same in a repetition, if not all of it is. Default: the body. */
  readonly dedupeBody?: Uint8Array | undefined;
}

/** A message as the engine stores and routes it: one immutable body on one leg, source → target. */
export interface Message extends Envelope {
  readonly body: Body;
}

/** What a peer answered to a sent message. */
export interface Reply {
  readonly body: Uint8Array;
  readonly type: string;
  /** The peer's own result code: `AA`, `AE`, `201`. The operation's `replies` act on it. */
  readonly code?: string | undefined;
  /** The peer's explanation (MSA-3, ERR, a status line). Goes to the trace, never to a log. */
  readonly text?: string | undefined;
  /** Milliseconds the peer asked to wait before another try (`Retry-After`); overrides the policy's next delay. */
  readonly retryAfter?: number | undefined;
  /** What is unusual about the reply; each may have its own rule under `replies`. */
  readonly problems?: readonly ReplyProblem[] | undefined;
}

/**
 * `wrong-control-id`: MSA-2 differs from MSH-10. `wrong-type`: the acknowledgement's event differs.
 * `no-code`: a reply without MSA. `client-fault`: a SOAP fault that blames the request.
 * `sign-in-over`: the sign-in of the person who sent the message has ended.
 */
export const REPLY_PROBLEMS = [
  'wrong-control-id',
  'wrong-type',
  'no-code',
  'client-fault',
  'sign-in-over',
] as const;
export type ReplyProblem = (typeof REPLY_PROBLEMS)[number];

/** Proof that a message is stored: once an adapter has it, it may acknowledge to its sender. */
export interface Receipt {
  readonly messageId: number;
  readonly sessionId: number;
  /** `duplicate`: the same message was stored before; the sender gets the same answer as the first time. */
  readonly status: 'stored' | 'duplicate';
  /** The target's answer, when the adapter asked to wait for it. */
  readonly reply?: Reply | undefined;
  /**
   * How the message ended at the target, when the adapter asked to wait. There may also be a reply:
   * rules may have set aside what the peer accepted.
   */
  readonly outcome?: MessageOutcome | undefined;
}

/** How a message ended. */
export interface MessageOutcome {
  readonly status: string;
  readonly text?: string | undefined;
  /** Of an error, or of what was suspended. */
  readonly error?: Pick<RecordedError, 'code' | 'retryable'> | undefined;
}
