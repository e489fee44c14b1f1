import type { LaunchOfCaller } from '../../../message/caller.ts';
import type { Incoming } from '../incoming.ts';
import type { TokenSource } from './caller-settings.ts';

/** The authenticated sender of a request. */
export interface Caller {
  /** For the trace: a user, the subject of a token or certificate, the name of a credential. */
  readonly name: string;
  readonly scopes: ReadonlySet<string>;
  /** How they have proven it. */
  readonly kind: Scheme['kind'];
  /** What the token says, if that is the proof. */
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
  /** The launch by an EHR that the proof is of. */
  readonly launch?: LaunchOfCaller | undefined;
  /** The signature of the request, if that is the proof: the same signature means the same request again. */
  readonly signature?: string | undefined;
}

/** The result of checking a caller. */
export type Proof =
  /** `cookie`: a browser adds it automatically, so another page may have caused the request. */
  | { readonly result: 'proven'; readonly caller: Caller; readonly cookie?: boolean }
  /** Nothing was sent. */
  | { readonly result: 'none' }
  /** What was sent is not valid. `reason` is also for the caller: it quotes nothing. */
  | { readonly result: 'wrong'; readonly reason: string };

/** One way for callers to prove who they are. */
export interface Scheme {
  /** Its name in the OpenAPI document. */
  readonly name: string | undefined;
  readonly kind: 'api-key' | 'basic' | 'bearer' | 'certificate' | 'hmac';
  /** Which claims of a token have its scopes, for people. */
  readonly scopesFrom?: string;
  /** Where the key or token is; one in the query is not part of the message. */
  readonly sources: readonly TokenSource[];
  /** Rejects only if the proof cannot be checked now. `body` returns the whole body, read when it is called. */
  prove(incoming: Incoming, body: () => Promise<Buffer>): Promise<Proof>;
  /** For `WWW-Authenticate`; undefined if there is nothing to say in it. */
  challenge(reason: string | undefined): string | undefined;
}

/** Makes our text, or text from a caller's token, fit for a quoted string in a header. */
export const quoted = (text: string): string =>
  `"${text.replaceAll(/[^\x20-\x7e]/g, '?').replaceAll(/["\\]/g, "'")}"`;

export const REALM = 'realm="waybill"';
