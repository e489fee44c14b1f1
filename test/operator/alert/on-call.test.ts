import { expect, test } from 'vitest';
import { alertSettingsOf } from '../../../src/access/sign-in/alert-settings.ts';
import { type OnCallOverride, onCallAt, onCallSpans } from '../../../src/operator/alert/on-call.ts';

const settings = alertSettingsOf({
  zone: 'Europe/Berlin',
  channels: {},
  rota: [
    { from: 'mon 08:00', to: 'fri 17:00', who: ['ann'] },
    { from: 'fri 17:00', to: 'mon 08:00', who: ['bob', 'carl'], since: '2026-01-09' },
  ],
});

const who = (at: string, overrides: readonly OnCallOverride[] = []): string | undefined =>
  onCallAt(settings, overrides, Date.parse(at)).who;

test('the rota is read by the clock of its zone, and a turn over the weekend is one person', () => {
  expect(who('2026-01-09T15:59:00Z')).toBe('ann');
  expect(who('2026-01-09T16:00:00Z')).toBe('bob');
  expect(who('2026-01-11T23:30:00Z')).toBe('bob');
  expect(who('2026-01-12T06:59:00Z')).toBe('bob');
  expect(who('2026-01-12T07:00:00Z')).toBe('ann');
  expect(who('2026-01-16T16:00:00Z')).toBe('carl');
  expect(who('2026-01-23T16:00:00Z')).toBe('bob');
  // before the first week too
  expect(who('2026-01-02T16:00:00Z')).toBe('carl');
});

test('a turn begins at its wall time on both sides of a clock change', () => {
  // 29 March 2026: Berlin goes from +1 to +2
  expect(who('2026-03-27T15:59:00Z')).toBe('ann');
  expect(who('2026-03-30T05:59:00Z')).not.toBe('ann');
  expect(who('2026-03-30T06:00:00Z')).toBe('ann');
});

const exception = (id: number, from: string, to: string, name: string): OnCallOverride => ({
  id,
  from: Date.parse(from),
  to: Date.parse(to),
  who: name,
  by: 'admin',
  reason: 'ill',
});

test('the newest exception that covers a moment counts, until it ends', () => {
  const all = [
    exception(1, '2026-01-09T18:00:00Z', '2026-01-10T18:00:00Z', 'dora'),
    exception(2, '2026-01-10T00:00:00Z', '2026-01-10T06:00:00Z', 'emil'),
  ];
  expect(who('2026-01-09T18:00:00Z', all)).toBe('dora');
  expect(who('2026-01-10T03:00:00Z', all)).toBe('emil');
  expect(who('2026-01-10T06:00:00Z', all)).toBe('dora');
  expect(who('2026-01-10T18:00:00Z', all)).toBe('bob');
  const span = { from: Date.parse('2026-01-09T12:00:00Z'), to: Date.parse('2026-01-13T12:00:00Z') };
  const spans = onCallSpans(settings, all, span);
  expect(spans.map((one) => [new Date(one.from).toISOString().slice(0, 16), one.who])).toEqual([
    ['2026-01-09T12:00', 'ann'],
    ['2026-01-09T16:00', 'bob'],
    ['2026-01-09T18:00', 'dora'],
    ['2026-01-10T00:00', 'emil'],
    ['2026-01-10T06:00', 'dora'],
    ['2026-01-10T18:00', 'bob'],
    ['2026-01-12T07:00', 'ann'],
  ]);
  expect(spans.at(-1)?.to).toBe(span.to);
});

test('nobody is on call where no turn covers the moment, or there is no rota', () => {
  const nights = alertSettingsOf({
    zone: 'UTC',
    channels: {},
    rota: [{ from: 'mon 20:00', to: 'tue 06:00', who: ['ann'] }],
  });
  expect(onCallAt(nights, [], Date.parse('2026-01-06T06:00:00Z')).who).toBeUndefined();
  const span = { from: 0, to: 1 };
  expect(onCallSpans(alertSettingsOf(undefined), [], span)).toEqual([{ ...span, who: undefined }]);
});
