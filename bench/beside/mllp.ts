import { isUtf8 } from 'node:buffer';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { Client, Message, MLLPCodec } from 'node-hl7-client';
import mllpIn from '../../adapters/mllp/mllp-in.ts';
import mllpOut from '../../adapters/mllp/mllp-out.ts';
import { listening } from '../lent.ts';
import { message } from '../messages.ts';
import { frame } from '../peers.ts';
import { asked, each, type Order, portOf, serve, startPeer } from './sending-peer.ts';
import { kept, type Subjects, sender } from './subject.ts';

const [VT, FS, CR] = [0x0b, 0x1c, 0x0d];
const END = Buffer.of(FS, CR);
const LINES = 16;
const MESSAGES = Array.from({ length: 1_000 }, (_, n) => message(n).bytes);
const nobody = { kind: 'basic', user: '', password: '' } as const;

/**
 * Messages of 1.2 KB over sixteen connections of another process, each acknowledged before the next: beside `node:net` with
 * the framing by hand, and beside node-hl7-client.
 */
export async function mllpSubjects(): Promise<Subjects> {
  await using undo = new AsyncDisposableStack();
  const { peer, port } = await startPeer(import.meta.url);
  undo.defer(() => void peer.kill());
  const given = { connect: `127.0.0.1:${port}` };
  const lines = await lanes(() => sender(mllpOut, given, nobody));
  for (const line of lines) undo.defer(() => line.close());
  const own = await lanes(() => Line.at(port));
  for (const line of own) undo.defer(() => line.close());
  const others = await lanes(() => Promise.resolve(new OtherLine(port)));
  for (const line of others) undo.defer(() => line.close());
  const place = Number((await listening(mllpIn, undo)).split(':')[1]);
  const bare = await listener(answered);
  undo.defer(() => void bare.close());
  const other = await otherListener();
  undo.defer(() => void other.close());
  const { signal } = new AbortController();
  const all = undo.move();
  const sending = (messages: number) => each(lines, messages, (line) => line.send(next()));
  const taking = (messages: number) => asked(peer, place, messages);
  return {
    subjects: [
      {
        what: 'mllp-out, node:net',
        bare: (messages) => each(own, messages, (line) => line.ask(next(), signal)),
        adapter: sending,
      },
      {
        what: 'mllp-out, node-hl7-client',
        bare: (messages) => each(others, messages, (line) => line.ask(next())),
        adapter: sending,
      },
      {
        what: 'mllp-in, node:net',
        bare: (messages) => asked(peer, portOf(bare), messages),
        adapter: taking,
      },
      {
        what: 'mllp-in, node-hl7-client',
        bare: (messages) => asked(peer, portOf(other), messages),
        adapter: taking,
      },
    ],
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

let number = 0;
const next = (): Buffer => MESSAGES[number++ % MESSAGES.length] as Buffer;

const lanes = <Lane>(open: () => Promise<Lane>): Promise<Lane[]> =>
  Promise.all(Array.from({ length: LINES }, open));

/** What a user of `node:net` reads of a message: the fields of its header. */
function headOf(body: Buffer): readonly string[] {
  const end = body.indexOf(CR);
  return body.toString('latin1', 0, end < 0 ? body.length : end).split('|');
}

/** Whole frames of a stream. */
class Frames {
  #rest: Buffer = Buffer.alloc(0);

  /** Undefined for bytes that are outside of a frame. */
  *of(chunk: Buffer): Generator<Buffer | undefined> {
    let rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (rest.length > 0) {
      if (rest[0] !== VT) yield undefined;
      const end = rest.indexOf(END);
      if (end < 0) break;
      yield rest.subarray(1, end);
      rest = rest.subarray(end + 2);
    }
    this.#rest = rest;
  }
}

interface Flight extends PromiseWithResolvers<Acknowledged> {
  readonly controlId: string;
}

interface Acknowledged {
  readonly code: string;
  readonly text: string;
  readonly type: string;
  readonly body: Buffer;
}

/**
 * With the promises of the adapter: a body that would be cut on the way is not sent; an answer counts that names the message;
 * one that comes unasked, too late or not at all ends the connection, whose message is known to be undecided at once.
 */
class Line {
  readonly #socket: Socket;
  readonly #frames = new Frames();
  readonly #earlier: string[] = [];
  #flight: Flight | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', (error) => this.#lose(error));
    socket.on('close', () => this.#lose(new Error('closed')));
    socket.on('data', (chunk: Buffer) => {
      for (const body of this.#frames.of(chunk)) this.#hear(body);
    });
  }

  static async at(port: number): Promise<Line> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    return new Line(socket);
  }

  async ask(body: Buffer, signal: AbortSignal): Promise<Acknowledged> {
    if (body.includes(VT) || body.includes(END)) throw new Error('it has marks of a frame in it');
    signal.throwIfAborted();
    if (!this.#socket.writable) throw new Error('closed');
    const controlId = headOf(body)[9] ?? '';
    const flight = { ...Promise.withResolvers<Acknowledged>(), controlId };
    this.#flight = flight;
    const abort = (): void => this.#lose(signal.reason);
    signal.addEventListener('abort', abort);
    const late = setTimeout(() => this.#lose(new Error('no answer in time')), 30_000);
    try {
      this.#socket.write(frame(body));
      const answer = await flight.promise;
      if (answer.code !== 'AA') throw new Error(`answered ${answer.code} ${answer.text}`);
      return answer;
    } finally {
      clearTimeout(late);
      signal.removeEventListener('abort', abort);
      if (this.#earlier.push(controlId) > LINES) this.#earlier.shift();
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  #hear(body: Buffer | undefined): void {
    const flight = this.#flight;
    if (body === undefined) return this.#lose(new Error('no frame'));
    const [head = '', ...segments] = body.toString('utf8').split('\r');
    const [, code = '', controlId = '', text = ''] =
      segments.find((one) => one.startsWith('MSA|'))?.split('|') ?? [];
    if (controlId !== flight?.controlId) {
      // a second answer to an earlier one is set aside
      if (!this.#earlier.includes(controlId)) this.#lose(new Error('an answer to nothing'));
      return;
    }
    this.#flight = undefined;
    const [, , , , , , , , type = ''] = head.split('|');
    flight.resolve({ code, text, type, body });
  }

  #lose(reason: Error): void {
    this.#flight?.reject(reason);
    this.#flight = undefined;
    this.#socket.destroy();
  }
}

/** A connection of node-hl7-client, as its documentation shows it: one message, then its answer. */
class OtherLine {
  readonly #connection: ReturnType<Client['createConnection']>;
  #answered: ((code: string) => void) | undefined;

  constructor(port: number) {
    const client = new Client({ host: '127.0.0.1' });
    this.#connection = client.createConnection({ port }, (answer) => {
      this.#answered?.(String(answer.getMessage().get('MSA.1')));
    });
  }

  async ask(body: Buffer): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<string>();
    this.#answered = resolve;
    await this.#connection.sendMessage(new Message({ text: body.toString('utf8') }));
    const code = await promise;
    if (code !== 'AA') throw new Error(`answered ${code}`);
  }

  close(): Promise<void> {
    return this.#connection.close();
  }
}

/** The same checks as the adapter: a header with type and number, bytes of the charset that it names, no second message. */
function problemIn(body: Buffer, head: readonly string[]): string | undefined {
  if (head[0] !== 'MSH' || !head[8] || !head[9]) return 'no header';
  if (head[17] === 'UNICODE UTF-8' && !isUtf8(body)) return 'not in its charset';
  if (body.includes('\rMSH|') || body.includes('\nMSH|')) return 'several messages';
  return undefined;
}

let answers = 0;

/** Who sent it is who gets the answer; a message is acknowledged once it is stored. */
async function answered(body: Buffer, origin: string | undefined): Promise<string> {
  const head = headOf(body);
  const [, encoding, application, facility, receiver, hospital] = head;
  const problem = problemIn(body, head);
  const [type = '', event = ''] = head[8]?.split('^') ?? [];
  const named = `HL7v2:${type}_${event}:${head[11]}`;
  const dedupeKey = head[9];
  if (problem === undefined) {
    await kept({ body, type: named, charset: head[17], origin, dedupeKey });
  }
  const at = new Date().toISOString().replaceAll(/[-:T]|\..*/g, '');
  answers += 1;
  const own = `${receiver}|${hospital}|${application}|${facility}`;
  const first = `MSH|${encoding}|${own}|${at}||ACK^${event}^ACK|A${answers}|${head[10]}|${head[11]}`;
  const said = problem === undefined ? `AA|${head[9]}` : `AR|${head[9]}|${problem}`;
  return `${first}\rMSA|${said}\r`;
}

/** Frames one after another, each stored before it is answered. */
async function listener(
  answer: (body: Buffer, origin: string | undefined) => Promise<string>,
): Promise<Server> {
  const server = createServer({ noDelay: true }, (socket) => {
    const frames = new Frames();
    let before = Promise.resolve();
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      for (const body of frames.of(chunk)) {
        if (body === undefined) {
          socket.destroy();
          return;
        }
        const last = before;
        const one = async (): Promise<void> => {
          await last;
          socket.write(frame(Buffer.from(await answer(body, socket.remoteAddress))));
        };
        before = one();
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** What node-hl7-server does with the codec and the messages of node-hl7-client: each is read whole, and its answer is one. */
async function otherListener(): Promise<Server> {
  const server = createServer({ noDelay: true }, (socket) => {
    const codec = new MLLPCodec();
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      if (!codec.receiveData(chunk)) return;
      const received = new Message({ text: codec.getLastMessage() ?? '' });
      const answering = async (): Promise<void> => {
        await kept(received);
        codec.sendMessage(socket, answerTo(received), 'utf-8');
      };
      answering().catch((error: unknown) => socket.destroy(error as Error));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function answerTo(received: Message): string {
  const field = (place: string): string => received.get(`MSH.${place}`).toString();
  answers += 1;
  const own = `${field('5')}|${field('6')}|${field('3')}|${field('4')}`;
  const head = `MSH|^~\\&|${own}|20261125081500||ACK^${field('9.2')}^ACK|A${answers}|P|${field('12')}`;
  return `${head}\rMSA|AA|${field('10')}\r`;
}

async function send({ port, messages }: Order): Promise<void> {
  const all = await lanes(() => Line.at(port));
  const { signal } = new AbortController();
  await each(all, messages, (line) => line.ask(next(), signal));
  for (const line of all) line.close();
}

if (process.argv[2] === '--peer') await serve(listener(answered), send);
