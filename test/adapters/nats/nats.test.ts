import { createServer, type Socket } from 'node:net';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { headers, nkeys } from '@nats-io/transport-node';
import { describe, expect, test, vi } from 'vitest';
import natsIn, { natsInFaults, natsInSettings } from '../../../adapters/nats/nats-in.ts';
import natsOut from '../../../adapters/nats/nats-out.ts';
import type { Credential } from '../../../src/adapter/index.ts';
import { certificates } from '../../support/certificates.ts';
import { type NatsPeer, natsPeer } from '../../support/nats-peer.ts';
import {
  openInbound,
  openOutbound,
  readGiven,
  streamedBody,
  testSteps,
} from '../../support/open-adapter.ts';
import { tcpGate } from '../../support/tcp-gate.ts';
import { listening } from '../../support/tcp-server.ts';
import { troubledProxy } from '../../support/troubled-proxy.ts';

const BODY = Buffer.from('{"a":1}');
const to = ({ port }: Pick<NatsPeer, 'port'>) => ({ connect: `127.0.0.1:${port}` });

const bearer = (token: string): Credential => ({ kind: 'bearer', token: async () => token });

const credentials: Record<string, Credential> = {
  right: { kind: 'basic', user: 'hub', password: 'pw' },
  wrong: { kind: 'basic', user: 'hub', password: 'not the password' },
  token: bearer('a token'),
};

async function labStream(peer: NatsPeer, more: Record<string, unknown> = {}) {
  const client = await peer.client();
  const manager = await jetstreamManager(client);
  await manager.streams.add({ name: 'LAB', subjects: ['lab.>'], ...more });
  return { client, manager, js: jetstream(client) };
}

