import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import astmIn from '../../adapters/astm/astm-in.ts';
import astmOut from '../../adapters/astm/astm-out.ts';
import { listening } from '../lent.ts';
import { asked, each, type Order, portOf, serve, startPeer } from './sending-peer.ts';
import { kept, type Subjects, sender } from './subject.ts';

const [ENQ, ACK, NAK, EOT, STX, ETX, ETB, CR, LF] = [5, 6, 0x15, 4, 2, 3, 0x17, 13, 10];
/** Bytes that the link protocol uses itself. */
const isRestricted = (byte: number): boolean => (byte > 0 && byte < 7) || (byte > 15 && byte < 24);
const FRAME_TEXT = 240;
const MOST_TRIES = 6;
const LINES = 16;
const MESSAGE = Buffer.from(
  [
    'H|\\^&|||ANALYSER^1|||||HUB||P|1394-97|20261124120000',
    'P|1||4711||DOE^JANE||19700101|F',
    'O|1|S4711||^^^GLU|R',
    ...Array.from({ length: 4 }, (_, n) => `R|${n + 1}|^^^GLU${n}|${'7'.repeat(60)}|mg/dL||N||F`),
    'L|1|N\r',
  ].join('\r'),
);
const nobody = { kind: 'basic', user: '', password: '' } as const;

/**
 * Results of eight records over sixteen connections of another process, each frame acknowledged before the next; beside
 * `node:net` with the same framing by hand.
 */
