import { once } from 'node:events';
import { connect } from 'node:net';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import httpIn from '../../../adapters/http/http-in.ts';
import websocketIn, { websocketInFaults } from '../../../adapters/websocket/websocket-in.ts';
import { websocketInSettings } from '../../../adapters/websocket/websocket-in-settings.ts';
import { freePort } from '../../../sandbox/free-port.ts';
import { certificates } from '../../support/certificates.ts';
import {
  type OpenedInbound,
  type OpenOptions,
  openInbound,
  readGiven,
  testSteps,
} from '../../support/open-adapter.ts';
import { tcpGate } from '../../support/tcp-gate.ts';
import { noWebsockets, type WebsocketPeer, websocketPeer } from '../../support/websocket-peer.ts';

const credentials = {
  account: { kind: 'basic', user: 'hub', password: 'pw' },
  wrong: { kind: 'basic', user: 'hub', password: 'not the password' },
} as const;

interface Service extends AsyncDisposable {
  readonly opened: OpenedInbound;
  readonly place: string;
}

async function service(given: object = {}, options: OpenOptions = {}): Promise<Service> {
  const opened = await openInbound(websocketIn, { listen: '127.0.0.1:0', ...given }, options);
  const [, place = ''] = /^([\d.]+:\d+)/.exec(opened.states.at(-1)?.detail ?? '') ?? [];
  return { opened, place, [Symbol.asyncDispose]: () => opened.close() };
}

const bodiesOf = ({ delivered }: OpenedInbound) => delivered.map(({ body }) => body.toString());
const basic = (password: string) => ({
  authorization: `Basic ${Buffer.from(`hub:${password}`).toString('base64')}`,
});
const faults = (given: Record<string, unknown>) =>
  websocketInFaults(readGiven(websocketInSettings, given, { credentials })).map(
    ({ path }) => path[0],
  );
const upgrade = (more = ''): string =>
  `GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${more}\r\n`;

