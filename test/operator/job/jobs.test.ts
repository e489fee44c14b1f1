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
