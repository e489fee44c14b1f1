import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import sqlIn from '../../../adapters/sql/sql-in.ts';
import sqlOut from '../../../adapters/sql/sql-out.ts';
import { openInbound, openOutbound } from '../../support/open-adapter.ts';
import type { SqlDatabase } from '../../support/sql-databases.ts';

/** The last tests of a server: it does not come back. */
export function describeFaults(database: () => SqlDatabase): void {
  describe('a server', () => {
    test('that stands still: a statement is given up after timeout, and an operation closes', async () => {
      await database().ask('CREATE TABLE still (n BIGINT PRIMARY KEY)');
      const given = {
        ...database().given(),
        statements: 'INSERT INTO still VALUES ({id})',
        timeout: '1s',
      };
      await using out = await openOutbound(sqlOut, given, database().options);
      await out.send(Buffer.from('x'), { id: 1 });
      await database().hold();
      try {
        const limit = AbortSignal.timeout(3_000);
        const sending = out.send(Buffer.from('x'), { id: 2 }, limit);
        // a process of ours can be ended, a server can not
        const ended = await sending.then(
          (reply) => reply?.code,
          () => 'given up',
        );
        expect(ended).toBe(database().words.isRemote ? 'given up' : 'TIMEOUT');
        const begin = performance.now();
        await out.close();
        expect(performance.now() - begin).toBeLessThan(15_000);
      } finally {
        database().goOn();
      }
    });

    test('that is killed in a transaction: what was delivered is noted, the rest stays', async () => {
      await database().ask(
        'CREATE TABLE killed (n BIGINT PRIMARY KEY, sent INT DEFAULT 0)',
        'INSERT INTO killed (n) VALUES (1), (2), (3)',
      );
      await using opened = await openInbound(
        sqlIn,
        {
          ...database().given(),
          query: database().words.locking('SELECT n FROM killed WHERE sent = 0 ORDER BY n'),
          after: 'UPDATE killed SET sent = 1 WHERE n = {n}',
          every: '30ms',
        },
        database().options,
      );
      await vi.waitFor(() => expect(opened.delivered).toHaveLength(3));
      await sleep(100);
      opened.hold();
      await database().ask('INSERT INTO killed (n) VALUES (4), (5)');
      await vi.waitFor(() => expect(opened.waiting).toBe(1));
      database().crash();
      await sleep(300);
      opened.release();
      await vi.waitFor(() => expect(opened.lost).toHaveLength(1));
      expect(opened.lost[0]).toMatchObject({ code: 'ADAPTER_NOT_CONNECTED' });
      // of five rows four were delivered, and of those the last is not marked
      expect(opened.delivered).toHaveLength(4);
      const { delivered } = JSON.parse(opened.memory ?? '{}') as { delivered: string[] };
      expect(delivered).toHaveLength(1);
    });
  });
}
