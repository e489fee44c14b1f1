import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createSecureServer, TLSSocket } from 'node:tls';
import type { LentInbound, Open } from '../../adapter/adapter.ts';
import type { Settings } from '../../adapter/setting.ts';
import { background } from '../../error/background.ts';
import { notConnected, placeOf } from '../dial.ts';
import { newsFilter } from '../news.ts';
import { type ServerTls, serverTls } from '../tls/server-tls.ts';
import type { TlsLent } from '../tls/tls-files.ts';
import { addressFilter, plainAddress } from './allowed-address.ts';
import type { ListenerValues } from './listener-settings.ts';

const KEEP_ALIVE = 30_000;
/** After this time, a connection without a message may be closed to make room for another. */
const SILENT = 60_000;

/** Who sent a message: shown in the trace. */
export interface Sender {
  readonly address: string;
  /** The address, with the subject of its certificate if it showed one. */
  readonly origin: string;
}

/** A connection that a listener has accepted. */
export interface ServedConnection {
  readonly sender: Sender;
  /** When it began, as of `performance.now()`. */
  readonly since: number;
  /** Whether any message came on it. */
  readonly hasSent: boolean;
  /** Resolves once the socket is closed and nothing is in work. */
  readonly closed: Promise<void>;
  /** Answers the message in work, then closes. */
  finish(): void;
  destroy(): void;
}

/** Begins the work on a connection. `isNews` is shared by the whole listener: a sender that fails again and again is reported once a minute. */
export type Serve = (
  socket: Socket,
  sender: Sender,
  isNews: (key: string) => boolean,
) => ServedConnection;

export type ListenerLent = TlsLent &
  Pick<LentInbound<Settings>, 'signal' | 'connection' | 'lost' | 'event' | 'log'> & {
    readonly settings: ListenerValues;
  };

/** Listens, with or without TLS. Throws NotConnectedError with the cause in plain words. */
export async function listenTcp(lent: ListenerLent, serve: Serve): Promise<Open> {
  const { listen, tls: tlsSettings } = lent.settings;
  const tls = tlsSettings === undefined ? undefined : await serverTls(lent, tlsSettings);
  const listener = new TcpListener(lent, tls, serve);
  try {
    await listener.listen();
  } catch (error) {
    tls?.close();
    throw notConnected(error, placeOf(listen), 'Not listening');
  }
  return listener;
}

/** The listening socket and the connections it accepted. */
class TcpListener implements Open {
  readonly #lent: ListenerLent;
  readonly #tls: ServerTls | undefined;
  readonly #begin: Serve;
  readonly #server: Server;
  readonly #connections = new Set<ServedConnection>();
  /** Open sockets by address, including those still in a TLS handshake. */
  readonly #sockets = new Map<string, number>();
  readonly #isNews = newsFilter();
  readonly #aborted = Promise.withResolvers<void>();