describe('signing in to NATS', () => {
  const USERS = 'authorization { users: [{ user: hub, password: pw }] }';

  test('a sign-in that came too late for the server is none that it refused', async () => {
    const lines = ['authorization { timeout: 0.2, users: [{ user: hub, password: pw }] }'];
    await using peer = await natsPeer({ lines });
    await using gate = await tcpGate(peer.port);
    gate.pause();
    const given = { ...to(gate), subject: 'lab.in', credential: 'right' };
    const opened = openOutbound(natsOut, given, { credentials });
    setTimeout(() => gate.resume(), 500);
    await expect(opened).rejects.toMatchObject({
      code: 'ADAPTER_NOT_CONNECTED',
      message: expect.stringMatching(/did not get user and password in time/),
    });
  });

  test('a refused password is told, sent once a minute, and never shown', async () => {
    await using peer = await natsPeer({ lines: [USERS] });
    const given = { ...to(peer), subject: 'lab.in' };
    const error: unknown = await openOutbound(
      natsOut,
      { ...given, credential: 'wrong' },
      { credentials },
    ).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'ADAPTER_DISABLED',
      message: expect.stringMatching(/refused the sign-in \(as hub\)\. Check user and password/),
    });
    expect((error as Error).message).not.toContain('not the password');
    await expect(openOutbound(natsOut, given)).rejects.toThrow('It wants a sign-in');
    await using opened = await openInbound(
      natsIn,
      { ...given, credential: 'wrong' },
      { credentials },
    );
    expect(opened.events).toMatchObject([{ name: 'refused', level: 'error' }]);
    expect(opened.lost).toEqual([]);
    const steps = await testSteps(natsOut, { ...given, credential: 'wrong' }, { credentials });
    expect(steps.at(-1)).toMatchObject({
      name: 'sign-in',
      result: 'failed',
      remedy: expect.any(String),
    });
    const right = await testSteps(natsOut, { ...given, credential: 'right' }, { credentials });
    expect(right.at(-1)).toMatchObject({
      name: 'sign-in',
      result: 'passed',
      detail: expect.stringContaining('as hub'),
    });
  });

  test('by a token and by an nkey', async () => {
    const user = nkeys.createUser();
    const seed = new TextDecoder().decode(user.getSeed());
    const given = { subject: 'lab.in', how: 'publish', credential: 'it' };
    for (const [line, token] of [
      ['authorization { token: "a token" }', 'a token'],
      [`authorization { users: [{ nkey: ${user.getPublicKey()} }] }`, `${seed}\n`],
    ] as const) {
      await using peer = await natsPeer({ lines: [line] });
      await using opened = await openOutbound(
        natsOut,
        { ...given, ...to(peer) },
        { credentials: { it: bearer(token) } },
      );
      expect(await opened.send(BODY)).toMatchObject({ code: 'OK' });
      await expect(
        openOutbound(natsOut, { ...given, ...to(peer) }, { credentials: { it: bearer('x') } }),
      ).rejects.toMatchObject({ code: 'ADAPTER_DISABLED' });
      const renewed: Credential = {
        kind: 'oauth2',
        token: async (_, options) => (options?.fresh === true ? token : 'of an older key'),
      };
      const at = { ...given, ...to(peer) };
      await using late = await openOutbound(natsOut, at, { credentials: { it: renewed } });
      expect(await late.send(BODY)).toMatchObject({ code: 'OK' });
    }
  });

  test('by TLS with a client certificate; a server without TLS, or without its name, is refused', async () => {
    await using files = await certificates();
    const [cert, key] = [
      await files.file('server.pem', files.server.certificate),
      await files.file('server.key', files.server.key),
    ];
    const tls = `tls { cert_file: "${cert}", key_file: "${key}", ca_file: "${files.trust}", verify_and_map: true }`;
    const users = 'authorization { users: [{ user: "CN=client-a" }] }';
    await using peer = await natsPeer({ lines: [tls, users] });
    const given = { connect: `localhost:${peer.port}`, subject: 'x', how: 'publish' };
    const all = { credentials: { right: files.client, other: files.otherClient } };
    const secure = (certificate: string) => ({
      ...given,
      tls: { trust: files.trust, certificate },
    });
    await using opened = await openOutbound(natsOut, secure('right'), all);
    expect(await opened.send(BODY)).toMatchObject({ code: 'OK' });
    expect(opened.peers).toEqual([{ name: 'localhost', subject: 'CN=localhost' }]);
    await expect(openOutbound(natsOut, secure('other'), all)).rejects.toThrow(
      /refused the sign-in \(by the certificate other\)/,
    );
    await expect(openOutbound(natsOut, given)).rejects.toThrow('wants TLS. Add a tls block');
    await expect(openOutbound(natsOut, { ...given, tls: {} })).rejects.toMatchObject({
      code: 'ADAPTER_NOT_CONNECTED',
      message: expect.stringMatching(/certificate/),
    });
    await using plain = await natsPeer();
    await expect(
      openOutbound(natsOut, { ...given, connect: `localhost:${plain.port}`, tls: {} }),
    ).rejects.toThrow('does not offer TLS');
  });

  test('a port of something else is named', async () => {
    await using web = await listening(
      createServer((socket) => {
        socket
          .on('error', () => undefined)
          .on('data', () => socket.end('HTTP/1.1 400 Bad\r\n\r\n'));
      }),
    );
    const error = await openOutbound(natsOut, {
      connect: `127.0.0.1:${web.port}`,
      subject: 'x',
    }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'ADAPTER_NOT_CONNECTED',
      message: expect.stringContaining('is a web server'),
    });
  });

  test('the first server of a cluster that answers is used', async () => {
    await using peer = await natsPeer();
    await using opened = await openOutbound(natsOut, {
      connect: ['127.0.0.1:1', `127.0.0.1:${peer.port}`],
      subject: 'x',
      how: 'publish',
    });
    expect(await opened.send(BODY)).toMatchObject({ code: 'OK' });
  });
});

