import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { freePort } from '../../../sandbox/free-port.ts';
import type { Job, JobAnswer } from '../../../src/api/contract/job.ts';
import type { MessagePage } from '../../../src/api/contract/message.ts';
import { startEngineProcess } from '../../support/engine-process.ts';
import { addLocalUser } from '../../support/local-user.ts';
import { mllpReceiver, sendUntilAcknowledged } from '../../support/mllp-peers.ts';
import { adt, WARD } from '../../support/operator.ts';
import { productionFolder } from '../../support/production.ts';
import { type Visitor, visitor } from '../../support/visitor.ts';

const ROOT = { name: 'root', password: 'a lantern by the ward' };
const COUNT = 300;
const SOON = { timeout: 60_000, interval: 100 };

const search = (root: Visitor, criteria: object) =>
  root.ask<MessagePage>('POST', '/api/v1/messages/search', { limit: 1_000, ...criteria });

test('a job goes on after the program was killed in the middle of it, and makes each message once', async () => {
  await using receiver = await mllpReceiver();
  await using folder = await productionFolder({ 'production.yaml': WARD });
  const [listen, port] = [await freePort(), await freePort()];
  const data = join(folder.path, 'data');
  const start = () =>
    startEngineProcess({
      production: folder.path,
      data,
      ports: [listen, port],
      plane: true,
      environment: { LISTEN: `127.0.0.1:${listen}`, CONNECT: `127.0.0.1:${receiver.port}` },
      arguments: ['--console', `127.0.0.1:${port}`],
    });
  const signedIn = async (): Promise<Visitor> => {
    const root = visitor(`http://127.0.0.1:${port}`);
    await vi.waitFor(async () => {
      expect((await root.signIn(ROOT.name, ROOT.password)).status).toBe(200);
    }, SOON);
    return root;
  };

  const first = await start();
  await addLocalUser(data, ROOT);
  const root = await signedIn();
  const messages = Array.from({ length: COUNT }, (_, n) => adt(`C${n}`));
  await sendUntilAcknowledged(listen, messages, () => undefined);
  const query = { target: 'hl7-out', status: ['completed'] };
  const ids = await vi.waitFor(async () => {
    const { items } = (await search(root, query)).body;
    expect(items).toHaveLength(COUNT);
    return items.map(({ id }) => id);
  }, SOON);
  let job = '';
  let began = 0;
  await vi.waitFor(
    async () => {
      const { done } = job === '' ? { done: COUNT } : (await root.ask<Job>('GET', job)).body;
      // one that a slow machine sees only at its end is not in the middle: another one
      if (done === COUNT) {
        began = Date.now();
        const order = { type: 'resend', ids, reason: 'lost at the ward' };
        const { body } = await root.ask<JobAnswer>('POST', '/api/v1/jobs', order);
        job = `/api/v1/jobs/${body.job?.id}`;
      }
      expect(done).toBeGreaterThan(10);
      expect(done).toBeLessThan(COUNT);
    },
    { ...SOON, interval: 5 },
  );
  await first.kill();
  expect(first.ended).toBe(true);

  await using second = await start();
  const again = await signedIn();
  const before = (await again.ask<Job>('GET', job)).body;
  expect(before.done).toBeGreaterThan(10);
  await vi.waitFor(async () => {
    const now = await again.ask<Job>('GET', job);
    expect(now.body).toMatchObject({ state: 'finished', done: COUNT, failed: 0 });
    expect(now.body.became?.delivered).toBe(COUNT);
  }, SOON);
  const after = (await search(again, { ...query, from: began })).body.items;
  const made = after.flatMap(({ resendOf }) => resendOf ?? []);
  expect(made).toHaveLength(COUNT);
  expect(new Set(made).size).toBe(COUNT);
  expect(second.ended).toBe(false);
});
