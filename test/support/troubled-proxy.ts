import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** What is wrong with a server, or with the network before it. */
export type Trouble =
  | 'none'
  /** Nothing passes and nothing is closed: a process that is stopped, or a machine that is gone. */
  | 'silent'
  /** What the server says comes a byte at a time, each after `pause`. */
  | 'dripping'
  /** What the server says it says again and again, for ever. */
  | 'endless'
  /** Connections are taken and ended. */
  | 'closing'
  /** Connections are taken and reset, those that stand too. */
  | 'resetting';

/** A TCP proxy on loopback whose server gets into trouble, and out of it again. */
export interface TroubledProxy extends AsyncDisposable {
  readonly port: number;
  /** How many connections were made to it. */
  readonly connections: number;
  /** Sockets that are open on the side of the client. */
  readonly open: number;
  /** Bytes that clients took of answers that never end. */
  readonly fed: number;
  /** From now on, for new connections and those that stand. Out of `silent` it goes on where it was. */
  be(trouble: Trouble): void;
  /** From now on each new connection falls silent once the server has said so many bytes on it. */
  silentAfter(bytes: number): void;
  /** Bytes that the servers said, on all connections. */
  readonly said: number;
}

/** Milliseconds between two bytes that drip. */
const PAUSE = 50;

/** Starts one in front of a port of 127.0.0.1; without a port the server has nothing to say. */
export async function troubledProxy(target?: number): Promise<TroubledProxy> {
  const clients = new Set<Pair>();
  let trouble: Trouble = 'none';
  let connections = 0;
  let fed = 0;
  let said = 0;
  let most = Number.POSITIVE_INFINITY;
  const server = createServer({ allowHalfOpen: false }, (client) => {
    connections += 1;
    const pair = new Pair(client, target, most, {
      fed: (bytes) => (fed += bytes),
      said: (bytes) => (said += bytes),
    });
    clients.add(pair);
    client.once('close', () => clients.delete(pair));
    pair.be(trouble);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections;
    },
    get open() {
      return clients.size;
    },
    get fed() {
      return fed;
    },
    get said() {
      return said;
    },
    silentAfter(bytes) {
      most = bytes;
    },
    be(next) {
      trouble = next;
      most = Number.POSITIVE_INFINITY;
      for (const pair of clients) pair.be(next);
    },
    async [Symbol.asyncDispose]() {
      for (const pair of clients) pair.destroy();
      if (!server.listening) return;
      server.close();
      await once(server, 'close');
    },
  };
}

/** Told of each piece, how many bytes it is. */
interface Told {
  readonly fed: (bytes: number) => void;
  readonly said: (bytes: number) => void;
}

/** A client and its connection to the server. */
class Pair {
  readonly #client: Socket;
  readonly #server: Socket | undefined;
  readonly #told: Told;
  #trouble: Trouble = 'none';
  #dripping = Promise.resolve();
  #most: number;

  constructor(client: Socket, target: number | undefined, most: number, told: Told) {
    this.#client = client;
    this.#most = most;
    this.#told = told;
    const server = target === undefined ? undefined : connect(target, '127.0.0.1');
    this.#server = server;
    client.setNoDelay(true).on('error', () => undefined);
    client.on('close', () => server?.destroySoon());
    client.on('data', (chunk: Buffer) => server?.write(chunk));
    server?.setNoDelay(true).on('error', () => undefined);
    server?.on('close', () => void this.#dripping.then(() => this.#serverEnded()));
    server?.on('data', (chunk: Buffer) => this.#say(chunk));
  }

  be(trouble: Trouble): void {
    this.#trouble = trouble;
    if (trouble === 'closing') this.#client.destroySoon();
    else if (trouble === 'resetting') this.#client.resetAndDestroy();
    for (const socket of [this.#client, this.#server]) {
      if (trouble === 'silent') socket?.pause();
      else socket?.resume();
    }
  }

  #serverEnded(): void {
    if (this.#trouble !== 'silent') this.#client.destroySoon();
  }

  destroy(): void {
    this.#client.destroy();
    this.#server?.destroy();
  }

  #say(all: Buffer): void {
    const chunk = all.subarray(0, this.#most);
    this.#most -= chunk.length;
    this.#told.said(chunk.length);
    if (chunk.length < all.length) this.be('silent');
    if (chunk.length === 0) return;
    if (this.#trouble === 'dripping') {
      this.#dripping = this.#dripping.then(() => this.#drip(chunk));
      return;
    }
    this.#client.write(chunk);
    if (this.#trouble === 'endless') void this.#repeat(chunk);
  }

  async #drip(chunk: Buffer): Promise<void> {
    for (const byte of chunk) {
      if (this.#client.destroyed) return;
      // unref: what drips keeps nobody alive
      await new Promise((resolve) => setTimeout(resolve, PAUSE).unref());
      this.#client.write(Buffer.of(byte));
    }
  }

  async #repeat(chunk: Buffer): Promise<void> {
    const many = Buffer.concat(
      Array.from({ length: Math.ceil(65_536 / chunk.length) }, () => chunk),
    );
    while (!this.#client.destroyed && this.#trouble === 'endless') {
      this.#told.fed(many.length);
      if (this.#client.write(many)) await new Promise((resolve) => setImmediate(resolve));
      else
        await Promise.race([once(this.#client, 'drain'), once(this.#client, 'close')]).catch(
          () => undefined,
        );
    }
  }
}
