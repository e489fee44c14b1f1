import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyRequest } from 'fastify';
import type { Logger } from '../log/logger.ts';
import type { Api } from './api.ts';
import { ApiError } from './api-error.ts';

/** The largest request: an edited message. */
export const BODY_LIMIT = 8 * 1024 * 1024;
/** What is sent by somebody who is nobody yet: a name and a password, a token. */
export const OPEN_LIMIT = 16 * 1024;
/** Milliseconds in which a request must be here whole: who sends a byte a minute holds a connection. */
export const REQUEST_TIMEOUT = 120_000;

const HEADERS_TIMEOUT = 15_000;
/** How often late requests are looked for; node does every 30 s by itself. */
export const LOOK_EVERY = 5_000;
/** How long an answer may stay unread. */
const UNREAD_TIMEOUT = 60_000;
/** How long what belongs to a request that is answered already is read and thrown away. */
const DRAIN_TIMEOUT = 2_000;
const CONNECTIONS = 1_000;
/** Of one address, so that nobody alone takes all; a proxy stands for many. */
const CONNECTIONS_OF_ADDRESS = 400;
/** Bytes of bodies in work at once: they are held as text and taken apart, which takes a multiple. */
const ROOM = 48 * 1024 * 1024;
const ROOM_OF_ONE = 24 * 1024 * 1024;
/** Bodies up to this size are not counted: connections are. */
const SMALL = 64 * 1024;
const TOLD_EVERY = 60_000;

/**
 * Keeps what strangers and slow senders can make the console hold within bounds: a body is read only once it is
 * known who sends it and that they may, and of all bodies together only so much is in memory. Register it after the sign-in.
 */
export function admitBodies(app: Api): void {
  const room = new Room();
  app.addHook('onRequest', async (request) => {
    if (!bringsBody(request)) return;
    // the answer to an address that does not exist needs no body
    if (request.is404) throw new ApiError(404, 'NOT_FOUND', 'there is nothing at this address');
    if (request.principal === undefined && request.routeOptions.config.open !== true)
      throw new ApiError(401, 'SIGN_IN_REQUIRED', 'sign in first');
  });
  // after the rights were asked for, which each route does in its own onRequest
  app.addHook('preParsing', async (request, reply, payload) => {
    const size = expectedSize(request);
    if (size <= SMALL) return payload;
    const name = request.principal?.name ?? '';
    if (!room.enter(name, size)) {
      void reply.header('retry-after', '5');
      throw new ApiError(429, 'TOO_MANY', 'too many large requests are in work; send it again');
    }
    reply.raw.once('close', () => room.leave(name, size));
    return payload;
  });
  app.addHook('onSend', async (_request, reply, payload) => {
    // what nobody reads would be held, with its connection, for ever
    reply.raw.setTimeout(UNREAD_TIMEOUT, () => reply.raw.destroy());
    return payload;
  });
  app.addHook('onResponse', async ({ raw }) => {
    // who is still sending what was refused hears so first, and is then cut off
    if (raw.complete || raw.destroyed) return;
    const timer = setTimeout(() => raw.destroy(), DRAIN_TIMEOUT);
    raw.once('close', () => clearTimeout(timer));
  });
}

/** Limits the connections of a server, by address too. Call it before it listens. */
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
      refused(address, 'too many connections of this address');
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

/** The memory that bodies in work may take together, and those of one person. */
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

/** Bytes by the sender's own word, which node holds it to; of one who does not say, all that is taken. */
function expectedSize(request: FastifyRequest): number {
  if (!bringsBody(request)) return 0;
  const { bodyLimit } = request.routeOptions;
  const told = Number(request.headers['content-length'] ?? Number.NaN);
  // more than the limit is refused before anything of it is read
  return Number.isNaN(told) ? bodyLimit : told > bodyLimit ? 0 : told;
}
