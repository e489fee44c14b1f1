import { once } from 'node:events';
import type { IncomingMessage, RequestListener, Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { NotConnectedError } from '../../error/adapter-error.ts';
import { toldElsewhere } from '../../error/foreseen.ts';
import { createServer, ServerResponse, STATUS_CODES } from '../../time/node-http.ts';
import { notConnected, placeOf } from '../dial.ts';
import { spokenProtocol } from '../spoken-protocol.ts';
import { type ServerTls, serverTls } from '../tls/server-tls.ts';
import type { TlsLent } from '../tls/tls-files.ts';
import type { ListenerValues } from './http-listener-settings.ts';
import { refusalAnswer, respond } from './http-reply.ts';
import type { Arrived } from './incoming.ts';
import { Refusal } from './refusal.ts';
import type { Serving, TooMany } from './serving.ts';

/** The route of a request in a service. */
export interface ServedRoute {
  /** Ranks how well routes match, as text: the lowest of all services at the address is served. */
  readonly rank: string;
  serve(arrived: Arrived): void;
}

/** The route of a request for another protocol in a service. */
export interface ServedUpgrade {
  readonly rank: string;
  /** `head` is what has arrived behind the request. Answering with `response` refuses it; otherwise the socket is the service's own. */
  serve(arrived: Arrived, head: Buffer): void;
}

/** A service at an address, at which others may listen too. */
export interface HttpService {
  readonly host: string;
  /** What no other service may take there: `POST /orders`. */
  readonly takes: readonly string[];
  /** The way of a request through this service; undefined if no path matches. */
  route(path: string, method: string): ServedRoute | undefined;
  /** The way of a request for a WebSocket; undefined if no path matches. */
  upgrade?(path: string): ServedUpgrade | undefined;
  lost(error: Error): void;
  /** Where the listener reports what never reached a service. */
  readonly serving: Pick<Serving, 'tooMany' | 'unread'>;
  /** Accepts nothing new and waits for requests in progress. */
  close(): Promise<void>;
}

interface ListenerLent extends TlsLent {
  readonly settings: ListenerValues;
}

/** What services sharing a port must agree on. */
export const commonOf = ({ tls }: Pick<ListenerValues, 'tls'>): string =>
  JSON.stringify(tls ?? null);

const HEADERS_TIMEOUT = 15_000;
/** Longer than load balancers keep theirs, so that none sends a request into a closing connection. */
const KEEP_ALIVE = 75_000;

/** How often late requests are checked for; node's default is every 30 s. */
const checkEvery = ({ requestTimeout }: ListenerValues): number =>
  Math.max(100, Math.min(5_000, requestTimeout / 2));

const plainAddress = ({ remoteAddress = '' }: Pick<Socket, 'remoteAddress'>): string =>
  remoteAddress.replace(/^::ffff:/, '');

const nothing = (): void => undefined;

/** The listeners of this process by address: services that name the same one share it. */
const listeners = new Map<string, Promise<Listener>>();

/** Adds a service to the listener of its address, which is opened for the first and closed after the last. */
export async function joinListener(
  lent: ListenerLent,
  service: HttpService,
): Promise<{ readonly place: string; leave(): Promise<void> }> {
  const { settings } = lent;
  const wanted = placeOf(settings.listen);
  const isShared = settings.listen.port !== 0;
  // Waits for one that its last service is just closing.
  for (
    let known = listeners.get(wanted);
    isShared && known !== undefined;
    known = listeners.get(wanted)
  ) {
    const listener = await known.catch(toldElsewhere);
    if (listener?.join(service, settings) === true) return membership(listener, service);
    await listener?.closed;
    if (listener === undefined) break;
  }
  const opening = Listener.open(lent, service);
  if (isShared) {
    listeners.set(wanted, opening);
    const forget = (): void => {
      if (listeners.get(wanted) === opening) listeners.delete(wanted);
    };
    opening.then((listener) => listener.closed.then(forget), forget);
  }
  return membership(await opening, service);
}

function membership(
  listener: Listener,
  service: HttpService,
): { readonly place: string; leave(): Promise<void> } {
  return { place: listener.place, leave: () => listener.leave(service) };
}

/** One port and the services behind it. */
class Listener {
  readonly closed: Promise<void>;
  readonly #settings: ListenerValues;
  readonly #server: Server;
  readonly #tls: ServerTls | undefined;
  readonly #services: Set<HttpService>;
  /** The last answer on each connection. */
  readonly #answers = new WeakMap<Duplex, ServerResponse>();
  /** Open sockets by address. */
  readonly #sockets = new Map<string, number>();
  readonly #ended = Promise.withResolvers<void>();
  #closing = false;

  private constructor(settings: ListenerValues, tls: ServerTls | undefined, first: HttpService) {
    this.closed = this.#ended.promise;
    this.#settings = settings;
    this.#tls = tls;
    this.#services = new Set([first]);
    const serve: RequestListener = (request, response) => this.#serve(request, response, nothing);
    const options = {
      connectionsCheckingInterval: checkEvery(settings),
      // any other request for an upgrade is served as if it had not asked for one
      shouldUpgradeCallback: (request: IncomingMessage) => this.#upgradeOf(request) !== undefined,
    };
    if (tls === undefined) this.#server = createServer(options, serve);
    else {
      const server = createSecureServer({ ...tls.options, ...options }, serve);
      tls.follow(server);
      this.#server = server;
    }
    this.#server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) =>
      this.#serve(request, response, () => response.writeContinue()),
    );
    this.#server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) =>
      this.#upgrade(request, socket, head),
    );
    this.#server.on('clientError', (error: UnreadError, socket) => this.#unread(error, socket));
    const { requestTimeout, maxConnections } = settings;
    this.#server.requestTimeout = Number.isFinite(requestTimeout) ? requestTimeout : 0;
    this.#server.headersTimeout = Math.min(
      HEADERS_TIMEOUT,
      this.#server.requestTimeout || HEADERS_TIMEOUT,
    );
    this.#server.keepAliveTimeout = KEEP_ALIVE;
    this.#server.maxConnections = maxConnections;
    this.#server.prependListener('connection', (socket: Socket) => this.#admit(socket));
    this.#server.on('drop', (dropped) =>
      this.#refused(plainAddress(dropped ?? {}), { limit: 'maxConnections', most: maxConnections }),
    );
  }

  #refused(address: string, refusal: TooMany): void {
    for (const { serving } of this.#services) serving.tooMany(address, refusal);
  }

  /** What never became a request: too late, or not HTTP. Answered as Node itself does if nobody listens for this event. */
  #unread(error: UnreadError, socket: Duplex): void {
    const answer = this.#answers.get(socket);
    const isAnswering = answer?.headersSent === true && !answer.writableFinished;
    const text = unreadAnswer(error);
    if (text === undefined) {
      // in a handshake that never ends, nothing is ever sent; whoever reports it next still knows the address
      setImmediate(() => socket.destroy());
      return;
    }
    if (socket.writable && !isAnswering) socket.write(text);
    socket.end(() => socket.destroy());
    const told = unreadTold(error, socket);
    if (told === undefined) return;
    const address = plainAddress(socket as Socket);
    for (const { serving } of this.#services) serving.unread(address, told);
  }

  /** Called before TLS and before a byte is read. */
  #admit(socket: Socket): void {
    const address = plainAddress(socket);
    const count = (this.#sockets.get(address) ?? 0) + 1;
    const { connectionsPerAddress: most } = this.#settings;
    if (count > most) {
      socket.destroy();
      this.#refused(address, { limit: 'connectionsPerAddress', most });
      return;
    }
    this.#sockets.set(address, count);
    socket.once('close', () => {
      const left = (this.#sockets.get(address) ?? 1) - 1;
      if (left === 0) this.#sockets.delete(address);
      else this.#sockets.set(address, left);
    });
  }

  static async open(lent: ListenerLent, first: HttpService): Promise<Listener> {
    const { listen, tls: tlsSettings } = lent.settings;
    const tls = tlsSettings === undefined ? undefined : await serverTls(lent, tlsSettings);
    const listener = new Listener(lent.settings, tls, first);
    const server = listener.#server;
    try {
      server.listen(listen.port, listen.host);
      await once(server, 'listening');
    } catch (error) {
      tls?.close();
      listener.#ended.resolve();
      throw notConnected(error, placeOf(listen), 'Not listening');
    }
    server.on('error', (error) => {
      for (const service of listener.#services) service.lost(error);
    });
    return listener;
  }

  get place(): string {
    const { address, port } = this.#server.address() as AddressInfo;
    return placeOf({ host: address, port });
  }

  /** False if it is being closed. Throws if the service conflicts with those already here. */
  join(service: HttpService, settings: ListenerValues): boolean {
    if (this.#closing) return false;
    const place = placeOf(settings.listen);
    if (commonOf(settings) !== commonOf(this.#settings)) {
      throw new NotConnectedError(
        `Not listening: ${place} is shared with ${this.#names()}, which has other tls settings. Give both the same tls block, or another port.`,
      );
    }
    const own = new Set(service.takes);
    for (const { host, takes } of this.#services) {
      const same = takes.find((one) => own.has(one));
      if (same === undefined) continue;
      throw new NotConnectedError(
        `Not listening: ${host} already answers ${same} at ${place}. Give one of them another path, method or port.`,
      );
    }
    this.#services.add(service);
    return true;
  }

  async leave(service: HttpService): Promise<void> {
    // Removed first: if services leave at the same time, the last must see that it is the last.
    this.#services.delete(service);
    const closed = this.#services.size === 0 ? this.#stopListening() : undefined;
    await service.close();
    if (closed === undefined) return;
    this.#tls?.close();
    // The last answer is sent before its connection is closed.
    this.#server.closeIdleConnections();
    const rest = setTimeout(() => this.#server.closeAllConnections(), 200);
    await closed;
    clearTimeout(rest);
    this.#ended.resolve();
  }

  #stopListening(): Promise<unknown> {
    this.#closing = true;
    return new Promise((resolve) => this.#server.close(resolve));
  }

  #names(): string {
    return [...this.#services].map(({ host }) => host).join(', ');
  }

  #serve(request: IncomingMessage, response: ServerResponse, proceed: () => void): void {
    // A client that disconnects is not an error of this process.
    request.on('error', nothing);
    response.on('error', nothing);
    const { socket } = request;
    this.#answers.set(socket, response);
    if (socket instanceof TLSSocket && this.#tls?.admits(socket) !== true) return;
    const target = targetOf(request);
    const found = target && this.#find(target.path, request.method ?? '');
    if (target === undefined || found === undefined) {
      respond(response, refusalAnswer(this.#unserved()));
      return;
    }
    found.serve(this.#arrived({ request, response, proceed }, target));
  }

  /** A connection that leaves HTTP: its request is refused as any other, or its socket handed over. */
  #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    socket.on('error', nothing);
    if (socket instanceof TLSSocket && this.#tls?.admits(socket) !== true) return;
    const target = targetOf(request);
    const found = this.#upgradeOf(request);
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.on('finish', () => socket.end());
    if (target === undefined || found === undefined) {
      respond(response, refusalAnswer(this.#unserved()));
      return;
    }
    found.serve(this.#arrived({ request, response, proceed: nothing }, target), head);
  }

  #arrived(
    taken: Pick<Arrived, 'request' | 'response' | 'proceed'>,
    target: Pick<Arrived, 'path' | 'search'>,
  ): Arrived {
    const { socket } = taken.request;
    const secure = socket instanceof TLSSocket ? socket : undefined;
    return {
      ...taken,
      ...target,
      address: plainAddress(socket),
      certificate: secure && this.#tls?.client(secure),
      secure: secure !== undefined,
    };
  }

  #unserved(): Refusal {
    return this.#closing
      ? new Refusal(503, 'This service is stopping. Send it again.')
      : new Refusal(404, 'There is nothing at this address.');
  }

  #find(path: string, method: string): ServedRoute | undefined {
    return this.#best((service) => service.route(path, method));
  }

  #upgradeOf(request: IncomingMessage): ServedUpgrade | undefined {
    const target = targetOf(request);
    if (target === undefined || !isWebSocket(request)) return undefined;
    return this.#best((service) => service.upgrade?.(target.path));
  }

  #best<Route extends { readonly rank: string }>(
    of: (service: HttpService) => Route | undefined,
  ): Route | undefined {
    let best: Route | undefined;
    for (const service of this.#services) {
      const route = of(service);
      if (route !== undefined && (best === undefined || route.rank < best.rank)) best = route;
    }
    return best;
  }
}

const isWebSocket = ({ method, headers }: IncomingMessage): boolean =>
  method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket';

const TARGET = /^(\/[^?#]*)(?:\?([^#]*))?/;
/** Something on the way may interpret such a path differently. */
const DOTS = /[/\\](\.|%2e){1,2}([/\\]|$)/i;

/**
 * Path and query unchanged; undefined if it is not a place here. The host is what the sender
 * claims, and decides nothing.
 */
function targetOf({ url = '' }: IncomingMessage): Pick<Arrived, 'path' | 'search'> | undefined {
  const [, path, search = ''] = TARGET.exec(url) ?? [];
  return path === undefined || DOTS.test(path) ? undefined : { path, search };
}

/** Why node could not read a request; `rawPacket` is what it was reading. */
export interface UnreadError extends Error {
  readonly code?: string;
  readonly rawPacket?: Uint8Array;
}

const LATE = 'ERR_HTTP_REQUEST_TIMEOUT';
/** Codes of what cannot be read; the other code means that the sender closed in the middle of a request. */
const UNREADABLE = /^HPE_(?!INVALID_EOF_STATE$)/;
const STATUS: Readonly<Record<string, number>> = {
  [LATE]: 408,
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
};

/** The answer to whoever sends something that is not a request; undefined if it is the connection that failed. */
export function unreadAnswer({ code = '' }: UnreadError): string | undefined {
  if (code !== LATE && !code.startsWith('HPE_')) return undefined;
  const status = STATUS[code] ?? 400;
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n\r\n`;
}

/** MLLP's start of a block. */
const BLOCK = 0x0b;

/** What operators are told of it; undefined if nothing: a connection was lost, or was never used. */
function unreadTold(error: UnreadError, socket: Duplex): string | undefined {
  const { code = '', rawPacket } = error;
  if (code === LATE) {
    const { bytesRead } = socket as Socket;
    return bytesRead === 0 ? undefined : 'it did not finish a request in time (requestTimeout)';
  }
  if (code === 'HPE_HEADER_OVERFLOW') return 'the headers of its request are too long';
  if (!UNREADABLE.test(code)) return undefined;
  if (rawPacket?.[0] === BLOCK) return 'it sends MLLP, not HTTP: it needs an mllp-in';
  const spoken = rawPacket && spokenProtocol(rawPacket);
  if (spoken?.name === 'TLS' && !(socket instanceof TLSSocket))
    return `it speaks TLS, not HTTP. ${spoken.remedy}`;
  return `what it sends is no HTTP (${code})`;
}
