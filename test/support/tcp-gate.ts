import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP proxy on loopback that holds traffic back without losing any, and can be unreachable for a while. */
export interface TcpGate extends AsyncDisposable {
  readonly port: number;
  /** Sockets that are open on either side. */
  readonly sockets: number;
  /** From now on nothing passes, until `resume`. */
  pause(): void;
  resume(): void;
  /** Once these bytes come towards the target, nothing passes on that connection: not they either. */
  muteAt(bytes: Buffer): void;
  /** From now on so many bytes a second pass towards the target. */
  slow(bytesPerSecond: number): void;
  /** Closes the port and breaks every connection, until `open`. */
  shut(): Promise<void>;
  open(): Promise<void>;
}

/** Starts a gate in front of a port of 127.0.0.1. It does not keep the process alive. */
export async function tcpGate(target: number): Promise<TcpGate> {
  const sockets = new Set<Socket>();
  let paused = false;
  let rate = Number.POSITIVE_INFINITY;
  let last: Buffer | undefined;
  let server: Server | undefined;
  let port = 0;

  const join = (client: Socket): void => {
    const peer = connect(target, '127.0.0.1');
    let isMute = false;
    for (const [from, to] of [
      [client, peer],
      [peer, client],
    ] as const) {
      sockets.add(from);
      from.setNoDelay(true).on('error', () => undefined);
      from.on('close', () => {
        sockets.delete(from);
        to.end();
      });
      from.on('end', () => to.end());
      from.on('data', (chunk: Buffer) => {
        isMute ||= from === client && last !== undefined && chunk.includes(last);
        if (isMute) return;
        to.write(chunk);
        if (from === peer || rate === Number.POSITIVE_INFINITY) return;
        from.pause();
        setTimeout(() => !paused && from.resume(), (1_000 * chunk.length) / rate);
      });
      if (paused) from.pause();
    }
  };
  const open = async (): Promise<void> => {
    if (server !== undefined) return;
    server = createServer(join).listen(port, '127.0.0.1');
    server.unref();
    await once(server, 'listening');
    ({ port } = server.address() as AddressInfo);
  };
  const shut = async (): Promise<void> => {
    const closing = server;
    server = undefined;
    for (const socket of sockets) socket.resetAndDestroy();
    if (closing === undefined) return;
    closing.close();
    await once(closing, 'close');
  };
  await open();
  return {
    get port() {
      return port;
    },
    get sockets() {
      return sockets.size;
    },
    pause() {
      paused = true;
      for (const socket of sockets) socket.pause();
    },
    muteAt(bytes) {
      last = bytes;
    },
    resume() {
      paused = false;
      for (const socket of sockets) socket.resume();
    },
    slow(bytesPerSecond) {
      rate = bytesPerSecond;
    },
    shut,
    open,
    [Symbol.asyncDispose]: shut,
  };
}
