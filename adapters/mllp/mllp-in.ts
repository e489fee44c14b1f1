import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createSecureServer, TLSSocket } from 'node:tls';
import { background, inbound, type LentInbound, type Open } from 'waybill/adapter';
import {
  newsFilter,
  notConnected,
  placeOf,
  type ServerTls,
  serverTls,
  tryListening,
} from 'waybill/peer';
import { addressFilter, plainAddress } from './allowed-address.ts';
import { FrameMemory } from './frame-memory.ts';
import { Intake } from './intake.ts';
import { mllpInSettings } from './mllp-in-settings.ts';
import { SenderConnection } from './sender-connection.ts';

type LentHere = LentInbound<typeof mllpInSettings>;

const KEEP_ALIVE = 30_000;
/** A connection without a message gives way after this time where there is no place for another. */
const SILENT = 60_000;
/** Of all listeners of this process. */
const memory = new FrameMemory();

export default inbound({
  type: 'mllp-in',
  title: 'HL7 v2 over MLLP, listening',
  summary: 'Takes HL7 v2 messages on a TCP port and acknowledges each once it is stored.',
  settings: mllpInSettings,
  open: (lent) => openListener(lent),
  test: (lent, step) => tryListening(lent, step, lent.settings),
});

async function openListener(lent: LentHere): Promise<Open> {
  const { listen, tls: tlsSettings } = lent.settings;
  const tls = tlsSettings === undefined ? undefined : await serverTls(lent, tlsSettings);
  const listener = new Listener(lent, tls);
  try {
    await listener.listen();
  } catch (error) {
    tls?.close();
    throw notConnected(error, placeOf(listen), 'Not listening');
  }
  return listener;
}

/** The listening socket and the connections it accepted. */
class Listener implements Open {
  readonly #lent: LentHere;
  readonly #tls: ServerTls | undefined;
  readonly #server: Server;
  readonly #intake: Intake;
  readonly #connections = new Set<SenderConnection>();
  /** Open sockets by address, also those whose TLS is not finished. */
  readonly #sockets = new Map<string, number>();
  readonly #isNews = newsFilter();
  readonly #aborted = Promise.withResolvers<void>();

  constructor(lent: LentHere, tls: ServerTls | undefined) {
    this.#lent = lent;
    this.#tls = tls;
    this.#intake = new Intake(lent);
    const options = {
      // A sender may close its side and still read the last acknowledgements.
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
    this.#server.maxConnections = lent.settings.maxConnections;
    this.#server.on('drop', (dropped) =>
      this.#refuse(dropped?.remoteAddress, 'there are too many connections already'),
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
    // After a forced stop nobody waits for what is still in work.
    await Promise.race([Promise.all([closed, ...ended]), this.#aborted.promise.then(() => closed)]);
    signal.removeEventListener('abort', this.#abort);
  }

  readonly #abort = (): void => {
    this.#aborted.resolve();
    for (const connection of this.#connections) connection.destroy();
  };

  /** Before TLS, so that strangers cost nothing. */
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

  /** Where all places are taken, the oldest that never sent a message gives way to the next sender. */
  #keepOneFree(): void {
    if (this.#connections.size < this.#lent.settings.maxConnections) return;
    const now = performance.now();
    const silent = [...this.#connections].find(
      ({ hasSent, since }) => !hasSent && now - since > SILENT,
    );
    if (silent === undefined) return;
    this.#refuse(silent.sender.address, 'it sent nothing, and its place is needed');
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
    const connection = new SenderConnection(socket, {
      lent: this.#lent,
      intake: this.#intake,
      sender: { address, origin },
      memory,
      isNews: this.#isNews,
    });
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

  #refuse(address: string | undefined, reason: string): void {
    const peer = plainAddress(address);
    if (!this.#isNews(`${peer} ${reason}`)) return;
    this.#lent.event('warn', 'refused', `Refused ${peer}: ${reason}.`);
    this.#lent.log.warn({ peer }, 'client refused');
  }
}
