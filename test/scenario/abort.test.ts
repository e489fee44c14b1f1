import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { freePort } from '../../sandbox/free-port.ts';
import type { MessagePage } from '../../src/api/contract/message.ts';
import { mllpReceiver } from '../support/mllp-peers.ts';
import { type Asked, type Operated, operated, WARD } from '../support/operator.ts';

let refuse = true;
let production: Operated;

beforeAll(async () => {
  production = await operated({
    production: WARD.replace(
      'settings: { connect',
      'replies: { AE: retry }\n    retry: { every: 1h, max: 1h }\n    settings: { connect',
    ),
    answer: () => (refuse ? 'AE' : 'AA'),
  });
  for (const id of ['Q1', 'Q2', 'Q3', 'Q4', 'Q5']) await production.send(id);
});
afterAll(async () => production[Symbol.asyncDispose]());

async function waiting(count: number): Promise<readonly number[]> {
  return vi.waitFor(async () => {
    const { body } = await production.ask<{ items: readonly { id: number }[] }>(
      'GET',
      '/api/v1/queues/hl7-out/messages',
    );
    expect(body.items).toHaveLength(count);
    return body.items.map(({ id }) => id);
  }, 10_000);
}

const abort = (id: number | undefined, body: object): Promise<Asked<unknown>> =>
  production.ask('POST', `/api/v1/messages/${id}/abort`, body);

const received = (): string[] => production.receiver.received.map(({ controlId }) => controlId);

test('one message is taken out of a line: the one that is tried again, one read ahead, one that no engine has', async () => {
  const [first, second, third, fourth] = await waiting(5);
  await vi.waitFor(() => expect(received()).toEqual(['Q1']));

  // read ahead by the line, behind the one that is tried again
  expect((await abort(third, { reason: 'sent by mistake' })).status).toBe(200);
  // the one that waits an hour for its next try: the line goes on with the next at once
  expect((await abort(first, { keep: true, reason: 'wrong ward' })).status).toBe(200);
  await vi.waitFor(() => expect(received()).toEqual(['Q1', 'Q2']));
  // no engine has it in hand while the host is stopped
  await production.ask('POST', '/api/v1/hosts/hl7-out/stop', {});
  expect((await abort(fourth, { reason: 'not needed' })).status).toBe(200);

  await vi.waitFor(async () => {
    const { body } = await production.ask<MessagePage>('POST', '/api/v1/messages/search', {
      target: 'hl7-out',
    });
    expect(Object.fromEntries(body.items.map(({ id, status }) => [id, status]))).toMatchObject({
      [first ?? 0]: 'suspended',
      [third ?? 0]: 'discarded',
      [fourth ?? 0]: 'discarded',
    });
  });
  const { body: told } = await production.ask('GET', `/api/v1/messages/${third}`);
  expect(JSON.stringify(told)).toContain('sent by mistake');

  // what is left goes on in its order, and nothing that was aborted is sent
  refuse = false;
  await production.ask('POST', '/api/v1/hosts/hl7-out/start', {});
  await vi.waitFor(() => expect(received()).toEqual(['Q1', 'Q2', 'Q2', 'Q5']), 10_000);
  expect((await waiting(0)).length).toBe(0);
  expect(second).toBeDefined();

  // what was set aside is resent like any suspended message
  expect((await production.ask('POST', `/api/v1/messages/${first}/resend`, {})).status).toBe(200);
  await vi.waitFor(() => expect(received().at(-1)).toBe('Q1'));

  const { body: log } = await production.ask<{ rows: { action: string; object: string }[] }>(
    'GET',
    '/api/v1/audit?action=message.abort',
  );
  expect(log.rows.map(({ object }) => object)).toEqual(
    [fourth, first, third].map((id) => `message ${id}`),
  );
});

test('a message that has its outcome cannot be aborted, and the answer says so', async () => {
  const { body } = await production.ask<MessagePage>('POST', '/api/v1/messages/search', {
    status: ['completed'],
    target: 'hl7-out',
  });
  const answer = await abort(body.items[0]?.id, { reason: 'too late' });
  expect(answer.status).toBe(409);
  expect(answer.body).toMatchObject({ code: 'CONFLICT' });
});

test('an aborted message that waited for a connection stays away when its host starts again', async () => {
  // a peer that never listens: the message waits for a connection
  const port = await freePort();
  await using unreachable = await operated({
    production: WARD.replace("'${env:CONNECT}'", `127.0.0.1:${port}`),
  });
  await unreachable.send('U1');
  const [id] = await vi.waitFor(async () => {
    const { body } = await unreachable.ask<{ items: readonly { id: number }[] }>(
      'GET',
      '/api/v1/queues/hl7-out/messages',
    );
    expect(body.items).toHaveLength(1);
    return body.items.map((item) => item.id);
  }, 10_000);
  const aborted = await unreachable.ask('POST', `/api/v1/messages/${id}/abort`, { reason: 'gone' });
  expect(aborted.status).toBe(200);
  await using peer = await mllpReceiver(undefined, port);
  await unreachable.ask('POST', '/api/v1/hosts/hl7-out/restart', {});
  await unreachable.send('U2');
  await vi.waitFor(
    () => expect(peer.received.map(({ controlId }) => controlId)).toEqual(['U2']),
    10_000,
  );
});
