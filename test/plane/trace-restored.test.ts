import { cp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { freePort } from '../../sandbox/free-port.ts';
import { state } from '../../src/broker/state.ts';
import { projectorFloors } from '../../src/broker/stream-reader.ts';
import { runProduction } from '../../src/cli/run-production.ts';
import { silentLogger } from '../../src/log/logger.ts';
import { type OperatorPlane, startOperator } from '../../src/plane/operator-plane.ts';
import { hasOtherBodies } from '../../src/plane/trace-mark.ts';
import { mllpReceiver, sendUntilAcknowledged } from '../support/mllp-peers.ts';
import { adt, WARD } from '../support/operator.ts';
import { productionFolder } from '../support/production.ts';

/** A production whose operator plane is started and stopped. */
async function lab() {
  const scope = new AsyncDisposableStack();
  const receiver = scope.use(await mllpReceiver());
  const folder = scope.use(await productionFolder({ 'production.yaml': WARD }));
  const listen = await freePort();
  const data = join(folder.path, 'data');
  const running = scope.use(
    await runProduction({
      folder: folder.path,
      data,
      durability: 'process-crash',
      log: silentLogger,
      environment: {
        LISTEN: `127.0.0.1:${listen}`,
        CONNECT: `127.0.0.1:${receiver.port}`,
      },
    }),
  );
  const { settings, name } = running.definition;
  return {
    trace: join(data, 'trace'),
    broker: running.engine.broker,
    send: (id: string) => sendUntilAcknowledged(listen, [adt(id, id)], () => undefined),
    async operated(work: (plane: OperatorPlane) => Promise<void>): Promise<void> {
      const plane = await startOperator({
        access: running.access,
        production: name,
        data,
        trace: undefined,
        search: settings.search,
        keep: settings.keep,
        log: silentLogger,
        console: undefined,
      });
      try {
        await work(plane);
      } finally {
        await plane.stop();
      }
    },
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}

/** Waits until the trace has the patients' messages, and them alone. */
async function has({ store }: OperatorPlane, ...mrns: readonly string[]): Promise<void> {
  await vi.waitFor(async () => {
    const found = await Promise.all(
      mrns.map(async (mrn) =>
        (await store.find({ search: { mrn } })).items.map((one) => one.status),
      ),
    );
    expect(found).toEqual(mrns.map(() => ['completed']));
  });
}

/** Waits until people are told of it. */
async function told({ store }: OperatorPlane, event: string, text: RegExp): Promise<void> {
  await vi.waitFor(async () => {
    const events = (await store.events({ limit: 50 })).filter((one) => one.event === event);
    expect(events).toMatchObject([{ level: 'error', text: expect.stringMatching(text) }]);
  });
}

test('a trace that was restored from a backup, or is gone, gets what the streams still have, and people are told', async () => {
  await using production = await lab();
  const { trace } = production;
  const backup = `${trace}.backup`;
  await production.send('1');
  await production.operated((plane) => has(plane, '1'));
  await cp(trace, backup, { recursive: true });
  await production.send('2');
  await production.operated(async (plane) => {
    await has(plane, '1', '2');
    // nothing is restored
    expect(await hasOtherBodies((await state(plane.broker)).kv, 60_000)).toBe(false);
    expect((await plane.store.events({ limit: 50 })).map((one) => one.event)).not.toContain(
      'trace-restored',
    );
  });
  await rm(trace, { recursive: true });
  await cp(backup, trace, { recursive: true });
  await production.operated(async (plane) => {
    const { kv } = await state(plane.broker);
    await has(plane, '1', '2');
    await told(plane, 'trace-restored', /restored from a backup/);
    // large bodies may be those of the one before, for as long as it would have kept its messages
    expect(await hasOtherBodies(kv, 60_000)).toBe(true);
    expect(await hasOtherBodies(kv, 60_000, Date.now() + 60_000)).toBe(false);
  });
  // one day alone
  for (const file of await readdir(trace)) if (/^2.*db$/.test(file)) await rm(join(trace, file));
  await production.operated(async (plane) => {
    await has(plane, '1', '2');
    await told(plane, 'trace-restored', /removed/);
  });
});

test('a copy of the trace that is younger than its last mark, of a plane that was killed, gets what was read since', async () => {
  await using production = await lab();
  const { trace, broker } = production;
  const backup = `${trace}.backup`;
  const { kv } = await state(broker);
  await production.send('1');
  await production.operated((plane) => has(plane, '1'));
  await cp(trace, backup, { recursive: true });
  const marks = (await kv.get('trace.mark'))?.string() ?? '';
  await production.send('2');
  await production.operated(async (plane) => {
    await has(plane, '1', '2');
    // each is noted under the id by which it is asked for
    await vi.waitFor(async () => {
      const noted = await plane.store.readUpTo();
      for (const { id, floor } of await projectorFloors(broker)) expect(noted.get(id)).toBe(floor);
    });
  });
  await rm(trace, { recursive: true });
  await rename(backup, trace);
  // what a plane leaves that is killed before it marks it once more
  await kv.put('trace.mark', marks);
  await production.operated(async (plane) => {
    await has(plane, '1', '2');
    await told(plane, 'trace-restored', /restored from a backup/);
  });
  await production.operated(async (plane) => {
    await has(plane, '1', '2');
    expect((await plane.store.events({ limit: 50 })).map((one) => one.event)).toEqual(
      expect.not.arrayContaining(['messages-missing']),
    );
    await told(plane, 'trace-restored', /restored from a backup/);
  });
});

test('files of the trace that are removed or replaced while it is written lose nothing', async () => {
  await using production = await lab();
  const { trace } = production;
  await production.send('1');
  await production.operated(async (plane) => {
    await has(plane, '1');
    const day = (await readdir(trace)).find((file) => /^2.*db$/.test(file)) ?? '';
    for (const file of await readdir(trace)) await rm(join(trace, file));
    await vi.waitFor(async () => {
      await production.send(`more ${Date.now()}`);
      expect(await readdir(trace)).toEqual(expect.arrayContaining([day, 'held.db']));
    });
    await has(plane, '1');
    // another database under the name of the day
    await cp(join(trace, 'held.db'), join(trace, 'other'));
    await rename(join(trace, 'other'), join(trace, day));
    await vi.waitFor(async () => {
      await production.send(`more ${Date.now()}`);
      expect(await readdir(trace)).toContainEqual(expect.stringMatching(/^2.*replaced/));
    });
    await production.send('2');
    await has(plane, '1', '2');
    const moved = (await plane.store.events({ limit: 50 })).filter(
      ({ event }) => event === 'file-moved',
    );
    expect(moved.map(({ text }) => text).toSorted()).toEqual([
      expect.stringMatching(`^${day} was removed while it was open`),
      expect.stringMatching(`^${day} was replaced while it was open`),
      expect.stringMatching('^held.db was removed while it was open'),
    ]);
  });
  await production.operated((plane) => has(plane, '1', '2'));
});