describe('nats-out', () => {
  test('stores a message once, with its headers, on a subject whose words come from the message', async () => {
    await using peer = await natsPeer();
    const { js } = await labStream(peer);
    await using opened = await openOutbound(natsOut, {
      ...to(peer),
      subject: 'lab.{name}.in',
      headers: ['Ward: {source}\u0000x'],
    });
    const name = 'a.b c>*';
    expect(await opened.send(BODY, { name, type: 'application/json' })).toMatchObject({
      code: 'OK',
      text: 'stored in LAB as 1',
    });
    expect(await opened.send(BODY, { name })).toMatchObject({ code: 'REPEATED' });
    const stored = await (await js.streams.get('LAB')).getMessage({ seq: 1 });
    expect(stored?.subject).toBe('lab.a_b_c__.in');
    expect(stored?.header.get('Content-Type')).toBe('application/json');
    expect(stored?.header.get('Nats-Msg-Id')).toBe('test.7000001');
    expect(stored?.header.get('Ward')).toBe('adt-in x');
  });

  test('says that nobody takes a subject, that it is not allowed, and that a message is too large', async () => {
    await using peer = await natsPeer({
      lines: [
        'authorization { users: [{ user: hub, password: pw, permissions: { publish: ["lab.>", "$JS.>"], subscribe: ">" } }] }',
      ],
      as: { user: 'hub', pass: 'pw' },
    });
    const given = { ...to(peer), credential: 'right', timeout: '2s' };
    for (const how of ['stored', 'request'] as const) {
      await using opened = await openOutbound(
        natsOut,
        { ...given, subject: 'lab.x', how },
        { credentials },
      );
      expect(await opened.send(BODY)).toMatchObject({ code: 'NOBODY' });
      await expect(opened.send(streamedBody(Buffer.alloc(2_000_000)))).rejects.toMatchObject({
        code: 'ADAPTER_REJECTED',
        message: expect.stringContaining('max_payload'),
      });
    }
    for (const how of ['stored', 'request', 'publish'] as const) {
      await using opened = await openOutbound(
        natsOut,
        { ...given, subject: 'other', how },
        { credentials },
      );
      expect(await opened.send(BODY)).toMatchObject({ code: 'DENIED' });
    }
  });

  test('gives the reply to a request, or says that none came', async () => {
    await using peer = await natsPeer();
    const client = await peer.client();
    client.subscribe('ask', {
      callback: (_error, message) => {
        const header = headers();
        header.set('Content-Type', 'application/json');
        message.respond(Buffer.from(`{"got":${message.data.length}}`), { headers: header });
      },
    });
    client.subscribe('silent', { callback: () => undefined });
    await client.flush();
    await using opened = await openOutbound(natsOut, {
      ...to(peer),
      subject: 'ask',
      how: 'request',
    });
    const reply = await opened.send(BODY);
    expect(reply).toMatchObject({ code: 'OK', type: 'application/json' });
    expect(Buffer.from(reply?.body ?? []).toString()).toBe('{"got":7}');
    await using silent = await openOutbound(natsOut, {
      ...to(peer),
      subject: 'silent',
      how: 'request',
      timeout: '100ms',
    });
    await expect(silent.send(BODY)).rejects.toMatchObject({
      code: 'REPLY_TIMEOUT',
      retryable: true,
    });
  });

  test('is opened again after the server was gone twice, and stores each message once', async () => {
    await using peer = await natsPeer();
    await labStream(peer);
    const given = { ...to(peer), subject: 'lab.in' };
    for (let id = 1; id <= 3; id++) {
      await using opened = await openOutbound(natsOut, given);
      expect(await opened.send(BODY, { id })).toMatchObject({ text: `stored in LAB as ${id}` });
      await peer.stop();
      await expect(opened.send(BODY, { id: 10 })).rejects.toMatchObject({
        code: 'ADAPTER_NOT_CONNECTED',
      });
      await expect(openOutbound(natsOut, given)).rejects.toMatchObject({
        code: 'ADAPTER_NOT_CONNECTED',
      });
      await peer.start();
    }
  });
});

