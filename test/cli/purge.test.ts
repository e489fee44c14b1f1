import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { auditCommand } from '../../src/cli/command/audit.ts';
import { purgeCommand } from '../../src/cli/command/trace.ts';
import { runProduction } from '../../src/cli/run-production.ts';
import { silentLogger } from '../../src/log/logger.ts';
import { startOperator } from '../../src/plane/operator-plane.ts';
import { sqliteTraceStore } from '../../src/trace/store/sqlite/trace-store.ts';
import type { PurgeReport } from '../../src/trace/trace-store.ts';
import { ran } from '../support/command.ts';
import { sampleSession } from '../support/trace-sample.ts';

const DAY = 86_400_000;
const PRODUCTION = `production: purged
services: { in: { adapter: file-in, settings: { folder: in }, to: out } }
operations: { out: { adapter: file-out, settings: { folder: out, name: "{id}" } } }
`;

test('purge says what would go, removes it, says what stayed and why, and is audited', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-purge-'));
  const data = join(folder, 'data');
  await writeFile(join(folder, 'production.yaml'), PRODUCTION);
  const options = { folder, data, durability: 'process-crash', log: silentLogger } as const;
  try {
    await using running = await runProduction(options);
    const { definition, access } = running;
    const old = sampleSession({ at: Date.now() - 20 * DAY });
    const waiting = sampleSession({ at: Date.now() - 20 * DAY, number: 1 });
    const young = sampleSession({ at: Date.now() - 3 * DAY });
    {
      await using store = sqliteTraceStore({ folder: join(data, 'trace') });
      await store.apply([...old.all, waiting.arrival, waiting.queued, ...young.all]);
    }
    const operator = await startOperator({
      access,
      production: definition.name,
      data,
      trace: undefined,
      search: definition.settings.search,
      keep: definition.settings.keep,
      log: silentLogger,
      console: undefined,
    });
    try {
      const where = ['--data', data];
      const dry = await ran(purgeCommand(), [...where, '--dry-run']);
      expect(dry).toMatchObject({ code: 0, errors: '' });
      expect(dry.output).toMatch(
        /1 day with 4 messages would be removed, [\d.]+ [KM]B would be freed/,
      );
      expect(dry.output).toContain('1 session of such days kept:');
      expect(dry.output).toMatch(new RegExp(`${waiting.derived} +ward +queued +20d`));

      const json = await ran(purgeCommand(), [...where, '--json']);
      const report = JSON.parse(json.output) as PurgeReport;
      expect(report.removed).toMatchObject([{ messages: 4, because: 'age' }]);
      const again = await ran(purgeCommand(), where);
      expect(again.output).toContain('0 days with 0 messages removed, 0 B freed');

      // sooner than the production's own seven days
      const sooner = await ran(purgeCommand(), [...where, '--older-than', '1d']);
      expect(sooner.output).toContain('1 day with 2 messages removed');
      const acts = await ran(auditCommand(), ['list', '--action', 'storage', '--json', ...where]);
      expect(JSON.parse(acts.output)).toMatchObject([
        {
          action: 'storage.purge',
          via: 'command line',
          outcome: 'done',
          detail: JSON.stringify({ keep: DAY }),
        },
        { action: 'storage.purge' },
        { action: 'storage.purge' },
      ]);
      expect(await ran(purgeCommand(), [...where, '--older-than', 'soon'])).toMatchObject({
        code: 1,
        errors: expect.stringContaining('soon is not a time such as 30d or 12h'),
      });
    } finally {
      await operator.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