  constructor(lent: ListenerLent, tls: ServerTls | undefined, begin: Serve) {
    this.#lent = lent;
    this.#tls = tls;
    this.#begin = begin;
    const options = {
      // A sender may end its side and still read the last acknowledgements.
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE,
    };
    const serve = (socket: Socket): void => this.#serve(socket);
    if (tls === undefined) {
      this.#server = createServer(options, serve);
    } else {
      const server = createSecureServer({ ...options, ...tls.options }, serve);
      tls.follow(server);
      this.#server = server;
    }
    const { maxConnections: most } = lent.settings;
    this.#server.maxConnections = most;
    this.#server.on('drop', (dropped) =>
      // whose connection is one too many says nothing of who has them
      this.#refuse(
        dropped?.remoteAddress,
        `there are ${most} connections already (maxConnections)`,
        'all',
      ),
    );
    this.#admitByAddress();
  }

  async listen(): Promise<void> {
    const { settings, signal, connection, lost } = this.#lent;
    this.#server.listen(settings.listen.port, settings.listen.host);
    await once(this.#server, 'listening');
    this.#server.on('error', lost);
    signal.addEventListener('abort', this.#abort, { once: true });
    const { address, port } = this.#server.address() as AddressInfo;
    connection('listening', placeOf({ host: address, port }));
  }

  async close(): Promise<void> {
    const { signal } = this.#lent;
    this.#tls?.close();
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const connection of this.#connections) {
      if (signal.aborted) connection.destroy();
      else connection.finish();
    }
    const ended = [...this.#connections].map((connection) => connection.closed);
    // After a forced stop nobody waits for unfinished work.
    await Promise.race([Promise.all([closed, ...ended]), this.#aborted.promise.then(() => closed)]);
    signal.removeEventListener('abort', this.#abort);
  }

  readonly #abort = (): void => {
    this.#aborted.resolve();
    for (const connection of this.#connections) connection.destroy();
  };

  /** Before TLS, so that strangers cost little. */
  #admitByAddress(): void {
    const isAllowed = addressFilter(this.#lent.settings.allowFrom);
    this.#server.prependListener('connection', (socket: Socket) => {
      const address = plainAddress(socket.remoteAddress);
      const why = isAllowed(address) ? this.#tooMany(address) : 'its address is not in allowFrom';
      if (why === undefined) {
        this.#count(address, 1);
        socket.once('close', () => this.#count(address, -1));
        return;
      }
      socket.destroy();
      this.#refuse(address, why);
    });
  }

  #tooMany(address: string): string | undefined {
    const { connectionsPerAddress: most } = this.#lent.settings;
    if ((this.#sockets.get(address) ?? 0) < most) return undefined;
    return `it has ${most} connections already (connectionsPerAddress)`;
  }

  #count(address: string, change: number): void {
    const count = (this.#sockets.get(address) ?? 0) + change;
    if (count > 0) this.#sockets.set(address, count);
    else this.#sockets.delete(address);
  }

  /** When all connections are in use, the oldest that never sent a message makes room for the next sender. */
  #keepOneFree(): void {
    if (this.#connections.size < this.#lent.settings.maxConnections) return;
    const now = performance.now();
    const silent = [...this.#connections].find(
      ({ hasSent, since }) => !hasSent && now - since > SILENT,
    );
    if (silent === undefined) return;
    this.#refuse(silent.sender.address, 'it sent nothing, and its connection is needed');
    silent.destroy();
  }

  #serve(socket: Socket): void {
    if (socket.destroyed) return;
    const secure = socket instanceof TLSSocket ? socket : undefined;
    if (secure !== undefined && this.#tls?.admits(secure) !== true) return;
    const address = plainAddress(socket.remoteAddress);
    const subject = secure === undefined ? undefined : this.#tls?.client(secure)?.subject;
    const origin = subject === undefined ? address : `${address} ${subject}`;
    if (!this.#makeRoom(address)) {
      socket.destroy();
      return;
    }
    const connection = this.#begin(socket, { address, origin }, this.#isNews);
    this.#connections.add(connection);
    this.#keepOneFree();
    background(
      connection.closed.then(() => this.#connections.delete(connection)),
      'noting the end of a connection',
    );
  }

  /** Applies the setting `connections`; false refuses the new one. */
  #makeRoom(address: string): boolean {
    const { connections } = this.#lent.settings;
    if (connections === 'parallel') return true;
    const others = [...this.#connections].filter(({ sender }) => sender.address === address);
    if (others.length === 0) return true;
    if (connections === 'refuse') {
      this.#refuse(address, 'it has a connection already');
      return false;
    }
    for (const other of others) other.finish();
    return true;
  }

  /** Told once a minute for each `of`. */
  #refuse(address: string | undefined, reason: string, of = plainAddress(address)): void {
    const peer = plainAddress(address);
    if (!this.#isNews(`${of} ${reason}`)) return;
    this.#lent.event('warn', 'refused', `Refused ${peer}: ${reason}.`);
    this.#lent.log.warn({ peer }, 'client refused');
  }
}
