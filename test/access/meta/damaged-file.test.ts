import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { auditDatabase, metaDatabase } from '../../../src/access/meta/open-meta.ts';
import type { Damage } from '../../../src/trace/store/damage.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const HOW: Readonly<Record<string, (path: string) => Promise<void>>> = {
  'its header is': async (path) => writeFile(path, (await readFile(path)).fill(7, 0, 100)),
  'it was cut': async (path) => truncate(path, (await readFile(path)).byteLength >> 1),
  'pages in the middle are': async (path) =>
    writeFile(path, (await readFile(path)).fill(0xff, 4_096 * 2)),
};

for (const [how, damage] of Object.entries(HOW)) {
  test(`a damaged file (${how}) is set aside and told, and a new one begun`, async () => {
    await using folder = await temporaryFolder('meta');
    for (const [name, open] of [
      ['meta.db', metaDatabase],
      ['audit.db', auditDatabase],
    ] as const) {
      const first = await open({ data: folder.path });
      await first.close();
      await damage(join(folder.path, name));
      // the command line leaves it to the operator plane
      await expect(open({ data: folder.path })).rejects.toThrow(/malformed|not a database/);
      const damages: Damage[] = [];
      const again = await open({ data: folder.path, onDamaged: (one) => damages.push(one) });
      expect(await again.get('SELECT 1 AS one')).toEqual({ one: 1 });
      await again.close();
      expect(damages).toMatchObject([{ file: name }]);
      expect(
        (await readFile(join(folder.path, damages[0]?.keptAs ?? ''))).byteLength,
      ).toBeGreaterThan(0);
    }
  });
}
