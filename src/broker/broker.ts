import {
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
} from '@nats-io/jetstream';
import {
  AuthorizationError,
  ConnectionError,
  connect,
  headers,
  type Msg,
  type NatsConnection,
  PermissionViolationError,
  TimeoutError,
  UserAuthenticationExpiredError,
} from '@nats-io/transport-node';
import { background } from '../error/background.ts';
import { describeError, EngineError } from '../error/engine-error.ts';
import { Deadline } from '../time/deadline.ts';
import { endNatsAttempts } from '../time/nats-attempts.ts';
import { PassingSet } from '../time/passing.ts';
import { isAway, isWithoutJetStream } from './away.ts';
import type { NatsAccess } from './embedded/nats-server.ts';
import { type Names, names } from './names.ts';
import { againWhileAway, patiently } from './patiently.ts';
import { type Publisher, publisher, type Turn, turn } from './publisher.ts';
import { isTooOld, OLDEST } from './server-version.ts';
import { whyAway } from './why-away.ts';

/** A connection to NATS on behalf of one production. */
export interface Broker extends AsyncDisposable {
  readonly production: string;
  readonly names: Names;
  readonly connection: NatsConnection;
  readonly jetstream: JetStreamClient;
  readonly manager: JetStreamManager;
  /** The fast way to publish messages. */
  readonly publisher: Publisher;
  /** Collects what is published and acknowledged, so that a turn of the event loop costs one write. */
  readonly turn: Turn;
  /** How many copies of a stream the server can keep: 3 in a cluster of at least three, otherwise 1. */
  readonly replicas: number;
  /** Opens another connection to the same server, with its own publisher and turn. */
  another(): Promise<Broker>;
  /** Sends what is buffered, for at most `limit` milliseconds, then closes. */
  close(limit?: number): Promise<void>;
}

/**
 * `waiting`: it is there, but nobody answers for JetStream, as while a cluster elects its leaders.
 * `refused`: it takes this user or password no longer; told once until it is back.
 * `unreachable`: why a connection does not come back; each reason told once until it is.
 * `denied`: it does not permit something, or a limit of the account is reached; each told once until it is back.
 */
export type BrokerStatus =
  | 'connected'
  | 'disconnected'
  | 'unreachable'
  | 'waiting'
  | 'refused'
  | 'denied';

export interface BrokerOptions extends NatsAccess {
  readonly production: string;
  /** Shown in the server's connection list. */
  readonly role: string;
  readonly onStatus?: (status: BrokerStatus, detail?: string) => void;
  /** Called for each message that was stored, either way. */
  readonly onStored?: ((stream: string, sequence: number) => void) | undefined;
  /**
   * Awaited at each reconnect, before unacknowledged messages are written again. Gets the restored
   * connection: anything given to one that is still down is lost.
   */
  readonly onReconnect?: ((broker: Broker) => Promise<void>) | undefined;
}

/**
 * Milliseconds that a handshake may take. The client does not notice a server that dies during one,
 * and its default is 20 s, in which nothing can be sent.
 */
const HANDSHAKE = 3_000;

/** Milliseconds between two tries to connect again, with so many more by chance. */
const AGAIN = 100;
const JITTER = 50;
/** The same after the server refused the sign-in: it logs each one. */
const AGAIN_REFUSED = 2_000;

/** How many different things that a server denies are told, until the next connection. */
const MOST_DENIED = 20;

/** Milliseconds that closing a connection may take. */
const CLOSING = 5_000;

