import type { Document } from '../document/document.ts';
import type { Envelope, NewMessage } from '../message/message.ts';

/** What a transform gets: the message it works on, already read. The document is its own copy to change. */
export interface TransformInput {
  readonly message: Envelope;
  readonly document: Document;
  /** All of the message, where `document` is a part that was split off. */
  readonly whole?: Document | undefined;
  readonly lookup: (table: string, key: string, otherwise?: string) => string;
  readonly now: () => number;
}

/** A changed message; `body` is always in memory. */
export interface TransformOutput extends Pick<NewMessage, 'type' | 'charset' | 'name'> {
  readonly body: Uint8Array;
  /** Of several that were made of one: which, from 1, and of how many. */
  readonly part?: number | undefined;
  readonly parts?: number | undefined;
}

/**
 * Makes new messages from one; none means the message is discarded on this leg. Throws an EngineError
 * `TRANSFORM_FAILED` that names the step and place and never quotes a value.
 */
export interface Transform {
  readonly name: string;
  /** It leaves the input's document as it is, so that several may get the same one without a copy. */
  readonly keepsDocument?: true;
  apply(input: TransformInput): TransformOutput[] | Promise<TransformOutput[]>;
}
