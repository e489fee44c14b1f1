import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { JobAnswer } from '../../src/api/contract/job.ts';
import type {
  Message,
  MessagePage,
  QuickHits,
  SearchCriteria,
  Session,
} from '../../src/api/contract/message.ts';
import { reprocessCommand } from '../../src/cli/command/resend.ts';
import { findCommand } from '../../src/cli/command/trace.ts';
import { ran } from '../support/command.ts';
import { type Operated, operated } from '../support/operator.ts';

const PATIENTS = Array.from({ length: 30 }, (_, n) => `P${100 + n}`);
const WANTED = 'P125';

/** A list of patients: each is announced to the ward, and all of them are archived together. */
const PRODUCTION = `production: list
settings: { search: { mrn: PID-3.1 }, shutdownTimeout: 1s }
services:
  list-in: { adapter: file-in, settings: { folder: in, every: 200ms, stable: 0s }, to: split }
processes:
  split:
    rules:
      - { name: all, send: { to: spread, transform: to-hl7 } }
  spread:
    rules:
      - { name: all, send: [ward, bundle, { to: label, transform: to-label }] }
  bundle:
    collect: { count: ${PATIENTS.length}, within: 1h, as: hl7 }
    to: archive
operations:
  ward: { adapter: mllp-out, settings: { connect: '\${env:CONNECT}' } }
  archive: { adapter: file-out, settings: { folder: archived, name: '{id}.hl7' } }
  label: { adapter: file-out, settings: { folder: labels, name: '{id}.txt' } }
transforms: { to-hl7: to-hl7.yaml, to-label: to-label.yaml }
`;
const FILES = {
  'to-hl7.yaml': `split: rows
type: ADT_A01:2.5.1
start:
  body: |
    MSH|^~\\&|LIST|HOSP|WARD|HOSP|20260101120000||ADT^A01^ADT_A01|X|P|2.5.1
    PID|1||X^^^HOSP^MR||Doe^John
steps:
  - { set: MSH-10, to: '"C-" + field("mrn")' }
  - { set: PID-3.1, to: 'field("mrn")' }
`,
  'to-label.yaml': 'type: text/plain\nstart: { body: "a label" }\nsteps: []\n',
};

let running: Operated;

async function found(criteria: SearchCriteria): Promise<MessagePage> {
  const { body } = await running.ask<MessagePage>('POST', '/api/v1/messages/search', {
    limit: 100,
    ...criteria,
  });
  return body;
}

const targets = ({ items }: Pick<MessagePage, 'items'>): string[] =>
  items.map(({ target }) => target).toSorted();

const where = (): string[] => ['--data', join(running.folder.path, 'data')];

const received = (mrn: string): number =>
  running.receiver.received.filter(({ body }) => body.toString().includes(`|${mrn}^`)).length;

let failed: Message;

beforeAll(async () => {
  running = await operated({
    production: PRODUCTION,
    files: FILES,
    answer: ({ body }) => (body.toString().includes(WANTED) ? 'AE' : 'AA'),
  });
  const { path } = running.folder;
  for (const name of ['in', 'archived', 'labels'])
    await mkdir(join(path, name), { recursive: true });
  await writeFile(join(path, 'list'), `mrn\n${PATIENTS.join('\n')}\n`);
  await rename(join(path, 'list'), join(path, 'in', 'list.csv'));
  failed = await vi.waitFor(async () => {
    const { items } = await found({ target: 'ward', status: ['error', 'suspended'] });
    const archived = await found({ target: 'archive', status: ['completed'] });
    const delivered = await found({ target: 'ward', status: ['completed'] });
    const labels = await found({ target: 'label', status: ['completed'] });
    const counts = [items, archived.items, delivered.items, labels.items]
      .map(({ length }) => length)
      .join(',');
    if (counts !== `1,1,${PATIENTS.length - 1},${PATIENTS.length}`)
      throw new Error(`not there yet: ${counts}`);
    return items[0] as Message;
  }, 30_000);
});
afterAll(async () => running[Symbol.asyncDispose]());

test('a patient of a list is found where they are: in their own messages, and in what is about all', async () => {
  for (const mrn of [PATIENTS[0] ?? '', WANTED, PATIENTS.at(-1) ?? '']) {
    const page = await found({ search: { mrn } });
    // the label does not say whose it is, and was made from what does
    expect(targets(page)).toEqual(['archive', 'bundle', 'label', 'spread', 'ward']);
    const archive = page.items.find(({ target }) => target === 'archive');
    expect(page.shared).toEqual([archive?.id]);
    expect(archive).toMatchObject({ joins: PATIENTS.length });
  }
  const listed = await found({ anyOf: [WANTED, 'NOBODY'] });
  expect(targets(listed)).toEqual(['archive', 'bundle', 'label', 'spread', 'ward']);
  expect(listed).toMatchObject({ missing: ['NOBODY'] });
});

test('the whole way of what was found is in its session, whichever message it is opened by', async () => {
  const { body: hits } = await running.ask<QuickHits>('GET', `/api/v1/find?text=${WANTED}`);
  const of = hits.hits.filter(({ messageId }) => messageId !== undefined);
  expect(of.map(({ status }) => status)).toContain(failed.status);
  const { body: whole } = await running.ask<Session>('GET', `/api/v1/sessions/${failed.id}`);
  expect(whole.messages.filter(({ target }) => target === 'ward')).toHaveLength(PATIENTS.length);
});

test('the command line finds the same, and says what holds others too', async () => {
  // the trace may still be behind with what happened last, and says so
  const { output } = await vi.waitFor(async () => {
    const one = await ran(findCommand(), [`mrn=${WANTED}`, ...where()]);
    expect(one.output).toContain('5 messages; everything was searched');
    return one;
  });
  expect(output.match(/holds others too/g)).toHaveLength(1);
  const word = await ran(findCommand(), [WANTED, ...where()]);
  expect(word.output).toMatch(/mrn of message \d+ of session \d+/);
});

test('a job over the messages of a patient leaves out what holds others', async () => {
  const order = {
    type: 'resend',
    criteria: { search: { mrn: WANTED } },
    dryRun: true,
    reason: 'asked for',
  };
  const { body } = await running.ask<JobAnswer>('POST', '/api/v1/jobs', order);
  expect(body).toMatchObject({ total: 4, leftOut: 1 });
  expect(body.sample.map(({ target }) => target).toSorted()).toEqual([
    'bundle',
    'label',
    'spread',
    'ward',
  ]);
});

test('the message of one patient is processed again without those of the others', async () => {
  const before = running.receiver.received.length;
  const tried = await ran(reprocessCommand(), [`${failed.id}`, '--dry-run', ...where()]);
  expect(tried.output).toContain('it would go to');
  expect(tried.output.match(/ward/g)).toHaveLength(1);
  const done = await ran(reprocessCommand(), [`${failed.id}`, ...where()]);
  expect(done.errors).toBe('');
  await vi.waitFor(() => expect(received(WANTED)).toBeGreaterThan(1));
  expect(running.receiver.received.length).toBe(before + 1);
  await vi.waitFor(async () => {
    const { items } = await found({ search: { mrn: WANTED }, target: 'ward' });
    expect(items).toHaveLength(2);
    expect(items[0]).toMatchObject({ resendOf: failed.id });
  });
});
