import type * as Kafka from '@platformatic/kafka';
import { NotConnectedError, type setting, timerTime, toldElsewhere } from 'waybill/adapter';
import { PassingSet, placeOf, unlessAborted, withRenewedToken } from 'waybill/peer/basics';
import { clientTls } from 'waybill/peer/tls';
import { type Account, accountOf, type KafkaLent } from './account.ts';
import { connectFailure } from './failure.ts';

export type KafkaLibrary = typeof Kafka;

/**
 * The requests that we make, each with the oldest and the newest version that we know. The library writes every version
 * from the same arguments; newer ones of Fetch and Produce name topics by their ids instead. Those about groups are the
 * last before the encoding changed: every broker since Kafka 2.3 knows them, 4 included.
 */
const REQUESTS = {
  produce: [3, 11],
  fetch: [4, 12],
  listOffsets: [1, 7],
  metadata: [1, 12],
  offsetCommit: [2, 7],
  offsetFetch: [1, 5],
  findCoordinator: [1, 2],
  joinGroup: [0, 5],
  heartbeat: [0, 3],
  leaveGroup: [0, 2],
  syncGroup: [0, 3],
  initProducerId: [0, 4],
} as const satisfies Record<string, readonly [number, number]>;

interface Apis {
  readonly produce: typeof Kafka.produceV11.api;
  readonly fetch: typeof Kafka.fetchV12.api;
  readonly listOffsets: typeof Kafka.listOffsetsV7.api;
  readonly metadata: typeof Kafka.metadataV12.api;
  readonly offsetCommit: typeof Kafka.offsetCommitV7.api;
  readonly offsetFetch: typeof Kafka.offsetFetchV5.api;
  readonly findCoordinator: typeof Kafka.findCoordinatorV2.api;
  readonly joinGroup: typeof Kafka.joinGroupV5.api;
  readonly heartbeat: typeof Kafka.heartbeatV3.api;
  readonly leaveGroup: typeof Kafka.leaveGroupV2.api;
  readonly syncGroup: typeof Kafka.syncGroupV3.api;
  readonly initProducerId: typeof Kafka.initProducerIdV4.api;
}

export type RequestName = keyof typeof REQUESTS;
type ArgumentsOf<Name extends RequestName> = Apis[Name]['async'] extends (
  connection: Kafka.Connection,
  ...rest: infer Rest
) => unknown
  ? Rest
  : never;
export type AnswerTo<Name extends RequestName> = Exclude<
  Awaited<ReturnType<Apis[Name]['async']>>,
  boolean
>;

interface Versioned {
  readonly key: number;
  readonly async: (connection: Kafka.Connection, ...rest: unknown[]) => Promise<unknown>;
}

/** A broker that is to be reached. */
export interface BrokerAt {
  /** Where it is reached. */
  readonly address: setting.Address;
  /** The name for which its certificate is checked. */
  readonly name: string;
  /** Of a broker that another one told of: how, for errors. */
  readonly toldBy?: string | undefined;
}

export interface Limit {
  readonly signal: AbortSignal;
  /** Milliseconds that the answer may take; a broker that takes longer is lost. */
  readonly time: number;
}

/** The library has a limit of its own for each answer; ours are shorter and end the connection. */
const NEVER = 3_600_000;
/** The longest time for which a broker is obeyed that wants to be asked less. */
const MOST_THROTTLED = 30_000;

/** One signed-in connection to a broker. It never reconnects by itself. */
export class KafkaBroker {
  readonly place: string;
  /** Resolves with the reason once the connection is gone, also after `destroy`. */
  readonly ended: Promise<NotConnectedError>;
  readonly #library: KafkaLibrary;
  readonly #connection: Kafka.Connection;
  readonly #versions = new Map<number, readonly [number, number]>();
  readonly #end: (reason: NotConnectedError) => void;
  /** Each request that waits: a promise for all would keep every answer until the connection ends. */
  readonly #asking = new PassingSet<(reason: NotConnectedError) => void>();
  #isOpen = false;
  #lost: NotConnectedError | undefined;
  #throttledUntil = 0;

