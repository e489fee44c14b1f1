import { expect, test, vi } from 'vitest';
import type { QueuedMessages, Queues } from '../../src/api/contract/host.ts';
import { operated, WARD } from '../support/operator.ts';

test('what waits for a host that is not reached is told with its type and search fields, and when it is tried again', async () => {
  await using production = await operated({
    production: WARD.replace('env:CONNECT', 'env:SPARE'),
  });
  await production.send('Q1', { mrn: '4711' });
  const queue = await vi.waitFor(async () => {
    const { body } = await production.ask<Queues>('GET', '/api/v1/queues');
    const [first] = body.queues;
    expect(first).toMatchObject({ host: 'hl7-out', health: 'disconnected', depth: 1 });
    expect(first?.reconnect).toBeGreaterThan(body.at - 60_000);
    return first;
  });
  expect(queue?.retrying).toBeUndefined();
  const waiting = async (query: string) =>
    (await production.ask<QueuedMessages>('GET', `/api/v1/queues/hl7-out/messages${query}`)).body
      .items;
  await vi.waitFor(async () => {
    expect(await waiting('?fields=mrn')).toMatchObject([
      {
        status: 'queued',
        source: 'hl7-in',
        type: 'HL7v2:ADT_A01:2.5.1',
        fields: { mrn: ['4711'] },
      },
    ]);
  });
  const [plain] = await waiting('');
  expect(plain?.fields).toBeUndefined();
});