describe('nats-in', () => {
  test('takes what was refused again by itself, once, after the store came back', async () => {
    await using peer = await natsPeer();
    const { js, manager } = await labStream(peer);
    await using opened = await openInbound(natsIn, { ...to(peer), stream: 'LAB' });
    opened.refuse();
    await js.publish('lab.in', BODY, { msgID: 'M1' });
    await vi.waitFor(() => expect(opened.refused).toBeGreaterThan(1), { timeout: 5_000 });
    opened.accept();
    await vi.waitFor(() => expect(opened.delivered).toHaveLength(1), { timeout: 5_000 });
    expect(opened.delivered[0]).toMatchObject({
      type: 'application/json',
      dedupeKey: 'M1',
      origin: expect.stringMatching(/\/lab\.in$/),
    });
    await vi.waitFor(async () => {
      const { num_ack_pending: open } = await manager.consumers.info('LAB', 'test-under-test');
      expect(open).toBe(0);
    });
    expect(opened.events.filter(({ name }) => name === 'not-stored-yet')).toHaveLength(1);
  });

  test('goes on where it was after the server was gone twice, in order and without a gap', async () => {
    await using peer = await natsPeer();
    let { js } = await labStream(peer);
    const bodies: string[] = [];
    for (let round = 0; round < 3; round++) {
      await using opened = await openInbound(natsIn, { ...to(peer), stream: 'LAB' });
      for (let n = 0; n < 50; n++) await js.publish('lab.in', `${round}-${n}`);
      await vi.waitFor(() => expect(opened.delivered).toHaveLength(50), { timeout: 5_000 });
      bodies.push(...opened.delivered.map(({ body }) => body.toString()));
      await vi.waitFor(async () => {
        const manager = await jetstreamManager(await peer.client());
        const { num_ack_pending: open } = await manager.consumers.info('LAB', 'test-under-test');
        expect(open).toBe(0);
      });
      await peer.stop();
      await vi.waitFor(() => expect(opened.lost).toHaveLength(1));
      expect(opened.lost[0]).toMatchObject({ code: 'ADAPTER_NOT_CONNECTED' });
      await peer.start();
      js = jetstream(await peer.client());
    }
    const wanted = [0, 1, 2].flatMap((r) => Array.from({ length: 50 }, (_, n) => `${r}-${n}`));
    expect(bodies).toEqual(wanted);
  });

  test('hands out what is stored one at a time one at a time, also by a consumer of an earlier version; never changes one of others', async () => {
    await using peer = await natsPeer();
    const { manager } = await labStream(peer);
    const given = { ...to(peer), stream: 'LAB' };
    const inHand = async (consumer: string) =>
      (await manager.consumers.info('LAB', consumer)).config.max_ack_pending;
    await manager.consumers.add('LAB', { durable_name: 'test-under-test', ack_policy: 'explicit' });
    await manager.consumers.add('LAB', { durable_name: 'theirs', ack_policy: 'explicit' });
    expect(await inHand('test-under-test')).toBe(1_000);
    for (const [parallel, many] of [
      [1, 1],
      [4, 1_000],
      [1, 1],
    ]) {
      await using _ = await openInbound(natsIn, { ...given, parallel });
      expect(await inHand('test-under-test')).toBe(many);
      await using made = await openInbound(natsIn, { ...given, parallel, consumer: 'made' });
      expect(await inHand('made')).toBe(many);
      expect(made.states.at(-1)?.detail).toMatch(/consumer made$/);
    }
    await using theirs = await openInbound(natsIn, { ...given, consumer: 'theirs' });
    expect(await inHand('theirs')).toBe(1_000);
    expect(theirs.states.at(-1)?.detail).toContain('come again behind later ones');
  });

  test('two engines share a subject and a stream: each message comes once', async () => {
    await using peer = await natsPeer();
    const { js, client } = await labStream(peer);
    for (const given of [{ stream: 'LAB' }, { subject: 'core.>' }]) {
      await using one = await openInbound(natsIn, { ...to(peer), ...given });
      await using two = await openInbound(natsIn, { ...to(peer), ...given });
      for (let n = 0; n < 100; n++) {
        if ('stream' in given) await js.publish('lab.in', `${n}`);
        else client.publish('core.in', `${n}`);
      }
      await vi.waitFor(() =>
        expect(one.delivered.length + two.delivered.length).toBeGreaterThanOrEqual(100),
      );
      const all = [...one.delivered, ...two.delivered].map(({ body }) => Number(body.toString()));
      expect(all.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, n) => n));
    }
  });

  test('keeps what comes without a stream until it is stored, and says so', async () => {
    await using peer = await natsPeer();
    const client = await peer.client();
    await using opened = await openInbound(natsIn, { ...to(peer), subject: 'lab.*' });
    opened.refuse();
    client.publish('lab.a', 'one');
    client.publish('lab.a', 'two');
    await vi.waitFor(() => expect(opened.refused).toBeGreaterThan(0));
    opened.accept();
    await vi.waitFor(() => expect(opened.delivered).toHaveLength(2), { timeout: 5_000 });
    expect(opened.delivered.map(({ body }) => body.toString())).toEqual(['one', 'two']);
  });

  test('keeps no more in memory than 64 MB while the store is down, and says what it drops', async () => {
    await using peer = await natsPeer();
    const client = await peer.client();
    await using opened = await openInbound(natsIn, {
      ...to(peer),
      subject: 'flood',
      answer: 'stored',
    });
    opened.hold();
    for (let n = 0; n < 80; n++) {
      client.publish('flood', Buffer.alloc(1_000_000));
      // both ends are in this process: without a pause nobody reads, and the server cuts a slow reader off
      if (n % 4 === 3) await client.flush();
    }
    await vi.waitFor(() => expect(opened.events.map(({ name }) => name)).toContain('message-lost'));
    const refused = await client.request('flood', 'x'.repeat(1_000_000), { timeout: 5_000 });
    expect(refused.headers?.get('Nats-Service-Error-Code')).toBe('503');
    opened.release();
    await vi.waitFor(() => expect(opened.delivered.length).toBeGreaterThan(60), {
      timeout: 10_000,
    });
    expect(opened.delivered.length).toBeLessThan(70);
    expect((await client.request('flood', 'later', { timeout: 5_000 })).headers).toBeUndefined();
  });

  test('answers with what the target says, or why it did not go well', async () => {
    await using peer = await natsPeer();
    const client = await peer.client();
    await using opened = await openInbound(natsIn, {
      ...to(peer),
      subject: 'ask',
      answer: 'target',
    });
    opened.answer(() => ({
      reply: { body: Buffer.from('{"is":2}'), type: 'application/json', code: 'OK' },
      outcome: { status: 'completed' },
    }));
    const fine = await client.request('ask', BODY);
    expect([fine.string(), fine.headers?.get('Content-Type')]).toEqual([
      '{"is":2}',
      'application/json',
    ]);
    opened.answer(() => ({ outcome: { status: 'error', text: 'no' } }));
    const bad = await client.request('ask', BODY);
    expect(bad.headers?.get('Nats-Service-Error-Code')).toBe('500');
    opened.refuse();
    const later = await client.request('ask', BODY);
    expect(later.headers?.get('Nats-Service-Error-Code')).toBe('503');
  });

  test('names a stream that is not there, a consumer that acknowledges nothing, and a subject that is not allowed', async () => {
    await using peer = await natsPeer();
    const { manager } = await labStream(peer);
    await expect(openInbound(natsIn, { ...to(peer), stream: 'NONE' })).rejects.toMatchObject({
      code: 'ADAPTER_NOT_CONNECTED',
      message: expect.stringContaining('There is no stream NONE'),
    });
    await manager.consumers.add('LAB', { durable_name: 'lax', ack_policy: 'none' });
    await expect(
      openInbound(natsIn, { ...to(peer), stream: 'LAB', consumer: 'lax' }),
    ).rejects.toThrow('does not wait for an acknowledgement');
    const steps = await testSteps(natsIn, { ...to(peer), stream: 'NONE' });
    expect(steps.at(-1)).toMatchObject({ name: 'stream', result: 'failed' });
    const found = await testSteps(natsIn, { ...to(peer), stream: 'LAB' });
    expect(found.at(-1)).toMatchObject({
      result: 'passed',
      detail: 'LAB (lab.>) holds 0 messages',
    });
    await using strict = await natsPeer({
      lines: [
        'authorization { users: [{ user: hub, password: pw, permissions: { subscribe: "lab.>" } }] }',
      ],
      as: { user: 'hub', pass: 'pw' },
    });
    await expect(
      openInbound(
        natsIn,
        { ...to(strict), credential: 'right', subject: 'other' },
        { credentials },
      ),
    ).rejects.toMatchObject({
      code: 'ADAPTER_NOT_CONNECTED',
      message: expect.stringContaining('does not let us listen to other'),
    });
  });

  test('hears of a consumer that somebody removed', async () => {
    await using peer = await natsPeer();
    const { manager } = await labStream(peer);
    await using opened = await openInbound(natsIn, { ...to(peer), stream: 'LAB' });
    await manager.consumers.delete('LAB', 'test-under-test');
    await vi.waitFor(() => expect(opened.lost).toHaveLength(1), { timeout: 40_000 });
  });

  test.for([
    [{}, 'subject'],
    [{ subject: 'x', consumer: 'c' }, 'consumer'],
    [{ stream: 'S', group: 'g' }, 'group'],
    [{ stream: 'S', answer: 'stored' }, 'answer'],
  ] as const)('%o does not go together', ([given, path]) => {
    const read = readGiven(natsInSettings, { connect: 'h:4222', ...given });
    expect(natsInFaults(read).map((fault) => fault.path)).toEqual([[path]]);
  });
});

describe('a NATS server that stands still', () => {
  test('gets no further connection while earlier ones are open: each attempt is ended', async () => {
    const open = new Set<Socket>();
    let made = 0;
    await using server = await listening(
      createServer((socket) => {
        made += 1;
        open.add(socket);
        socket
          .on('error', () => undefined)
          .on('close', () => open.delete(socket))
          .resume();
      }),
    );
    const given = { connect: `127.0.0.1:${server.port}`, subject: 'x', connectTimeout: '50ms' };
    for (let n = 0; n < 3; n++) {
      await expect(openOutbound(natsOut, given)).rejects.toMatchObject({
        code: 'ADAPTER_NOT_CONNECTED',
      });
    }
    expect(made).toBeGreaterThanOrEqual(3);
    await vi.waitFor(() => expect(open.size).toBe(0));
  });

  test('holds up no stop of a service', async () => {
    await using peer = await natsPeer();
    await using proxy = await troubledProxy(peer.port);
    const opened = await openInbound(natsIn, {
      connect: `127.0.0.1:${proxy.port}`,
      subject: 'lab.in',
    });
    proxy.be('silent');
    const begin = performance.now();
    await opened.close();
    expect(performance.now() - begin).toBeLessThan(5_000);
  });
});