  private constructor(library: KafkaLibrary, place: string, connection: Kafka.Connection) {
    this.place = place;
    this.#library = library;
    this.#connection = connection;
    const { promise, resolve } = Promise.withResolvers<NotConnectedError>();
    this.ended = promise;
    this.#end = resolve;
    // before it is open, connecting tells why not
    const ended = (): void => {
      if (this.#isOpen) this.#lose();
    };
    connection.on('error', ended);
    connection.on('close', ended);
  }

  /** Connects, signs in, and asks which requests the broker knows. */
  static open(
    library: KafkaLibrary,
    lent: KafkaLent,
    at: BrokerAt,
    signal: AbortSignal,
  ): Promise<KafkaBroker> {
    return withRenewedToken(lent, async (as) =>
      KafkaBroker.#signIn(library, as, { at, account: await accountOf(as) }, signal),
    );
  }

  static async #signIn(
    library: KafkaLibrary,
    lent: KafkaLent,
    { at, account }: { readonly at: BrokerAt; readonly account: Account },
    signal: AbortSignal,
  ): Promise<KafkaBroker> {
    const { tls, connectTimeout } = lent.settings;
    const { host, port } = at.address;
    const secure = tls === undefined ? undefined : await clientTls(lent, tls, at.name);
    signal.throwIfAborted();
    const connection = new library.Connection(`waybill-${lent.production}-${lent.host}`, {
      connectTimeout: timerTime(connectTimeout),
      requestTimeout: NEVER,
      maxInflights: 1_000,
      ...(secure !== undefined && { tls: secure }),
      ...(account.sasl !== undefined && { sasl: account.sasl }),
    });
    const broker = new KafkaBroker(library, placeOf(at.address), connection);
    const late = AbortSignal.timeout(timerTime(connectTimeout));
    const limit = AbortSignal.any([signal, late]);
    const opening = broker.#open(host, port);
    opening.catch(toldElsewhere);
    try {
      await unlessAborted(opening, limit);
      return broker;
    } catch (error) {
      broker.destroy();
      signal.throwIfAborted();
      throw await connectFailure(
        lent,
        { at, account, error: late.aborted ? undefined : error },
        signal,
      );
    }
  }

  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  /** Milliseconds for which the broker wants to be left alone. */
  get throttled(): number {
    return Math.max(0, this.#throttledUntil - performance.now());
  }

  knows(name: RequestName): boolean {
    return this.#versionOf(name) !== undefined;
  }

  /** Asks the broker. Its answer may hold error codes; NotConnectedError if there is none. */
  async ask<Name extends RequestName>(
    name: Name,
    rest: ArgumentsOf<Name>,
    { signal, time }: Limit,
  ): Promise<AnswerTo<Name>> {
    signal.throwIfAborted();
    if (this.#lost !== undefined) throw this.#lost;
    const api = this.#versionOf(name);
    if (api === undefined) {
      throw new NotConnectedError(
        `${this.place} does not know the request ${name} in a version that we know. It must be Kafka 1.0 or later.`,
      );
    }
    const asked = api.async(this.#connection, ...rest);
    asked.catch(toldElsewhere);
    const { promise: gone, reject: end } = Promise.withResolvers<never>();
    this.#asking.add(end);
    const timer = setTimeout(() => this.#lose(this.#silent(time)), timerTime(time));
    try {
      const answer = await unlessAborted(Promise.race([asked, gone]), signal);
      return this.#heard(answer) as AnswerTo<Name>;
    } catch (error) {
      const { response } = error as { readonly response?: unknown };
      if (response !== undefined) return this.#heard(response) as AnswerTo<Name>;
      signal.throwIfAborted();
      throw this.#lost ?? this.#unreadable(name, error);
    } finally {
      clearTimeout(timer);
      this.#asking.delete(end);
    }
  }

  /** Ends the connection at once. */
  destroy(): void {
    this.#lose();
  }

  async #open(host: string, port: number): Promise<void> {
    await this.#connection.connect(host, port);
    this.#connection.socket.setKeepAlive(true, 30_000);
    const { apiKeys } = await this.#library.apiVersionsV0.api.async(
      this.#connection,
      'waybill',
      '1',
    );
    for (const { apiKey, minVersion, maxVersion } of apiKeys) {
      this.#versions.set(apiKey, [minVersion, maxVersion]);
    }
    this.#isOpen = true;
  }

  #versionOf(name: RequestName): Versioned | undefined {
    const [oldest, newest] = REQUESTS[name];
    const library = this.#library as unknown as Record<string, { readonly api: Versioned }>;
    const key = library[`${name}V${newest}`]?.api.key ?? -1;
    const [from, to] = this.#versions.get(key) ?? [0, -1];
    const version = Math.min(newest, to);
    return version < Math.max(oldest, from) ? undefined : library[`${name}V${version}`]?.api;
  }

  #heard<Answer>(answer: Answer): Answer {
    const { throttleTimeMs = 0 } = answer as { readonly throttleTimeMs?: number };
    if (throttleTimeMs > 0) {
      this.#throttledUntil = performance.now() + Math.min(throttleTimeMs, MOST_THROTTLED);
    }
    return answer;
  }

  #silent(time: number): NotConnectedError {
    return new NotConnectedError(
      `${this.place} did not answer within ${time / 1_000} s. Look at the broker and at the network between.`,
    );
  }

  #unreadable(name: RequestName, cause: unknown): NotConnectedError {
    const what = name === 'fetch' ? 'sent messages that cannot be read' : 'gave no usable answer';
    this.#lose();
    return new NotConnectedError(
      `${this.place} ${what}, ${name}${reasonOf(cause)}. Look at the log of the broker.`,
      { cause },
    );
  }

  #lose(reason?: NotConnectedError): void {
    if (this.#lost !== undefined) return;
    this.#lost =
      reason ??
      new NotConnectedError(
        `The connection to ${this.place} is gone: the broker ended it or cannot be reached. It is opened again; look at the log of the broker if it lasts.`,
      );
    const { socket } = this.#connection as { readonly socket?: Kafka.Connection['socket'] };
    socket?.on('error', () => undefined);
    socket?.destroy();
    // what still waits for the connection hears of its end by this alone, and the library's timers stop
    this.#connection.emit('close');
    this.#end(this.#lost);
    for (const end of this.#asking) end(this.#lost);
  }
}

/** The name of the library's error, which quotes nothing of a message. */
function reasonOf(error: unknown): string {
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' && /^[A-Z_]+$/.test(code) ? `: ${code}` : '';
}
