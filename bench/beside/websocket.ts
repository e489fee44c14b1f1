import { isUtf8 } from 'node:buffer';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { WebSocket, WebSocketServer } from 'ws';
import websocketIn from '../../adapters/websocket/websocket-in.ts';
import websocketOut from '../../adapters/websocket/websocket-out.ts';
import { listening } from '../lent.ts';
import { message } from '../messages.ts';
import { acknowledged } from './acknowledged.ts';
import { each } from './sending-peer.ts';
import { serveApart, serversApart } from './servers-apart.ts';
import { AT_ONCE, type Subjects, sender } from './subject.ts';

const MESSAGES = Array.from({ length: 1_000 }, (_, n) => message(n).bytes);

let number = 0;
const next = (): Buffer => MESSAGES[number++ % MESSAGES.length] as Buffer;

const lanes = <Lane>(open: () => Promise<Lane>): Promise<Lane[]> =>
  Promise.all(Array.from({ length: AT_ONCE }, open));

/** HL7 messages over sixteen WebSockets to listeners of another process, each answered before the next: beside ws. */
export async function websocketSubjects(): Promise<Subjects> {
  await using undo = new AsyncDisposableStack();
  const servers = undo.use(await serversApart<string>(fileURLToPath(import.meta.url)));
  const given = { url: servers.bare, reply: 'next' };
  const nobody = { kind: 'basic', user: '', password: '' } as const;
  const lines = await lanes(() => sender(websocketOut, given, nobody));
  for (const line of lines) undo.defer(() => line.close());
  const opened = async (url: string): Promise<Line[]> => {
    const all = await lanes(() => Line.at(url));
    for (const line of all) undo.defer(() => line.close());
    return all;
  };
  const [bare, toAdapter] = [await opened(servers.bare), await opened(servers.adapter)];
  const { signal } = new AbortController();
  const asked = (all: readonly Line[], messages: number) =>
    each(all, messages, (line) => line.ask(next(), signal));
  const all = undo.move();
  return {
    subjects: [
      {
        what: 'websocket-out',
        bare: (messages) => asked(bare, messages),
        adapter: (messages) => each(lines, messages, (line) => line.send(next())),
      },
      {
        what: 'websocket-in',
        bare: (messages) => servers.during(() => asked(bare, messages)),
        adapter: (messages) => servers.during(() => asked(toAdapter, messages)),
      },
    ],
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** Bytes of a message, and milliseconds for an answer. */
const [LARGEST, LATE] = [16_000_000, 30_000];

/**
 * With the promises of the adapter: what comes is the answer to the one message that is under way, and nothing is taken for
 * that of another; a message may be given up and has a time limit, either of which ends the connection.
 */
class Line {
  readonly #socket: WebSocket;
  #flight: PromiseWithResolvers<Buffer> | undefined;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('error', (error) => this.#lose(error));
    socket.on('close', () => this.#lose(new Error('closed')));
    socket.on('message', (answer: Buffer) => {
      this.#flight?.resolve(answer);
      this.#flight = undefined;
    });
  }

  static async at(url: string): Promise<Line> {
    const socket = new WebSocket(url, { perMessageDeflate: false, maxPayload: LARGEST });
    await once(socket, 'open');
    return new Line(socket);
  }

  async ask(body: Buffer, signal: AbortSignal): Promise<object> {
    signal.throwIfAborted();
    if (this.#socket.readyState !== WebSocket.OPEN) throw new Error('closed');
    // a text of another charset goes as bytes
    const binary = !isUtf8(body);
    const flight = Promise.withResolvers<Buffer>();
    this.#flight = flight;
    const abort = (): void => this.#lose(signal.reason);
    signal.addEventListener('abort', abort);
    const late = setTimeout(() => this.#lose(new Error('no answer in time')), LATE);
    try {
      this.#socket.send(body, { binary }, (error) => {
        if (error) this.#lose(error);
      });
      const answer = await flight.promise;
      const [, msa = ''] = answer.toString('utf8').split('\r');
      const [, code = '', , text = ''] = msa.split('|');
      if (code !== 'AA') throw new Error(`answered ${code} ${text}`);
      return { code, text, body: answer };
    } finally {
      clearTimeout(late);
      signal.removeEventListener('abort', abort);
    }
  }

  close(): void {
    this.#socket.terminate();
  }

  #lose(reason: unknown): void {
    this.#flight?.reject(reason);
    this.#flight = undefined;
    this.#socket.terminate();
  }
}

/** Messages of a connection are stored and answered in their order. */
async function listener(): Promise<string> {
  const options = { perMessageDeflate: false, maxPayload: LARGEST };
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', ...options });
  server.on('connection', (socket, { socket: { remoteAddress } }) => {
    let before = Promise.resolve();
    socket.on('error', () => socket.terminate());
    socket.on('message', (body: Buffer, isBinary) => {
      const last = before;
      const one = async (): Promise<void> => {
        await last;
        socket.send(await acknowledged(body, remoteAddress), { binary: isBinary });
      };
      before = one();
    });
  });
  await once(server, 'listening');
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

async function serve(): Promise<void> {
  serveApart({ bare: await listener(), adapter: `ws://${await listening(websocketIn)}/` });
}

if (process.argv[2] === '--serve') await serve();