/** Connects and stays connected: after a loss it reconnects until `close`. */
export async function connectBroker(options: BrokerOptions): Promise<Broker> {
  const signIn = { refused: false };
  endNatsAttempts();
  const connection = await connect({
    ...placeAndName(options),
    maxReconnectAttempts: -1,
    reconnectDelayHandler: () => (signIn.refused ? AGAIN_REFUSED : AGAIN + Math.random() * JITTER),
    // otherwise the client gives up for good when it is refused twice
    ignoreAuthErrorAbort: true,
    pingInterval: 10_000,
    maxPingOut: 3,
    ignoreClusterUpdates: false,
    // two stacks for each request, in case it fails, cost a third of it
    noAsyncTraces: true,
  }).catch((error: unknown) => {
    throw unreachable(options.url, error);
  });
  await using opened = new AsyncDisposableStack();
  opened.defer(() => connection.close());
  checkServer(connection.info, options.url);
  const requests = endRequests(connection);
  await patiently(
    'JetStream ready',
    () => askForJetStream(connection, options.url),
    () => options.onStatus?.('waiting'),
  );
  const manager = await jetstreamManager(connection, { timeout: 10_000, checkAPI: false });
  const writing = turn();
  const out = publisher(connection, { headers, turn: writing, onStored: options.onStored });
  const close = async (limit = CLOSING): Promise<void> => {
    writing.finish();
    out.close();
    if (connection.isClosed()) return;
    const deadline = new Deadline(limit);
    const sent = await deadline.within('sending what is buffered', connection.drain(), isAway);
    // a server that is unreachable or stuck accepts nothing more
    if (!sent) background(connection.close(), 'closing a connection', isAway);
  };
  const broker: Broker = {
    production: options.production,
    names: names(options.production),
    connection,
    jetstream: jetstream(connection, { timeout: 5_000 }),
    manager,
    publisher: out,
    turn: writing,
    replicas: (connection.info?.connect_urls?.length ?? 1) >= 3 ? 3 : 1,
    another: () => connectAgain({ ...options, onStatus: alsoTold(options) }),
    close,
    [Symbol.asyncDispose]: () => close(),
  };
  opened.move();
  background(watch(broker, { requests, signIn }, options), 'following the state of a connection');
  return broker;
}

/** How often, and after how many milliseconds again. */
const CONNECTS = { tries: 20, between: 250 };

/** Connects to a server that was there a moment ago: one that was killed since is being started again. */
export const connectAgain = (options: BrokerOptions): Promise<Broker> =>
  againWhileAway(() => connectBroker(options), CONNECTS);

/** What another connection to the same place tells: why that is away is the same for all, and told by the first. */
const alsoTold =
  ({ onStatus }: BrokerOptions): NonNullable<BrokerOptions['onStatus']> =>
  (status, detail) => {
    if (status !== 'unreachable') onStatus?.(status, detail);
  };

/** Where it connects to, and as whom. */
const placeAndName = ({ url, user, password, production, role }: BrokerOptions) => ({
  servers: url.split(','),
  ...(user === undefined ? {} : { user, pass: password ?? '' }),
  name: `waybill ${production} ${role}`,
  timeout: HANDSHAKE,
});

/** Why another connection does not come about; undefined if it does, or if the sign-in is refused, which is told elsewhere. */
async function reasonAway(options: BrokerOptions): Promise<string | undefined> {
  try {
    const connection = await connect({ ...placeAndName(options), reconnect: false });
    await connection.close();
    return undefined;
  } catch (error) {
    return isRefusal(error) ? undefined : reason(error);
  }
}

async function watch(
  broker: Broker,
  { requests, signIn }: { readonly requests: EndedRequests; readonly signIn: { refused: boolean } },
  options: BrokerOptions,
): Promise<void> {
  const { onStatus: tell = () => undefined, onReconnect } = options;
  const { connection, publisher: out } = broker;
  const denied = denials(tell);
  const why = whyAway(
    () => reasonAway(options),
    (text) => tell('unreachable', text),
  );
  for await (const status of connection.status()) {
    const { type } = status;
    if (type === 'error' && isRefusal(status.error)) {
      if (!signIn.refused) tell('refused');
      signIn.refused = true;
    } else if (type === 'error') {
      denied.heard(status.error);
    } else if (type === 'disconnect') {
      requests.lost();
      out.disconnected();
      why.away();
      tell('disconnected');
    } else if (type === 'reconnect') {
      signIn.refused = false;
      denied.clear();
      why.back();
      requests.back();
      await onReconnect?.(broker);
      out.reconnected();
      tell('connected');
    }
  }
  // it was closed
  why.back();
}

/** Throws if this server cannot be used. */
function checkServer(info: NatsConnection['info'], url: string): void {
  const version = info?.version ?? '';
  if (!isTooOld(version)) return;
  throw new EngineError(
    'BROKER_UNAVAILABLE',
    `NATS at ${withoutSecret(url)} is version ${version}; Waybill needs ${OLDEST} or newer. Update nats-server, or name another one with --nats`,
  );
}

/** Rejects if JetStream does not answer; with an EngineError if waiting does not help. */
async function askForJetStream(connection: NatsConnection, url: string): Promise<void> {
  try {
    await jetstreamManager(connection, { timeout: HANDSHAKE, checkAPI: true });
  } catch (error) {
    // of a cluster, the servers that have it may not be there yet
    const isAlone = connection.info?.cluster === undefined;
    if (!isAlone || !isWithoutJetStream(error)) throw error;
    throw new EngineError(
      'BROKER_UNAVAILABLE',
      `NATS at ${withoutSecret(url)} has no JetStream, or not for this account. Start it with -js, or with jetstream {} in its configuration`,
    );
  }
}

