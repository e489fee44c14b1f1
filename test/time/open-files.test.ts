import { open } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { openFiles } from '../../src/time/open-files.ts';

test('what this process has open is counted', async () => {
  const before = await openFiles();
  expect(before?.most).toBeGreaterThan(before?.open ?? 0);
  const files = await Promise.all(Array.from({ length: 50 }, () => open(import.meta.filename)));
  const { open: now = 0 } = (await openFiles()) ?? {};
  await Promise.all(files.map((file) => file.close()));
  expect(now - (before?.open ?? 0)).toBeGreaterThanOrEqual(45);
});
