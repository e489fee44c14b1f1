import type { ConnectionState } from '../adapter/adapter.ts';
import type { Credential } from '../adapter/credential.ts';
import type { Launches } from '../adapter/launches.ts';
import type { Records } from '../adapter/records.ts';
import type { SignInTools } from '../adapter/sign-in-tools.ts';
import type { TokenVerifier } from '../adapter/token-verifier.ts';
import { isAway } from '../broker/away.ts';
import type { Broker } from '../broker/broker.ts';
import type { Journal } from '../broker/journal.ts';
import type { Leases } from '../broker/lease.ts';
import type { State } from '../broker/state.ts';
import type { Waiting } from '../broker/while-held.ts';
import { background } from '../error/background.ts';
import type { Accepting } from '../flow/accept.ts';
import type { EndOrder } from '../flow/end-message.ts';
import type { Events } from '../log/events.ts';
import type { HostLogs } from '../log/logger.ts';
import type { Envelope } from '../message/message.ts';
import type { RecordedError } from '../message/record.ts';
import type { Clock } from '../time/clock.ts';
import type { PeerCertificates } from './peer-certificates.ts';

/** A business service, process or operation that lives as long as its production runs. */
export interface Host {
  readonly name: string;
  readonly kind: 'service' | 'process' | 'operation';
  start(): Promise<void>;
  /**
   * Takes nothing new and finishes what is in flight; what is not done after `limit` milliseconds
   * stays in its queue.
   */
  stop(limit: number): Promise<void>;
  /** Retries immediately everything that waits for its next try. */
  retryNow(): void;
  /**
   * Ends a message that this host is working on, as a person ordered; false if it is not, or
   * already has its outcome.
   */
  endMessage?(id: number, order: EndOrder): Promise<boolean>;
  status(): HostStatus;
}

export interface HostStatus {
  readonly host: string;
  readonly kind: Host['kind'];
  readonly state: 'running' | 'stopped';
  readonly connection: ConnectionState | undefined;
  readonly detail: string | undefined;
  /** When a lost connection is next retried; milliseconds since 1970. */
  readonly reconnect: number | undefined;
  /** Messages being worked on now. */
  readonly inFlight: number;
  /** The message being retried, and the time of the next try. */
  readonly retrying:
    | { readonly messageId: number; readonly attempt: number; readonly next: number }
    | undefined;
  readonly lastError:
    | { readonly code: string; readonly text: string; readonly at: number }
    | undefined;
  /** When a message was last accepted or completed; milliseconds since 1970. */
  readonly lastActivity: number | undefined;
  /** Counted since the engine started. */
  readonly messages: number;
  /** What it has waited for the longest although it should be immediate. */
  readonly delayed?: Delay | undefined;
}

/** What the running engine provides to every host. */
export interface Runtime {
  readonly production: string;
  /** The connection for reading queues. */
  readonly broker: Broker;
  readonly clock: Clock;
  readonly accepting: Accepting;
  /** The journal for outcomes. */
  readonly outcomes: Journal;
  readonly events: Events;
  readonly logs: HostLogs;
  readonly leases: Leases;
  readonly credential: (name: string) => Promise<Credential>;
  readonly verifier: (name: string) => Promise<TokenVerifier>;
  readonly peerCertificate: PeerCertificates['see'];
  readonly memory: State['memory'];
  readonly signIn: SignInTools;
  readonly records: (realm: string) => Records;
  readonly launches: (realm: string) => Launches | undefined;
}

/** The name of a host's lease among its delays. */
const LEASE = 'lease';

/** The parts of a status that change while a host runs. */
export class HostState {
  readonly delays: Delays;
  /** Why this engine is not doing the host's work, if so. */
  #waiting: string | undefined;
  connection: ConnectionState | undefined;
  detail: string | undefined;
  reconnect: number | undefined;
  retrying: HostStatus['retrying'];
  lastError: HostStatus['lastError'];
  lastActivity: number | undefined;
  messages = 0;
  running = false;

  constructor(events: Pick<Events, 'told'>, host: string) {
    this.delays = new Delays(events, host);
  }