describe.skipIf(noWebsockets !== undefined)('websocket-in with websockets of Python', () => {
  let python: WebsocketPeer;
  beforeAll(async () => {
    python = await websocketPeer();
  });
  afterAll(() => python[Symbol.asyncDispose]());

  test('answers each message in order by its template, text as text and binary as binary', async () => {
    await using one = await service({
      accepted: '{{"ack":"{json("/id")}","number":{id}}}',
      subprotocols: ['results.v1', 'results.v2'],
      key: 'json("/id")',
    });
    const messages = ['{"id":"a\\"b"}', Buffer.from('{"id":"2"}'), 'no json'];
    const url = `ws://${one.place}/`;
    const called = await python.call({
      url,
      messages,
      answers: 2,
      subprotocols: ['results.v2', 'x'],
      compress: true,
    });
    expect(called.subprotocol).toBe('results.v2');
    const answers = called.answers ?? [];
    expect(answers.map(({ text }) => text)).toEqual([true, false]);
    expect(JSON.parse(String(answers[0]?.body))).toMatchObject({ ack: 'a"b' });
    expect(JSON.parse(String(answers[1]?.body))).toMatchObject({ ack: '2' });
    await vi.waitFor(() => expect(bodiesOf(one.opened)).toEqual(messages.map(String)));
    expect(one.opened.delivered.map(({ dedupeKey }) => dedupeKey)).toEqual(['a"b', '2', undefined]);
    // no JSON, so the answer cannot be made of it
    expect(one.opened.events).toMatchObject([{ name: 'answer-unfit' }]);
  });

  test('answers with that of the target, and tells a failure from one that may be tried again', async () => {
    await using one = await service({ answer: 'target', answerTimeout: '1s' });
    const url = `ws://${one.place}/`;
    const asked = async (): Promise<string> =>
      String((await python.call({ url, messages: ['{}'], answers: 1 })).answers?.[0]?.body);
    one.opened.answer(() => ({
      reply: { body: Buffer.from('{"bed":4}'), type: 'application/json' },
      outcome: { status: 'completed' },
    }));
    expect(await asked()).toBe('{"bed":4}');
    one.opened.answer(() => ({ outcome: { status: 'error' } }));
    expect(await asked()).toBe('{"status":"refused"}');
    one.opened.refuse();
    expect(await asked()).toBe('{"status":"try again later"}');
  });

  test('signs callers in, refuses pages of other origins, and shares its port with a web service', async () => {
    const listen = `127.0.0.1:${await freePort()}`;
    await using web = await openInbound(httpIn, { listen, path: '/feed', methods: ['GET'] });
    await using one = await service(
      { listen, path: '/feed', callers: { kind: 'basic', credentials: ['account'] } },
      { credentials },
    );
    const call = (headers: Record<string, string>) =>
      python.call({ url: `ws://${listen}/feed`, messages: ['x'], answers: 1, headers });
    expect(await call({})).toEqual({ status: 401 });
    expect(await call(basic('wrong'))).toEqual({ status: 401 });
    expect(one.opened.events).toMatchObject([{ name: 'refused' }]);
    expect(await call({ ...basic('pw'), origin: 'https://elsewhere.example' })).toEqual({
      status: 403,
    });
    expect((await call({ ...basic('pw'), origin: `http://${listen}` })).answers).toHaveLength(1);
    expect(one.opened.delivered[0]?.origin).toBe('127.0.0.1 hub');
    const plain = await request(`http://${listen}/feed`);
    expect(plain.statusCode).toBe(202);
    await plain.body.dump();
    expect(web.delivered).toHaveLength(1);
    await web.close();
    const told = await request(`http://${listen}/feed`, { reset: true });
    expect(told.statusCode).toBe(426);
    await told.body.dump();
  });

  test('over TLS', async () => {
    await using files = await certificates();
    await using one = await service(
      { tls: { certificate: 'server' } },
      { credentials: { server: files.server } },
    );
    const url = `wss://localhost:${one.place.split(':')[1]}/`;
    const called = await python.call({ url, messages: ['x'], answers: 1, trust: files.trust });
    expect(called.answers).toHaveLength(1);
  });

  test('a message above limit, broken text and broken frames end only their own connection', async () => {
    await using one = await service({ limit: '100KB' });
    const url = `ws://${one.place}/`;
    const messages = [Buffer.alloc(200_000)];
    expect(await python.call({ url, messages, answers: 1 })).toMatchObject({ closed: 1009 });
    // unmasked, of an unknown kind, and text that is no UTF-8
    for (const bytes of ['\x81\x01x', '\x8f\x80\0\0\0\0', '\x81\x81\0\0\0\0\xff']) {
      const socket = connect(Number(one.place.split(':')[1]), '127.0.0.1');
      const ended = once(socket, 'close');
      socket.on('error', () => undefined).resume();
      socket.write(upgrade());
      socket.write(Buffer.from(bytes, 'latin1'));
      await ended;
    }
    const fine = await python.call({ url, messages: ['x'], answers: 1 });
    expect(fine.answers).toHaveLength(1);
    await vi.waitFor(() => expect(one.opened.events).toHaveLength(3));
    const told = one.opened.events.map(({ text }) => /\((\d+)\)/.exec(text)?.[1] ?? '');
    expect(new Set(told)).toEqual(new Set(['1002', '1007', '1009']));
    expect(one.opened.lost).toEqual([]);
  });

  test('reads no more than atOnce while the store is slow, and keeps the order', async () => {
    await using one = await service({ atOnce: 5 });
    one.opened.hold();
    const messages = Array.from({ length: 400 }, (_, n) => `${n} ${'x'.repeat(20_000)}`);
    const calling = python.call({ url: `ws://${one.place}/`, messages, answers: 400 });
    await vi.waitFor(() => expect(one.opened.waiting).toBe(5));
    one.opened.release();
    expect((await calling).answers).toHaveLength(400);
    expect(bodiesOf(one.opened)).toEqual(messages);
  });

  test('connects to a sender, greets it, takes what it says, and comes back twice', async () => {
    await using gate = await tcpGate(python.port);
    const callOut = { url: `ws://127.0.0.1:${gate.port}/locked/feed`, greeting: ['bind 7'] };
    for (let round = 0; round < 3; round++) {
      await using opened = await openInbound(
        websocketIn,
        { callOut: { ...callOut, credential: 'account' }, answer: 'none' },
        { credentials },
      );
      opened.refuse();
      await python.push('/locked/feed', `news ${round}`);
      await vi.waitFor(() => expect(opened.refused).toBeGreaterThan(0));
      opened.accept();
      await vi.waitFor(() => expect(bodiesOf(opened)).toEqual([`news ${round}`]));
      await gate.shut();
      await vi.waitFor(() => expect(opened.lost).toHaveLength(1));
      await gate.open();
    }
    const { received } = await python.at('/locked/feed');
    expect(received.map(({ body }) => body.toString())).toEqual(['bind 7', 'bind 7', 'bind 7']);
  });

  test('a refused sign-in at the sender waits for a person', async () => {
    const before = (await python.at('/refused')).opened;
    const callOut = { url: `ws://127.0.0.1:${python.port}/locked/x`, credential: 'wrong' };
    await using opened = await openInbound(websocketIn, { callOut }, { credentials });
    expect(opened.events).toMatchObject([{ name: 'refused', level: 'error' }]);
    expect(opened.lost).toEqual([]);
    expect((await python.at('/refused')).opened).toBe(before + 1);
    const steps = await testSteps(websocketIn, { callOut }, { credentials });
    expect(steps.at(-1)).toMatchObject({ name: 'WebSocket', result: 'failed' });
  });
});

test('a client that is gone without a word is noticed by its missing sign of life', async () => {
  await using one = await service({ ping: '100ms' });
  const socket = connect(Number(one.place.split(':')[1]), '127.0.0.1');
  const closed = once(socket, 'close');
  // reads, and never answers a ping
  socket.on('error', () => undefined).resume();
  socket.write(upgrade());
  await closed;
  await vi.waitFor(() => expect(one.opened.events).toMatchObject([{ name: 'connection-closed' }]));
});

test('settings that do not go together are told', () => {
  const callOut = { url: 'wss://h/' };
  expect(faults({})).toEqual(['listen']);
  expect(faults({ listen: '0.0.0.0:1', callOut, origins: ['*'] })).toEqual(['listen', 'origins']);
  expect(faults({ listen: '0.0.0.0:1', callers: { kind: 'certificate' } })).toEqual(['callers']);
  expect(faults({ callOut })).toEqual([]);
});
