import { expect, test } from 'vitest';
import { shownMessage } from '../../src/api/shown.ts';
import { callerText } from '../../src/message/caller.ts';
import type { TracedMessage } from '../../src/trace/traced-message.ts';

const caller = callerText({ name: 'anna', claims: { ward: 'W17', patient: { id: '471100' } } });
const message: TracedMessage = {
  id: 1,
  sessionId: 1,
  source: 'portal',
  target: 'patients',
  type: 'application/json',
  status: 'completed',
  created: 0,
  received: 0,
  size: 2,
  attempts: 1,
  hasBody: true,
  caller,
};

test('who sent a message is masked with the names of the claims left, but for those who see patients', () => {
  const seen = shownMessage({ unmasked: false, visibleHosts: undefined }, message).caller ?? '';
  expect(JSON.parse(seen)).toMatchObject({ claims: { patient: {} } });
  expect(seen).toContain('"ward"');
  expect(seen).not.toMatch(/anna|W17|471100/);
  expect(shownMessage({ unmasked: true, visibleHosts: undefined }, message).caller).toBe(caller);
});
