import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Job, JobAnswer, JobItems } from '../../src/api/contract/job.ts';
import type {
  Message,
  MessagePage,
  Reprocessed,
  SearchCriteria,
  Session,
} from '../../src/api/contract/message.ts';
import { applyCommand } from '../../src/cli/command/operate.ts';
import { replayCommand, reprocessCommand } from '../../src/cli/command/resend.ts';
import { type Ran, ran } from '../support/command.ts';
import { type Operated, operated } from '../support/operator.ts';

/** The ward knows only beds of its table; a router that takes from its queue stands before it. */
const production = (more = '') => `production: again
settings: { shutdownTimeout: 1s }
services:
  hl7-in: { adapter: mllp-in, settings: { listen: '\${env:LISTEN}' }, to: router }
processes:
  router:
    run: queued
    rules:
      - name: all
        send: [{ to: ward, transform: to-ward }, lab${more}]
operations:
  ward: { adapter: mllp-out, settings: { connect: '\${env:CONNECT}' } }
  lab: { adapter: mllp-out, settings: { connect: '\${env:CONNECT}' } }
  pharmacy: { adapter: mllp-out, settings: { connect: '\${env:CONNECT}' } }
transforms: { to-ward: to-ward.yaml }
`;
const toWard = (step: string) => `start: copy\nsteps:\n  - { set: MSH-5, ${step} }\n`;

let running: Operated;

const bodies = (app: string): string[] =>
  running.receiver.received.map(({ body }) => body.toString()).filter((one) => one.includes(app));

async function found(criteria: SearchCriteria): Promise<readonly Message[]> {
  const { body } = await running.ask<MessagePage>('POST', '/api/v1/messages/search', {
    limit: 100,
    ...criteria,
  });
  return body.items;
}

const session = async (id: number): Promise<Session> =>
  (await running.ask<Session>('GET', `/api/v1/sessions/${id}`)).body;

const where = (): string[] => ['--data', join(running.folder.path, 'data')];
const again = (...args: string[]): Promise<Ran> => ran(reprocessCommand(), [...args, ...where()]);

async function change(file: string, text: string): Promise<void> {
  await writeFile(join(running.folder.path, file), text);
  const applied = await ran(applyCommand(), [running.folder.path, ...where()]);
  expect(applied).toMatchObject({ code: 0 });
}

beforeAll(async () => {
  running = await operated({
    production: production(),
    files: { 'to-ward.yaml': toWard('value: OLD') },
    // a receiver that knows no unit but NEW, and has no objection to what the laboratory gets
    answer: ({ body }) => (body.toString().includes('|OLD|') ? 'AE' : 'AA'),
  });
  for (let n = 1; n <= 4; n++) await running.send(`P${n}`);
  await vi.waitFor(async () => {
    const failed = await found({ status: ['suspended'], target: 'ward' });
    const done = await found({ status: ['completed'], target: 'lab' });
    if (failed.length + done.length < 8) throw new Error('not all of them are through');
  }, 30_000);
});
afterAll(async () => running[Symbol.asyncDispose]());

test('the original goes through the rules of today, and only the chosen target gets something', async () => {
  const [failed] = await found({ status: ['suspended'], target: 'ward' });
  const { id = 0, sessionId = 0 } = failed ?? {};
  // before anything was mended it is refused as before: the stored body is not what is sent, but what is made
  const before = running.receiver.received.length;
  const tried = await again(`${id}`, '--dry-run');
  expect(tried.output).toBe('it would go to ward, lab\n');
  await change('to-ward.yaml', toWard('value: NEW'));
  expect(running.receiver.received).toHaveLength(before);

  const done = await again(`${id}`);
  expect(done.errors).toBe('');
  expect(done.output).toMatch(
    new RegExp(`^processed the original of ${id} again as session \\d+, to ward: 1 delivered\n$`),
  );
  expect(done.code).toBe(0);
  expect(running.receiver.received).toHaveLength(before + 1);
  expect(bodies('|NEW|')).toHaveLength(1);
  const old = await vi.waitFor(async () => {
    const one = await session(sessionId);
    if (one.past.length === 0 || one.resends.length < 2) throw new Error('not there yet');
    return one;
  });
  // both ways: the original, and the failed message that is settled by it
  expect(old.messages.find((one) => one.id === id)).toMatchObject({ status: 'discarded' });
  expect(old.resends.map(({ of }) => of).toSorted((a, b) => a - b)).toEqual([sessionId, id]);
  const made = await session(old.resends[0]?.sessionId ?? 0);
  expect(made.messages.map(({ target, resendOf }) => [target, resendOf])).toEqual([
    ['router', sessionId],
    ['ward', id],
  ]);
  expect(made.messages[0]?.explain?.sent.map(({ to }) => to)).toEqual(['ward']);
});

