import { createServer } from 'node:net';
import type { Packet } from 'mqtt-packet';
import { describe, expect, test, vi } from 'vitest';
import mqttIn, { mqttInFaults, mqttInSettings } from '../../../adapters/mqtt/mqtt-in.ts';
import mqttOut, { mqttOutFaults, mqttOutSettings } from '../../../adapters/mqtt/mqtt-out.ts';
import type { Credential } from '../../../src/adapter/index.ts';
import { certificates } from '../../support/certificates.ts';
import { cuttingProxy } from '../../support/cutting-proxy.ts';
import { mosquitto, noMosquitto } from '../../support/mosquitto.ts';
import { packetsIn } from '../../support/mqtt-packets.ts';
import { ObedientStore } from '../../support/obedient-store.ts';
import {
  lend,
  messageOf,
  openInbound,
  openOutbound,
  readGiven,
  streamedBody,
  testSteps,
} from '../../support/open-adapter.ts';
import { tcpGate } from '../../support/tcp-gate.ts';
import { listening } from '../../support/tcp-server.ts';

const BODY = Buffer.from('{"a":1}');
const to = ({ port }: { readonly port: number }) => ({ connect: `127.0.0.1:${port}` });
const credentials: Record<string, Credential> = {
  hub: { kind: 'basic', user: 'hub', password: 'pw' },
  wrong: { kind: 'basic', user: 'hub', password: 'not the password' },
};
const options = { credentials };

const publishes = (bytes: Buffer) =>
  packetsIn(bytes).filter(
    (packet): packet is Packet & { cmd: 'publish' } => packet.cmd === 'publish',
  );

const bodiesOf = ({ delivered }: { readonly delivered: readonly { readonly body: Buffer }[] }) =>
  delivered.map(({ body }) => body.toString());

const ten = (round: number): string[] => Array.from({ length: 10 }, (_, n) => `${round}-${n}`);

const faultsIn = (given: Record<string, unknown>) =>
  mqttInFaults(readGiven(mqttInSettings, { connect: 'h:1883', ...given })).map(({ path }) => path);

