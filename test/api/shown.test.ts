import { expect, test } from 'vitest';
import { shownMessage } from '../../src/api/shown.ts';
import { callerText } from '../../src/message/caller.ts';
import { ENVELOPE_FIELDS } from '../../src/message/envelope.ts';
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

const nobody = { unmasked: false, visibleHosts: undefined };

test('every text of an envelope that may tell of a patient is masked, as its declaration says', () => {
  const texts = Object.entries(ENVELOPE_FIELDS).filter(([, field]) => field.kind === 'text');
  const given = Object.fromEntries(
    texts.map(([name, { hides }]) => [
      name,
      hides === 'claims' ? callerText({ name: 'anna', claims: {} }) : 'born 1971-02-03',
    ]),
  );
  const seen = new Map(Object.entries(shownMessage(nobody, { ...message, ...given })));
  const plain = texts.filter(([name]) => seen.get(name) === given[name]).map(([name]) => name);
  const declared = texts.filter(([, { hides }]) => hides === 'nothing').map(([name]) => name);
  expect(plain).toEqual(declared);
  expect(declared).toEqual(['type', 'charset', 'testBy']);
});

test('what nobody has said how to show is not shown to those who may not see patients', () => {
  const later = { ...message, ward: 'W17', status: 'suspended' } as const;
  expect(shownMessage(nobody, later)).not.toHaveProperty('ward');
  expect(shownMessage(nobody, later)).toMatchObject({ id: 1, status: 'suspended', hasBody: true });
  expect(shownMessage({ ...nobody, unmasked: true }, later)).toHaveProperty('ward', 'W17');
});