test('a bulk job does it for many, once for each original, and tells what became of them', async () => {
  const failed = await found({ status: ['suspended'], target: 'ward' });
  expect(failed).toHaveLength(3);
  const before = running.receiver.received.length;
  const { body } = await running.ask<JobAnswer>('POST', '/api/v1/jobs', {
    type: 'reprocess',
    criteria: { status: ['suspended'], target: 'ward' },
    reason: 'the table was mended',
  });
  await vi.waitFor(async () => {
    const job = (await running.ask<Job>('GET', `/api/v1/jobs/${body.job?.id}`)).body;
    expect(job).toMatchObject({ done: 3, failed: 0, became: { delivered: 3 } });
  }, 20_000);
  expect(running.receiver.received).toHaveLength(before + 3);
  expect(await found({ status: ['suspended'] })).toHaveLength(0);
});

test('a target that a rule got later gets what came before; one that no rule sends to is said so', async () => {
  const [lab] = await found({ target: 'lab' });
  const id = `${lab?.id}`;
  const none = await again(id, '--target', 'pharmacy');
  expect(none.errors).toMatch(/send this message to ward, lab, not to pharmacy/);
  expect(none.code).toBe(1);
  const unknown = await again(id, '--target', 'farmacy');
  expect(unknown.errors).toMatch(/^HOST_UNKNOWN/);
  await change('production.yaml', production(', pharmacy'));
  const before = running.receiver.received.length;
  const { status, body } = await running.ask<Reprocessed>(
    'POST',
    `/api/v1/messages/${id}/reprocess`,
    { targets: ['pharmacy'] },
  );
  expect(status).toBe(200);
  expect(body.made.map(({ target }) => target)).toEqual(['pharmacy']);
  await vi.waitFor(() => expect(running.receiver.received).toHaveLength(before + 1));
  // all of the day, by replay: once a session, however many of its messages went there
  const replayed = await ran(replayCommand(), [
    'lab',
    '--from',
    '1h',
    '--into',
    'pharmacy',
    '--reprocess',
    ...where(),
  ]);
  expect(replayed.output).toMatch(/^replayed \d+ messages of lab: 4 delivered\n$/);
  await vi.waitFor(() => expect(running.receiver.received).toHaveLength(before + 5));
});

test('what was processed again for another host only is done once more when it is ordered later', async () => {
  const [lab] = await found({ target: 'lab', status: ['completed'] });
  const { id, status } = lab ?? {};
  const before = running.receiver.received.length;
  const made: unknown[] = [];
  for (const [n, by] of ['first', 'after a change'].entries()) {
    const answer = await running.ask<Reprocessed>('POST', `/api/v1/messages/${id}/reprocess`, {
      targets: ['pharmacy'],
      reason: by,
      seen: { status },
    });
    expect(answer.status).toBe(200);
    made.push(answer.body.sessionId);
    await vi.waitFor(() => expect(running.receiver.received).toHaveLength(before + n + 1));
  }
  expect(new Set(made).size).toBe(2);
});

test('what still waits for the target is not sent twice; what still fails is told and nothing is stored', async () => {
  await running.ask('POST', '/api/v1/hosts/lab/stop', { reason: 'test' });
  await running.send('W1');
  const [waits] = await vi.waitFor(async () => {
    const queued = await found({ status: ['queued'], target: 'lab' });
    if (queued.length === 0) throw new Error('not there yet');
    return queued;
  }, 20_000);
  const refused = await again(`${waits?.id}`);
  expect(refused.errors).toMatch(/still waits for lab, which would get it twice/);
  await running.ask('POST', '/api/v1/hosts/lab/start', { reason: 'test' });
  const [old] = await found({ target: 'ward', status: ['completed'] });
  await change('to-ward.yaml', toWard("to: 'string(1 / 0)'"));
  const count = (await found({ source: 'hl7-in' })).length;
  const { body } = await running.ask<JobAnswer>('POST', '/api/v1/jobs', {
    type: 'reprocess',
    ids: [old?.id],
    reason: 'again',
  });
  await vi.waitFor(async () => {
    const { items } = (
      await running.ask<JobItems>('GET', `/api/v1/jobs/${body.job?.id}/items?state=failed`)
    ).body;
    expect(items[0]?.text).toMatch(/at router, still: /);
  }, 20_000);
  expect(await found({ source: 'hl7-in' })).toHaveLength(count);
});
