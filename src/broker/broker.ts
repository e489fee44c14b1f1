import {
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
} from '@nats-io/jetstream';
import {
  ConnectionError,
  connect,
  headers,
  type Msg,
  type NatsConnection,
} from '@nats-io/transport-node';
import { background } from '../error/background.ts';
import { describeError, EngineError } from '../error/engine-error.ts';
import { Deadline } from '../time/deadline.ts';
import { isAway } from './away.ts';
import type { NatsAccess } from './embedded/nats-server.ts';
import { type Names, names } from './names.ts';
import { type Publisher, publisher, type Turn, turn } from './publisher.ts';

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

export interface BrokerOptions extends NatsAccess {
  readonly production: string;
  /** Shown in the server's connection list. */
  readonly role: string;
  readonly onStatus?: (status: 'connected' | 'disconnected', detail?: string) => void;
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

/** Milliseconds that closing a connection may take. */
const CLOSING = 5_000;

/** Connects and stays connected: after a loss it reconnects until `close`. */
export async function connectBroker(options: BrokerOptions): Promise<Broker> {
  const connection = await connect({
    servers: options.url.split(','),
    ...(options.user === undefined ? {} : { user: options.user, pass: options.password ?? '' }),
    name: `waybill ${options.production} ${options.role}`,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
    reconnectJitter: 50,
    timeout: HANDSHAKE,
    pingInterval: 10_000,
    maxPingOut: 3,
    ignoreClusterUpdates: false,
  }).catch((error: unknown) => {
    throw new EngineError(
      'BROKER_UNAVAILABLE',
      `NATS at ${withoutSecret(options.url)} cannot be reached: ${describeError(error).text}`,
      { retryable: true },
    );
  });
  const requests = endRequests(connection);
  const manager = await jetstreamManager(connection, { timeout: 10_000, checkAPI: true });
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
    another: () => connectBroker(options),
    close,
    [Symbol.asyncDispose]: () => close(),
  };
  background(watch(broker, requests, options), 'following the state of a connection');
  return broker;
}

async function watch(
  broker: Broker,
  requests: EndedRequests,
  { onStatus: tell = () => undefined, onReconnect }: BrokerOptions,
): Promise<void> {
  const { connection, publisher: out } = broker;
  for await (const { type } of connection.status()) {
    if (type === 'disconnect') {
      requests.lost();
      out.disconnected();
      tell('disconnected');
    } else if (type === 'reconnect') {
      requests.back();
      await onReconnect?.(broker);
      out.reconnected();
      tell('connected');
    }
  }
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
  const open = new Set<Asked>();
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
