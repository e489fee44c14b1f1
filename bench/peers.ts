import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Plain MLLP peers, independent of the engine: the same ones are used for it and for the baseline without it. */

const VT = 0x0b;
const FS = 0x1c;

export function frame(body: Buffer): Buffer {
  const framed = Buffer.allocUnsafe(body.byteLength + 3);
  framed[0] = VT;
  body.copy(framed, 1);
  framed[body.byteLength + 1] = FS;
  framed[body.byteLength + 2] = 0x0d;
  return framed;
}

/** Calls back with each body of a stream of frames. */
export function onFrames(socket: Socket, take: (body: Buffer) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    rest = rest.byteLength === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (
      let end = rest.indexOf(FS);
      end >= 0 && end + 1 < rest.byteLength;
      end = rest.indexOf(FS)
    ) {
      take(rest.subarray(1, end));
      rest = rest.subarray(end + 2);
    }
  });
}

/** MSH-10, or MSA-2 of an acknowledgement. */
export function controlIdOf(body: Buffer): string {
  const end = body.indexOf(0x0d);
  return body.toString('latin1', 0, end < 0 ? body.byteLength : end).split('|')[9] ?? '';
}

export interface Receiver {
  readonly port: number;
  /** Counted by the receiver. */
  readonly count: () => number;
  close(): Promise<void>;
}

/** A hospital system that answers every message, with AA unless it refuses for now. */
export async function receiver(
  onMessage: (controlId: string, at: number) => unknown,
  refuses: () => boolean = () => false,
): Promise<Receiver> {
  const sockets = new Set<Socket>();
  let count = 0;
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    onFrames(socket, (body) => {
      count++;
      const controlId = controlIdOf(body);
      onMessage(controlId, performance.now());
      socket.write(
        frame(
          Buffer.from(
            `MSH|^~\\&|R|R|HUB|WAYBILL|20261125081500||ACK|A${count}|P|2.5.1\rMSA|${refuses() ? 'AE' : 'AA'}|${controlId}\r`,
          ),
        ),
      );
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    count: () => count,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** One connection that sends a message and waits for its AA. */
export interface Sender {
  /** Milliseconds to the acknowledgement. */
  send(body: Buffer): Promise<number>;
  close(): void;
}

export async function sender(port: number): Promise<Sender> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  let waiting:
    | { began: number; resolve: (took: number) => void; reject: (error: Error) => void }
    | undefined;
  socket.on('error', ({ message }) =>
    waiting?.reject(new Error(`the connection to the engine broke: ${message}`)),
  );
  socket.on('close', () => waiting?.reject(new Error('the engine closed the connection')));
  onFrames(socket, (body) => {
    const done = waiting;
    waiting = undefined;
    if (body.includes('MSA|AA|') || body.includes('MSA|CA|'))
      done?.resolve(performance.now() - done.began);
    else done?.reject(new Error('a message was not acknowledged with AA'));
  });
  return {
    send(body) {
      return new Promise((resolve, reject) => {
        waiting = { began: performance.now(), resolve, reject };
        socket.write(frame(body));
      });
    },
    close: () => socket.destroy(),
  };
}
