import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Plain MLLP peers that share no code with the adapters. */

export function framed(body: Buffer | string): Buffer {
  return Buffer.concat([Buffer.of(0x0b), Buffer.from(body), Buffer.of(0x1c, 0x0d)]);
}

function onFrames(socket: Socket, take: (body: Buffer) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(0x1c); end >= 0; end = rest.indexOf(0x1c)) {
      take(rest.subarray(1, end));
      rest = rest.subarray(end + 2);
    }
  });
}

const controlIdOf = (body: Buffer): string =>
  body.toString('latin1').split('\r', 1)[0]?.split('|')[9] ?? '';

export interface Received {
  readonly controlId: string;
  readonly body: Buffer;
  /** The sender's port. */
  readonly from: number | undefined;
  /** Milliseconds since 1970. */
  readonly at: number;
}

export interface MllpReceiver extends AsyncDisposable {
  readonly port: number;
  readonly received: Received[];
}

/** What a scripted receiver does with a message: an ACK code, at once or after milliseconds, raw bytes, or an act on the connection. */
export type ScriptedAnswer =
  | 'AA'
  | 'AE'
  | 'AR'
  | { readonly code: 'AA'; readonly after: number }
  | Buffer
  | 'silence'
  | 'close'
  | 'close-in-answer';

const acknowledgementOf = (code: string, controlId: string): string =>
  `MSH|^~\\&|R|R|S|S|20260101||ACK|A${controlId}|P|2.5.1\rMSA|${code}|${controlId}\r`;

/** A receiving system; by default it answers AA. */
export async function mllpReceiver(
  answer: (message: Received, index: number) => ScriptedAnswer = () => 'AA',
  port = 0,
): Promise<MllpReceiver> {
  const received: Received[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    onFrames(socket, (body) => {
      const message = {
        controlId: controlIdOf(body),
        body: Buffer.from(body),
        from: socket.remotePort,
        at: Date.now(),
      };
      const said = answer(message, received.length);
      received.push(message);
      act(socket, said, message.controlId);
    });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    received,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function act(socket: Socket, said: ScriptedAnswer, controlId: string): void {
  if (Buffer.isBuffer(said)) socket.write(said);
  else if (typeof said === 'object')
    setTimeout(() => act(socket, said.code, controlId), said.after);
  else if (said === 'close') socket.destroy();
  else if (said === 'close-in-answer') {
    socket.end(framed(acknowledgementOf('AA', controlId)).subarray(0, 20));
  } else if (said !== 'silence') socket.write(framed(acknowledgementOf(said, controlId)));
}

/**
 * Sends messages one after another until each is acknowledged with AA; after any failure it
 * reconnects, to the next of several ports, and repeats the unacknowledged one with the same bytes.
 */
export async function sendUntilAcknowledged(
  port: number | readonly number[],
  messages: Iterable<string> | AsyncIterable<string>,
  onAcknowledged: (message: string) => void,
): Promise<void> {
  let socket: Socket | undefined;
  const ports = [port].flat();
  let tries = 0;
  const isTaken = async (message: string): Promise<boolean> => {
    try {
      socket ??= await open(ports[tries++ % ports.length] ?? 0);
      return (await exchange(socket, message)).includes('MSA|AA|');
    } catch {
      return false; // the engine is unreachable
    }
  };
  for await (const message of messages) {
    while (!(await isTaken(message))) {
      socket?.destroy();
      socket = undefined;
      await sleep(20);
    }
    onAcknowledged(message);
  }
  socket?.destroy();
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.on('error', () => socket.destroy());
  return socket;
}

function exchange(socket: Socket, message: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('no answer')), 15_000);
    const closed = (): void => {
      clearTimeout(timer);
      reject(new Error('closed'));
    };
    socket.once('close', closed);
    socket.once('data', (bytes: Buffer) => {
      clearTimeout(timer);
      socket.off('close', closed);
      resolve(bytes.toString('latin1'));
    });
    socket.write(framed(message));
  });
}

/** An admission with this control id. */
export const admission = (id: string): string =>
  `MSH|^~\\&|S|A|R|B|20260101||ADT^A01^ADT_A01|${id}|P|2.5.1\rEVN|A01\rPID|1||${id}^^^H^MR||DOE^JOHN\rPV1|1|I\r`;