export async function astmSubjects(): Promise<Subjects> {
  await using undo = new AsyncDisposableStack();
  const { peer, port } = await startPeer(import.meta.url);
  undo.defer(() => void peer.kill());
  const lines = await Promise.all(
    Array.from({ length: LINES }, () => sender(astmOut, { connect: `127.0.0.1:${port}` }, nobody)),
  );
  for (const line of lines) undo.defer(() => line.close());
  const devices = await Promise.all(Array.from({ length: LINES }, () => Device.at(port)));
  for (const device of devices) undo.defer(() => device.close());
  const own = await listening(astmIn, undo, { repetitions: 'each' });
  const bare = await receiver();
  undo.defer(() => void bare.close());
  const { signal } = new AbortController();
  const all = undo.move();
  return {
    subjects: [
      {
        what: 'astm-out',
        bare: (messages) => each(devices, messages, (one) => one.send(MESSAGE, signal)),
        adapter: (messages) => each(lines, messages, (one) => one.send(MESSAGE)),
      },
      {
        what: 'astm-in',
        bare: (messages) => asked(peer, portOf(bare), messages),
        adapter: (messages) => asked(peer, Number(own.split(':')[1]), messages),
      },
    ],
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

function checksum(counted: Buffer): string {
  let sum = 0;
  for (const byte of counted) sum += byte;
  return (sum % 256).toString(16).toUpperCase().padStart(2, '0');
}

function frameOf(number: number, text: string, last: boolean): Buffer {
  const counted = Buffer.from(
    `${number % 8}${text}${String.fromCharCode(last ? ETX : ETB)}`,
    'latin1',
  );
  return Buffer.concat([Buffer.of(STX), counted, Buffer.from(`${checksum(counted)}\r\n`)]);
}

/** The side that sends: one message at a time, each sign and frame answered in time, a refused frame sent again. */
class Device {
  readonly #socket: Socket;
  #answer: PromiseWithResolvers<number> | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#lose(new Error('closed')));
    socket.on('data', (chunk: Buffer) => {
      for (const byte of chunk) this.#answer?.resolve(byte);
    });
  }

  static async at(port: number): Promise<Device> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    return new Device(socket);
  }

  async send(message: Buffer, signal: AbortSignal): Promise<void> {
    const records = message.toString('latin1').split(/[\r\n]+/);
    if (!records[0]?.startsWith('H') || message.some(isRestricted)) {
      throw new Error('not a message');
    }
    const abort = (): void => this.#lose(signal.reason);
    signal.addEventListener('abort', abort);
    try {
      if ((await this.#ask(Buffer.of(ENQ))) !== ACK) throw new Error('busy');
      let number = 1;
      for (const record of records.filter((one) => one !== '')) {
        const text = `${record}\r`;
        for (let at = 0; at < text.length; at += FRAME_TEXT) {
          const last = at + FRAME_TEXT >= text.length;
          await this.#frame(frameOf(number, text.slice(at, at + FRAME_TEXT), last));
          number += 1;
        }
      }
      this.#socket.write(Buffer.of(EOT));
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  async #frame(frame: Buffer): Promise<void> {
    for (let left = MOST_TRIES; left > 0; left--) {
      if ((await this.#ask(frame)) === ACK) return;
    }
    this.#socket.write(Buffer.of(EOT));
    throw new Error('refused');
  }

  async #ask(bytes: Buffer): Promise<number> {
    if (!this.#socket.writable) throw new Error('closed');
    this.#answer = Promise.withResolvers();
    const late = setTimeout(() => this.#lose(new Error('no answer in time')), 15_000);
    this.#socket.write(bytes);
    try {
      return await this.#answer.promise;
    } finally {
      clearTimeout(late);
      this.#answer = undefined;
    }
  }

  #lose(reason: Error): void {
    this.#answer?.reject(reason);
    this.#socket.destroy();
  }
}

/** The side that takes: a frame counts with its number and checksum, and the last of a message is answered once that is stored. */
async function receiver(): Promise<Server> {
  const server = createServer({ noDelay: true }, (socket) => {
    const taking = new Taking(socket);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => taking.hear(chunk));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

class Taking {
  readonly #socket: Socket;
  #rest: Buffer = Buffer.alloc(0);
  #parts: Buffer[] = [];
  #number = 0;
  #before = Promise.resolve();
  /** A device that falls silent in the middle is not waited for. */
  readonly #silence: NodeJS.Timeout;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#silence = setTimeout(() => {
      this.#parts = [];
    }, 30_000);
    socket.on('close', () => clearTimeout(this.#silence));
  }

  hear(chunk: Buffer): void {
    this.#silence.refresh();
    let rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (rest.length > 0) {
      const end = rest[0] === STX ? rest.indexOf(LF) : 0;
      if (end < 0) break;
      this.#said(rest.subarray(0, end + 1));
      rest = rest.subarray(end + 1);
    }
    this.#rest = rest;
  }

  #said(said: Buffer): void {
    const last = this.#before;
    const answer = async (): Promise<void> => {
      await last;
      if (said[0] === ENQ) {
        [this.#parts, this.#number] = [[], 0];
        this.#socket.write(Buffer.of(ACK));
      } else if (said[0] === STX) {
        this.#socket.write(Buffer.of((await this.#isTaken(said)) ? ACK : NAK));
      }
    };
    this.#before = answer();
  }

  async #isTaken(frame: Buffer): Promise<boolean> {
    const counted = frame.subarray(1, -4);
    const number = Number(String.fromCharCode(counted[0] ?? 0));
    if (checksum(counted) !== frame.toString('latin1', frame.length - 4, frame.length - 2)) {
      return false;
    }
    // its acknowledgement was lost
    if (number === this.#number % 8 && this.#number > 0) return true;
    if (number !== (this.#number + 1) % 8) return false;
    const text = counted.subarray(1, -1);
    this.#parts.push(text);
    if (text.at(-1) === CR && String.fromCharCode(text[0] ?? 0) === 'L') {
      await kept({ body: Buffer.concat(this.#parts), origin: this.#socket.remoteAddress });
      this.#parts = [];
    }
    this.#number += 1;
    return true;
  }
}

async function send({ port, messages }: Order): Promise<void> {
  const devices = await Promise.all(Array.from({ length: LINES }, () => Device.at(port)));
  const { signal } = new AbortController();
  await each(devices, messages, (one) => one.send(MESSAGE, signal));
  for (const device of devices) device.close();
}

if (process.argv[2] === '--peer') await serve(receiver(), send);
