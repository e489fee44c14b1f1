import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { allAdapters } from '../../adapters/index.ts';
import { readProduction } from '../../src/definition/read.ts';
import { mllpPeer } from '../support/mllp-peer.ts';
import { startNats } from '../support/nats.ts';
import { describeWithRabbit } from '../support/rabbit.ts';
import { run } from '../support/running.ts';

const FOLDER = join(import.meta.dirname, '../../productions/results-queue');

const order = (n: number): Buffer =>
  Buffer.from(
    `MSH|^~\\&|PORTAL|WARD${n % 2}|WB|H|20260101120000||ORM^O01^ORM_O01|${n}|P|2.5.1\rPID|1||4711\rORC|NW|A${n}\r`,
  );

describeWithRabbit('the example of a queue of orders', (broker) => {
  test('runs on two engines: each order once, its state where it is listened for', async () => {
    await using lab = await mllpPeer();
    const environment = {
      RABBIT: `127.0.0.1:${broker().port}`,
      RABBIT_PASSWORD: 'pw',
      LAB: `127.0.0.1:${lab.port}`,
    };
    const channel = await (await broker().client()).createConfirmChannel();
    await channel.assertQueue('hub.orders', { durable: true });
    await channel.assertQueue('states', { durable: true });
    await channel.bindQueue('states', 'amq.topic', 'orders.WARD1.#');
    const adapters = await allAdapters();
    const { definition, problems } = await readProduction(FOLDER, { adapters, environment });
    if (definition === undefined) throw new Error(JSON.stringify(problems));
    await using nats = await startNats();
    await using engines = new AsyncDisposableStack();
    engines.use(await run(nats, definition));
    engines.use(await run(nats, definition));
    for (let n = 0; n < 30; n++) channel.sendToQueue('hub.orders', order(n));
    await channel.waitForConfirms();
    await vi.waitFor(
      async () => {
        const got = lab.received.map((body) => /\rORC\|NW\|(\w+)/.exec(body.toString())?.[1]);
        expect(new Set(got).size).toBe(30);
        expect(got).toHaveLength(30);
        expect((await channel.checkQueue('states')).messageCount).toBe(15);
        expect((await channel.checkQueue('hub.orders')).messageCount).toBe(0);
      },
      { timeout: 20_000 },
    );
    const first = await channel.get('states', { noAck: true });
    expect(first && first.properties.headers).toEqual({
      'x-order': expect.stringMatching(/^A\d+$/),
    });
  });
});
