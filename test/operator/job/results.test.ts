import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Job, JobAnswer, JobItems, JobResults } from '../../../src/api/contract/job.ts';
import type { Message, MessagePage, Session } from '../../../src/api/contract/message.ts';
import { idAtTime } from '../../../src/message/id.ts';
import { seenOf } from '../../../src/operator/job/follow-results.ts';
import { FOLLOWED_FOR } from '../../../src/operator/job/job-store.ts';
import { jobStore } from '../../../src/operator/job/stored-jobs.ts';
import { claimItem, settleItem } from '../../support/job-steps.ts';
import { type Operated, operated } from '../../support/operator.ts';
import { orderer } from '../../support/orderer.ts';
import { META_STORES, twoPlanes } from '../../support/two-planes.ts';

const PRODUCTION = `production: results
settings: { shutdownTimeout: 1s }
services:
  hl7-in: { adapter: mllp-in, settings: { listen: '\${env:LISTEN}' }, to: router }
processes:
  router:
    run: queued
    rules:
      - { name: all, send: [ward, lab] }
operations:
  ward: { adapter: mllp-out, settings: { connect: '\${env:CONNECT}' } }
  lab: { adapter: mllp-out, settings: { connect: '\${env:CONNECT}' } }
`;

let production: Operated;
/** What the receiver refuses, by control id. */
let refused: (controlId: string) => boolean = () => true;

beforeAll(async () => {
  production = await operated({
    production: PRODUCTION,
    answer: ({ controlId }) => (refused(controlId) ? 'AE' : 'AA'),
  });
  for (let n = 1; n <= 5; n++) await production.send(`R${n}`);
  await vi.waitFor(async () => {
    if ((await failed()).length < 10) throw new Error('not all of them have failed yet');
  }, 20_000);
});
afterAll(async () => production[Symbol.asyncDispose]());

async function failed(): Promise<readonly number[]> {
  const { body } = await production.ask<MessagePage>('POST', '/api/v1/messages/search', {
    status: ['error', 'suspended'],
    limit: 100,
  });
  return body.items.map(({ id }) => id);
}

function fail(why: string): never {
  throw new Error(why);
}

const api = async <Answer>(path: string): Promise<Answer> =>
  (await production.ask<Answer>('GET', `/api/v1/jobs/${path}`)).body;

async function resend(criteria: object, to?: string): Promise<number> {
  const { body } = await production.ask<JobAnswer>('POST', '/api/v1/jobs', {
    type: 'resend',
    criteria,
    to,
    reason: 'again',
  });
  expect(body.job).toBeDefined();
  return body.job?.id ?? 0;
}

const became = async (id: number): Promise<Job['became']> => (await api<Job>(`${id}`)).became;

test('a job says how many of its new messages were delivered and how many were refused again, and why', async () => {
  refused = (controlId) => controlId !== 'R1';
  const id = await resend({ status: ['error', 'suspended'], target: 'ward' });
  await vi.waitFor(
    async () =>
      expect(await became(id)).toMatchObject({ delivered: 1, refused: 4, 'under-way': 0 }),
    20_000,
  );
  // acting was done: what became of it is told beside that
  expect(await api<Job>(`${id}`)).toMatchObject({ state: 'finished', done: 5, failed: 0 });
  const { groups } = await api<JobResults>(`${id}/results`);
  expect(groups).toMatchObject([
    { state: 'refused', count: 4, host: 'ward', cause: expect.stringContaining('AE') },
    { state: 'delivered', count: 1, host: 'ward' },
  ]);
  const { items } = await api<JobItems>(`${id}/items?outcome=refused`);
  expect(items).toHaveLength(4);
  expect(items[0]?.outcome).toMatchObject({ state: 'refused', messageId: items[0]?.resultId });
});

test('of a new message that goes on to several targets, one that refuses makes it refused', async () => {
  refused = () => true;
  const id = await resend({ target: 'router' });
  await vi.waitFor(async () => expect((await became(id))?.refused).toBe(5), 20_000);
  refused = () => false;
  const again = await resend({ target: 'router', from: 0 });
  await vi.waitFor(async () => expect((await became(again))?.delivered).toBe(10), 20_000);
});

test('what waits for a host that is stopped is under way, and is told once it has gone', async () => {
  await production.ask('POST', '/api/v1/hosts/lab/stop', { reason: 'test' });
  const [message] = await failed();
  const id = await resend({ status: ['error', 'suspended'], target: 'lab', to: Date.now() }, 'lab');
  expect(message).toBeDefined();
  await vi.waitFor(async () => {
    const job = await api<Job>(`${id}`);
    expect(job.state).toBe('finished');
    expect(job.became?.['under-way']).toBe(job.total);
  }, 20_000);
  await vi.waitFor(async () => {
    const { groups } = await api<JobResults>(`${id}/results`);
    expect(groups).toMatchObject([{ state: 'under-way', host: 'lab' }]);
  }, 20_000);
  await production.ask('POST', '/api/v1/hosts/lab/start', { reason: 'test' });
  await vi.waitFor(async () => {
    const job = await api<Job>(`${id}`);
    expect(job.became?.delivered).toBe(job.total);
  }, 20_000);
});

