import { Kvm } from '@nats-io/kv';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Job, JobAnswer } from '../../../src/api/contract/job.ts';
import type { Message, MessagePage, Resent, Session } from '../../../src/api/contract/message.ts';
import { connectBroker } from '../../../src/broker/broker.ts';
import { headersFrom, type InStream } from '../../../src/broker/find-by-id.ts';
import { gone } from '../../support/gone.ts';
import { type Asked, type Operated, operated } from '../../support/operator.ts';

const PRODUCTION = `production: once
services:
  hl7-in: { adapter: mllp-in, settings: { listen: '\${env:LISTEN}' }, to: router }
processes:
  router:
    rules:
      - { name: known, when: 'field("PID-3.1") != "0"', send: hl7-out }
      - otherwise: suspend
operations:
  hl7-out: { adapter: mllp-out, settings: { connect: '\${env:CONNECT}' } }
`;

let production: Operated;

beforeAll(async () => {
  production = await operated({ production: PRODUCTION });
});
afterAll(async () => production[Symbol.asyncDispose]());

async function found(criteria: object, count: number): Promise<readonly Message[]> {
  return vi.waitFor(async () => {
    const { body } = await production.ask<MessagePage>('POST', '/api/v1/messages/search', criteria);
    if (body.items.length < count) throw new Error('it is not traced yet');
    return body.items;
  }, 20_000);
}

/** Sends an act as a browser does that was told, or not, to do it once. */
async function act<Answer>(path: string, body: object, key?: string): Promise<Asked<Answer>> {
  const response = await fetch(new URL(path, production.url), {
    method: 'POST',
    body: JSON.stringify(body),
    headers: {
      'content-type': 'application/json',
      ...(key === undefined ? {} : { 'idempotency-key': key }),
    },
  });
  const { status, headers } = response;
  return { status, headers, body: (await response.json()) as Answer };
}

test('an order that comes twice under one name is done once; under another name, or edited, anew', async () => {
  await production.send('O1');
  const [message] = await found({ source: 'router', target: 'hl7-out', status: ['completed'] }, 1);
  const path = `/api/v1/messages/${message?.id}/resend`;
  const [one, two] = await Promise.all([act<Resent>(path, {}, 'a'), act<Resent>(path, {}, 'a')]);
  expect(two.body).toEqual(one.body);
  expect((await act<Resent>(path, {}, 'a')).body).toEqual(one.body);
  await found({ resendOf: message?.id, status: ['completed'] }, 1);
  expect(production.receiver.received).toHaveLength(2);
  const other = await act<Resent>(path, {}, 'b');
  expect(other.body.messageId).not.toBe(one.body.messageId);
  const text = 'MSH|^~\\&|ADT|HOSP|WARD|HOSP|20260101120000||ADT^A01^ADT_A01|O1|P|2.5.1\r';
  expect((await act<Resent>(path, { text }, 'a')).body.messageId).not.toBe(one.body.messageId);
  await vi.waitFor(() => expect(production.receiver.received).toHaveLength(4));
});

test('of two people who resend a suspended message at once, one does and the other is told', async () => {
  const before = production.receiver.received.length;
  await production.send('S1', { mrn: '0' });
  const [message] = await found({ source: 'hl7-in', target: 'router', status: ['suspended'] }, 1);
  const path = `/api/v1/messages/${message?.id}/resend`;
  const answers = await Promise.all([
    act<{ detail?: string }>(path, { to: 'hl7-out' }),
    act<{ detail?: string }>(path, { to: 'hl7-out' }),
  ]);
  expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 404]);
  const refused = answers.find(({ status }) => status === 404);
  expect(refused?.body.detail).toMatch(/somebody else/);
  await vi.waitFor(() => expect(production.receiver.received).toHaveLength(before + 1));
});

test('of two people of whom one discards and one resends a suspended message, one does', async () => {
  for (const [n, second] of ['discard', 'resend', 'discard', 'resend'].entries()) {
    const before = production.receiver.received.length;
    const from = Date.now();
    await production.send(`D${n}`, { mrn: '0' });
    const waiting = { from, source: 'hl7-in', target: 'router', status: ['suspended'] };
    const [message] = await found(waiting, 1);
    const path = `/api/v1/messages/${message?.id}`;
    const answers = await Promise.all([
      act<object>(`${path}/discard`, { reason: 'one' }),
      act<object>(
        `${path}/${second}`,
        second === 'discard' ? { reason: 'two' } : { to: 'hl7-out' },
      ),
    ]);
    const done = answers.map(({ status }) => status);
    expect(done.toSorted((a, b) => a - b)).toEqual([200, 404]);
    const resent = second === 'resend' && done[1] === 200 ? 1 : 0;
    await vi.waitFor(async () => {
      const { body } = await production.ask<Session>('GET', `/api/v1/sessions/${message?.id}`);
      expect(body.messages.find(({ id }) => id === message?.id)?.status).toBe('discarded');
      expect(body.past.filter(({ status }) => status === 'discarded')).toEqual([]);
    });
    await vi.waitFor(() => expect(production.receiver.received).toHaveLength(before + resent));
  }
});

