import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createSecureServer, type TlsOptions } from 'node:tls';

/** What a scripted peer does with a received message: bytes to write, or a function. */
export type Script = (body: string, socket: Socket, count: number) => Uint8Array | undefined;

/** The first message in the received data, and the rest; undefined if none is complete. */
export type Cut = (bytes: Buffer) => { readonly body: Buffer; readonly rest: Buffer } | undefined;

/** Our own receiver: correct in its framing, and as badly behaved as a test wants. */
export interface FramedPeer extends AsyncDisposable {
  readonly port: number;
  /** The complete messages that arrived, in order. */
  readonly received: Buffer[];
  /** Connections made so far. */
  readonly connections: number;
  /** Connections open now. */
  readonly open: ReadonlySet<Socket>;
  /** Sets what happens with the messages from now on. */
  script(next: Script): void;
  /** Sends answers held back by `hold`. */
  release(): void;
  hold(): void;
  /** Closes the port and every connection. */
  stop(): Promise<void>;
  /** Listens on the same port again. */
  restart(): Promise<void>;
}

/** @param first what happens with messages until `script` says otherwise */
export async function framedPeer(cut: Cut, first: Script, tls?: TlsOptions): Promise<FramedPeer> {
  const received: Buffer[] = [];
  const open = new Set<Socket>();
  let script = first;
  let connections = 0;
  let held: (() => void)[] | undefined;

  const serve = (socket: Socket): void => {
    connections += 1;
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => undefined);
    let rest: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      for (let found = cut(rest); found !== undefined; found = cut(rest)) {
        const { body } = found;
        ({ rest } = found);
        received.push(body);
        const count = received.length;
        const answer = (): void => {
          const bytes = script(body.toString('latin1'), socket, count);
          if (bytes !== undefined && !socket.destroyed) socket.write(bytes);
        };
        if (held === undefined) answer();
        else held.push(answer);
      }
    });
  };
  const listen = async (port: number): Promise<Server> => {
    const server = tls === undefined ? createServer(serve) : createSecureServer(tls, serve);
    server.on('tlsClientError', () => undefined);
    await once(server.listen(port, '127.0.0.1'), 'listening');
    return server;
  };
  let server = await listen(0);
  const { port } = server.address() as AddressInfo;
  const release = (): void => {
    const waiting = held ?? [];
    held = undefined;
    for (const answer of waiting) answer();
  };
  const stop = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    for (const socket of open) socket.destroy();
    await closed;
  };
  return {
    port,
    received,
    open,
    get connections() {
      return connections;
    },
    script(next) {
      script = next;
    },
    hold() {
      held ??= [];
    },
    release,
    stop,
    async restart() {
      server = await listen(port);
    },
    [Symbol.asyncDispose]: stop,
  };
}
