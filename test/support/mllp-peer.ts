import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createSecureServer, type TlsOptions } from 'node:tls';
import { inMllp } from './mllp-sender.ts';

/** What a scripted peer does with a message it got: bytes to write, or an act of its own. */
type Script = (body: string, socket: Socket, count: number) => Uint8Array | undefined;

/** An HL7 receiver of our own: faithful to MLLP, and as rude as a test wants it. */
export interface MllpPeer extends AsyncDisposable {
  readonly port: number;
  /** The messages that arrived whole, in order. */
  readonly received: Buffer[];
  /** Connections made so far. */
  readonly connections: number;
  /** Connections open now. */
  readonly open: ReadonlySet<Socket>;
  /** What happens with the messages from now on. */
  script(next: Script): void;
  /** Answers held back by `hold` are sent. */
  release(): void;
  hold(): void;
  /** Closes the port and every connection. */
  stop(): Promise<void>;
  /** Listens on the same port again. */
  restart(): Promise<void>;
}

const fieldOf = (body: string, field: number): string =>
  body.split('\r')[0]?.split(body[3] ?? '|')[field - 1] ?? '';

/** An acknowledgement of the message with this code. */
export function ackOf(body: string, code = 'AA', controlId = fieldOf(body, 10), more = ''): Buffer {
  return inMllp(
    `MSH|^~\\&|R|F|APP|FAC|20260101120000||ACK^A01^ACK|A${controlId}|P|2.5.1\rMSA|${code}|${controlId}${more}\r`,
  );
}

const acknowledging: Script = (body) => ackOf(body);

export async function mllpPeer(tls?: TlsOptions): Promise<MllpPeer> {
  const received: Buffer[] = [];
  const open = new Set<Socket>();
  let script = acknowledging;
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
      for (let end = rest.indexOf('\u001c\r'); end >= 0; end = rest.indexOf('\u001c\r')) {
        const body = rest.subarray(rest.indexOf(0x0b) + 1, end);
        rest = rest.subarray(end + 2);
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
