import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import amqpIn from '../../../adapters/amqp/amqp-in.ts';
import amqpOut from '../../../adapters/amqp/amqp-out.ts';
import type { Credential } from '../../../src/adapter/index.ts';
import { type Certificates, certificates } from '../../support/certificates.ts';
import { openInbound, openOutbound, streamedBody, testSteps } from '../../support/open-adapter.ts';
import { describeWithRabbit } from '../../support/rabbit.ts';
import { tcpGate } from '../../support/tcp-gate.ts';
import { describeContracts } from './contract-of.ts';
import { describeVersion1 } from './version1.ts';

const BODY = Buffer.from('{"a":1}');
const credentials: Record<string, Credential> = {
  hub: { kind: 'basic', user: 'hub', password: 'pw' },
  reader: { kind: 'basic', user: 'reader', password: 'pw' },
  wrong: { kind: 'basic', user: 'hub', password: 'not the password' },
};
const options = { credentials };

let files: Certificates | undefined;
beforeAll(async () => {
  files = await certificates();
});
afterAll(() => files?.[Symbol.asyncDispose]());
const made = (): Certificates => {
  if (files === undefined) throw new Error('the certificates were not made');
  return files;
};

describeWithRabbit(
  'AMQP with RabbitMQ',
  (broker) => {
    describeContracts(broker);
    describeVersion1(broker);

    const to = () => ({ connect: `127.0.0.1:${broker().port}`, credential: 'hub' });

    async function freshQueue(arguments_: Record<string, unknown> = {}) {
      const client = await broker().client();
      const channel = await client.createConfirmChannel();
      const queue = randomUUID();
      await channel.assertQueue(queue, { durable: true, arguments: arguments_ });
      const put = async (...bodies: string[]): Promise<void> => {
        for (const body of bodies) channel.sendToQueue(queue, Buffer.from(body));
        await channel.waitForConfirms();
      };
      return { channel, queue, put };
    }

    test('publishes with properties and headers, and is done once the broker has confirmed', async () => {
      const { channel, queue } = await freshQueue();
      await using opened = await openOutbound(
        amqpOut,
        { ...to(), routingKey: queue, headers: ['x-from: {source}'], expiration: '1h' },
        options,
      );
      expect(await opened.send(BODY, { type: 'application/json' })).toMatchObject({ code: 'OK' });
      const got = await channel.get(queue, { noAck: true });
      if (got === false) throw new Error('the queue is empty');
      expect(got.content).toEqual(BODY);
      expect(got.properties).toMatchObject({
        contentType: 'application/json',
        messageId: 'test.7000001',
        deliveryMode: 2,
        expiration: '3600000',
        headers: { 'x-from': 'adt-in' },
      });
    });

    test('tells a message that no queue gets from one that is refused, and goes on', async () => {
      const { queue } = await freshQueue();
      const given = { ...to(), routingKey: '{type}' };
      await using opened = await openOutbound(amqpOut, given, options);
      const sent = await Promise.all(
        ['nowhere', queue, 'nowhere', queue].map((type, id) => opened.send(BODY, { type, id })),
      );
      expect(sent.map((reply) => reply?.code)).toEqual(['UNROUTED', 'OK', 'UNROUTED', 'OK']);
      expect(
        await opened.send(streamedBody(Buffer.alloc(9_000_000)), { type: queue }),
      ).toMatchObject({ code: 'TOOLARGE' });
      expect(await opened.send(BODY, { type: queue })).toMatchObject({ code: 'OK' });
      await using missing = await openOutbound(amqpOut, { ...given, exchange: 'none' }, options);
      expect(await missing.send(BODY)).toMatchObject({ code: 'NOEXCHANGE' });
      expect(await missing.send(BODY)).toMatchObject({ code: 'NOEXCHANGE' });
      await using denied = await openOutbound(
        amqpOut,
        { ...given, exchange: 'amq.direct', credential: 'reader' },
        options,
      );
      expect(await denied.send(BODY)).toMatchObject({ code: 'DENIED' });
    });

    test('a broker that does not confirm is told; the message is sent again with its id', async () => {
      await using gate = await tcpGate(broker().port);
      const { channel, queue } = await freshQueue();
      await using opened = await openOutbound(
        amqpOut,
        { ...to(), connect: `127.0.0.1:${gate.port}`, routingKey: queue, timeout: '1s' },
        options,
      );
      expect(await opened.send(BODY)).toMatchObject({ code: 'OK' });
      gate.pause();
      await expect(opened.send(BODY)).rejects.toMatchObject({ code: 'REPLY_TIMEOUT' });
      gate.resume();
      await expect(opened.send(BODY)).rejects.toMatchObject({ code: 'ADAPTER_NOT_CONNECTED' });
      await using again = await openOutbound(amqpOut, { ...to(), routingKey: queue }, options);
      expect(await again.send(BODY)).toMatchObject({ code: 'OK' });
      const first = await channel.get(queue, { noAck: true });
      expect(first && first.properties.messageId).toBe('test.7000001');
    });

    test('takes messages in order, holds what cannot be stored, and loses none over two losses of the connection', async () => {
      await using gate = await tcpGate(broker().port);
      const { channel, queue, put } = await freshQueue();
      const given = { ...to(), connect: `127.0.0.1:${gate.port}`, queue };
      const seen: string[] = [];
      for (let round = 0; round < 3; round++) {
        await using opened = await openInbound(amqpIn, given, options);
        opened.refuse();
        await put(...Array.from({ length: 30 }, (_, n) => `${round}-${n}`));
        await vi.waitFor(() => expect(opened.refused).toBeGreaterThan(1));
        expect(opened.delivered).toEqual([]);
        opened.accept();
        await vi.waitFor(() => expect(opened.delivered).toHaveLength(30), { timeout: 5_000 });
        seen.push(...opened.delivered.map(({ body }) => body.toString()));
        expect(opened.events.filter(({ name }) => name === 'not-stored-yet')).toHaveLength(1);
        await vi.waitFor(async () => {
          expect((await channel.checkQueue(queue)).messageCount).toBe(0);
        });
        await gate.shut();
        await vi.waitFor(() => expect(opened.lost).toHaveLength(1));
        expect(opened.lost[0]).toMatchObject({ code: 'ADAPTER_NOT_CONNECTED' });
        await gate.open();
      }
      const all = [0, 1, 2].flatMap((r) => Array.from({ length: 30 }, (_, n) => `${r}-${n}`));
      expect(seen).toEqual(all);
    });

    test('what was not stored when the connection was lost comes again', async () => {
      await using gate = await tcpGate(broker().port);
      const { queue, put } = await freshQueue();
      const given = { ...to(), connect: `127.0.0.1:${gate.port}`, queue };
      {
        await using opened = await openInbound(amqpIn, given, options);
        opened.refuse();
        await put('one', 'two');
        await vi.waitFor(() => expect(opened.refused).toBeGreaterThan(0));
        await gate.shut();
        await vi.waitFor(() => expect(opened.lost).toHaveLength(1));
      }
      await gate.open();
      await using again = await openInbound(amqpIn, given, options);
      await vi.waitFor(() => expect(again.delivered).toHaveLength(2), { timeout: 5_000 });
      expect(again.delivered.map(({ body }) => body.toString())).toEqual(['one', 'two']);
    });

    test('two engines share a queue: each message comes once; a body is a thousand times larger', async () => {
      const { channel, queue } = await freshQueue();
      await using one = await openInbound(amqpIn, { ...to(), queue, prefetch: 1 }, options);
      await using two = await openInbound(amqpIn, { ...to(), queue, prefetch: 1 }, options);
      for (let n = 0; n < 60; n++) {
        channel.sendToQueue(queue, Buffer.from(`${n}`), {
          messageId: `M${n}`,
          contentType: 'text/plain',
        });
      }
      channel.sendToQueue(queue, Buffer.alloc(7_000_000, 'x'));
      await channel.waitForConfirms();
      const all = () => [...one.delivered, ...two.delivered];
      await vi.waitFor(() => expect(all()).toHaveLength(61), { timeout: 10_000 });
      const small = all().filter(({ body }) => body.length < 10);
      expect(small.map(({ body }) => Number(body.toString())).toSorted((a, b) => a - b)).toEqual(
        Array.from({ length: 60 }, (_, n) => n),
      );
      expect(small.every(({ body, dedupeKey }) => dedupeKey === `M${body.toString()}`)).toBe(true);
      expect(one.delivered.length).toBeGreaterThan(0);
      expect(two.delivered.length).toBeGreaterThan(0);
    });

    test('names a queue that is not there, and hears when one goes', async () => {
      await expect(openInbound(amqpIn, { ...to(), queue: 'none' }, options)).rejects.toMatchObject({
        code: 'ADAPTER_NOT_CONNECTED',
        message: expect.stringContaining('has no queue none. Correct the name'),
      });
      const { channel, queue } = await freshQueue();
      await using opened = await openInbound(amqpIn, { ...to(), queue }, options);
      await channel.deleteQueue(queue);
      await vi.waitFor(() => expect(opened.lost).toHaveLength(1));
      expect(opened.lost[0]?.message).toContain(`The queue ${queue} is gone`);
    });

    test('a refused password is told with its cause, sent once, and never shown', async () => {
      const { queue } = await freshQueue();
      const wrong = { ...to(), credential: 'wrong' };
      const error: unknown = await openOutbound(
        amqpOut,
        { ...wrong, routingKey: queue },
        options,
      ).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({
        code: 'ADAPTER_DISABLED',
        message: expect.stringMatching(/refused the sign-in \(as hub\)\. Check user and password/),
      });
      expect((error as Error).message).not.toContain('not the password');
      await using opened = await openInbound(amqpIn, { ...wrong, queue }, options);
      expect(opened.events).toMatchObject([{ name: 'refused', level: 'error' }]);
      expect(opened.lost).toEqual([]);
      await expect(
        openOutbound(amqpOut, { ...to(), vhost: 'closed', routingKey: queue }, options),
      ).rejects.toMatchObject({
        code: 'ADAPTER_DISABLED',
        message: expect.stringContaining('no virtual host closed for us'),
      });
    });

    test('signs in by a certificate (EXTERNAL), and refuses a broker that is not the one', async () => {
      const { queue } = await freshQueue();
      const tls = { trust: made().trust, certificate: 'client' };
      const given = { connect: `localhost:${broker().tlsPort}`, routingKey: queue };
      const all = {
        credentials: { ...credentials, client: made().client, other: made().otherClient },
      };
      await using opened = await openOutbound(amqpOut, { ...given, tls }, all);
      expect(await opened.send(BODY)).toMatchObject({ code: 'OK' });
      expect(opened.events).toMatchObject([
        { text: expect.stringMatching(/^RabbitMQ 4\.0\.\d+, by the certificate client$/) },
      ]);
      await expect(
        openOutbound(amqpOut, { ...given, tls: { ...tls, certificate: 'other' } }, all),
      ).rejects.toMatchObject({ code: 'ADAPTER_DISABLED' });
      await expect(openOutbound(amqpOut, { ...given, tls: {} }, all)).rejects.toMatchObject({
        code: 'ADAPTER_NOT_CONNECTED',
        message: expect.stringContaining('certificate'),
      });
      await expect(
        openOutbound(amqpOut, { ...given, credential: 'hub' }, all),
      ).rejects.toMatchObject({
        code: 'ADAPTER_NOT_CONNECTED',
        message: expect.stringContaining('speaks TLS. Add a tls block'),
      });
    });

    test('is tried in steps', async () => {
      const { queue, put } = await freshQueue();
      await put('x');
      const steps = await testSteps(amqpIn, { ...to(), queue }, options);
      expect(steps.map(({ name, result }) => `${name} ${result}`)).toEqual(
        ['name', 'TCP', 'sign-in', 'permission'].map((name) => `${name} passed`),
      );
      expect(steps.at(-1)?.detail).toBe(`${queue} holds 1 messages and has 0 consumers`);
      const missing = await testSteps(
        amqpOut,
        { ...to(), exchange: 'none', routingKey: 'x' },
        options,
      );
      expect(missing.at(-1)).toMatchObject({ name: 'permission', result: 'failed' });
      const refused = await testSteps(amqpIn, { ...to(), queue, credential: 'wrong' }, options);
      expect(refused.at(-1)).toMatchObject({ name: 'sign-in', result: 'failed' });
    });
  },
  async () => ({
    tls: { server: made().server, authority: await readFile(made().trust, 'utf8') },
  }),
);
