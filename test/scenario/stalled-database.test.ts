import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test, vi } from 'vitest';
import { metaDatabase } from '../../src/access/meta/open-meta.ts';
import { users } from '../../src/access/sign-in/users.ts';
import type { MessagePage } from '../../src/api/contract/message.ts';
import type { Status } from '../../src/api/contract/status.ts';
import { hashPassword } from '../../src/credential/password.ts';
import { operated } from '../support/operator.ts';
import { type PostgresServer, postgresPrograms, startPostgres } from '../support/postgres.ts';
import { visitor } from '../support/visitor.ts';

const programs = await postgresPrograms();
const PASSWORD = 'a long walk by the sea';

/** Lets every process of the server stand still, or go on. */
async function signalAll(server: PostgresServer, signal: 'SIGSTOP' | 'SIGCONT'): Promise<void> {
  const main = server.process.pid ?? 0;
  const { stdout } = await promisify(execFile)('ps', ['--ppid', String(main), '-o', 'pid=']);
  for (const pid of [main, ...stdout.trim().split(/\s+/).map(Number)]) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      // it has ended since it was listed
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

async function timed<Result>(work: () => Promise<Result>): Promise<readonly [Result, number]> {
  const began = performance.now();
  return [await work(), performance.now() - began];
}

test.skipIf(programs === undefined)(
  'a PostgreSQL that stands still holds up what needs it for seconds, and nothing else',
  async () => {
    await using stack = new AsyncDisposableStack();
    const server = stack.use(await startPostgres(programs ?? ''));
    const production = stack.use(await operated({ trace: server.url }));
    const place = {
      data: join(production.folder.path, 'data'),
      shared: { url: server.url, production: 'ward' },
    };
    const meta = await metaDatabase(place);
    const password = await hashPassword(PASSWORD, { memory: 64, passes: 1, parallelism: 1 });
    const anna = { roles: ['administrator'], scope: ['*'], password, mustChange: false };
    await users(meta).add({ ...anna, name: 'anna' });
    await meta.close();
    const somebody = visitor(production.url);
    expect((await somebody.signIn('anna', PASSWORD)).status).toBe(200);
    await production.send('M1');
    expect((await somebody.ask('GET', '/api/v1/status')).status).toBe(200);

    await signalAll(server, 'SIGSTOP');
    try {
      const search = () =>
        somebody.ask<{ detail: string; code: string }>('POST', '/api/v1/messages/search', {});
      const searching = timed(search);
      // what needs no database is answered as ever, while others wait
      const [open, openTook] = await timed(() =>
        visitor(production.url).ask('GET', '/api/v1/sign-in/methods'),
      );
      expect(open.status).toBe(200);
      expect(openTook).toBeLessThan(2_000);
      const [first, firstTook] = await timed(() => somebody.ask('GET', '/api/v1/status'));
      expect(first.status).toBe(200);
      expect(firstTook).toBeLessThan(15_000);
      const [refused, took] = await searching;
      expect([refused.status, refused.body.code]).toEqual([503, 'STORE_UNAVAILABLE']);
      expect(refused.body.detail).toMatch(/PostgreSQL does not answer \(postgres at 127\.0\.0\.1:/);
      expect(took).toBeLessThan(15_000);

      // from now on nobody waits, and messages go on
      await production.send('M2');
      await vi.waitFor(async () => {
        const [status, statusTook] = await timed(() =>
          somebody.ask<Status>('GET', '/api/v1/status'),
        );
        expect(status.status).toBe(200);
        expect(status.body.hosts.running).toBe(2);
        expect(status.body.trace.failingSince).toBeGreaterThan(0);
        expect(statusTook).toBeLessThan(3_500);
      }, 10_000);
      const hosts = await somebody.ask('GET', '/api/v1/hosts');
      expect(hosts.status).toBe(200);
      expect((await visitor(production.url).signIn('anna', PASSWORD)).status).toBe(503);
      // nothing is done that could not be recorded
      const stopped = await somebody.ask('POST', '/api/v1/hosts/hl7-in/stop', { reason: 'x' });
      expect(stopped.status).toBe(503);
    } finally {
      await signalAll(server, 'SIGCONT');
    }
    await vi.waitFor(
      async () => {
        const found = await somebody.ask<MessagePage>('POST', '/api/v1/messages/search', {
          target: 'hl7-out',
        });
        expect(found.status).toBe(200);
        expect(found.body.items).toHaveLength(2);
        expect((await visitor(production.url).signIn('anna', PASSWORD)).status).toBe(200);
      },
      { timeout: 40_000, interval: 500 },
    );
  },
);
