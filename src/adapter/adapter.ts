import type { Logger } from '../log/logger.ts';
import type { Message, NewMessage, Receipt, Reply } from '../message/message.ts';
import type { RetryPolicy } from '../time/back-off.ts';
import type { CertificateFacts } from './certificate-facts.ts';
import type { Credential } from './credential.ts';
import type { Launches } from './launches.ts';
import type { Records } from './records.ts';
import type { Settings, ValuesOf } from './setting.ts';
import type { SignInTools } from './sign-in-tools.ts';
import type { Subscribers } from './subscribers.ts';
import { type Step, StepFailure } from './test-step.ts';
import type { TokenVerifier } from './token-verifier.ts';

/** What the engine lends an adapter while it is open. Its functions may be taken out of it. */
export interface Lent<S extends Settings> {
  /** The name of the host this adapter works for. */
  readonly host: string;
  readonly production: string;
  readonly settings: ValuesOf<S>;
  /** For warnings and errors a person should know. Never a body, a secret, a file name or a peer's text. */
  readonly log: Logger;
  /** Aborts when the host stops; pass it to every wait. */
  readonly signal: AbortSignal;
  /** The current values behind a name under `credentials`. Throws CREDENTIAL_MISSING or CREDENTIAL_REFUSED. */
  readonly credential: (name: string) => Promise<Credential>;
  /**
   * The verifier of callers' tokens, from a credential of kind `jwt-key` or `introspection`. Throws
   * as `credential` does.
   */
  readonly verifier: (name: string) => Promise<TokenVerifier>;
  /**
   * Reports which certificate a peer has sent, so that operators hear of its expiry in time; `name`
   * says who should have sent it. `dial`, `clientTls` and `serverTls` call it, so an adapter need
   * not.
   */
  readonly peerCertificate: (name: string, certificate: CertificateFacts) => void;
  /** Reports the state of the connection; shown in the console and in `waybill status`. */
  readonly connection: (state: ConnectionState, detail?: string) => void;
  /** Writes to the event log that operators read: a peer refused, a file skipped. Never a body or a secret. */
  readonly event: (
    level: 'info' | 'warn' | 'error',
    name: string,
    text: string,
    /** A part of the text to leave out of the process's log: a file name may be patient data. */
    unlogged?: string,
  ) => void;
  /**
   * Whether the production itself, not only the adapter's defaults, says under `replies` what this
   * means (`wrong-control-id`).
   */
  readonly isRuled?: ((key: string) => boolean) | undefined;
  /** What hosts of the production that name the same realm keep together; left out where no engine runs. */
  readonly records?: ((realm: string) => Records) | undefined;
  /**
   * How to ask EHRs as those whom they launched, by the realm of a service's sign-in: undefined while no such service runs at
   * this engine. Left out where no engine runs.
   */
  readonly launches?: ((realm: string) => Launches | undefined) | undefined;
}

export type ConnectionState = 'listening' | 'connected' | 'waiting' | 'disconnected';

export interface LentInbound<S extends Settings> extends Lent<S> {
  /**
   * Hands a message to the engine. Resolves once it is stored: acknowledge the sender after that
   * and never before. Rejects when the engine cannot take it (the error says whether a retry
   * helps): tell the sender to try again. Concurrent calls are accepted in the order in which they
   * are made.
   */
  readonly deliver: (message: NewMessage, options?: DeliverOptions) => Promise<Receipt>;
  /** Reports the loss of a connection or listener; the engine closes this adapter and opens it again, with back-off. */
  readonly lost: (reason: Error) => void;
  /** For a service that signs in users of its own; left out where no engine runs. */
  readonly signIn?: SignInTools | undefined;
  /**
   * What this service remembers between runs: a position, a delta link. Durable, one per host. Of a service that polls
   * neither this nor `deliver` takes anything from an engine once another one polls; the error says so.
   */
  readonly memory: Memory;
}

export interface DeliverOptions {
  /** Wait for the target's answer and put it into the receipt. */
  readonly reply?: boolean;
  /** Milliseconds to wait for it; after that, the receipt has no reply. */
  readonly timeout?: number;
  /** Called once the message is stored, before waiting for the reply: for a sender that wants to know both. */
  readonly stored?: () => void;
}

/** A small durable text. */
export interface Memory {
  read(): Promise<string | undefined>;
  write(value: string): Promise<void>;
}

/** An open adapter. Closing stops accepting new work and waits for what is in flight. */
export interface Open {
  close(): Promise<void>;
}

export interface OpenOutbound extends Open {
  /**
   * Sends one message and returns the peer's answer, if the protocol has one. Called concurrently,
   * up to the operation's pool size. What it throws decides what happens:
   *
   * | throw | the engine then |
   * |---|---|
   * | `TemporaryError`, anything unknown | retries by the operation's policy |
   * | `NotConnectedError` | closes, opens again, retries; not counted as an attempt |
   * | `RejectedError` | fails the message at once |
   * | `SuspendError` | keeps the message for a person |
   * | `DisableError` | puts it back at the head and stops the operation |
   *
   * Return a code in the reply (`AE`, `503`): the engine judges it by the operation's `replies`.
   * `signal` aborts at the operation's time-out and at a forced stop.
   */
  send(message: Message, signal: AbortSignal): Promise<Reply | undefined>;
}

