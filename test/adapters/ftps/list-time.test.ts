import { expect, test } from 'vitest';
import { listTime } from '../../../adapters/ftps/ftps-store.ts';

const NOW = Date.UTC(2026, 2, 15, 12);

test.for([
  ['Mar 15 11:59', '2026-03-15T11:59:00.000Z'],
  ['Mar 16 01:00', '2026-03-16T01:00:00.000Z'],
  ['Nov 24 12:00', '2025-11-24T12:00:00.000Z'],
  ['Jan  5 08:30', '2026-01-05T08:30:00.000Z'],
  ['Nov 24  2024', '2024-11-24T00:00:00.000Z'],
  ['11-24-25 03:07PM', '2025-11-24T15:07:00.000Z'],
  ['11-24-2025 12:07AM', '2025-11-24T00:07:00.000Z'],
  ['11-24-2025 15:07', '2025-11-24T15:07:00.000Z'],
] as const)('reads %s as %s', ([text, time]) => {
  expect(new Date(listTime(text, NOW)).toISOString()).toBe(time);
});

test.for(['', 'gestern', 'Xyz 12 10:00', '2026-03-15'])('gives 0 for %j', (text) => {
  expect(listTime(text, NOW)).toBe(0);
});