test('how a message failed stays to be seen after a person has ended it, and what replaced it', async () => {
  refused = () => true;
  await production.send('E1');
  const [message] = await vi.waitFor(async () => {
    const { body } = await production.ask<MessagePage>('POST', '/api/v1/messages/search', {
      status: ['suspended'],
      target: 'ward',
      from: Date.now() - 10_000,
    });
    const own = body.items.filter(({ id, resendOf }) => resendOf === undefined && id > 0);
    if (own.length === 0) throw new Error('not there yet');
    return own;
  }, 20_000);
  const { id, sessionId, started = 0, created } = message ?? fail('no message');
  await production.ask('POST', `/api/v1/messages/${id}/resend`, { reason: 'again' });
  const session = await vi.waitFor(async () => {
    const { body } = await production.ask<Session>('GET', `/api/v1/sessions/${sessionId}`);
    if (body.past.length === 0 || body.resends.length === 0) throw new Error('not there yet');
    return body;
  }, 20_000);
  expect(session.past).toMatchObject([
    {
      messageId: id,
      status: 'suspended',
      started,
      error: { code: 'REPLY_UNEXPECTED' },
      reply: { code: 'AE', hasBody: true },
    },
  ]);
  const ended = session.messages.find((one) => one.id === id);
  expect(ended).toMatchObject({ status: 'discarded', by: expect.any(String) });
  // it waited in its queue until it was sent, not until somebody came
  expect(ended?.started).toBe(started);
  expect(started - created).toBeLessThan((ended?.done ?? 0) - created);
  const reply = await production.ask<{ text: string }>(
    'GET',
    `/api/v1/messages/${id}/body?part=reply`,
  );
  expect(reply.body.text).toContain('MSA|AE|E1');
  const again = await production.ask<Message>('GET', `/api/v1/messages/${session.resends[0]?.id}`);
  expect(again.body.resendOf).toBe(id);
  expect((await production.ask<Message>('GET', `/api/v1/messages/${id}`)).body.started).toBe(
    started,
  );
});

test('a look has an end: after seven days, and where the message has left the trace', () => {
  const now = Date.now();
  const item = (age: number, state?: 'under-way' | 'delivered') => ({
    n: 1,
    resultId: idAtTime(now - age),
    at: now - age,
    outcome: state && { state },
  });
  const open = { sessionId: 1, messageId: 1, host: 'ward', status: 'queued', open: true } as const;
  const keep = 30 * 86_400_000;
  const underWay = { ...open, state: 'under-way' } as const;
  expect(seenOf(item(60_000), undefined, { now, keep })).toBeUndefined();
  expect(seenOf(item(60_000), underWay, { now, keep })).toMatchObject({ followed: true });
  expect(seenOf(item(FOLLOWED_FOR + 1), underWay, { now, keep })).toMatchObject({
    end: { state: 'not-followed' },
    followed: false,
  });
  expect(seenOf(item(60_000, 'under-way'), undefined, { now, keep })).toMatchObject({
    end: { state: 'gone' },
    followed: false,
  });
  // an end that was seen stays, also where its message is purged just after
  expect(seenOf(item(60_000, 'delivered'), undefined, { now, keep })).toMatchObject({
    end: { state: 'delivered' },
    followed: false,
  });
  // an end is believed at once, and looked at again for a while
  const delivered = { ...open, state: 'delivered', open: false, status: 'completed' } as const;
  expect(seenOf(item(60_000, 'under-way'), delivered, { now, keep })).toMatchObject({
    followed: true,
  });
});

describe.each(META_STORES)('%s', (name, there) => {
  test.runIf(there)(
    'results are kept, gathered and counted; one plane goes on where another was',
    async () => {
      await using planes = await twoPlanes(name);
      const [one, other] = [jobStore(planes.one), jobStore(planes.other)];
      const order = {
        type: 'resend',
        orderer: orderer('ann'),
        reason: '',
        target: undefined,
      } as const;
      const { id } = await one.add({ ...order, ids: [1, 2, 3, 4] });
      for (const n of [1, 2, 3]) {
        await claimItem(one, id, n);
        await settleItem(one, id, { n, state: 'done', resultId: 100 + n });
      }
      // the plane ends while the fourth is ordered: its order has a name, so it is given again
      await claimItem(one, id, 4);
      await other.takeUp({ id }, Date.now() - 60_000);
      expect(await other.waiting(id, 9)).toMatchObject([{ n: 4 }]);
      await claimItem(other, id, 4);
      await other.takeUp({ id }, Date.now() + 60_000);
      expect(await other.items(id, { state: 'uncertain', limit: 9 })).toMatchObject([{ n: 4 }]);
      await other.end(id, 'finished');
      expect(await other.followedJobs()).toEqual([id]);
      expect(await other.followed(id, { after: 1, limit: 9 })).toMatchObject([
        { n: 2, resultId: 102 },
        { n: 3, resultId: 103 },
      ]);
      const refusal = { state: 'refused', host: 'ward', code: 'X', cause: 'no bed' } as const;
      const at = Date.now();
      await other.saw(id, [
        { n: 1, end: { state: 'delivered', host: 'ward' }, at, followed: false },
        { n: 2, end: { ...refusal, messageId: 102 }, at, followed: false },
      ]);
      await other.countEnded();
      expect(await one.purge(Date.now() + 1)).toEqual({ jobs: 0, messages: 0 });
      await other.saw(id, [{ n: 3, end: { ...refusal, messageId: 103 }, at, followed: false }]);
      await other.countEnded();
      expect(await one.results(id)).toEqual([
        { ...refusal, count: 2, messageId: 103 },
        { state: 'delivered', host: 'ward', count: 1 },
      ]);
      expect(await one.items(id, { outcome: 'refused', limit: 9 })).toHaveLength(2);
      expect(await one.find(id)).toMatchObject({
        total: 4,
        done: 3,
        failed: 1,
        became: { delivered: 1, refused: 2, 'under-way': 0 },
      });
      expect(await one.followedJobs()).toEqual([]);
      expect(await one.purge(Date.now() + 1)).toEqual({ jobs: 1, messages: 4 });
    },
  );
});
