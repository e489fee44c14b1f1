import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyRequest } from 'fastify';
import type { Logger } from '../log/logger.ts';
import type { Api } from './api.ts';
import { ApiError } from './api-error.ts';

/** The largest request: an edited message. */
export const BODY_LIMIT = 8 * 1024 * 1024;
/** The largest request without a sign-in: a name and a password, a token. */
export const OPEN_LIMIT = 16 * 1024;
/**
 * Milliseconds in which a request must arrive completely, so that sending a byte a minute cannot
 * occupy a connection.
 */
export const REQUEST_TIMEOUT = 120_000;

const HEADERS_TIMEOUT = 15_000;
/** Milliseconds between two checks for late requests; node's default is 30 s. */
export const LOOK_EVERY = 5_000;
/** Milliseconds that an answer may stay unread. */
const UNREAD_TIMEOUT = 60_000;
/** Milliseconds that the rest of an already answered request is read and discarded. */
const DRAIN_TIMEOUT = 2_000;
const CONNECTIONS = 1_000;
/**
 * Connections from one address, so that nobody can take all of them; generous, since a proxy may
 * represent many people.
 */
const CONNECTIONS_OF_ADDRESS = 400;
/** The most bytes of bodies being processed at once: as text and parsed they take a multiple of that. */
const ROOM = 48 * 1024 * 1024;
const ROOM_OF_ONE = 24 * 1024 * 1024;
/** Bodies up to this size are not counted; the limit on connections bounds them. */
const SMALL = 64 * 1024;
const TOLD_EVERY = 60_000;

/**
 * Limits how much memory strangers and slow senders can occupy: a body is read only once its sender
 * is known and permitted, and the total size of all bodies in memory is limited. Register it after
 * the sign-in.
 */
export function admitBodies(app: Api): void {
  const room = new Room();
  app.addHook('onRequest', async (request) => {
    if (!bringsBody(request)) return;
    // the answer for an unknown address needs no body
    if (request.is404) throw new ApiError(404, 'NOT_FOUND', 'there is nothing at this address');
    if (request.principal === undefined && request.routeOptions.config.open !== true)
      throw new ApiError(401, 'SIGN_IN_REQUIRED', 'sign in first');
  });
  // after the permission check, which each route does in its own onRequest
  app.addHook('preParsing', async (request, reply, payload) => {
    const size = expectedSize(request);
    if (size <= SMALL) return payload;
    const name = request.principal?.name ?? '';
    if (!room.enter(name, size)) {
      void reply.header('retry-after', '5');
      throw new ApiError(
        429,
        'TOO_MANY',
        'too many large requests are being processed; send it again',
      );
    }
    reply.raw.once('close', () => room.leave(name, size));
    return payload;
  });
  app.addHook('onSend', async (_request, reply, payload) => {
    // an unread answer would be kept, with its connection, for ever
    reply.raw.setTimeout(UNREAD_TIMEOUT, () => reply.raw.destroy());
    return payload;
  });
  app.addHook('onResponse', async ({ raw }) => {
    // a client that is still sending a refused request gets the answer first and is then
    // disconnected
    if (raw.complete || raw.destroyed) return;
    const timer = setTimeout(() => raw.destroy(), DRAIN_TIMEOUT);
    raw.once('close', () => clearTimeout(timer));
  });
}

/** Limits the connections of a server, in total and per address. Call it before it listens. */
export function admitConnections(
  server: Server,
  isProxy: (address: string) => boolean,
  log: Logger,
): void {
  const open = new Map<string, number>();
  let told = Number.NEGATIVE_INFINITY;
  const refused = (address: string | undefined, why: string): void => {
    if (performance.now() - told < TOLD_EVERY) return;
    told = performance.now();
    log.warn({ event: 'console-connections', peer: address, why }, 'console-connections');
  };
  server.maxConnections = CONNECTIONS;
  server.headersTimeout = HEADERS_TIMEOUT;
  server.on('drop', (dropped) => refused(dropped?.remoteAddress, 'too many connections'));
  server.prependListener('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? '';
    const count = (open.get(address) ?? 0) + 1;
    if (count > CONNECTIONS_OF_ADDRESS && !isProxy(address)) {
      socket.destroy();
      refused(address, 'too many connections from this address');
      return;
    }
    open.set(address, count);
    socket.once('close', () => {
      const left = (open.get(address) ?? 1) - 1;
      if (left === 0) open.delete(address);
      else open.set(address, left);
    });
  });
}

/** Limits the memory of bodies being processed, in total and for each person. */
class Room {
  readonly #taken = new Map<string, number>();
  #all = 0;

  enter(name: string, size: number): boolean {
    const own = (this.#taken.get(name) ?? 0) + size;
    if (own > ROOM_OF_ONE || this.#all + size > ROOM) return false;
    this.#taken.set(name, own);
    this.#all += size;
    return true;
  }

  leave(name: string, size: number): void {
    const own = (this.#taken.get(name) ?? 0) - size;
    if (own <= 0) this.#taken.delete(name);
    else this.#taken.set(name, own);
    this.#all -= size;
  }
}

function bringsBody({ headers }: FastifyRequest): boolean {
  const { 'content-length': length, 'transfer-encoding': encoding } = headers;
  return encoding !== undefined || (length !== undefined && length !== '0');
}

/** The size that the sender announced, which node enforces; if none was announced, the limit. */
function expectedSize(request: FastifyRequest): number {
  if (!bringsBody(request)) return 0;
  const { bodyLimit } = request.routeOptions;
  const told = Number(request.headers['content-length'] ?? Number.NaN);
  // anything above the limit is refused before it is read
  return Number.isNaN(told) ? bodyLimit : told > bodyLimit ? 0 : told;
}