describe.skipIf(noMosquitto !== undefined)('MQTT with Mosquitto', () => {
  test('a refused password is told, sent once, and never shown', async () => {
    await using peer = await mosquitto({ users: { hub: 'pw' } });
    const given = { ...to(peer), topic: 'x' };
    for (const version of ['5', '3.1.1']) {
      const error: unknown = await openOutbound(
        mqttOut,
        { ...given, version, credential: 'wrong' },
        options,
      ).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({
        code: 'ADAPTER_DISABLED',
        message: expect.stringMatching(/refused the sign-in \(as hub\)\. Check user and password/),
      });
      expect((error as Error).message).not.toContain('not the password');
      await using right = await openOutbound(
        mqttOut,
        { ...given, version, credential: 'hub' },
        options,
      );
      expect(await right.send(BODY)).toMatchObject({
        code: expect.stringMatching(/^(OK|NOBODY)$/),
      });
    }
    await using opened = await openInbound(
      mqttIn,
      { ...to(peer), topics: 'x', credential: 'wrong' },
      options,
    );
    expect(opened.events).toMatchObject([{ name: 'refused', level: 'error' }]);
    expect(opened.lost).toEqual([]);
    const steps = await testSteps(mqttOut, { ...given, credential: 'wrong' }, options);
    expect(steps.at(-1)).toMatchObject({ name: 'sign-in', result: 'failed' });
    const fine = await testSteps(mqttOut, { ...given, credential: 'hub' }, options);
    expect(fine.at(-1)).toMatchObject({ name: 'sign-in', result: 'passed' });
  });

  test('signs in by a certificate; TLS and other protocols are named', async () => {
    await using files = await certificates();
    const cert = await files.file('server.pem', files.server.certificate);
    const key = await files.file('server.key', files.server.key);
    await using peer = await mosquitto({
      lines: [
        `cafile ${files.trust}`,
        `certfile ${cert}`,
        `keyfile ${key}`,
        'require_certificate true',
        'use_identity_as_username true',
      ],
    });
    const given = { connect: `localhost:${peer.port}`, topic: 'x', qos: '0' };
    const all = { credentials: { client: files.client } };
    const tls = { trust: files.trust, certificate: 'client' };
    await using opened = await openOutbound(mqttOut, { ...given, tls }, all);
    expect(await opened.send(BODY)).toMatchObject({ code: 'OK' });
    expect(opened.peers).toEqual([{ name: 'localhost', subject: 'CN=localhost' }]);
    await expect(openOutbound(mqttOut, given, all)).rejects.toThrow('speaks TLS. Add a tls block');
    await using web = await listening(
      createServer((socket) => {
        socket
          .on('error', () => undefined)
          .on('data', () => socket.end('HTTP/1.1 400 Bad\r\n\r\n'));
      }),
    );
    await expect(openOutbound(mqttOut, { ...to(web), topic: 'x' })).rejects.toMatchObject({
      code: 'ADAPTER_NOT_CONNECTED',
      message: expect.stringContaining('is a web server'),
    });
  });

  test('publishes with type, properties and topic of the message, and tells what the broker says', async () => {
    await using peer = await mosquitto({
      users: { hub: 'pw' },
      rights: ['user hub', 'topic readwrite lab/#'],
    });
    const given = { ...to(peer), credential: 'hub', qos: '1' };
    await using opened = await openOutbound(
      mqttOut,
      { ...given, topic: 'lab/{name}/in', properties: ['from: {source}'], expiration: '1h' },
      options,
    );
    expect(await opened.send(BODY, { name: 'a/b+#' })).toMatchObject({ code: 'NOBODY' });
    await using received = await openInbound(
      mqttIn,
      { ...to(peer), credential: 'hub', topics: 'lab/#', retained: 'none' },
      options,
    );
    expect(await opened.send(BODY, { name: 'a/b+#', type: 'application/json' })).toMatchObject({
      code: 'OK',
    });
    await vi.waitFor(() => expect(received.delivered).toHaveLength(1));
    expect(received.delivered[0]).toMatchObject({
      type: 'application/json',
      origin: expect.stringMatching(/\/lab\/a_b__\/in$/),
    });
    await using denied = await openOutbound(mqttOut, { ...given, topic: 'other' }, options);
    expect(await denied.send(BODY)).toMatchObject({ code: 'DENIED' });
    await expect(
      openInbound(
        mqttIn,
        { ...to(peer), credential: 'wrong', topics: '#', clientId: 'c2' },
        options,
      ),
    ).resolves.toBeDefined();
  });

  test.for([
    ['1', 2],
    ['2', 1],
  ] as const)(
    'QoS %s: a message whose acknowledgement was lost goes on in the same session, marked, and arrives %i time(s)',
    async ([qos, times]) => {
      await using peer = await mosquitto();
      await using proxy = await cuttingProxy(peer.port);
      const given = to(proxy);
      const heard = await peer.listen('lab/#');
      const { lent } = lend(mqttOut.settings, { ...given, topic: 'lab/in', qos }, {});
      const send = async (id: number) => {
        const open = await mqttOut.open(lent);
        const sent = await open
          .send(messageOf(BODY, { id }), new AbortController().signal)
          .catch((error: unknown) => error);
        await open.close();
        return sent;
      };
      expect(await send(1)).toMatchObject({ code: 'OK' });
      // the next connection breaks in the answer that follows the one to its sign-in
      const [connack] = packetsIn(proxy.passed('toClient'));
      proxy.cutNext('toClient', (connack?.length ?? 0) + 3);
      expect(await send(2)).toMatchObject({ code: 'ADAPTER_NOT_CONNECTED' });
      expect(await send(2)).toMatchObject({ code: 'OK' });
      const sent = publishes(proxy.passed('toServer'));
      expect(sent.map(({ dup }) => dup)).toEqual([false, false, true]);
      expect(sent[2]?.messageId).toBe(sent[1]?.messageId);
      await peer.publish('lab/end', 'end');
      await vi.waitFor(() => expect(heard.heard.at(-1)?.toString()).toBe('end'));
      expect(heard.heard).toHaveLength(2 + times);
    },
  );

  test('takes messages in order, holds what cannot be stored, and goes on where it was after two losses', async () => {
    await using peer = await mosquitto();
    await using gate = await tcpGate(peer.port);
    const given = { ...to(gate), topics: 'lab/#', qos: '1' };
    let memory: string | undefined;
    const seen: string[] = [];
    for (let round = 0; round < 3; round++) {
      await using opened = await openInbound(mqttIn, given, {
        ...(memory !== undefined && { memory }),
      });
      opened.refuse();
      for (let n = 0; n < 10; n++) await peer.publish('lab/in', `${round}-${n}`);
      await vi.waitFor(() => expect(opened.refused).toBeGreaterThan(1));
      opened.accept();
      await vi.waitFor(() => expect(bodiesOf(opened).at(-1)).toBe(`${round}-9`), {
        timeout: 10_000,
      });
      seen.push(...bodiesOf(opened));
      await gate.shut();
      await vi.waitFor(() => expect(opened.lost).toHaveLength(1));
      ({ memory } = opened);
      await peer.publish('lab/in', `away-${round}`);
      await gate.open();
    }
    // an acknowledgement that was on its way may have been lost with the connection
    expect([...new Set(seen)]).toEqual([...ten(0), 'away-0', ...ten(1), 'away-1', ...ten(2)]);
  });

  test('a session that the broker did not keep is told', async () => {
    const given = { topics: 'lab/#' };
    let memory: string | undefined;
    {
      await using peer = await mosquitto();
      await using opened = await openInbound(mqttIn, { ...given, ...to(peer) });
      ({ memory } = opened);
      expect(opened.events.map(({ name }) => name)).toEqual(['connected']);
    }
    await using other = await mosquitto();
    await using again = await openInbound(
      mqttIn,
      { ...given, ...to(other) },
      { ...(memory !== undefined && { memory }) },
    );
    expect(again.events.map(({ name }) => name)).toEqual(['session-gone', 'connected']);
  });

  test.for([
    ['1', 'the same'],
    ['2', 'the same'],
    ['2', 'another'],
  ] as const)(
    'QoS %s: what was stored and not acknowledged comes again marked, and is not stored twice by %s process',
    async ([qos, process]) => {
      await using peer = await mosquitto();
      await using proxy = await cuttingProxy(peer.port);
      const given = to(proxy);
      const settings = { ...given, topics: 'lab/#', qos };
      const store = new ObedientStore(undefined);
      const first = lend(mqttIn.settings, settings, {}).lent;
      const open = (lent: typeof first) =>
        mqttIn.open({
          ...lent,
          deliver: (message, wanted) => store.deliver(message, wanted),
          lost: (reason) => store.lost.push(reason),
          memory: {
            read: async () => store.memory,
            write: async (value) => {
              store.memory = value;
            },
          },
        });
      const one = await open(first);
      store.hold();
      await peer.publish('lab/in', 'one', '-q', qos);
      await vi.waitFor(() => expect(store.waiting).toBe(1));
      proxy.freeze();
      store.release();
      await vi.waitFor(() => expect(store.delivered).toHaveLength(1));
      const noted = qos === '2' ? /"\d+":"/ : /filters/;
      await vi.waitFor(() => expect(store.memory).toMatch(noted));
      proxy.cutAll();
      await vi.waitFor(() => expect(store.lost).toHaveLength(1));
      await one.close();
      const direct = { ...settings, ...to(peer) };
      const two =
        process === 'the same'
          ? await open({
              ...first,
              settings: Object.assign(first.settings, {
                connect: { host: '127.0.0.1', port: peer.port },
              }),
            })
          : await open(lend(mqttIn.settings, direct, {}).lent);
      await peer.publish('lab/in', 'two');
      await vi.waitFor(() => expect(bodiesOf(store)).toEqual(['one', 'two']));
      await two.close();
    },
  );

  test('retained messages come once, or not at all', async () => {
    await using peer = await mosquitto();
    await peer.publish('lab/state', 'last', '-r');
    await using opened = await openInbound(mqttIn, { ...to(peer), topics: 'lab/#' });
    await vi.waitFor(() => expect(bodiesOf(opened)).toEqual(['last']));
    await opened.close();
    const { memory } = opened;
    await using again = await openInbound(
      mqttIn,
      { ...to(peer), topics: 'lab/#' },
      { ...(memory !== undefined && { memory }) },
    );
    await peer.publish('lab/x', 'new');
    await vi.waitFor(() => expect(bodiesOf(again)).toEqual(['new']));
    await using none = await openInbound(mqttIn, {
      ...to(peer),
      topics: 'lab/#',
      clientId: 'other',
      retained: 'none',
    });
    await peer.publish('lab/x', 'newer');
    await vi.waitFor(() => expect(bodiesOf(none)).toEqual(['newer']));
  });

  test('a shared subscription gives each message to one of two', async () => {
    await using peer = await mosquitto();
    const given = { ...to(peer), topics: 'lab/#', share: 'hubs' };
    await using one = await openInbound(mqttIn, { ...given, clientId: 'one' });
    await using two = await openInbound(mqttIn, { ...given, clientId: 'two' });
    for (let n = 0; n < 20; n++) await peer.publish('lab/in', `${n}`);
    await vi.waitFor(() => expect(one.delivered.length + two.delivered.length).toBe(20));
    expect(one.delivered.length).toBeGreaterThan(0);
    expect(two.delivered.length).toBeGreaterThan(0);
    expect(new Set([...bodiesOf(one), ...bodiesOf(two)]).size).toBe(20);
  });

  test('another client with the same id is named as what ended the connection', async () => {
    await using peer = await mosquitto();
    const given = { ...to(peer), topics: 'lab/#' };
    await using opened = await openInbound(mqttIn, given);
    await using other = await openInbound(mqttIn, given);
    await vi.waitFor(() => expect(opened.lost).toHaveLength(1));
    expect(opened.lost[0]?.message).toContain('another client signed in with the same clientId');
    expect(other.lost).toEqual([]);
  });

  test('speaks 3.1.1, with a body a thousand times larger', async () => {
    await using peer = await mosquitto();
    const given = { ...to(peer), version: '3.1.1' };
    await using received = await openInbound(mqttIn, { ...given, topics: 'lab/#', qos: '2' });
    await using opened = await openOutbound(mqttOut, { ...given, topic: 'lab/in', qos: '2' });
    const large = Buffer.alloc(7_000_000, 'HL7 ');
    expect(await opened.send(streamedBody(large))).toMatchObject({ code: 'OK' });
    await vi.waitFor(() => expect(received.delivered).toHaveLength(1), { timeout: 10_000 });
    expect(received.delivered[0]?.body.equals(large)).toBe(true);
  });

  test('a message above the limit of the broker fails with what to do', async () => {
    await using peer = await mosquitto({ lines: ['max_packet_size 20000'] });
    await using opened = await openOutbound(mqttOut, { ...to(peer), topic: 'x' });
    await expect(opened.send(Buffer.alloc(30_000))).rejects.toMatchObject({
      code: 'ADAPTER_REJECTED',
      message: expect.stringContaining('takes packets of'),
    });
  });

  test('keeps no more of QoS 0 in memory than 64 MB while the store is down, and says what it drops', async () => {
    await using peer = await mosquitto({ lines: ['max_queued_bytes 0', 'max_queued_messages 0'] });
    await using opened = await openInbound(mqttIn, { ...to(peer), topics: 'flood', qos: '0' });
    await using sender = await openOutbound(mqttOut, { ...to(peer), topic: 'flood' });
    opened.hold();
    for (let id = 0; id < 80; id++) await sender.send(Buffer.alloc(1_000_000), { id });
    await vi.waitFor(
      () => expect(opened.events.map(({ name }) => name)).toContain('message-lost'),
      {
        timeout: 10_000,
      },
    );
    opened.release();
    await vi.waitFor(() => expect(opened.delivered.length).toBeGreaterThan(60), {
      timeout: 10_000,
    });
    expect(opened.delivered.length).toBeLessThan(70);
    expect(opened.lost).toEqual([]);
  });

  test('a broker that falls silent costs the time of its sign of life', async () => {
    await using peer = await mosquitto();
    await using proxy = await cuttingProxy(peer.port);
    const given = to(proxy);
    await using opened = await openInbound(mqttIn, { ...given, topics: 'x', keepAlive: '1s' });
    proxy.freeze();
    await vi.waitFor(() => expect(opened.lost).toHaveLength(1), { timeout: 5_000 });
  });
});

test('settings that do not go together are told', () => {
  expect(faultsIn({ topics: [] })).toEqual([['topics']]);
  expect(faultsIn({ topics: 'a', share: 'a/b' })).toEqual([['share']]);
  const outbound = readGiven(mqttOutSettings, {
    connect: 'h:1883',
    topic: 'x',
    version: '3.1.1',
    properties: ['a: b'],
    expiration: '1h',
  });
  expect(mqttOutFaults(outbound).map(({ path }) => path)).toEqual([['properties'], ['expiration']]);
  expect(() => readGiven(mqttOutSettings, { connect: 'h:1', topic: 'a/+/b' })).toThrow(
    'without + and #',
  );
  expect(() => readGiven(mqttInSettings, { connect: 'h:1', topics: 'a/b#' })).toThrow(
    'whole levels',
  );
});
