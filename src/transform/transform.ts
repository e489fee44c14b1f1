import type { Document } from '../document/document.ts';
import type { TokenKeys } from '../expression/token-keys.ts';
import type { Envelope, NewMessage } from '../message/message.ts';

/**
 * What a transform gets: the message it works on, already parsed. The document is its own copy,
 * which it may change.
 */
export interface TransformInput {
  readonly message: Envelope;
  readonly document: Document;
  /** The whole message, where `document` is a part that was split off. */
  readonly whole?: Document | undefined;
  readonly lookup: (table: string, key: string, otherwise?: string) => string;
  readonly now: () => number;
  /** Signs and verifies tokens: `await jwt.verify('portal', document.get('/token'))`. */
  readonly jwt: TokenKeys;
}

/** What a transform made of steps gets where a person looks at its steps. */
export interface WatchedInput extends TransformInput {
  /** Called with how the new message begins, and after each step; the document changes further. */
  readonly watch?: ((step: string, target: Document) => void) | undefined;
}

/** A changed message; `body` is always in memory. */
export interface TransformOutput extends Pick<NewMessage, 'type' | 'charset' | 'name'> {
  readonly body: Uint8Array;
  /** For one of several messages made from one: its number, from 1, and how many there are. */
  readonly part?: number | undefined;
  readonly parts?: number | undefined;
  /** What the part that it was made from says, the same for the same part at another place of another message. */
  readonly content?: (() => string) | undefined;
  /** What people should know of it: sentences without any value of the message. */
  readonly notes?: readonly string[] | undefined;
}

/**
 * Makes new messages from one; if there are none, the message is discarded on this leg. Throws an
 * EngineError `TRANSFORM_FAILED` that names the step and place and never quotes a value.
 */
export interface Transform {
  readonly name: string;
  /** It does not change the input's document, so several may get the same one without a copy. */
  readonly keepsDocument?: true;
  apply(input: TransformInput): TransformOutput[] | Promise<TransformOutput[]>;
}
