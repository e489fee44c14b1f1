import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { HostPage } from '../../src/api/contract/host.ts';
import type { MessagePage } from '../../src/api/contract/message.ts';
import { type Asked, type Operated, operated } from '../support/operator.ts';

let production: Operated;

beforeAll(async () => {
  production = await operated();
});
afterAll(async () => production[Symbol.asyncDispose]());

const put = (kind: string, body: object): Promise<Asked<unknown>> =>
  production.ask('PUT', `/api/v1/hosts/hl7-out/overrides/${kind}`, body);

async function host(): Promise<HostPage['host']> {
  return (await production.ask<HostPage>('GET', '/api/v1/hosts/hl7-out')).body.host;
}

const received = (): string[] => production.receiver.received.map(({ controlId }) => controlId);

test('a hold stops a host, is seen by all, and ends by itself', async () => {
  expect((await put('hold', { for: 3_000, reason: 'ward moves' })).status).toBe(200);
  await production.send('H1');
  const held = await host();
  expect(held).toMatchObject({ health: 'off', queue: { depth: 1 } });
  expect(held.overrides).toMatchObject([{ kind: 'hold', by: 'admin', reason: 'ward moves' }]);
  expect(received()).toEqual([]);
  await vi.waitFor(() => expect(received()).toEqual(['H1']), 8_000);
  await vi.waitFor(async () =>
    expect(await host()).toMatchObject({ health: 'running', overrides: [] }),
  );
});

test('a hold ends when somebody ends it', async () => {
  await put('hold', { for: 3_600_000, reason: 'ward moves' });
  await production.send('H2');
  expect((await production.ask('DELETE', '/api/v1/hosts/hl7-out/overrides/hold')).status).toBe(200);
  await vi.waitFor(() => expect(received().at(-1)).toBe('H2'));
});

test('in test mode nothing goes out, and what came is set aside to be resent', async () => {
  const before = received();
  await put('test', { for: 3_600_000, reason: 'new receiver' });
  await production.send('T1');
  const [aside] = await vi.waitFor(async () => {
    const { body } = await production.ask<MessagePage>('POST', '/api/v1/messages/search', {
      status: ['suspended'],
    });
    expect(body.items).toHaveLength(1);
    return body.items;
  });
  expect(received()).toEqual(before);
  await production.ask('DELETE', '/api/v1/hosts/hl7-out/overrides/test');
  await production.ask('POST', `/api/v1/messages/${aside?.id}/resend`, {});
  await vi.waitFor(() => expect(received().at(-1)).toBe('T1'));
});

test('a level belongs to the log level alone, and an unknown host is none', async () => {
  expect((await put('hold', { for: 3_000, reason: 'x', level: 'debug' })).status).toBe(400);
  expect((await put('log-level', { for: 3_000, reason: 'x' })).status).toBe(400);
  const nowhere = await production.ask('PUT', '/api/v1/hosts/nowhere/overrides/hold', {
    for: 3_000,
    reason: 'x',
  });
  expect(nowhere.status).toBe(404);
});
