import type { Document } from '../document/document.ts';
import type { TransformInput } from './transform.ts';

/** A new message as a transform in TypeScript may give it. What is left out stays as in the message it came from. */
export interface MadeMessage {
  readonly body: string | Uint8Array | Document;
  /** `ADT_A01:2.5.1`, or a media type such as `application/json`. */
  readonly type?: string | undefined;
  /** A label: file name, mail subject. */
  readonly name?: string | undefined;
  readonly charset?: string | undefined;
}

/** One message, or several, or `[]` to make none. A text is written in UTF-8, a Document in its own charset. */
export type MadeMessages =
  | string
  | Uint8Array
  | Document
  | MadeMessage
  | readonly (string | Uint8Array | Document | MadeMessage)[];

/** What a transform's module exports as its default. It may be async, and may change `document`, which is its own. */
export type TransformFunction = (input: TransformInput) => MadeMessages | Promise<MadeMessages>;

/** Gives a transform in TypeScript its types: `export default defineTransform(({ document }) => …)`. */
export function defineTransform(transform: TransformFunction): TransformFunction {
  return transform;
}
