import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Failures, MessagePage } from '../../src/api/contract/message.ts';
import type { Rehearsals } from '../../src/api/contract/rehearsal.ts';
import { trialOrder, withMore } from '../../src/operator/rehearse-all.ts';
import {
  GOOD_TABLE,
  LOOKUP_FILES,
  LOOKUP_PRODUCTION,
  refusesUnknown,
  TO_WARD,
} from '../support/bad-lookup.ts';
import { type Operated, operated } from '../support/operator.ts';
import { ANN } from '../support/person.ts';
import { signedInAs } from '../support/signed-in-as.ts';

const NAME = 'Zwingli';

let production: Operated;
const who = signedInAs();
const COUNT = 12;

beforeAll(async () => {
  who.principal = ANN;
  production = await operated({
    production: LOOKUP_PRODUCTION,
    files: LOOKUP_FILES,
    answer: refusesUnknown,
    console: { signIn: who.plugin },
  });
  for (let n = 0; n < COUNT; n++)
    await production.send(`C${n}`, { name: n < 2 ? `${NAME}^U` : 'Doe^J' });
  await vi.waitFor(async () => {
    if ((await failures())[0]?.count !== COUNT) throw new Error('not all of them are refused');
  }, 20_000);
});
afterAll(async () => production[Symbol.asyncDispose]());

const failures = async () =>
  (await production.ask<Failures>('GET', '/api/v1/failures')).body.groups;
const criteria = { target: 'hl7-out', status: ['suspended'] };
const tryPart = (body: object) => production.ask<Rehearsals>('POST', '/api/v1/rehearsals', body);

/** All parts of a trial as one: a busy machine does not try all of them within the time of one part. */
async function tryAll(asked: object = { criteria }) {
  let { status, body } = await tryPart(asked);
  while (status === 200 && body.next !== undefined && !body.stuck) {
    const { list, run, next: after } = body;
    const more = await tryPart({ list, run, after });
    status = more.status;
    const groups = [...withMore(body.groups, more.body.groups)] as Rehearsals['groups'];
    body = { ...more.body, groups, done: body.done + more.body.done };
  }
  return { status, body };
}

test('with the files as they were, all would get again what was refused, and nothing is sent', async () => {
  const before = production.receiver.received.length;
  const { status, body } = await tryAll();
  expect(status, JSON.stringify(body)).toBe(200);
  expect(body).toMatchObject({ total: COUNT, complete: true, done: COUNT, stuck: false });
  expect(body.next).toBeUndefined();
  expect(body.groups).toMatchObject([{ kind: 'goes', to: ['hl7-out'], own: 'same', count: COUNT }]);
  const [group] = body.groups;
  expect(group?.places.map(({ file, line }) => `${file}:${line}`)).toEqual([
    'production.yaml:19',
    'to-ward.yaml:4',
    'wards.csv:1',
  ]);
  expect(group?.sample).toHaveLength(3);
  expect(production.receiver.received).toHaveLength(before);
});

test('with mended files, how many would go where and which still fail is told by group', async () => {
  await production.folder.write({
    'wards.csv': GOOD_TABLE,
    'production.yaml': LOOKUP_PRODUCTION.replace('"Visitor"', `"Doe" && field("MSH-10") == "C11"`),
    'to-ward.yaml': `${TO_WARD}  - { set: PV1-2, to: 'string(1 / (field("PID-5.1") == "${NAME}" ? 0 : 1))' }\n`,
  });
  const { body } = await tryAll();
  expect(body.groups).toMatchObject([
    { kind: 'goes', to: ['hl7-out'], own: 'changed', count: COUNT - 3 },
    { kind: 'fails', host: 'router', code: 'TRANSFORM_FAILED', count: 2 },
    { kind: 'nowhere', to: [], own: 'nothing', count: 1 },
  ]);
  expect(body.groups[1]?.cause).toContain('to-ward');
  const first = await tryAll({ criteria });
  expect(first.body.version).toBe(body.version);
});

test('its parts go on where the one before ended, with the files of the first', async () => {
  await production.folder.write({
    ...LOOKUP_FILES,
    'production.yaml': LOOKUP_PRODUCTION,
    'wards.csv': GOOD_TABLE,
  });
  const first = await tryAll();
  const { list, run, version } = first.body;
  await production.folder.write(LOOKUP_FILES);
  const { body } = await tryAll({ list, run, after: COUNT - 4 });
  expect(body).toMatchObject({ list, run, version, total: COUNT, done: 4 });
  expect(body.groups).toMatchObject([{ own: 'changed', count: 4 }]);
  const anew = await tryAll({ list });
  expect(anew.body.version).not.toBe(version);
  expect(anew.body.groups).toMatchObject([{ own: 'same', count: COUNT }]);
  expect((await tryAll({ list, after: COUNT + 1 })).status).toBe(400);
  expect((await tryAll({ list: 'none' })).status).toBe(404);
});

