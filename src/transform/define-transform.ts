import type { Document } from '../document/document.ts';
import type { TransformInput } from './transform.ts';

/** A new message as a transform in TypeScript may return it. What is left out is taken from the incoming message. */
export interface MadeMessage {
  readonly body: string | Uint8Array | Document;
  /** `ADT_A01:2.5.1`, or a media type such as `application/json`. */
  readonly type?: string | undefined;
  /** A label, such as a file name or mail subject. */
  readonly name?: string | undefined;
  readonly charset?: string | undefined;
}

/** One message, or several, or `[]` to make none. A string is written in UTF-8, a Document in its own charset. */
export type MadeMessages =
  | string
  | Uint8Array
  | Document
  | MadeMessage
  | readonly (string | Uint8Array | Document | MadeMessage)[];

/**
 * What the module of a transform exports as its default. It may be async, and may change
 * `document`, which is its own.
 */
export type TransformFunction = (input: TransformInput) => MadeMessages | Promise<MadeMessages>;

/** Gives types to a transform in TypeScript: `export default defineTransform(({ document }) => …)`. */
export function defineTransform(transform: TransformFunction): TransformFunction {
  return transform;
}
