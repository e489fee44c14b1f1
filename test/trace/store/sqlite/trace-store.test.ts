import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fixedClock } from '../../../../src/time/clock.ts';
import { sqliteTraceStore } from '../../../../src/trace/store/sqlite/trace-store.ts';
import { describeTraceStore } from '../../../contract/trace-store.contract.ts';

describeTraceStore('sqlite', async ({ largeBody, now } = {}) => {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-trace-'));
  const open = () =>
    sqliteTraceStore({
      folder,
      largeBody,
      ...(now === undefined ? {} : { clock: fixedClock(now) }),
    });
  let store = open();
  return {
    store,
    async reopen() {
      await store.close();
      store = open();
      return store;
    },
    async dispose() {
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
});
