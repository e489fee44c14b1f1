import { expect, test } from 'vitest';
import { alertSettingsOf } from '../../../src/access/sign-in/alert-settings.ts';
import type { AlertDelivery } from '../../../src/operator/alert/delivery-store.ts';
import { dueNews, LATE, plannedSteps } from '../../../src/operator/alert/due-news.ts';

const MINUTE = 60_000;
const settings = alertSettingsOf({
  channels: { pager: {}, mail: {}, chat: {} },
  people: { ann: ['pager', 'mail'], bob: ['chat'] },
  rota: [{ from: 'mon 08:00', to: 'mon 20:00', who: ['ann'] }],
  zone: 'UTC',
  steps: [
    { to: ['on-call'] },
    { after: '15m', to: ['bob'] },
    { after: '30m', to: ['mail'], level: 'error' },
  ],
});
/** A Monday. */
const NOON = Date.parse('2026-01-05T12:00:00Z');
const NIGHT = Date.parse('2026-01-05T22:00:00Z');
const ALERT = { rule: 'queue', object: 'ward', level: 'warn' } as const;

/** A log of tries: [minutes after noon, step, recipient, channel, state]. */
type Try = readonly [number, number, string, string, AlertDelivery['state']];

function due(tries: readonly Try[], minutes: number, alert: Parameters<typeof dueNews>[0] = ALERT) {
  const now = NOON + minutes * MINUTE;
  const deliveries = tries.map(
    ([at, step, recipient, channel, state], n): AlertDelivery => ({
      id: n,
      alert: 1,
      news: 'open',
      step,
      recipient,
      tried: n,
      channel,
      at: NOON + at * MINUTE,
      state,
      messageId: undefined,
      text: undefined,
    }),
  );
  const steps = plannedSteps(settings, [], { overrides: [], now });
  return dueNews(alert, steps, { deliveries, now }).map(
    (one) => `${one.step} ${one.recipient} ${one.channel}`,
  );
}

test('who is on call is told first, and the next step if nobody takes it on', () => {
  expect(due([], 0)).toEqual(['1 ann pager']);
  const told = [0, 1, 'ann', 'pager', 'delivered'] as const;
  expect(due([told], 14)).toEqual([]);
  expect(due([told], 15)).toEqual(['2 bob chat']);
  expect(due([told, [15, 2, 'bob', 'chat', 'delivered']], 40)).toEqual([]);
  expect(
    due([told, [15, 2, 'bob', 'chat', 'delivered']], 40, { ...ALERT, level: 'error' }),
  ).toEqual(['3 mail mail']);
});

test('a channel that fails is followed by the next, and all of them by the next step at once', () => {
  const failed = [0, 1, 'ann', 'pager', 'failed'] as const;
  expect(due([failed], 0)).toEqual(['1 ann mail']);
  const both = [failed, [0.1, 1, 'ann', 'mail', 'failed']] as const;
  expect(due(both, 0.2)).toEqual(['2 bob chat']);
  // and they are tried again, later each time
  const reached = [...both, [0.2, 2, 'bob', 'chat', 'delivered']] as const;
  expect(due(reached, 1)).toEqual([]);
  expect(due(reached, 1.2)).toEqual(['1 ann pager']);
});

test('what an operation does not deliver in time is sent by the next channel', () => {
  const sent = [0, 1, 'ann', 'pager', 'sent'] as const;
  expect(due([sent], 1)).toEqual([]);
  expect(due([sent], LATE / MINUTE)).toEqual(['1 ann mail']);
});

test('a plane that ended while it sent is not waited for without end', () => {
  expect(due([[0, 1, 'ann', 'pager', 'sending']], 3)).toEqual(['1 ann mail']);
});

test('that a channel fails is not told by that channel', () => {
  expect(due([], 0, { ...ALERT, rule: 'channel', object: 'pager' })).toEqual(['1 ann mail']);
});

test('where nobody is on call the next step is due at once', () => {
  const steps = plannedSteps(settings, [], { overrides: [], now: NIGHT });
  expect(dueNews(ALERT, steps, { deliveries: [], now: NIGHT })).toMatchObject([
    { step: 2, recipient: 'bob' },
  ]);
});

test('without steps every channel is told, beside the operations of the production', () => {
  const all = alertSettingsOf({ channels: { a: {}, b: {} } });
  const steps = plannedSteps(all, ['registrar'], { overrides: [], now: NOON });
  expect(
    dueNews(ALERT, steps, { deliveries: [], now: NOON }).map(({ channel }) => channel),
  ).toEqual(['operation registrar', 'a', 'b']);
});
