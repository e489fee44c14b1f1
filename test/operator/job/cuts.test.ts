import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { freePort } from '../../../sandbox/free-port.ts';
import type { Job, JobAnswer } from '../../../src/api/contract/job.ts';
import type { MessagePage } from '../../../src/api/contract/message.ts';
import { type EngineProcess, startEngineProcess } from '../../support/engine-process.ts';
import { addLocalUser } from '../../support/local-user.ts';
import {
  type MllpReceiver,
  mllpReceiver,
  sendUntilAcknowledged,
} from '../../support/mllp-peers.ts';
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

/** Engines and an operator plane of the ward, whose receiver refuses what comes until it is told otherwise. */
async function ward(scope: AsyncDisposableStack) {
  let refuses = true;
  const receiver = scope.use(await mllpReceiver(() => (refuses ? 'AE' : 'AA')));
  const nats = scope.use(await startNats());
  const folder = scope.use(await productionFolder({ 'production.yaml': WARD }));
  const port = await freePort();
  const url = `nats://${nats.user}:${nats.password}@${new URL(nats.url).host}`;
  const processes = scope.use(new AsyncDisposableStack());
  const start = async (name: string, listen?: number): Promise<EngineProcess> =>
    processes.use(
      await startEngineProcess({
        production: folder.path,
        data: join(folder.path, name),
        ports: [listen ?? port],
        environment: {
          LISTEN: `127.0.0.1:${listen ?? 0}`,
          CONNECT: `127.0.0.1:${receiver.port}`,
        },
        arguments: [
          '--nats',
          url,
          '--log-level',
          'error',
          '--role',
          listen === undefined ? 'operator' : 'engine',
          ...(listen === undefined ? ['--console', `127.0.0.1:${port}`] : []),
        ],
      }),
    );
  const plane = await start('operator');
  await addLocalUser(join(folder.path, 'operator'), ROOT);
  return {
    receiver,
    nats,
    plane,
    start,
    accepts() {
      refuses = false;
      receiver.received.length = 0;
    },
    async signedIn(): Promise<Visitor> {
      const root = visitor(`http://127.0.0.1:${port}`);
      await vi.waitFor(async () => {
        expect((await root.signIn(ROOT.name, ROOT.password)).status).toBe(200);
      }, SOON);
      return root;
    },
  };
}

/** Sends what is refused, and gives the order to send it again once it is accepted. */
async function orderedAgain(
  root: Visitor,
  listen: number,
  { accepts }: { readonly accepts: () => void },
): Promise<string> {
  const messages = Array.from({ length: COUNT }, (_, n) => adt(`C${n}`));
  await sendUntilAcknowledged(listen, messages, () => undefined);
  await vi.waitFor(async () => {
    expect((await search(root, { status: ['suspended'] })).body.items).toHaveLength(COUNT);
  }, SOON);
  accepts();
  const order = { type: 'resend', criteria: { target: 'hl7-out', status: ['suspended'] } };
  const { body } = await root.ask<JobAnswer>('POST', '/api/v1/jobs', { ...order, reason: 'back' });
  return `/api/v1/jobs/${body.job?.id}`;
}

const doneBeyond = (root: Visitor, job: string, done: number): Promise<void> =>
  vi.waitFor(async () => {
    expect((await root.ask<Job>('GET', job)).body.done).toBeGreaterThan(done);
  }, SOON);

async function eachOnce(
  root: Visitor,
  job: string,
  receiver: Pick<MllpReceiver, 'received'>,
): Promise<void> {
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
}

test('engine, operator plane and NATS are killed during a job over refused messages: each is made once, in order', async () => {
  await using scope = new AsyncDisposableStack();
  const { receiver, nats, plane, ...here } = await ward(scope);
  const listen = await freePort();
  const engine = await here.start('engine', listen);
  let root = await here.signedIn();
  const job = await orderedAgain(root, listen, here);
  await doneBeyond(root, job, 0);
  await engine.kill();
  await here.start('engine', listen);
  await doneBeyond(root, job, 130);
  await plane.kill();
  await here.start('operator');
  root = await here.signedIn();
  await doneBeyond(root, job, 260);
  process.kill(nats.pid ?? 0, 'SIGKILL');
  await eachOnce(root, job, receiver);
  expect(engine.ended && plane.ended).toBe(true);
});

test('of two engines one stands still past its claim, goes on, and is killed: the job goes on at the other, each once', async () => {
  await using scope = new AsyncDisposableStack();
  const { receiver, ...here } = await ward(scope);
  const [listen, other] = [await freePort(), await freePort()];
  const engines = [await here.start('one', listen), await here.start('two', other)];
  // one that stands still would never end
  scope.defer(() => {
    for (const { pid, ended } of engines) if (!ended) process.kill(pid, 'SIGCONT');
  });
  const root = await here.signedIn();
  const job = await orderedAgain(root, listen, here);
  await doneBeyond(root, job, 0);
  // whichever of them has the request
  for (const { pid } of engines) process.kill(pid, 'SIGSTOP');
  const done = (await root.ask<Job>('GET', job)).body.done;
  process.kill(engines[1]?.pid ?? 0, 'SIGCONT');
  const began = performance.now();
  await doneBeyond(root, job, Math.min(done + 130, COUNT - 1));
  // what the other one had is waited for once; after that it is asked for nothing
  expect(performance.now() - began).toBeLessThan(20_000);
  process.kill(engines[0]?.pid ?? 0, 'SIGCONT');
  await engines[1]?.kill();
  await eachOnce(root, job, receiver);
  expect(engines.map(({ ended }) => ended)).toEqual([false, true]);
});