const ended = (id: number): Promise<Job> =>
  vi.waitFor(async () => {
    const { body } = await production.ask<Job>('GET', `/api/v1/jobs/${id}`);
    expect(body.state).toBe('finished');
    return body;
  }, 20_000);

test('a job is about exactly the list that was looked at, and pressed twice it is one', async () => {
  const order = { type: 'resend', criteria: { target: 'router' }, reason: 'lost at the ward' };
  const seen = await act<JobAnswer>('/api/v1/jobs', { ...order, dryRun: true });
  expect(seen.body.total).toBe(6);
  await production.send('N1');
  await found({ source: 'hl7-in', target: 'router' }, 7);
  // what the first job makes is not in the list of the second
  const criteria = { target: 'router', to: Date.now() };
  const start = { type: 'resend', list: seen.body.list, reason: 'lost at the ward' };
  const [one, two] = await Promise.all([
    act<JobAnswer>('/api/v1/jobs', start),
    act<JobAnswer>('/api/v1/jobs', start),
  ]);
  expect(one.body).toMatchObject({ total: 6, complete: true, job: { total: 6 } });
  expect(two.body.job?.id).toBe(one.body.job?.id);
  const other = await act('/api/v1/jobs', { ...start, type: 'discard' });
  expect(other).toMatchObject({ status: 409, body: { code: 'CONFLICT' } });
  const unknown = await act('/api/v1/jobs', { ...start, list: 'never-shown' });
  expect(unknown.status).toBe(404);
  // meanwhile nobody else can order what it sends
  await ended(one.body.job?.id ?? 0);
  const named = await act<JobAnswer>('/api/v1/jobs', { ...order, criteria }, 'k');
  const same = await act<JobAnswer>('/api/v1/jobs', { ...order, criteria }, 'k');
  expect(same.body.job?.id).toBe(named.body.job?.id);
  const { body } = await production.ask<{ jobs: Job[] }>('GET', '/api/v1/jobs');
  expect(body.jobs.map(({ total }) => total)).toEqual([7, 6]);
});

/** Makes it so that the process which carried out the last order is gone, and died before it could record this. */
async function forgetResults(): Promise<void> {
  await using broker = await connectBroker({
    ...production.running.access,
    production: 'once',
    role: 'test',
  });
  const { stream } = broker.names.queue('hl7-out');
  const stored: InStream[] = [];
  for await (const one of headersFrom(broker, stream, { from: 1 })) stored.push(one);
  const last = stored.at(-1);
  const begun = [{ stream, key: last?.key, end: (last?.sequence ?? 0) - 1 }];
  const kv = await new Kvm(broker.jetstream).open(broker.names.orders);
  for await (const order of await kv.keys())
    if (!order.startsWith('suspended.'))
      await kv.put(order, JSON.stringify({ by: gone(), batch: 'batch.gone', begun }));
}

test('an order whose result was lost is not carried out a second time: what it stored is found', async () => {
  const from = Date.now();
  await production.send('L1');
  // the orders of the jobs before may still be under way
  const search = { 'control-id': 'L1' };
  const sent = { from, search, source: 'router', target: 'hl7-out', status: ['completed'] };
  const [message] = await found(sent, 1);
  const arrived = () =>
    production.receiver.received.filter(({ controlId }) => controlId.startsWith('L')).length;
  expect(arrived()).toBe(1);
  const resend = () => act<Resent>(`/api/v1/messages/${message?.id}/resend`, {}, 'lost');
  const first = await resend();
  await vi.waitFor(() => expect(arrived()).toBe(2), 20_000);
  await forgetResults();
  expect(await resend()).toMatchObject({ status: 200, body: first.body });
  // the second time, the result of the first is known again
  expect((await resend()).body).toEqual(first.body);

  const anew = () =>
    act<Resent>(`/api/v1/messages/${message?.id}/reprocess`, { targets: ['hl7-out'] }, 'anew');
  const made = await anew();
  expect(made.status).toBe(200);
  await forgetResults();
  expect((await anew()).body.sessionId).toBe(made.body.sessionId);
  await production.send('L2');
  await vi.waitFor(() => expect(arrived()).toBe(4), 20_000);

  await production.send('L3', { mrn: '0' });
  const suspended = { from, source: 'hl7-in', target: 'router', status: ['suspended'] };
  const [waiting] = await found(suspended, 1);
  const settle = () =>
    act<Resent & { code?: string }>(
      `/api/v1/messages/${waiting?.id}/resend`,
      { to: 'hl7-out' },
      'waiting',
    );
  const settled = await settle();
  expect(settled.status).toBe(200);
  await forgetResults();
  expect(await settle()).toMatchObject({ status: 200, body: settled.body });
  // also when the trace knows that it is no longer suspended
  await found({ ...suspended, status: ['discarded'] }, 1);
  await forgetResults();
  expect(await settle()).toMatchObject({ status: 200, body: settled.body });
  await production.send('L4');
  await vi.waitFor(() => expect(arrived()).toBe(6), 20_000);
});

