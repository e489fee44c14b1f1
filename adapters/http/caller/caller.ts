import type { Incoming } from '../incoming.ts';
import type { TokenSource } from './caller-settings.ts';

/** Who sends a request, once that is proven. */
export interface Caller {
  /** For the trace: a user, the subject of a token or certificate, the name of a credential. */
  readonly name: string;
  readonly scopes: ReadonlySet<string>;
  /** The signature of the request, where that is the proof: whoever shows it again sends the same again. */
  readonly signature?: string | undefined;
}

/** How the proof of a caller came out. */
export type Proof =
  /** `cookie`: a browser adds it by itself, so that another page may have caused the request. */
  | { readonly result: 'proven'; readonly caller: Caller; readonly cookie?: boolean }
  /** Nothing was shown. */
  | { readonly result: 'none' }
  /** What was shown is not good. `reason` is for the caller too: it quotes nothing. */
  | { readonly result: 'wrong'; readonly reason: string };

/** One way in which callers prove who they are. */
export interface Scheme {
  /** Its name in the OpenAPI document. */
  readonly name: string | undefined;
  readonly kind: 'api-key' | 'basic' | 'bearer' | 'certificate' | 'hmac';
  /** Where the key or token stands; what stands in the query is no part of the message. */
  readonly sources: readonly TokenSource[];
  /** Rejects only where the proof cannot be checked now. `body` is the whole body, read when it is asked for. */
  prove(incoming: Incoming, body: () => Promise<Buffer>): Promise<Proof>;
  /** For `WWW-Authenticate`; undefined where there is nothing to say in it. */
  challenge(reason: string | undefined): string | undefined;
}

/** Words of ours or of a caller's token, made fit for a quoted string of a header. */
export const quoted = (text: string): string =>
  `"${text.replaceAll(/[^\x20-\x7e]/g, '?').replaceAll(/["\\]/g, "'")}"`;

export const REALM = 'realm="waybill"';