  /** The host waits for the lease for its work (`sends`, `polls`). */
  awaitsLease(does: string, { problem, renewed }: Waiting): void {
    const other =
      renewed === true ? `another engine ${does}` : `waits for another engine, which may be gone`;
    this.#waiting = problem === undefined ? other : `no engine ${does}: ${problem}`;
    if (problem === undefined) this.delays.over(LEASE);
    else this.delays.see(LEASE, this.#waiting);
  }

  /** It has the lease and is working. */
  hasLease(): void {
    this.#waiting = undefined;
    this.delays.over(LEASE);
  }

  /** The host was stopped and waits for nothing. */
  ended(): void {
    this.hasLease();
    this.connection = undefined;
    this.detail = undefined;
    this.retrying = undefined;
  }

  active(): void {
    this.lastActivity = Date.now();
    this.messages += 1;
  }

  failed(code: string, text: string): void {
    this.lastError = { code, text, at: Date.now() };
  }

  /** The connection is lost; the next try is in `next` milliseconds. */
  disconnected({ code, text }: Pick<RecordedError, 'code' | 'text'>, next: number): void {
    this.connection = 'disconnected';
    this.detail = text;
    this.reconnect = Date.now() + next;
    this.failed(code, text);
  }

  status(host: string, kind: Host['kind'], inFlight: number): HostStatus {
    return {
      host,
      kind,
      state: this.running ? 'running' : 'stopped',
      connection: this.#waiting === undefined ? this.connection : 'waiting',
      detail: this.#waiting ?? this.delays.longest?.text ?? this.detail,
      reconnect: this.connection === 'disconnected' ? this.reconnect : undefined,
      inFlight,
      retrying: this.retrying,
      lastError: this.lastError,
      lastActivity: this.lastActivity,
      messages: this.messages,
      delayed: this.delays.longest,
    };
  }
}

/** A try that failed and is followed by another. */
interface FailedTry {
  readonly attempt: number;
  /** When the next one is due; milliseconds since 1970. */
  readonly next: number;
  readonly error: RecordedError;
  /** Its name in the log if nothing was sent. */
  readonly event?: string;
}

/** Shows a failed try in the status of its host and in the trace; the outcome will certainly be stored, this need not. */
export function tellFailedTry(
  { clock, events, outcomes }: Pick<Runtime, 'clock' | 'events' | 'outcomes'>,
  { name, state }: { readonly name: string; readonly state: HostState },
  message: Envelope,
  { attempt, next, error, ...how }: FailedTry,
): void {
  const { id, sessionId } = message;
  const at = clock.now();
  state.retrying = { messageId: id, attempt, next };
  state.failed(error.code, error.text);
  events.retrying(name, message, { attempt, error, ...how });
  background(
    outcomes.append({
      record: { kind: 'attempt', id, sessionId, host: name, attempt, at, next, error },
    }),
    `noting a failed try of ${name}`,
    isAway,
  );
}

/** Something that is overdue. */
interface Delay {
  readonly since: number;
  readonly text: string;
}

/** Milliseconds until it becomes an event. */
const TOLD_AFTER = 10_000;

/**
 * What a host waits for although it should be immediate: a lease that nobody renews, an outcome
 * that NATS does not accept, space in another host's queue. It is shown in the host's status at
 * once, becomes an event after a while, and an alert after that.
 */
class Delays {
  readonly #tell: (level: 'info' | 'error', event: string, text: string) => void;
  readonly #delays = new Map<string, Delay & { told: boolean }>();

  constructor(events: Pick<Events, 'told'>, host: string) {
    this.#tell = (level, event, text) => events.told(host, level, event, text);
  }

  /** Called repeatedly while it lasts. */
  see(what: string, text: string): void {
    const since = this.#delays.get(what)?.since ?? Date.now();
    let told = this.#delays.get(what)?.told ?? false;
    if (!told && Date.now() - since >= TOLD_AFTER) {
      told = true;
      this.#tell('error', 'host-waits', text);
    }
    this.#delays.set(what, { since, text, told });
  }

  over(what: string): void {
    const delay = this.#delays.get(what);
    this.#delays.delete(what);
    if (delay?.told === true) this.#tell('info', 'host-goes-on', `over: ${delay.text}`);
  }

  /** The delay that has lasted longest. */
  get longest(): Delay | undefined {
    let longest: Delay | undefined;
    for (const { since, text } of this.#delays.values()) {
      if (longest === undefined || since < longest.since) longest = { since, text };
    }
    return longest;
  }
}
