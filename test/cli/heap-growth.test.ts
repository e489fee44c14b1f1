import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const PROGRAM = join(import.meta.dirname, '../support/much-garbage.ts');

async function growth(kind: 'limited' | 'free'): Promise<number> {
  const words = [
    '--expose-gc',
    '--max-semi-space-size=8',
    '--conditions=waybill-source',
    PROGRAM,
    kind,
  ];
  const { stdout } = await promisify(execFile)(process.execPath, words);
  return Number(stdout);
}

test('the heap of an engine is collected before garbage is most of it', async () => {
  const [limited, free] = await Promise.all([growth('limited'), growth('free')]);
  expect(limited).toBeGreaterThan(1);
  expect(limited).toBeLessThan(free * 0.75);
});
