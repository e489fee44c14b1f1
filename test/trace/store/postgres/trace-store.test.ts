import { chown } from 'node:fs/promises';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { fixedClock } from '../../../../src/time/clock.ts';
import { postgresTraceStore } from '../../../../src/trace/store/postgres/trace-store.ts';
import type { TraceStore } from '../../../../src/trace/trace-store.ts';
import type { OpenTraceStore } from '../../../contract/trace-store/opened.ts';
import { describeTraceStore } from '../../../contract/trace-store.contract.ts';
import {
  type PostgresServer,
  postgresPrograms,
  serverAccount,
  startPostgres,
} from '../../../support/postgres.ts';
import { canMount, smallDisk } from '../../../support/small-disk.ts';
import { NOON, sampleSession } from '../../../support/trace-sample.ts';

const programs = await postgresPrograms();
let server: PostgresServer;
let count = 0;

async function asked(statement: string, url = server.url): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query(statement);
  await client.end();
}

/** Ends the connections to a database, which could not be copied or renamed otherwise. */
const cutOff = (database: string): Promise<void> =>
  asked(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database}'`);

const sampleOf = (number: number, target: string): ReturnType<typeof sampleSession>['all'] =>
  sampleSession({ number, at: NOON + number, target }).all;

const open: OpenTraceStore = async ({ largeBody, now } = {}) => {
  const production = `contract-${++count}`;
  const opened = (): Promise<TraceStore> =>
    postgresTraceStore({
      url: server.url,
      production,
      largeBody,
      ...(now === undefined ? {} : { clock: fixedClock(now) }),
    });
  let store = await opened();
  return {
    store,
    async reopen() {
      await store.close();
      store = await opened();
      return store;
    },
    dispose: () => store.close(),
  };
};

