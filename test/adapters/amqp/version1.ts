import { describe, expect, test, vi } from 'vitest';
import amqpIn from '../../../adapters/amqp/amqp-in.ts';
import amqp1In from '../../../adapters/amqp/v1/amqp1-in.ts';
import amqp1Out from '../../../adapters/amqp/v1/amqp1-out.ts';
import { type Credential, RejectedError } from '../../../src/adapter/index.ts';
import { openInbound, openOutbound, testSteps } from '../../support/open-adapter.ts';
import type { Rabbit } from '../../support/rabbit.ts';
import { queueOf } from './contract-of.ts';

const credentials: Record<string, Credential> = {
  hub: { kind: 'basic', user: 'hub', password: 'pw' },
  reader: { kind: 'basic', user: 'reader', password: 'pw' },
  wrong: { kind: 'basic', user: 'hub', password: 'not the password' },
};
const options = { credentials };
const BODY = Buffer.from('{"a":1}');

/** Declares the tests of AMQP 1.0, against a running broker. */
export function describeVersion1(broker: () => Rabbit): void {
  const to = () => ({ connect: `127.0.0.1:${broker().port}`, credential: 'hub' });

  async function lab(arguments_: Record<string, unknown> = {}) {
    const at = await queueOf(broker(), { durable: true, arguments: arguments_ });
    return {
      ...at,
      address: `/queues/${at.queue}`,
      [Symbol.asyncDispose]: at.end,
      put: async (...bodies: string[]): Promise<void> => {
        for (const body of bodies) at.channel.sendToQueue(at.queue, Buffer.from(body));
        await at.channel.waitForConfirms();
      },
      /** How many messages nobody has in hand. */
      ready: async (name = at.queue): Promise<number> =>
        (await at.channel.checkQueue(name)).messageCount,
    };
  }

  describe('AMQP 1.0', () => {
    test('sends with properties and annotations, and takes what others send in each form', async () => {
      await using at = await lab();
      await using out = await openOutbound(
        amqp1Out,
        {
          ...to(),
          address: at.address,
          subject: '{type}',
          session: 'S1',
          properties: ['from: {source}'],
          annotations: ['x-opt-partition-key: p1'],
          timeToLive: '1h',
        },
        options,
      );
      expect(await out.send(BODY, { type: 'application/json' })).toMatchObject({ code: 'OK' });
      await using opened = await openInbound(amqp1In, { ...to(), address: at.address }, options);
      await vi.waitFor(() => expect(opened.delivered).toHaveLength(1));
      expect(opened.delivered[0]).toMatchObject({
        body: BODY,
        type: 'application/json',
        dedupeKey: 'test.7000001',
      });
      await at.put('from 0-9-1');
      await vi.waitFor(() => expect(opened.delivered).toHaveLength(2));
      await vi.waitFor(async () => expect(await at.ready()).toBe(0));
      await opened.close();
      await out.send(BODY, { type: 'application/json', id: 7 });
      const seen = await vi.waitFor(async () => {
        const got = await at.channel.get(at.queue, { noAck: true });
        if (got === false) throw new Error('nothing there');
        return got;
      });
      expect(seen.properties).toMatchObject({
        contentType: 'application/json',
        messageId: 'test.7',
      });
      expect(seen.properties.headers).toMatchObject({ from: 'adt-in' });
    });

    test('tells each refusal by its code, and goes on', async () => {
      await using at = await lab();
      const large = Buffer.alloc(9_000_000);
      await using out = await openOutbound(amqp1Out, { ...to(), address: at.address }, options);
      expect(await out.send(large)).toMatchObject({ code: 'TOOLARGE' });
      expect(await out.send(BODY)).toMatchObject({ code: 'OK' });
      const nowhere = { ...to(), address: '/exchanges/amq.direct/nobody' };
      await using unbound = await openOutbound(amqp1Out, nowhere, options);
      expect(await unbound.send(BODY)).toMatchObject({ code: 'RELEASED' });
      const missing = { ...to(), address: '/exchanges/none/x' };
      await expect(openOutbound(amqp1Out, missing, options)).rejects.toMatchObject({
        code: 'ADAPTER_NOT_CONNECTED',
        message: expect.stringContaining('has no /exchanges/none/x (amqp:not-found)'),
      });
      const denied = { ...nowhere, credential: 'reader' };
      const outcome = openOutbound(amqp1Out, denied, options).then((one) => one.send(BODY));
      await expect(outcome).rejects.toMatchObject({
        message: expect.stringContaining('amqp:unauthorized-access'),
      });
    });

    test('takes in order, gives back what cannot be stored, and loses none over losses of the connection', async () => {
      await using at = await lab();
      const given = { ...to(), ...at.connect, address: at.address, holdFor: '300ms' };
      const seen: string[] = [];
      for (let round = 0; round < 3; round++) {
        const full = await openInbound(amqp1In, given, options);
        full.refuse();
        await at.put(...Array.from({ length: 30 }, (_, n) => `${round}-${n}`));
        await vi.waitFor(() => expect(full.lost).toHaveLength(1));
        expect(full.lost[0]).toMatchObject({ code: 'ADAPTER_TEMPORARY' });
        expect(full.delivered).toEqual([]);
        await full.close();
        await using opened = await openInbound(amqp1In, given, options);
        await vi.waitFor(() => expect(opened.delivered).toHaveLength(30));
        seen.push(...opened.delivered.map(({ body }) => body.toString()));
        await vi.waitFor(async () => expect(await at.ready()).toBe(0));
        await at.gate.shut();
        await vi.waitFor(() => expect(opened.lost).toHaveLength(1));
        expect(opened.lost[0]).toMatchObject({ code: 'ADAPTER_NOT_CONNECTED' });
        await at.gate.open();
      }
      expect(seen).toEqual(
        [0, 1, 2].flatMap((r) => Array.from({ length: 30 }, (_, n) => `${r}-${n}`)),
      );
    });

    test('has no more in hand than prefetch says', async () => {
      await using at = await lab();
      const given = { ...to(), address: at.address, prefetch: 4 };
      await using opened = await openInbound(amqp1In, given, options);
      for (const round of [0, 1]) {
        opened.refuse();
        await at.put(...Array.from({ length: 20 }, (_, n) => `${round}-${n}`));
        await vi.waitFor(async () => expect(await at.ready()).toBe(16));
        opened.accept();
        await vi.waitFor(() => expect(opened.delivered).toHaveLength(20 * (round + 1)));
      }
    });

    test('a queue that is deleted under way is told, and so is one that was never there', async () => {
      await using at = await lab();
      const given = { ...to(), address: at.address };
      await using opened = await openInbound(amqp1In, given, options);
      await at.channel.deleteQueue(at.queue);
      await vi.waitFor(() => expect(opened.lost).toHaveLength(1));
      expect(opened.lost[0]).toMatchObject({ code: 'ADAPTER_NOT_CONNECTED' });
      await expect(openInbound(amqp1In, given, options)).rejects.toMatchObject({
        code: 'ADAPTER_NOT_CONNECTED',
        message: expect.stringContaining('(amqp:not-found)'),
      });
    });

    test('a broker that falls silent is found out in both directions', async () => {
      await using at = await lab();
      const given = { ...to(), ...at.connect, address: at.address };
      await using opened = await openInbound(amqp1In, { ...given, idleTimeout: '1s' }, options);
      await using out = await openOutbound(amqp1Out, { ...given, timeout: '1s' }, options);
      expect(await out.send(BODY)).toMatchObject({ code: 'OK' });
      await vi.waitFor(() => expect(opened.delivered).toHaveLength(1));
      at.gate.pause();
      await expect(out.send(BODY)).rejects.toMatchObject({ code: 'REPLY_TIMEOUT' });
      await expect(out.send(BODY)).rejects.toMatchObject({ code: 'ADAPTER_NOT_CONNECTED' });
      await vi.waitFor(() => expect(opened.lost).toHaveLength(1));
      at.gate.resume();
    });

    test.for(
      (['dead-letter', 'requeue', 'discard'] as const).flatMap((refused) => [
        { refused, version: '1.0' },
        { refused, version: '0-9-1' },
      ]),
    )('what is refused for good by $version: $refused', async ({ refused, version }) => {
      await using dead = await lab();
      await using at = await lab({
        'x-queue-type': 'quorum',
        'x-delivery-limit': 0,
        'x-dead-letter-exchange': '',
        'x-dead-letter-routing-key': dead.queue,
      });
      await using opened = await (version === '1.0'
        ? openInbound(amqp1In, { ...to(), address: at.address, refused }, options)
        : openInbound(amqpIn, { ...to(), queue: at.queue, refused }, options));
      opened.refuse(new RejectedError('No. Never.'));
      await at.put('bad');
      const event = () => opened.events.find(({ name }) => name === 'message-refused')?.text;
      await vi.waitFor(() => expect(event()).toContain('refused for good (ADAPTER_REJECTED)'));
      opened.accept();
      await at.put('good');
      await vi.waitFor(() => expect(opened.delivered).toHaveLength(1));
      expect(opened.delivered[0]?.body.toString()).toBe('good');
      const left = refused === 'discard' ? 0 : 1;
      await vi.waitFor(async () => expect(await dead.ready()).toBe(left));
      expect(opened.lost).toEqual([]);
    });

    test('a wrong password is told, a wrong port too, and the test names the step', async () => {
      await using at = await lab();
      const given = { ...to(), address: at.address };
      const elsewhere = { ...given, hostname: 'vhost:closed' };
      const secure = { ...given, connect: `127.0.0.1:${broker().tlsPort}`, connectTimeout: '1s' };
      // RabbitMQ answers to each of these after three seconds
      const [wrong, closed, plain, refused] = await Promise.all([
        openInbound(amqp1In, { ...given, credential: 'wrong' }, options),
        openOutbound(amqp1Out, elsewhere, options).catch((error: unknown) => error),
        openOutbound(amqp1Out, secure, options).catch((error: unknown) => error),
        testSteps(amqp1Out, { ...given, credential: 'wrong' }, options),
      ]);
      await wrong.close();
      expect(wrong.events).toMatchObject([{ name: 'refused', level: 'error' }]);
      expect(wrong.events[0]?.text).not.toContain('not the password');
      expect(closed).toMatchObject({
        code: 'ADAPTER_NOT_CONNECTED',
        message: expect.stringContaining('Check hostname (the virtual host)'),
      });
      expect(plain).toMatchObject({ code: 'ADAPTER_NOT_CONNECTED' });
      expect(refused.at(-1)).toMatchObject({ name: 'sign-in', result: 'failed' });
      const steps = await testSteps(amqp1In, given, options);
      expect(steps.map(({ name, result }) => `${name} ${result}`)).toEqual(
        ['name', 'TCP', 'sign-in', 'permission'].map((name) => `${name} passed`),
      );
      const missing = await testSteps(amqp1In, { ...given, address: '/queues/none' }, options);
      expect(missing.at(-1)).toMatchObject({ name: 'permission', result: 'failed' });
    });
  });
}
