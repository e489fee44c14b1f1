import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { expect, test, vi } from 'vitest';
import { startNats } from '../../support/nats.ts';

const environmentOf = async (pid: number | undefined): Promise<string[]> =>
  (await readFile(`/proc/${pid}/environ`, 'utf8')).split('\0');

test.skipIf(!existsSync('/proc/self/environ'))(
  'the embedded nats-server collects early, unless its environment says otherwise',
  async () => {
    try {
      // the tests have one of their own
      vi.stubEnv('GOGC', undefined);
      vi.stubEnv('WAYBILL_MASTER_KEY', 'of-the-engine-alone');
      vi.stubEnv('SOME_PASSWORD', 'of-the-engine-alone');
      await using server = await startNats();
      const its = await environmentOf(server.pid);
      expect(its).toContain('GOGC=25');
      // what a dump of the server would hold
      expect(its.join(' ')).not.toContain('of-the-engine-alone');

      vi.stubEnv('GOGC', '80');
      await using other = await startNats();
      expect((await environmentOf(other.pid)).filter((one) => one.startsWith('GOGC='))).toEqual([
        'GOGC=80',
      ]);
    } finally {
      vi.unstubAllEnvs();
    }
  },
);
