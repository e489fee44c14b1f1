import { readFile, rename } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { rootLogger } from '../../src/log/logger.ts';

test('what the system says of a file is logged without its name, which may be that of a patient', async () => {
  const lines: string[] = [];
  const log = rootLogger('info', { write: (line) => void lines.push(line) });
  const failing = [
    () => readFile('/no/DOE_JOHN.hl7'),
    () => rename("/no/O'NEIL.hl7", '/no/DOE.hl7'),
  ];
  for (const fail of failing) {
    const err: unknown = await fail().catch((error: unknown) => error);
    log.error({ event: 'failed', err }, 'failed');
  }
  expect(lines.join('')).toContain('ENOENT');
  expect(lines.join('')).not.toMatch(/DOE|NEIL/);
});