// without a server (apt-get install postgresql) there is nothing to test against
describe.runIf(programs !== undefined)('a private PostgreSQL', () => {
  beforeAll(async () => {
    server = await startPostgres(programs ?? '');
  });
  afterAll(() => server[Symbol.asyncDispose]());

  describeTraceStore('postgres', open);

  test.runIf(canMount)(
    'a disk that is full is told as such, and the store goes on once there is room',
    async () => {
      await using disk = await smallDisk(32);
      const account = await serverAccount();
      if (account !== undefined) await chown(disk.path, account.uid, account.gid);
      await asked(`CREATE TABLESPACE small LOCATION '${disk.path}'`);
      await asked('CREATE DATABASE small TABLESPACE small');
      const url = new URL(server.url);
      url.pathname = '/small';
      {
        await using store = await postgresTraceStore({ url: url.href, production: 'full' });
        await disk.fill(true);
        let number = 0;
        const apply = () =>
          store.apply(sampleSession({ number, at: NOON + number++, target: 'ward' }).all);
        await expect(
          (async () => {
            for (;;) await apply();
          })(),
        ).rejects.toMatchObject({
          code: 'STORE_UNAVAILABLE',
          message: expect.stringMatching(
            /small at 127\.0\.0\.1:\d+\) has no space left on its disk: free some/,
          ),
        });
        await disk.fill(false);
        await vi.waitFor(apply);
      }
      await asked('DROP DATABASE small WITH (FORCE)');
      await asked('DROP TABLESPACE small');
    },
  );

  test('a server that became a standby is told as such, and the primary is found by another connection', async () => {
    const database = new URL(server.url).pathname.slice(1);
    await using store = await postgresTraceStore({ url: server.url, production: 'standby' });
    const apply = (number: number) =>
      store.apply(sampleSession({ number, at: NOON + number, target: 'ward' }).all);
    await apply(1);
    await asked('ALTER SYSTEM SET default_transaction_read_only = on');
    await asked('SELECT pg_reload_conf()');
    // unlike those that are open, new connections may write
    await asked(
      `BEGIN READ WRITE; ALTER DATABASE ${database} SET default_transaction_read_only = off; COMMIT`,
    );
    await expect(apply(2)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringMatching(/takes no changes, as a standby does: name the primary in/),
    });
    await vi.waitFor(() => apply(2));
    await asked('ALTER SYSTEM RESET default_transaction_read_only');
    await asked('SELECT pg_reload_conf()');
  });

  test('a role that loses a right is told as such, and the store goes on once it has it again', async () => {
    await asked(`CREATE ROLE poor LOGIN PASSWORD 'poor'`);
    await asked('CREATE DATABASE poor OWNER poor');
    const url = new URL(server.url);
    url.pathname = '/poor';
    const owned = (by: string) => asked(`ALTER TABLE waybill_rights.word OWNER TO ${by}`, url.href);
    const own = new URL(url);
    [own.username, own.password] = ['poor', 'poor'];
    {
      await using store = await postgresTraceStore({ url: own.href, production: 'rights' });
      const apply = () => store.apply(sampleSession().all);
      await owned('waybill');
      await expect(apply()).rejects.toMatchObject({
        code: 'STORE_UNAVAILABLE',
        message: expect.stringMatching(
          /poor at 127\.0\.0\.1:\d+\) denies the role a right: let it/,
        ),
      });
      await owned('poor');
      await apply();
    }
    await asked('DROP DATABASE poor WITH (FORCE)');
    await asked('DROP ROLE poor');
  });

  test('a database that went back in time while it was written is noticed, and what is written then stands', async () => {
    // as a standby that takes over without the last of it, or a backup
    await asked('CREATE DATABASE live');
    const url = new URL(server.url);
    url.pathname = '/live';
    const behind: (readonly [string, number])[][] = [];
    {
      await using store = await postgresTraceStore({
        url: url.href,
        production: 'behind',
        onBehind: (read) => behind.push([...read]),
      });
      await store.apply(sampleOf(1, 'ward'), [
        { id: 'WARD', floor: 1 },
        { id: 'LAB', floor: 7 },
      ]);
      await cutOff('live');
      await asked('CREATE DATABASE copy TEMPLATE live');
      await vi.waitFor(() => store.apply(sampleOf(2, 'lab'), [{ id: 'LAB', floor: 9 }]));
      expect(await store.readUpTo()).toEqual(new Map(Object.entries({ WARD: 1, LAB: 9 })));
      await cutOff('live');
      await asked('ALTER DATABASE live RENAME TO gone');
      await asked('ALTER DATABASE copy RENAME TO live');
      // it would be found under a host that the database does not know
      const late = () => store.apply(sampleOf(3, 'lab'), [{ id: 'LAB', floor: 11 }]);
      await vi.waitFor(() => expect(late()).rejects.toThrow(/no longer has what was written last/));
      const known = [Object.entries({ WARD: 1, LAB: 7 })];
      expect(behind).toEqual(known);
      await late();
      await store.apply(sampleOf(2, 'lab'));
      expect(behind).toEqual(known);
      const { items } = await store.find({ target: 'lab', limit: 10 });
      expect(items.map(({ status }) => status)).toEqual(['completed', 'completed']);
    }
    await asked('DROP DATABASE live WITH (FORCE)');
    await asked('DROP DATABASE gone WITH (FORCE)');
  });

  test('how far the streams were read is not known once an older version has written, until it is said again', async () => {
    await using store = await postgresTraceStore({ url: server.url, production: 'mixed' });
    expect(await store.readUpTo()).toEqual(new Map());
    await store.setReadUpTo([{ id: 'WARD', floor: 5 }]);
    await store.apply(sampleOf(1, 'ward'), [{ id: 'LAB', floor: 7 }]);
    const read = new Map(Object.entries({ WARD: 5, LAB: 7 }));
    expect(await store.readUpTo()).toEqual(read);
    // what a version does that notes nothing
    await asked(
      `UPDATE waybill_mixed.note SET value = (value::bigint + 1)::text WHERE name = 'batches'`,
    );
    expect(await store.readUpTo()).toEqual(new Map());
    await store.apply(sampleOf(2, 'lab'), [{ id: 'LAB', floor: 9 }]);
    expect(await store.readUpTo()).toEqual(new Map());
    await store.setReadUpTo([
      { id: 'WARD', floor: 6 },
      { id: 'LAB', floor: 8 },
    ]);
    await store.apply(sampleOf(3, 'lab'));
    expect(await store.readUpTo()).toEqual(new Map(Object.entries({ WARD: 6, LAB: 9 })));
  });

  test('two operator planes on one trace see each other, and both may write', async () => {
    await using first = await postgresTraceStore({ url: server.url, production: 'shared' });
    await using second = await postgresTraceStore({ url: server.url, production: 'shared' });
    const samples = Array.from({ length: 40 }, (_, number) =>
      sampleSession({ number, at: NOON + number, target: number % 2 === 0 ? 'ward' : 'lab' }),
    );
    const everything = samples.flatMap(({ all }) => all);
    const halves = [
      everything.filter((_, at) => at % 2 === 0),
      everything.filter((_, at) => at % 2 === 1),
    ];
    // each applies the same messages in parts, in turns with the other; a conflict is given again, as the projector does
    await Promise.all(
      [first, second].map(async (store) => {
        for (const half of halves) {
          for (let at = 0; at < half.length; at += 7) {
            await vi.waitFor(() => store.apply(half.slice(at, at + 7)), { timeout: 10_000 });
          }
        }
      }),
    );
    for (const store of [first, second]) {
      expect((await store.find({ limit: 1_000 })).items).toHaveLength(80);
      expect(
        (await store.find({ status: ['completed'], target: 'lab', limit: 1_000 })).items,
      ).toHaveLength(20);
      expect(await store.orphans()).toBe(0);
    }
    const [row] = await first.statistics({ from: NOON, to: NOON, step: 3_600_000, hosts: ['lab'] });
    expect(row).toMatchObject({ in: 20, out: 20 });
  });

  test('a database that cannot be reached is told as such, without its password', async () => {
    const url = server.url.replace(/:\d+\/postgres$/, ':1/postgres');
    const failure = postgresTraceStore({ url, production: 'nowhere' });
    await expect(failure).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true });
    await expect(failure).rejects.not.toThrow(new URL(url).password);
    // somebody has set another one, and may set this one again
    const changed = new URL(server.url);
    changed.password = 'of-last-year';
    for (const path of ['/postgres', '/gone']) {
      changed.pathname = path;
      if (path === '/gone') changed.password = new URL(server.url).password;
      const refusal = postgresTraceStore({ url: changed.href, production: 'nowhere' });
      await expect(refusal).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true });
      await expect(refusal).rejects.toThrow(/refuses the user, the password or the database: set/);
      await expect(refusal).rejects.not.toThrow(changed.password);
    }
  });
});
