import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createSecureServer, type TlsOptions } from 'node:tls';

/** The port of a scripted peer, which a test closes and opens again. */
export interface PeerPort extends AsyncDisposable {
  readonly port: number;
  /** Connections open now. */
  readonly open: ReadonlySet<Socket>;
  /** Closes the port and every connection. */
  stop(): Promise<void>;
  /** Listens on the same port again. */
  restart(): Promise<void>;
}

/** Listens on a free port; `serve` is called for each connection. */
export async function peerPort(
  serve: (socket: Socket) => void,
  tls?: TlsOptions,
): Promise<PeerPort> {
  const open = new Set<Socket>();
  const accept = (socket: Socket): void => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    serve(socket);
  };
  const listen = async (port: number): Promise<Server> => {
    const server = tls === undefined ? createServer(accept) : createSecureServer(tls, accept);
    server.on('tlsClientError', () => undefined);
    await once(server.listen(port, '127.0.0.1'), 'listening');
    return server;
  };
  let server = await listen(0);
  const { port } = server.address() as AddressInfo;
  const stop = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    for (const socket of open) socket.destroy();
    await closed;
  };
  return {
    port,
    open,
    stop,
    async restart() {
      server = await listen(port);
    },
    [Symbol.asyncDispose]: stop,
  };
}
