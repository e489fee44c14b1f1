import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { freePort } from '../../sandbox/free-port.ts';
import type { Job, JobAnswer } from '../../src/api/contract/job.ts';
import type { MessagePage } from '../../src/api/contract/message.ts';
import { userCommand } from '../../src/cli/command/user.ts';
import { ran } from '../support/command.ts';
import { nginxConsole } from '../support/console-proxy.ts';
import { type EngineProcess, startEngineProcess } from '../support/engine-process.ts';
import { mllpReceiver, sendUntilAcknowledged } from '../support/mllp-peers.ts';
import { startNats } from '../support/nats.ts';
import { hasNginx } from '../support/nginx.ts';
import { adt } from '../support/operator.ts';
import { postgresPrograms, startPostgres } from '../support/postgres.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { visitor } from '../support/visitor.ts';

const programs = await postgresPrograms();
const PASSWORD = 'a long walk by the sea';

test.skipIf(programs === undefined || !hasNginx)(
  'two operator planes behind a balancer are one: who signs in at one goes on at the other, also after its death',
  async () => {
    await using stack = new AsyncDisposableStack();
    const nats = stack.use(await startNats());
    const postgres = stack.use(await startPostgres(programs ?? ''));
    const folder = stack.use(await temporaryFolder('operators'));
    const receiver = stack.use(await mllpReceiver());
    const listen = await freePort();
    await writeFile(
      join(folder.path, 'production.yaml'),
      `production: pair
settings: { search: { mrn: PID-3.1 } }
services:
  in: { adapter: mllp-in, settings: { listen: "127.0.0.1:${listen}" }, to: [out] }
operations:
  out: { adapter: mllp-out, settings: { connect: "127.0.0.1:${receiver.port}" } }
`,
    );
    const url = `nats://${nats.user}:${nats.password}@${new URL(nats.url).host}`;
    const start = async (name: string, port: number, ...more: string[]): Promise<EngineProcess> =>
      stack.use(
        await startEngineProcess({
          production: folder.path,
          data: join(folder.path, name),
          ports: [port],
          arguments: ['--nats', url, '--log-level', 'error', ...more],
        }),
      );
    await start('engine', listen, '--role', 'engine');
    const [portA, portB] = [await freePort(), await freePort()];
    const operator = (name: string, port: number): Promise<EngineProcess> => {
      const shared = [
        '--role',
        'operator',
        '--trace',
        postgres.url,
        '--trusted-proxy',
        '127.0.0.1',
      ];
      return start(name, port, ...shared, '--console', `127.0.0.1:${port}`);
    };
    const first = await operator('a', portA);
    await operator('b', portB);
    const added = await ran(userCommand(), [
      'add',
      'anna',
      '--role',
      'administrator',
      '--trace',
      postgres.url,
      '--production',
      'pair',
    ]);
    expect(added.code, added.errors).toBe(0);
    await sendUntilAcknowledged(listen, [adt('M1')], () => undefined);

    // each request may go to the other one
    const balanced = stack.use(
      await nginxConsole([portA, portB].map((port) => `http://127.0.0.1:${port}/`)),
    );
    const root = new URL(balanced.url).origin;
    const anna = visitor(root);
    const ask = <Answer>(method: string, path: string, body?: unknown) =>
      anna.ask<Answer>(method, `/waybill/api/v1/${path}`, body);
    const signedIn = await ask('POST', 'sign-in', { user: 'anna', password: added.output.trim() });
    expect(signedIn.status).toBe(200);
    const { body: me } = await ask<{ csrfToken: string; mustChangePassword: boolean }>('GET', 'me');
    expect(me.mustChangePassword).toBe(true);
    const act = <Answer>(method: string, path: string, body: unknown) =>
      anna.ask<Answer>(method, `/waybill/api/v1/${path}`, body, { 'x-csrf-token': me.csrfToken });
    const changed = await act('POST', 'me/password', {
      current: added.output.trim(),
      password: PASSWORD,
    });
    expect(changed.status, JSON.stringify(changed.body)).toBe(200);
    const again = await ask('POST', 'sign-in', { user: 'anna', password: PASSWORD });
    expect(again.status).toBe(200);
    const { body: now } = await ask<{ csrfToken: string }>('GET', 'me');
    const order = <Answer>(path: string, body: unknown) =>
      anna.ask<Answer>('POST', `/waybill/api/v1/${path}`, body, { 'x-csrf-token': now.csrfToken });
    for (let n = 0; n < 6; n++) expect((await ask('GET', 'me')).status).toBe(200);
    const found = async (): Promise<MessagePage> =>
      (await order<MessagePage>('messages/search', { search: { mrn: '4711' }, target: 'out' }))
        .body;
    await vi.waitFor(async () => expect((await found()).items).toHaveLength(1), 20_000);

    // what one was ordered, the other may do, once
    const search = { search: { mrn: '4711' }, target: 'out' };
    const { body: made } = await order<JobAnswer>('jobs', {
      type: 'resend',
      criteria: search,
      reason: 'lost',
    });
    await vi.waitFor(async () => {
      const { body } = await ask<Job>('GET', `jobs/${made.job?.id}`);
      expect(body).toMatchObject({ state: 'finished', done: 1, failed: 0 });
    }, 15_000);
    expect(receiver.received).toHaveLength(2);

    // one dies, whoever it was that built the trace: the session goes on, and so does the trace
    await first.kill();
    await sendUntilAcknowledged(listen, [adt('M2', '4712')], () => undefined);
    await vi.waitFor(async () => {
      const { status, body } = await order<MessagePage>('messages/search', {
        search: { mrn: '4712' },
        target: 'out',
      });
      expect(status).toBe(200);
      expect(body.items).toHaveLength(1);
    }, 30_000);
    expect((await ask<{ broken?: number }>('GET', 'audit/verify')).body.broken).toBeUndefined();
  },
);
