import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Job, JobAnswer, JobItems } from '../../../src/api/contract/job.ts';
import type { Message, MessagePage, Resent } from '../../../src/api/contract/message.ts';
import { type Operated, operated } from '../../support/operator.ts';

let production: Operated;

beforeAll(async () => {
  production = await operated();
  for (let n = 1; n <= 5; n++) await production.send(`J${n}`);
  await vi.waitFor(async () => {
    if ((await completed()).length < 5) throw new Error('not all of them are settled');
  });
});
afterAll(async () => production[Symbol.asyncDispose]());

async function completed(): Promise<readonly Message[]> {
  const { body } = await production.ask<MessagePage>('POST', '/api/v1/messages/search', {
    status: ['completed'],
    target: 'hl7-out',
  });
  return body.items;
}

async function settled(id: number | undefined): Promise<Job> {
  return vi.waitFor(async () => {
    const { body } = await production.ask<Job>('GET', `/api/v1/jobs/${id}`);
    if (body.state === 'running') throw new Error('it still runs');
    return body;
  });
}

test('a dry run says how many it would be and does nothing', async () => {
  const { body } = await production.ask<JobAnswer>('POST', '/api/v1/jobs', {
    type: 'resend',
    criteria: { target: 'hl7-out' },
    reason: 'lost at the ward',
    dryRun: true,
  });
  expect(body).toMatchObject({ total: 5, complete: true });
  expect(body.job).toBeUndefined();
  expect(body.sample).toHaveLength(5);
});

test('a bulk resend sends exactly the frozen list and tells of each message', async () => {
  const before = await completed();
  const ids = before.slice(0, 3).map(({ id }) => id);
  const { body } = await production.ask<JobAnswer>('POST', '/api/v1/jobs', {
    type: 'resend',
    ids,
    reason: 'lost at the ward',
  });
  expect(await settled(body.job?.id)).toMatchObject({
    state: 'finished',
    total: 3,
    done: 3,
    failed: 0,
  });
  const { body: items } = await production.ask<JobItems>(
    'GET',
    `/api/v1/jobs/${body.job?.id}/items`,
  );
  expect(items.items.map(({ messageId }) => messageId)).toEqual(ids.toSorted((a, b) => a - b));
  await vi.waitFor(async () => {
    const made = await production.ask<Message>(
      'GET',
      `/api/v1/messages/${items.items[0]?.resultId}`,
    );
    expect(made.body).toMatchObject({ resendOf: items.items[0]?.messageId, status: 'completed' });
  });
});

test('a message that cannot be discarded fails by itself and with its cause', async () => {
  const [message] = await completed();
  const { body } = await production.ask<JobAnswer>('POST', '/api/v1/jobs', {
    type: 'discard',
    ids: [message?.id],
    reason: 'not needed',
  });
  expect(await settled(body.job?.id)).toMatchObject({ done: 0, failed: 1 });
  const { body: items } = await production.ask<JobItems>(
    'GET',
    `/api/v1/jobs/${body.job?.id}/items`,
  );
  expect(items.items[0]).toMatchObject({ state: 'failed', code: 'NOT_FOUND' });
});

test('an edited message is a new one, and the difference from the old one is shown by field', async () => {
  const [message] = await completed();
  const body = await production.ask<{ text: string }>(
    'GET',
    `/api/v1/messages/${message?.id}/body`,
  );
  const text = body.body.text.replace('Doe^John', 'Doe^Jane');
  const sent = await production.ask<Resent>('POST', `/api/v1/messages/${message?.id}/resend`, {
    text,
  });
  expect(sent.status).toBe(200);
  await vi.waitFor(async () => {
    const diff = await production.ask<{ fields: object[] }>(
      'GET',
      `/api/v1/messages/${sent.body.messageId}/diff?against=${message?.id}`,
    );
    expect(diff.body.fields).toEqual([
      {
        path: 'PID-5.2',
        name: 'Patient Name / Given Name',
        change: 'changed',
        before: 'John',
        after: 'Jane',
      },
    ]);
  });
  await vi.waitFor(() =>
    expect(production.receiver.received.at(-1)?.body.toString()).toContain('Doe^Jane'),
  );
});

