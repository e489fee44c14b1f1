import type { GraphMailbox } from './graph-mailbox.ts';
import type { GraphContent } from './graph-message.ts';
import { asObject } from './graph-reading.ts';
import { badRequest, type GraphAnswer } from './graph-refusal.ts';
import type { GraphUploads } from './graph-uploads.ts';

/** One request, past the gate. */
export interface GraphRequest {
  readonly mailbox: GraphMailbox;
  /** The text of the path in the route's group. */
  readonly parts: readonly string[];
  readonly query: URLSearchParams;
  /** The address without its query. */
  readonly address: string;
  readonly contentType: string;
  readonly body: Buffer;
  readonly immutable: boolean;
  /** Requested by `Prefer: odata.maxpagesize`. */
  readonly page: number;
  readonly textWanted: boolean;
  readonly world: GraphWorld;
}

/** What routes can use beyond one mailbox. */
export interface GraphWorld {
  readonly uploads: GraphUploads;
  /** Bytes of a whole message. */
  readonly messageLimit: number;
  /** Whether the mailbox may send as that address. */
  maySendAs(mailbox: string, address: string): boolean;
  /** Puts a sent message into the mailboxes of its recipients. */
  deliver(content: GraphContent): void;
}

export interface GraphRoute {
  readonly method: string;
  readonly path: RegExp;
  /** One of these application permissions is needed. */
  readonly roles: readonly string[];
  readonly answer: (request: GraphRequest) => GraphAnswer | Promise<GraphAnswer>;
}

/** The text of the path in the route's group. */
export const part = ({ parts }: GraphRequest, at = 0): string => parts[at] ?? '';
/** The body, read as a JSON object. */
export const json = ({ body }: GraphRequest): Readonly<Record<string, unknown>> => {
  try {
    return asObject(JSON.parse(body.toString()));
  } catch {
    throw badRequest('Unable to read JSON request payload.');
  }
};
/** The requested properties; undefined for all. */
export const selected = ({ query }: GraphRequest): readonly string[] | undefined =>
  query.get('$select')?.split(',');
