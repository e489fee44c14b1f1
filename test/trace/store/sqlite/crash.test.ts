import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { sqliteTraceStore } from '../../../../src/trace/store/sqlite/trace-store.ts';
import type { TraceStore } from '../../../../src/trace/trace-store.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { NOON } from '../../../support/trace-sample.ts';
import { crashBatch, crashSessions } from './crash-batch.ts';

/** Lets a process write from batch `first` on and kills it in the middle of it. Returns the last batch it called durable. */
async function writeAndKill(folder: string, first: number, batches: number): Promise<number> {
  const writer = spawn(process.execPath, [
    '--conditions=waybill-source',
    fileURLToPath(new URL('crash-writer.ts', import.meta.url)),
    `--folder=${folder}`,
    `--first=${first}`,
  ]);
  const ended = once(writer, 'exit');
  let last = first - 1;
  for await (const line of createInterface({ input: writer.stdout })) {
    last = Number(line);
    if (last === first + batches) writer.kill('SIGKILL');
  }
  const [, signal] = (await ended) as [number | null, string | null];
  expect(signal).toBe('SIGKILL');
  return last;
}

/** How many sessions of a batch are there, and how many of them are settled. */
async function found(
  store: TraceStore,
  number: number,
): Promise<{ begun: number; settled: number }> {
  const { items } = await store.find({ search: { mrn: `B${number}` }, limit: 1_000 });
  const derived = items.filter(({ target }) => target === 'ward');
  expect(items).toHaveLength(derived.length * 2);
  for (const { id } of derived)
    expect((await store.body(id))?.bytes?.byteLength).toBeGreaterThan(100);
  return {
    begun: derived.length,
    settled: derived.filter(({ status }) => status === 'completed').length,
  };
}

test('a process killed while it writes leaves whole batches: all that it called durable, and nothing half', async () => {
  await using folder = await temporaryFolder('trace-crash');
  let next = 0;
  for (const batches of [3, 11, 6]) {
    const last = await writeAndKill(folder.path, next, batches);
    const store = sqliteTraceStore({ folder: folder.path });
    // the batch after the last reported one may have been committed before it could say so
    const reached = (await found(store, last + 1)).begun > 0 ? last + 1 : last;
    expect((await found(store, reached + 1)).begun).toBe(0);
    for (let number = 0; number <= reached; number++) {
      const settled = number < reached ? crashSessions(number).length : 0;
      expect(await found(store, number)).toEqual({ begun: 20, settled });
    }
    expect(await store.orphans()).toBe(0);
    const rows = await store.statistics({ from: NOON, to: NOON + 3_600_000, step: 3_600_000 });
    expect(rows.find(({ host }) => host === 'ward')).toMatchObject({
      in: (reached + 1) * 20,
      out: reached * 20,
    });
    // the batch that was not acknowledged comes again
    await store.apply(crashBatch(reached));
    await store.close();
    next = reached + 1;
  }
});