test('of two who order the same messages from lists made at once, the second is told of the first; nothing is sent twice', async () => {
  await production.send('J-two');
  const [message] = await vi.waitFor(async () => {
    const { body } = await production.ask<MessagePage>('POST', '/api/v1/messages/search', {
      anyOf: ['J-two'],
      target: 'hl7-out',
      status: ['completed'],
    });
    if (body.items.length === 0) throw new Error('it is not settled');
    return body.items;
  });
  const order = { type: 'resend', ids: [message?.id], reason: 'lost' };
  const ask = (body: object) => production.ask<JobAnswer>('POST', '/api/v1/jobs', body);
  const lists = await Promise.all([1, 2, 3].map(() => ask({ ...order, dryRun: true })));
  const start = (n: number) =>
    ask({ type: 'resend', list: lists[n]?.body.list, reason: 'lost', dryRun: false });
  // the same order twice is one job
  const answers = await Promise.all([start(0), start(0), start(1)]);
  const made = answers.filter(({ status }) => status === 200).map(({ body }) => body.job?.id);
  expect(new Set(made).size).toBe(1);
  expect(answers.filter(({ status }) => status === 409)).toHaveLength(3 - made.length);
  await settled(made[0]);
  // also once it has ended
  const late = await start(2);
  expect(late).toMatchObject({ status: 409, body: { code: 'LIST_OUTDATED' } });
  await vi.waitFor(async () => {
    const { body } = await production.ask<MessagePage>('POST', '/api/v1/messages/search', {
      resendOf: message?.id,
    });
    expect(body.items).toHaveLength(1);
  });
  // who looks again sees it, and may do so all the same
  const again = await ask({ ...order, dryRun: false });
  expect(again.status).toBe(200);
  await settled(again.body.job?.id);
});

test('a message that somebody else has sent again or ended meanwhile is not sent once more unseen', async () => {
  await production.send('J-seen');
  const find = async (criteria: object) => {
    const { body } = await production.ask<MessagePage>('POST', '/api/v1/messages/search', criteria);
    return body.items;
  };
  const { id } = await vi.waitFor(async () => {
    const [found] = await find({ anyOf: ['J-seen'], target: 'hl7-out', status: ['completed'] });
    if (found === undefined) throw new Error('it is not settled');
    return found;
  });
  const resend = (seen: object | undefined, act = 'resend') =>
    production.ask<Resent>('POST', `/api/v1/messages/${id}/${act}`, { seen });
  // who knows the same and orders the same at once makes one message
  const both = await Promise.all([1, 2].map(() => resend({ status: 'completed' })));
  expect(both.map(({ status }) => status)).toEqual([200, 200]);
  const [first, second] = both.map(({ body }) => body.messageId);
  expect(second).toBe(first);
  await vi.waitFor(async () => expect(await find({ resendOf: id })).toHaveLength(1));
  for (const act of ['resend', 'reprocess'])
    expect(await resend({ status: 'completed' }, act)).toMatchObject({
      status: 409,
      body: { code: 'CONFLICT', detail: expect.stringContaining(`as ${first} meanwhile`) },
    });
  expect(await resend({ status: 'suspended', resent: first })).toMatchObject({
    status: 409,
    body: { detail: expect.stringContaining('is completed by now, no longer suspended') },
  });
  expect(await find({ resendOf: id })).toHaveLength(1);
  expect((await resend({ status: 'completed', resent: first })).status).toBe(200);
  // programs that say nothing of it send as before
  expect((await resend(undefined)).status).toBe(200);
  await vi.waitFor(async () => expect(await find({ resendOf: id })).toHaveLength(3));
});