test('of a long list some of all of it come first, and each of them once', () => {
  const ids = Array.from({ length: 100_000 }, (_, n) => n);
  const order = trialOrder(ids);
  expect(order).toHaveLength(ids.length);
  expect(new Set(order).size).toBe(ids.length);
  const first = order.slice(0, 200);
  for (const part of [0, 1, 2, 3])
    expect(first.filter((id) => Math.floor(id / 25_000) === part)).toHaveLength(50);
  expect(order.slice(200)).toEqual(order.slice(200).toSorted((a, b) => a - b));
  expect(trialOrder([3, 1])).toEqual([3, 1]);
});

test('a list of a trial is one that a job can be made of', async () => {
  const { body } = await tryAll();
  const dry = { type: 'reprocess', list: body.list, reason: '', dryRun: true };
  const job = await production.ask<{ total: number; sample: object[] }>(
    'POST',
    '/api/v1/jobs',
    dry,
  );
  expect(job.body.total).toBe(COUNT);
  expect(job.body.sample).toHaveLength(10);
});

test('files that cannot be used are refused as a whole, with the place', async () => {
  await production.folder.write({ 'production.yaml': 'production: ward\nservices: 7\n' });
  expect(await tryAll()).toMatchObject({ status: 422, body: { code: 'CONFIG_INVALID' } });
  await production.folder.write({ 'production.yaml': LOOKUP_PRODUCTION });
});

test('what did not come in through a service, or is gone, is told and not tried', async () => {
  const { body } = await production.ask<{ messageId: number }>(
    'POST',
    '/api/v1/hosts/router/test-message',
    { text: 'MSH|^~\\&|A|B|C|D|2026||ADT^A01^ADT_A01|T1|P|2.5.1\rPID|1||1\r', reason: 'x' },
  );
  if (body.messageId === undefined) return;
  const { body: tried } = await tryAll({ ids: [body.messageId] });
  expect(tried.groups).toMatchObject([{ kind: 'untried', code: 'HOST_UNKNOWN' }]);
});

test('code that loops ends with its message, and what runs goes on', async () => {
  await production.folder.write({
    'production.yaml': LOOKUP_PRODUCTION.replace('to-ward.yaml', 'loop.ts'),
    'loop.ts': 'export default () => {\n  for (;;);\n};\n',
  });
  const began = performance.now();
  const looping = tryAll();
  await production.send('MEANWHILE');
  const sent = performance.now() - began;
  const { body } = await looping;
  await production.folder.write({ 'production.yaml': LOOKUP_PRODUCTION });
  expect(sent).toBeLessThan(5_000);
  // whoever wants to goes on with the next
  expect(body).toMatchObject({ stuck: true, done: 1, next: 1 });
  expect(body.groups).toMatchObject([{ kind: 'untried', code: 'REHEARSAL_STUCK', count: 1 }]);
});

test('who sees only some hosts is told of those only; who may not see patients gets causes masked', async () => {
  await production.folder.write({
    'to-ward.yaml': `${TO_WARD}  - { set: PV1-2, to: 'lookup(field("PID-5.1"), "x")' }\n`,
  });
  who.principal = { ...ANN, name: 'bob', unmasked: false };
  const masked = await tryAll();
  expect(JSON.stringify(masked.body)).not.toContain(NAME);
  who.principal = { ...ANN, name: 'lab', visibleHosts: ['hl7-out'] };
  const { body } = await tryAll();
  expect(body.total).toBe(COUNT + 1);
  for (const group of body.groups) expect(group).toMatchObject({ kind: 'fails', places: [] });
  expect(JSON.stringify(body)).not.toMatch(/router|Zwingli/);
  who.principal = { ...ANN, name: 'none', visibleHosts: ['elsewhere'] };
  expect((await tryAll()).body).toMatchObject({ total: 0, done: 0, groups: [] });
  who.principal = ANN;
  const page = await production.ask<MessagePage>('POST', '/api/v1/messages/search', criteria);
  expect(page.body.items.length).toBeGreaterThanOrEqual(COUNT);
});
