import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { freePort } from '../../../sandbox/free-port.ts';
import type { Job, JobAnswer } from '../../../src/api/contract/job.ts';
import type { MessagePage } from '../../../src/api/contract/message.ts';
import { startEngineProcess } from '../../support/engine-process.ts';
import { addLocalUser } from '../../support/local-user.ts';
import { mllpReceiver, sendUntilAcknowledged } from '../../support/mllp-peers.ts';
import { startNats } from '../../support/nats.ts';
import { adt, WARD } from '../../support/operator.ts';
import { productionFolder } from '../../support/production.ts';
import { type Visitor, visitor } from '../../support/visitor.ts';

const ROOT = { name: 'root', password: 'a lantern by the ward' };
const COUNT = 500;
const SOON = { timeout: 60_000, interval: 20 };

const search = (root: Visitor, criteria: object) =>
  root.ask<MessagePage>('POST', '/api/v1/messages/search', {
    limit: 1_000,
    target: 'hl7-out',
    ...criteria,
  });

test('engine, operator plane and NATS are killed during a job over refused messages: each is made once, in order', async () => {
  let refuses = true;
  await using receiver = await mllpReceiver(() => (refuses ? 'AE' : 'AA'));
  await using nats = await startNats();
  await using folder = await productionFolder({ 'production.yaml': WARD });
  const [listen, port] = [await freePort(), await freePort()];
  const url = `nats://${nats.user}:${nats.password}@${new URL(nats.url).host}`;
  const start = (role: 'engine' | 'operator') =>
    startEngineProcess({
      production: folder.path,
      data: join(folder.path, role),
      ports: role === 'engine' ? [listen] : [port],
      environment: { LISTEN: `127.0.0.1:${listen}`, CONNECT: `127.0.0.1:${receiver.port}` },
      arguments: [
        '--nats',
        url,
        '--log-level',
        'error',
        '--role',
        role,
        ...(role === 'operator' ? ['--console', `127.0.0.1:${port}`] : []),
      ],
    });
  const signedIn = async (): Promise<Visitor> => {
    const root = visitor(`http://127.0.0.1:${port}`);
    await vi.waitFor(async () => {
      expect((await root.signIn(ROOT.name, ROOT.password)).status).toBe(200);
    }, SOON);
    return root;
  };

  await using scope = new AsyncDisposableStack();
  const engine = scope.use(await start('engine'));
  const plane = scope.use(await start('operator'));
  await addLocalUser(join(folder.path, 'operator'), ROOT);
  let root = await signedIn();
  const messages = Array.from({ length: COUNT }, (_, n) => adt(`C${n}`));
  await sendUntilAcknowledged(listen, messages, () => undefined);
  await vi.waitFor(async () => {
    expect((await search(root, { status: ['suspended'] })).body.items).toHaveLength(COUNT);
  }, SOON);
  refuses = false;
  receiver.received.length = 0;
  const order = { type: 'resend', criteria: { target: 'hl7-out', status: ['suspended'] } };
  const { body } = await root.ask<JobAnswer>('POST', '/api/v1/jobs', { ...order, reason: 'back' });
  const job = `/api/v1/jobs/${body.job?.id}`;
  const beyond = (done: number): Promise<void> =>
    vi.waitFor(async () => {
      expect((await root.ask<Job>('GET', job)).body.done).toBeGreaterThan(done);
    }, SOON);

  await beyond(0);
  await engine.kill();
  scope.use(await start('engine'));
  await beyond(130);
  await plane.kill();
  scope.use(await start('operator'));
  root = await signedIn();
  await beyond(260);
  process.kill(nats.pid ?? 0, 'SIGKILL');
  await vi.waitFor(async () => {
    const now = (await root.ask<Job>('GET', job)).body;
    expect(now).toMatchObject({ state: 'finished', done: COUNT, failed: 0 });
    expect(now.became?.delivered).toBe(COUNT);
  }, SOON);

  const made = (await search(root, { status: ['completed'] })).body.items;
  expect(made).toHaveLength(COUNT);
  expect(new Set(made.map(({ resendOf }) => resendOf)).size).toBe(COUNT);
  expect((await search(root, { status: ['suspended'] })).body.items).toEqual([]);
  // what the killed engine was sending comes again, as with every message
  const arrived = receiver.received.map(({ controlId }) => controlId);
  expect([...new Set(arrived)]).toEqual(Array.from({ length: COUNT }, (_, n) => `C${n}`));
  expect(arrived.length).toBeLessThan(COUNT + 10);
}, 180_000);
