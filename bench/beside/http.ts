import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { Agent } from 'undici';
import httpIn from '../../adapters/http/http-in.ts';
import httpOut from '../../adapters/http/http-out.ts';
import { listening } from '../lent.ts';
import { message } from '../messages.ts';
import { acknowledged } from './acknowledged.ts';
import { serveApart, serversApart } from './servers-apart.ts';
import { type Subjects, sender, timed } from './subject.ts';

const TYPE = 'application/hl7-v2';
const CONNECTIONS = 16;
const MESSAGES = Array.from({ length: 1_000 }, (_, n) => message(n).bytes);
/** Bytes of a body, and of an answer. */
const LARGEST = 16_000_000;

let number = 0;
const next = (): Buffer => MESSAGES[number++ % MESSAGES.length] as Buffer;

/** Requests over sixteen connections to servers of another process: beside undici, and beside node:http. */
export async function httpSubjects(): Promise<Subjects> {
  await using undo = new AsyncDisposableStack();
  const servers = undo.use(await serversApart<string>(fileURLToPath(import.meta.url)));
  const given = { url: servers.bare, connections: CONNECTIONS };
  const out = await sender(httpOut, given, { kind: 'basic', user: '', password: '' });
  undo.defer(() => out.close());
  const options = { connections: CONNECTIONS, headersTimeout: 30_000, bodyTimeout: 30_000 };
  const agent = new Agent(options);
  undo.defer(() => agent.destroy());
  const { signal } = new AbortController();
  const taken = (url: string) =>
    servers.turn(async (asker) => void (await posted(asker, url, signal)));
  const all = undo.move();
  return {
    subjects: [
      {
        what: 'http-out',
        bare: (messages) => timed(messages, () => posted(agent, servers.bare, signal)),
        adapter: (messages) => timed(messages, () => out.send(next())),
      },
      { what: 'http-in', bare: taken(servers.bare), adapter: taken(servers.adapter) },
    ],
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** A message that may be given up, and an answer with a limit, which says whether it is accepted. */
async function posted(agent: Agent, url: string, signal: AbortSignal): Promise<object> {
  const { origin, pathname: path } = new URL(url);
  const headers = { 'content-type': TYPE };
  const body = next();
  const answer = await agent.request({ origin, path, method: 'POST', headers, body, signal });
  const told = await collected(answer.body as AsyncIterable<Buffer>);
  if (answer.statusCode !== 202) throw new Error(`answered ${answer.statusCode}`);
  const [, msa = ''] = told.toString('utf8').split('\r');
  const [, code = '', , text = ''] = msa.split('|');
  if (code !== 'AA') throw new Error(`answered ${code} ${text}`);
  return { code, text, body: told, type: answer.headers['content-type'] };
}

async function collected(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > LARGEST) throw new Error('it is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

/** The status and the body of the answer. */
async function answerTo(request: IncomingMessage): Promise<readonly [number, string]> {
  if (request.method !== 'POST' || request.url !== '/in') return [404, 'nothing is here'];
  const { 'content-type': type, 'content-encoding': encoding } = request.headers;
  if (type !== TYPE || encoding !== undefined) return [415, 'not in HL7'];
  const body = await collected(request);
  if (body.length === 0) return [400, 'it is empty'];
  return [202, await acknowledged(body, request.socket.remoteAddress)];
}

/** What any service does: one address, the collected body, and an acknowledgement once it is stored. */
async function bareServer(): Promise<string> {
  const server = createServer((request, response) => {
    const answer = async (): Promise<void> => {
      const [status, told] = await answerTo(request);
      response.writeHead(status, {
        'cache-control': 'no-store',
        'content-type': TYPE,
        'content-length': Buffer.byteLength(told),
      });
      response.end(told);
    };
    answer().catch((error: unknown) => response.destroy(error as Error));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/in`;
}

async function serve(): Promise<void> {
  serveApart({ bare: await bareServer(), adapter: `http://${await listening(httpIn)}/in` });
}

if (process.argv[2] === '--serve') await serve();
