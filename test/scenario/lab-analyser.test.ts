import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { allAdapters } from '../../adapters/index.ts';
import { freePort } from '../../sandbox/free-port.ts';
import { readProduction } from '../../src/definition/read.ts';
import { type AstmSide, astmDevice } from '../support/astm-device.ts';
import { mllpPeer } from '../support/mllp-peer.ts';
import { mllpSender } from '../support/mllp-sender.ts';
import { startNats } from '../support/nats.ts';
import { run } from '../support/running.ts';

const FOLDER = join(import.meta.dirname, '../../productions/lab-analyser');
const patiently = { timeout: 20_000 };

async function device(port: number): Promise<AstmSide> {
  return await vi.waitFor(() => astmDevice(port), patiently);
}

test('the example of an analyser runs: results, a query and an order over its one connection', async () => {
  await using record = await mllpPeer();
  await using nats = await startNats();
  const [analyserPort, ordersPort] = [await freePort(), await freePort()];
  const { definition } = await readProduction(FOLDER, {
    adapters: await allAdapters(),
    environment: {
      ANALYSER: `127.0.0.1:${analyserPort}`,
      ORDERS: `127.0.0.1:${ordersPort}`,
      RECORD: `127.0.0.1:${record.port}`,
    },
  });
  if (definition === undefined) throw new Error('the example cannot be read');
  await using _ = await run(nats, definition);
  await using analyser = await device(analyserPort);

  const result = await readFile(join(FOLDER, 'messages/result.astm'), 'latin1');
  expect(await analyser.send(result)).toBe('\x06');
  await vi.waitFor(() => expect(record.received).toHaveLength(1), patiently);
  expect(record.received[0]?.toString()).toMatch(
    /\rPID\|1\|\|4711\|\|Doe\^Jane\r[^]*\|160\|mmol\/L\|\|HH/,
  );

  expect(await analyser.send('H|\\^&\rQ|1|^S2||ALL\rL|1|N\r')).toBe('\x06');
  await vi.waitFor(() => expect(analyser.received).toHaveLength(1), patiently);
  expect(analyser.received[0]).toMatch(
    /^H\|\\\^&\|\|\|HUB\rP\|1\rO\|1\|S2\|\|\^\^\^CREA\|[^]*\rL\|1\|F\r$/,
  );

  await using orders = await mllpSender(ordersPort);
  orders.send(await readFile(join(FOLDER, 'messages/order.hl7')));
  await orders.answered(1);
  await vi.waitFor(() => expect(analyser.received).toHaveLength(2), patiently);
  expect(analyser.received[1]).toMatch(/\rP\|1\|4711\|\|\|Doe\^Jane\|[^]*\rO\|2\|S1\|\|\^\^\^NA\|/);

  // an analyser that was switched off and on again gets what came meanwhile
  await analyser[Symbol.asyncDispose]();
  orders.send(String(await readFile(join(FOLDER, 'messages/order.hl7'))).replace('|8|', '|9|'));
  await orders.answered(2);
  await using again = await device(analyserPort);
  await vi.waitFor(() => expect(again.received).toHaveLength(1), { timeout: 30_000 });
});
