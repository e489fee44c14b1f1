import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { SaxesParser } from 'saxes';
import { Agent } from 'undici';
import soapOut from '../../adapters/soap/soap-out.ts';
import { around, ENVELOPE, ORDER } from './soap-call.ts';
import { type Spent, type Subjects, sender, timed } from './subject.ts';

const ANSWER = around('<o:accepted xmlns:o="urn:orders"><o:number>4711</o:number></o:accepted>');

/** The name of the first element of a body, if it is well-formed. */
function payloadIn(envelope: string): string {
  let first = '';
  let isIn = false;
  const parser = new SaxesParser({ xmlns: true });
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', ({ local, uri }) => {
    if (isIn && first === '') first = `{${uri}}${local}`;
    isIn ||= local === 'Body' && uri === ENVELOPE;
  });
  parser.write(envelope).close();
  return first;
}

/** What a user of an HTTP client writes: an envelope by hand, and a look for a fault in the answer. */
async function called(agent: Agent, origin: string, isChecked: boolean): Promise<void> {
  const envelope = around(ORDER);
  // as the adapter does: a service must not get what is no XML
  if (isChecked && payloadIn(envelope) === '') throw new Error('it is empty');
  const { statusCode, body } = await agent.request({
    origin,
    path: '/',
    method: 'POST',
    headers: { 'content-type': 'text/xml; charset=utf-8', soapaction: '"submit"' },
    body: envelope,
  });
  const first = payloadIn(await body.text());
  if (statusCode !== 200 || first !== '{urn:orders}accepted') throw new Error(`answered ${first}`);
}

/** Calls of a web service of another process beside undici and saxes: each answer is awaited and looked at for a fault. */
export async function soapSubjects(): Promise<Subjects> {
  await using undo = new AsyncDisposableStack();
  const service = fork(fileURLToPath(import.meta.url), ['--serve']);
  undo.defer(() => void service.kill());
  const [origin] = (await once(service, 'message')) as [string];
  const agent = new Agent({ connections: 16 });
  undo.defer(() => agent.destroy());
  const given = { url: `${origin}/`, action: 'submit' };
  const out = await sender(soapOut, given, { kind: 'basic', user: '', password: '' });
  undo.defer(() => out.close());
  const order = Buffer.from(ORDER);
  const adapter = (messages: number): Promise<Spent> => timed(messages, () => out.send(order));
  const bare =
    (isChecked: boolean) =>
    (messages: number): Promise<Spent> =>
      timed(messages, () => called(agent, origin, isChecked));
  const opened = undo.move();
  return {
    subjects: [
      { what: 'soap-out', bare: bare(true), adapter },
      { what: 'soap-out, beside less', bare: bare(false), adapter, isLess: true },
    ],
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

async function serve(): Promise<void> {
  const server = createServer((request, response) => {
    request.resume().once('end', () => {
      response.setHeader('content-type', 'text/xml; charset=utf-8');
      response.end(ANSWER);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

if (process.argv[2] === '--serve') await serve();