function unreachable(url: string, error: unknown): EngineError {
  const place = `NATS at ${withoutSecret(url)}`;
  if (!isRefusal(error)) {
    const text = `${place} cannot be reached: ${reason(error)}`;
    return new EngineError('BROKER_UNAVAILABLE', text, { retryable: true });
  }
  return new EngineError(
    'BROKER_UNAVAILABLE',
    `${place} refuses the user or password. Correct them in --nats or WAYBILL_NATS, or in the server's configuration`,
  );
}

const SIGN_IN_LATE =
  'it did not get user and password in time: this machine or the network is too slow at the moment';

/** What the system or the client says of a connection quotes nothing but its address. */
function reason(error: unknown): string {
  if (error instanceof TimeoutError) {
    return 'no answer in time. Check the address, whether a firewall drops the packets, and in its log whether it takes no more connections';
  }
  if (isLateSignIn(error)) return SIGN_IN_LATE;
  const cause = error instanceof ConnectionError ? (error.cause ?? error) : error;
  const [said] = cause instanceof Error ? (/^[a-z]+ E[A-Z_]+\b.*/.exec(cause.message) ?? []) : [];
  return said ?? describeError(cause).text;
}

/**
 * An authentication timeout is none: the server (within two seconds, unless it is set otherwise) did not get user and
 * password, as on a machine that is just starting everything.
 */
const isRefusal = (error: unknown): boolean =>
  !isLateSignIn(error) &&
  (error instanceof AuthorizationError || error instanceof UserAuthenticationExpiredError);

const isLateSignIn = (error: unknown): boolean =>
  error instanceof AuthorizationError && /timeout/i.test(error.message);

/** The server's words without what is another for each request: the inbox, the number of a subscription or a message. */
const unnumbered = (said: string): string =>
  said
    .replace(/"_INBOX\.[^"]*"/, '"_INBOX.>"')
    .replace(/"(\$JS\.ACK\.[^."]+\.[^."]+)\.[^"]*"/, '"$1.>"')
    .replace(/ \(sid "\d+"\)$/, '');

/** Tells each once: what is not permitted, for which subject, or which limit is reached, in the server's words. */
function denials(tell: NonNullable<BrokerOptions['onStatus']>) {
  const told = new Set<string>();
  return {
    heard(error: Error): void {
      const message = unnumbered(error.message);
      if (!(error instanceof PermissionViolationError || /^maximum /i.test(message))) return;
      if (!told.has(message) && told.size < MOST_DENIED) tell('denied', message);
      told.add(message);
    },
    clear: () => told.clear(),
  };
}

function withoutSecret(url: string): string {
  return url.replace(/\/\/[^@/]*@/g, '//');
}

/** Handles requests when the connection is lost, and when it is back. */
interface EndedRequests {
  lost(): void;
  back(): void;
}

interface Asked {
  fail(): void;
}

/**
 * Ends the requests of a connection when it is lost. The client itself lets a request to a killed
 * server run into its timeout (up to 10 s, in which a line that is being taken over is blocked) and
 * drops one made while disconnected. Here the first fails at once with a ConnectionError
 * (`isAway`), and the second is sent once the connection is back.
 */
function endRequests(connection: NatsConnection): EndedRequests {
  const open = new PassingSet<Asked>();
  const waiting = new Set<() => void>();
  let away = false;
  const ask = connection.request.bind(connection);

  const sent = (...words: Parameters<NatsConnection['request']>): Promise<Msg> =>
    new Promise((resolve, reject) => {
      const asked = {
        fail: () => reject(new ConnectionError('the connection was lost before an answer arrived')),
      };
      open.add(asked);
      ask(...words)
        .then(resolve, reject)
        .finally(() => open.delete(asked));
    });

  /** Resolves when the connection is back, or after `limit` milliseconds. */
  const untilBack = (limit: number): Promise<void> =>
    new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        waiting.delete(end);
        resolve();
      };
      const timer = setTimeout(end, limit);
      waiting.add(end);
    });

  connection.request = async (subject, payload, options) => {
    if (away) await untilBack(options?.timeout ?? 1_000);
    return sent(subject, payload, options);
  };

  return {
    lost() {
      away = true;
      for (const asked of open) asked.fail();
    },
    back() {
      away = false;
      for (const go of waiting) go();
    },
  };
}
