import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export type Direction = 'toServer' | 'toClient';

/** A TCP proxy on loopback that breaks connections on demand. */
export interface CuttingProxy extends AsyncDisposable {
  readonly port: number;
  /** How many connections were made to it. */
  readonly connections: number;
  /** Everything that passed in one direction, over all connections. */
  passed(direction: Direction): Buffer;
  /** Resets the next connection once this many of its bytes have passed; the rest goes through unbroken. */
  cutNext(direction: Direction, after: number): void;
  /** Resets the next connection just before the first chunk that contains this text passes. */
  cutNextAt(direction: Direction, text: string): void;
  /** Resets every connection now. */
  cutAll(): void;
  /** From now on nothing passes, and no connection is closed, as in a hanging network. */
  freeze(): void;
}

interface Cut {
  readonly direction: Direction;
  /** How many bytes of the chunk still pass; undefined if all do. */
  allowed(chunk: Buffer): number | undefined;
}

/** Starts a proxy in front of a port of 127.0.0.1, on a free port unless one is given. */
export async function cuttingProxy(target: number, own = 0): Promise<CuttingProxy> {
  const passed: Record<Direction, Buffer[]> = { toServer: [], toClient: [] };
  const sockets = new Set<Socket>();
  let connections = 0;
  let next: Cut | undefined;
  let frozen = false;

  const server = createServer((client) => {
    connections += 1;
    const cut = next;
    next = undefined;
    const peer = connect(target, '127.0.0.1');
    const sever = (): void => {
      client.resetAndDestroy();
      peer.resetAndDestroy();
    };
    for (const socket of [client, peer]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        // what was already written still goes out
        (socket === client ? peer : client).end();
      });
    }
    const pass = (from: Socket, to: Socket, direction: Direction): void => {
      from.on('data', (chunk: Buffer) => {
        if (frozen) return;
        const allowed = cut?.direction === direction ? cut.allowed(chunk) : undefined;
        const part = chunk.subarray(0, allowed);
        passed[direction].push(part);
        if (allowed === undefined) to.write(part);
        else to.write(part, sever);
      });
      from.on('end', () => to.end());
    };
    pass(client, peer, 'toServer');
    pass(peer, client, 'toClient');
  });
  server.listen(own, '127.0.0.1');
  await once(server, 'listening');

  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections;
    },
    passed: (direction) => Buffer.concat(passed[direction]),
    cutNext(direction, after) {
      let left = after;
      next = {
        direction,
        allowed(chunk) {
          const allowed = left;
          left -= chunk.length;
          return left > 0 ? undefined : Math.max(0, allowed);
        },
      };
    },
    cutNextAt(direction, text) {
      next = { direction, allowed: (chunk) => (chunk.includes(text) ? 0 : undefined) };
    },
    cutAll() {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    freeze() {
      frozen = true;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      if (!server.listening) return;
      server.close();
      await once(server, 'close');
    },
  };
}
