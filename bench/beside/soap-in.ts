import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Agent } from 'undici';
import { payloadOf, readEnvelope } from '../../adapters/soap/envelope.ts';
import soapIn from '../../adapters/soap/soap-in.ts';
import { listening } from '../lent.ts';
import { serveApart, serversApart } from './servers-apart.ts';
import { around, ORDER } from './soap-call.ts';
import { kept, type Subjects } from './subject.ts';

const CALL = around(ORDER);
const LARGEST = 50_000_000;
const XML = 'text/xml; charset=utf-8';

/** Calls of 1 KB at a web service of another process: soap-in beside node:http that reads each envelope in the same way. */
export async function soapInSubjects(): Promise<Subjects> {
  const servers = await serversApart<string>(fileURLToPath(import.meta.url));
  const at = (origin: string) => servers.turn((agent) => called(agent, origin));
  return {
    subjects: [{ what: 'soap-in', bare: at(servers.bare), adapter: at(servers.adapter) }],
    [Symbol.asyncDispose]: () => servers[Symbol.asyncDispose](),
  };
}

async function called(agent: Agent, origin: string): Promise<void> {
  const { statusCode, body } = await agent.request({
    origin,
    path: '/orders',
    method: 'POST',
    headers: { 'content-type': XML, soapaction: '"submit"' },
    body: CALL,
  });
  const answer = await body.text();
  if (statusCode !== 200 || !answer.includes('Envelope')) throw new Error(`answered ${answer}`);
}

interface Answered {
  readonly status: number;
  readonly text: string;
}

const fault = (status: number, code: string, text: string): Answered => ({
  status,
  text: around(
    `<soap:Fault><faultcode>soap:${code}</faultcode><faultstring>${text}</faultstring></soap:Fault>`,
  ),
});

/** The element of each call is stored, with its name and whose it is, before it is answered. */
async function answered(request: IncomingMessage): Promise<Answered> {
  const { method, headers, socket } = request;
  const type = headers['content-type'] ?? '';
  if (method !== 'POST') return fault(405, 'Client', 'POST');
  if (!/^(?:text|application)\/xml\b/.test(type)) return fault(415, 'Client', 'XML');
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LARGEST) return fault(413, 'Client', 'too large');
    chunks.push(chunk);
  }
  const [, charset] = /charset="?([^";]+)/.exec(type) ?? [];
  const envelope = readEnvelope(Buffer.concat(chunks), charset);
  if (envelope === undefined) return fault(500, 'VersionMismatch', 'no envelope');
  if (envelope.version !== '1.1') return fault(500, 'VersionMismatch', '1.1');
  const needed = envelope.headers.find((one) =>
    one.attributes.some(({ local, value }) => local === 'mustUnderstand' && value === '1'),
  );
  if (needed !== undefined) return fault(500, 'MustUnderstand', needed.local);
  const name = envelope.payload?.local ?? '';
  const body = Buffer.from(payloadOf(envelope));
  const origin = socket.remoteAddress;
  await kept({ body, type: 'application/xml', name, origin, action: headers['soapaction'] });
  return { status: 200, text: around('') };
}

async function bareServer(): Promise<string> {
  const server = createServer((request, response) => {
    const answer = async (): Promise<void> => {
      const { status, text } = await answered(request);
      const length = Buffer.byteLength(text);
      const headers = { 'content-type': XML, 'content-length': length, 'x-message-id': 1 };
      response.writeHead(status, headers).end(text);
    };
    answer().catch((error: unknown) => response.destroy(error as Error));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function serve(): Promise<void> {
  const own = await listening(soapIn);
  serveApart({ bare: await bareServer(), adapter: `http://${own}` });
}

if (process.argv[2] === '--serve') await serve();