/** One problem that a host could not work with. */
export interface SettingsFault {
  /** The setting it is about: `['openapi']`. */
  readonly path: readonly string[];
  /** Where it is in a file that the setting names: absolute path, line and column from 1. */
  readonly place?: { readonly file: string; readonly line: number; readonly column: number };
  /** What is wrong; no capital, no full stop. */
  readonly what: string;
  /** What to do: a full sentence, or `''` where `what` already says it. */
  readonly remedy: string;
  /** With a warning the host starts. Default: error. */
  readonly severity?: 'warning';
}

interface Adapter<S extends Settings> {
  /** Names the adapter in a production file: a noun, lower case, ending in `-in`, `-out` or `-lookup`. */
  readonly type: string;
  readonly title: string;
  /** One sentence for lists. */
  readonly summary: string;
  readonly settings: S;
  /**
   * Problems between the settings, and in the files they name. Called when a production is checked:
   * nothing is open, and credentials are not available. Each setting on its own is already valid.
   */
  check?(settings: ValuesOf<S>): Promise<readonly SettingsFault[]>;
  /** Tests the connection in ordered steps without moving a message: `waybill try`, the console's *Test connection*. */
  test?(lent: Lent<S>, step: Step): Promise<void>;
}

/** What a service does at an address on which others of its kind may listen as well. */
export interface SharedAddress {
  /** Which others it can tell apart from itself, though they are of another adapter: `http`. */
  readonly family: string;
  /** What no other service may take there, for people: `POST /orders`. */
  readonly takes: readonly string[];
  /** What all of them must agree on: the name of the setting, and its value as text, to compare. */
  readonly common: { readonly name: string; readonly value: string };
}

export interface InboundAdapter<S extends Settings = Settings> extends Adapter<S> {
  /** A polling adapter is open only on the engine that holds its lease; a listening one on every engine. */
  readonly polling?: true;
  /** Whether it is open on one engine alone with these settings, for an adapter that listens with others. */
  pollsWith?(settings: ValuesOf<S>): boolean;
  /**
   * For an adapter whose services may share an address because it tells them apart, such as by
   * path: what a service with these settings does there. Called when a production is checked.
   */
  sharing?(settings: ValuesOf<S>): Promise<SharedAddress>;
  /** The realm whose launches by EHRs a service of that name takes with these settings; undefined if it takes none. */
  launched?(settings: ValuesOf<S>, service: string): string | undefined;
  /** Called again with back-off until it resolves, and again after `lost`. */
  open(lent: LentInbound<S>): Promise<Open>;
}

/** How a reply code is judged if the operation's `replies` say nothing. */
export type ReplyDefaults = Readonly<Record<string, string | readonly string[]>>;

export interface OutboundAdapter<S extends Settings = Settings> extends Adapter<S> {
  /** The protocol's own defaults for the operation's `replies`. */
  readonly replies?: ReplyDefaults;
  /** The protocol's own defaults for the operation's `retry`, in milliseconds: HL7 is retried for ever. */
  readonly retry?: Partial<RetryPolicy>;
  /** Whom its settings make it tell of something, for operators; asked also while no adapter is open. */
  subscribers?(of: {
    readonly settings: ValuesOf<S>;
    readonly records: (realm: string) => Records;
    readonly signal: AbortSignal;
  }): Subscribers;
  /**
   * Whether what it answers to the same message may differ when it is asked once more after a crash, so that processes under
   * `answersTo` have to be inline: in a queue of their own the first answer counts, and what is new in the second is lost.
   */
  readonly answersAnew?: true;
  /** The realm whose launches it asks EHRs by (`lent.launches`) with these settings: `check` looks for its service. Undefined if it does not. */
  launchesOf?(settings: ValuesOf<S>): string | undefined;
  open(lent: Lent<S>): Promise<OpenOutbound>;
}

/** Loads a code table from elsewhere; expressions and code ask the rows in memory. */
export interface LookupAdapter<S extends Settings = Settings> extends Adapter<S> {
  /**
   * Reads the whole table: key → value. Called when an engine starts and again `every` so often; `lent.host` is the
   * table's name. What it throws leaves the table as it is, and it is tried again: soon, or after a long pause where it
   * is a DisableError, as accounts are locked for less.
   */
  load(lent: Lent<S>): Promise<ReadonlyMap<string, string>>;
}

/** Declares an inbound adapter, so that `open` knows the types of its settings. */
export function inbound<const S extends Settings>(adapter: InboundAdapter<S>): InboundAdapter<S> {
  return adapter;
}

/** Declares an outbound adapter, so that `open` knows the types of its settings. */
export function outbound<const S extends Settings>(
  adapter: OutboundAdapter<S>,
): OutboundAdapter<S> {
  return adapter;
}

/** Declares an adapter that loads code tables, so that `load` knows the types of its settings. */
export function lookupTable<const S extends Settings>(adapter: LookupAdapter<S>): LookupAdapter<S> {
  return adapter;
}

/** Runs the work of a test step: the first sentence of our errors is the cause, the rest the remedy. */
export async function explained<Value>(work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error) || error instanceof StepFailure) throw error;
    const [cause = '', ...remedy] = error.message.split('. ');
    throw new StepFailure(cause, remedy.join('. ').replace(/\.$/, ''), { cause: error });
  }
}
