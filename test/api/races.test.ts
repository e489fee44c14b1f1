import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { HostPage } from '../../src/api/contract/host.ts';
import type { MessagePage } from '../../src/api/contract/message.ts';
import { type Operated, operated } from '../support/operator.ts';

let production: Operated;

beforeAll(async () => {
  production = await operated();
});
afterAll(async () => production[Symbol.asyncDispose]());

const act = <Answer>(path: string, body: object = {}) =>
  production.ask<Answer>('POST', `/api/v1/${path}`, body);

const search = (body: object) => act<MessagePage>('messages/search', { limit: 2, ...body });

async function healthOf(host: string): Promise<string> {
  const { body } = await production.ask<HostPage>('GET', `/api/v1/hosts/${host}`);
  return body.host.health;
}

test('two people who stop and start one host at once leave it as one of them wanted, and the next word counts', async () => {
  const turns = Array.from({ length: 8 }, (_, n) =>
    act(`hosts/hl7-out/${n % 2 ? 'start' : 'stop'}`),
  );
  const answers = await Promise.all([...turns, act('hosts/hl7-out/restart')]);
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  await vi.waitFor(
    async () => expect(['off', 'running']).toContain(await healthOf('hl7-out')),
    8_000,
  );
  await act('hosts/hl7-out/stop', { reason: 'the last word' });
  await vi.waitFor(async () => expect(await healthOf('hl7-out')).toBe('off'), 8_000);
  await production.send('R1');
  expect(production.receiver.received).toEqual([]);
  await act('hosts/hl7-out/start');
  await vi.waitFor(() => expect(production.receiver.received).toHaveLength(1), 8_000);
  expect(await healthOf('hl7-out')).toBe('running');
});

test('pages join without gap or repetition while messages come in, and at equal times', async () => {
  for (let n = 0; n < 6; n += 1) await production.send(`P${n}`);
  await vi.waitFor(async () => {
    const { body } = await act<{ count: number }>('messages/count', { target: 'hl7-out' });
    expect(body.count).toBeGreaterThanOrEqual(7);
  });
  const ids: number[] = [];
  let after: string | undefined;
  let sent = 0;
  do {
    const body = { target: 'hl7-out', limit: 2, after };
    const { body: page } = await production.ask<MessagePage>(
      'POST',
      '/api/v1/messages/search',
      body,
    );
    ids.push(...page.items.map(({ id }) => id));
    after = page.next;
    await production.send(`Q${sent++}`);
  } while (after !== undefined);
  expect(ids).toEqual([...new Set(ids)].toSorted((a, b) => b - a));
  expect(ids.length).toBeGreaterThanOrEqual(7);
});

test('a cursor that was tampered with, or of another search, finds nothing it should not, and is no error', async () => {
  for (const after of [
    'm-1',
    'm1e9',
    'mm',
    's',
    'm99999999999999999',
    "m1' OR 1=1",
    's1.2.3',
    '',
  ]) {
    const { status, body } = await search({ after });
    expect([after, status, body]).toEqual([
      after,
      400,
      expect.objectContaining({ code: 'QUERY_INVALID' }),
    ]);
  }
  const old = await search({ after: 'm0' });
  expect(old.body).toMatchObject({ items: [], complete: true });
  const far = await search({ after: 'm9007199254740991' });
  expect(far.body.items).toHaveLength(2);
});
