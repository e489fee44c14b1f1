import { expect, test, vi } from 'vitest';
import { metaDatabase } from '../../../src/access/meta/open-meta.ts';
import { silentLogger } from '../../../src/log/logger.ts';
import { alertStore } from '../../../src/operator/alert/alert-store.ts';
import { startNatsWatch } from '../../../src/operator/alert/nats-watch.ts';
import type { Notifier } from '../../../src/operator/alert/notifier.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

test('NATS that is away for several looks is told of, a short break is not', async () => {
  await using folder = await temporaryFolder('nats-watch');
  await using database = await metaDatabase({ data: folder.path });
  const store = alertStore(database);
  const about = { name: 'hub', title: 'Hub', alerts: undefined };
  const answers = [false, false, false, false, false, true];
  let isFull = false;
  let looks = 0;
  const told: string[] = [];
  const watch = startNatsWatch({
    reached: async () => {
      looks++;
      return isFull || (answers.shift() ?? false);
    },
    isFull: () => isFull,
    about: async () => about,
    store,
    notifier: {
      tell: async (open: readonly { rule: string }[]) => {
        told.push(...open.map(({ rule }) => `${looks} ${rule}`));
      },
    } as unknown as Notifier,
    log: silentLogger,
    every: 5,
  });
  try {
    await vi.waitFor(() => expect(told.length).toBeGreaterThan(1));
    expect(told[0]).toBe('12 nats');
    expect(await store.list({ ended: false, limit: 9 })).toMatchObject([
      { rule: 'nats', object: 'hub', level: 'error', text: expect.stringContaining('not answer') },
    ]);
    // it answers, and has no room for anything
    isFull = true;
    await vi.waitFor(async () =>
      expect(await store.list({ ended: false, limit: 9 })).toMatchObject([
        { rule: 'nats', text: expect.stringContaining('holds as much as it may') },
      ]),
    );
  } finally {
    await watch.stop();
  }
});
