import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { Agent } from 'undici';
import { payloadOf, readEnvelope } from '../../adapters/soap/envelope.ts';
import soapIn from '../../adapters/soap/soap-in.ts';
import { listening } from '../lent.ts';
import { kept, type Spent, type Subjects, timed } from './subject.ts';

const ENVELOPE = 'http://schemas.xmlsoap.org/soap/envelope/';
const around = (body: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<soap:Envelope xmlns:soap="${ENVELOPE}"><soap:Body>${body}</soap:Body></soap:Envelope>`;

const results = Array.from(
  { length: 12 },
  (_, n) =>
    `<result code="${718 + n}-7" unit="g/L"><value>${n * 3.5}</value><at>2026</at></result>`,
);
const CALL = around(
  `<o:submit xmlns:o="urn:orders"><o:number>4711</o:number>${results.join('')}</o:submit>`,
);
const LARGEST = 50_000_000;
const XML = 'text/xml; charset=utf-8';

/** Calls of 1 KB at a web service of another process: soap-in beside node:http that reads each envelope in the same way. */
export async function soapInSubjects(): Promise<Subjects> {
  await using undo = new AsyncDisposableStack();
  const servers = fork(fileURLToPath(import.meta.url), ['--serve']);
  undo.defer(() => void servers.kill());
  const [{ bare, adapter }] = (await once(servers, 'message')) as [
    { readonly bare: string; readonly adapter: string },
  ];
  const agent = new Agent({ connections: 16 });
  undo.defer(() => agent.destroy());
  const processor = async (): Promise<number> => {
    servers.send('processor');
    const [told] = (await once(servers, 'message')) as [number];
    return told;
  };
  const at =
    (origin: string) =>
    async (messages: number): Promise<Spent> => {
      const before = await processor();
      const { milliseconds } = await timed(messages, () => called(agent, origin));
      return { milliseconds, processor: (await processor()) - before };
    };
  const opened = undo.move();
  return {
    subjects: [{ what: 'soap-in', bare: at(bare), adapter: at(adapter) }],
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
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
  process.send?.({ bare: await bareServer(), adapter: `http://${own}` });
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    process.send?.((user + system) / 1_000);
  });
}

if (process.argv[2] === '--serve') await serve();