test('a job discards what is suspended, and is finished then', async () => {
  const from = Date.now();
  await production.send('X1', { mrn: '0' });
  await production.send('X2', { mrn: '0' });
  const suspended = { from, source: 'hl7-in', target: 'router', status: ['suspended'] };
  const ids = (await found(suspended, 2)).map(({ id }) => id);
  const { body } = await production.ask<JobAnswer>('POST', '/api/v1/jobs', {
    type: 'discard',
    ids,
    reason: 'not needed',
  });
  await vi.waitFor(async () => {
    const job = (await production.ask<Job>('GET', `/api/v1/jobs/${body.job?.id}`)).body;
    expect(job).toMatchObject({ state: 'finished', done: 2, failed: 0 });
  });
  await found({ ...suspended, status: ['discarded'] }, 2);
});

const arrived = (): number =>
  production.receiver.received.filter(({ controlId }) => controlId.startsWith('T')).length;

test('two people order a job over the same messages at once: one is made, and the other is told', async () => {
  const ids: number[] = [];
  for (const id of ['T1', 'T2', 'T3']) {
    await production.send(id, { mrn: 'twice' });
  }
  await vi.waitFor(async () => {
    const items = await found({ target: 'hl7-out', status: ['completed'], contains: 'twice' }, 3);
    ids.splice(0, ids.length, ...items.map((one) => one.id));
  }, 20_000);
  const order = (reason: string) =>
    act<JobAnswer & { code?: string }>('/api/v1/jobs', { type: 'resend', ids, reason });
  const both = await Promise.all([order('ours'), order('theirs')]);
  const made = both.find(({ body }) => body.job !== undefined);
  expect(both.find((one) => one !== made)?.body.code).toBe('LIST_OUTDATED');
  expect(await ended(made?.body.job?.id ?? 0)).toMatchObject({ done: 3, failed: 0 });
  await vi.waitFor(() => expect(arrived()).toBe(6));
  // who orders it after that means it
  const again = await order('again');
  expect(await ended(again.body.job?.id ?? 0)).toMatchObject({ done: 3, failed: 0 });
  await vi.waitFor(() => expect(arrived()).toBe(9));
});

const edited = (id: string): string =>
  `MSH|^~\\&|ADT|HOSP|WARD|HOSP|20260101120000||ADT^A01^ADT_A01|${id}|P|2.5.1\r`;

test('of two who saw the same message and send it again otherwise at once, one does and the other is told', async () => {
  const before = production.receiver.received.length;
  const from = Date.now();
  await production.send('E1');
  const [message] = await found(
    { from, source: 'router', target: 'hl7-out', status: ['completed'] },
    1,
  );
  const seen = { status: 'completed' };
  const asked = [
    ['resend', { seen, text: edited('E2') }],
    ['resend', { seen, text: edited('E3') }],
    ['resend', { seen }],
    ['reprocess', { seen }],
  ] as const;
  const answers = await Promise.all(
    asked.map(([how, body]) =>
      act<{ code?: string }>(`/api/v1/messages/${message?.id}/${how}`, body),
    ),
  );
  expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
    200, 409, 409, 409,
  ]);
  expect(new Set(answers.map(({ body }) => body.code))).toEqual(
    new Set([undefined, 'LIST_OUTDATED']),
  );
  const [again] = await found({ resendOf: message?.id, status: ['completed'] }, 1);
  expect(production.receiver.received).toHaveLength(before + 2);
  // who has seen that one may
  const knowing = { ...seen, resent: again?.id };
  const path = `/api/v1/messages/${message?.id}/resend`;
  expect((await act(path, { seen: knowing, text: edited('E3') })).status).toBe(200);
  await vi.waitFor(() => expect(production.receiver.received).toHaveLength(before + 3));
});
