import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import tcpIn from '../../adapters/tcp/tcp-in.ts';
import tcpOut from '../../adapters/tcp/tcp-out.ts';
import { listening } from '../lent.ts';
import { asked, each, type Order, portOf, serve, startPeer } from './sending-peer.ts';
import { kept, type Subjects, sender } from './subject.ts';

const ACK = '\u0006';
const LINE = `R|1|^^^GLU|${'x'.repeat(180)}|mg/dL`;
const LINES = 16;
const nobody = { kind: 'basic', user: '', password: '' } as const;

/** Lines over sixteen connections of another process, each answered with ACK before the next; beside `node:net` alone. */
export async function tcpSubjects(): Promise<Subjects> {
  await using undo = new AsyncDisposableStack();
  const { peer, port } = await startPeer(import.meta.url);
  undo.defer(() => void peer.kill());
  const given = { connect: `127.0.0.1:${port}`, reply: 'bytes', lineEnd: 'lf' };
  const lines = await Promise.all(
    Array.from({ length: LINES }, () => sender(tcpOut, given, nobody)),
  );
  for (const line of lines) undo.defer(() => line.close());
  const sockets = await Promise.all(Array.from({ length: LINES }, () => opened(port)));
  for (const { socket } of sockets) undo.defer(() => void socket.destroy());
  const plain = await Promise.all(Array.from({ length: LINES }, () => openedPlainly(port)));
  for (const { socket } of plain) undo.defer(() => void socket.destroy());
  const { signal } = new AbortController();
  const own = await listening(tcpIn, undo, { answer: 'stored' });
  const bare = await listener();
  undo.defer(() => void bare.close());
  const body = Buffer.from(LINE);
  const all = undo.move();
  return {
    subjects: [
      {
        what: 'tcp-out',
        bare: (messages) => each(sockets, messages, (one) => one.ask(body, signal)),
        adapter: (messages) => each(lines, messages, (one) => one.send(body)),
      },
      {
        what: 'tcp-out, beside less',
        isLess: true,
        bare: (messages) => each(plain, messages, (one) => one.ask(body, signal)),
        adapter: (messages) => each(lines, messages, (one) => one.send(body)),
      },
      {
        what: 'tcp-in',
        bare: (messages) => asked(peer, portOf(bare), messages),
        adapter: (messages) => asked(peer, Number(own.split(':')[1]), messages),
      },
    ],
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

interface Opened {
  readonly socket: Socket;
  ask(line: Buffer, signal: AbortSignal): Promise<void>;
}

const LF = Buffer.from('\n');

/**
 * A connection with the promises of the adapter: one line is one message; its answer is what comes after it and nothing
 * that came with or before another; it may be given up; a connection that is lost, or of which that is not certain, fails
 * its message at once and is used no more.
 */
async function opened(port: number): Promise<Opened> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  let flight: PromiseWithResolvers<Buffer> | undefined;
  const lose = (reason: Error): void => {
    flight?.reject(reason);
    flight = undefined;
    socket.destroy();
  };
  socket.on('error', lose).on('close', () => lose(new Error('closed')));
  socket.on('data', (chunk: Buffer) => {
    const one = flight;
    if (one === undefined || chunk.length !== 1) return lose(new Error('no answer to it'));
    flight = undefined;
    one.resolve(chunk);
  });
  return {
    socket,
    async ask(line, signal) {
      if (line.includes(10)) throw new Error('more than one line');
      signal.throwIfAborted();
      if (!socket.writable) throw new Error('closed');
      const awaited = Promise.withResolvers<Buffer>();
      flight = awaited;
      const abort = (): void => lose(signal.reason);
      signal.addEventListener('abort', abort);
      const late = setTimeout(() => lose(new Error('no answer in time')), 30_000);
      try {
        socket.write(Buffer.concat([line, LF]));
        const answer = await awaited.promise;
        if (answer.toString('latin1') !== ACK) throw new Error('not accepted');
      } finally {
        clearTimeout(late);
        signal.removeEventListener('abort', abort);
      }
    },
  };
}

/** A connection that waits for each answer, but not for ever, and takes whatever comes for one. */
async function openedPlainly(port: number): Promise<Opened> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  let answered: ((answer: Buffer) => void) | undefined;
  socket.on('data', (chunk: Buffer) => answered?.(chunk));
  return {
    socket,
    async ask(line) {
      const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
      answered = resolve;
      const late = setTimeout(() => reject(new Error('no answer in time')), 30_000);
      socket.write(Buffer.concat([line, Buffer.from('\n')]));
      const answer = await promise;
      clearTimeout(late);
      if (answer.toString('latin1') !== ACK) throw new Error('not accepted');
    },
  };
}

/** What a user of `node:net` writes: whole lines, each stored before it is answered. */
async function listener(): Promise<Server> {
  const server = createServer({ noDelay: true }, (socket) => {
    let rest: Buffer = Buffer.alloc(0);
    let before = Promise.resolve();
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
        const body = rest.subarray(0, end);
        rest = rest.subarray(end + 1);
        const last = before;
        const one = async (): Promise<void> => {
          await last;
          await kept({ body, origin: socket.remoteAddress });
          socket.write(ACK);
        };
        before = one();
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function send({ port, messages }: Order): Promise<void> {
  const sockets = await Promise.all(Array.from({ length: LINES }, () => openedPlainly(port)));
  const body = Buffer.from(LINE);
  const { signal } = new AbortController();
  await each(sockets, messages, (one) => one.ask(body, signal));
  for (const { socket } of sockets) socket.destroy();
}

if (process.argv[2] === '--peer') await serve(listener(), send);
