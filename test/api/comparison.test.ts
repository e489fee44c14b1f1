import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Alert } from '../../src/api/contract/alert.ts';
import type { Comparison } from '../../src/api/contract/event.ts';
import { sameTime } from '../../src/trace/compared-hours.ts';
import { type Operated, operated, WARD } from '../support/operator.ts';
import { sampleSession } from '../support/trace-sample.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** As an engineer changes it later. */
const WATCHED = WARD.replace('title: From admission', 'alert: { fewer: 30 }');

let production: Operated;
let number = 0;

beforeAll(async () => {
  production = await operated({ console: { watchEvery: 100 } });
});
afterAll(async () => {
  await production[Symbol.asyncDispose]();
});

/** Messages that came to `hl7-in` in an hour of the past, and that it ran then. */
async function came(at: number, count: number, source = 'hl7-in'): Promise<void> {
  const sessions = Array.from({ length: count }, (_, one) =>
    sampleSession({ at: at + one * 1_000, number: number++, source, target: 'hl7-out' }),
  );
  const { store } = production.plane;
  await store.apply(sessions.flatMap(({ all }) => all));
  for (let part = 0; part < 6; part++) await store.sawRunning([source], at + (part * HOUR) / 6);
}

const compared = async (query: string): Promise<Comparison> => {
  const { status, body } = await production.ask<Comparison>(
    'GET',
    `/api/v1/statistics/comparison?${query}`,
  );
  expect(status).toBe(200);
  return body;
};

test('which hosts run is recorded as soon as the trace is built', async () => {
  const { store } = production.plane;
  await vi.waitFor(async () => {
    const hours = await store.hostHours({ from: Date.now() - HOUR, to: Date.now() });
    const hosts = new Set(hours.map(({ host }) => host));
    expect([...hosts].toSorted()).toEqual(['hl7-in', 'hl7-out']);
  });
});

test('the last whole hour stands beside the same one of other days, and far fewer than usual is an alert', async () => {
  const current = Math.floor(Date.now() / HOUR) * HOUR;
  // what is compared now, and an hour earlier, which alerts look at in the first minutes of an hour
  for (const at of [current - HOUR, current - 2 * HOUR]) {
    await came(at, 4);
    for (const days of [7, 14, 21]) await came(sameTime(undefined, at, days) ?? 0, 20);
    await came(at - 2 * DAY, 0);
  }
  // a host that the production no longer has
  await came(current - HOUR - 7 * DAY, 30, 'old-name');

  const found = await compared('zone=UTC&hours=3');
  expect(found.hosts).toBe(1);
  expect(found.latest).toEqual({ at: current - HOUR, in: 4, errors: 0 });
  const days = new Map(found.others.map(({ days: one, ...rest }) => [one, rest]));
  expect([...days.keys()]).toEqual([1, 2, 3, 4, 5, 6, 7, 14, 21, 28]);
  expect(days.get(1)).toMatchObject({ missing: 'unknown', hosts: 0 });
  expect(days.get(2)).toMatchObject({ in: 0, now: { in: 4 }, hosts: 1 });
  expect(days.get(2)).not.toHaveProperty('missing');
  expect(days.get(7)).toMatchObject({ at: current - HOUR - 7 * DAY, in: 20, now: { in: 4 } });
  expect(found.week.map(({ at, missing, in: count }) => [at, missing ?? count])).toEqual([
    [current - 2 * HOUR, 20],
    [current - HOUR, 20],
    [current, 'unknown'],
  ]);

  await writeFile(join(production.folder.path, 'production.yaml'), WATCHED);
  await production.ask('POST', '/api/v1/production/reload', { dryRun: false });
  const alert = await vi.waitFor(async () => {
    const { body } = await production.ask<{ alerts: Alert[] }>('GET', '/api/v1/alerts');
    const one = body.alerts.find(({ rule }) => rule === 'fewer');
    expect(one).toBeDefined();
    return one;
  });
  expect(alert).toMatchObject({ host: 'hl7-in', level: 'warn' });
  expect(alert?.text).toMatch(/^4 messages arrived at hl7-in in the hour from .*, usual are 20 /);
});

test('who sees another host, asks for one that is not there, or for a zone that is not', async () => {
  expect(await compared('zone=Europe/Berlin&hosts=nobody')).toMatchObject({
    hosts: 1,
    latest: { missing: 'unknown' },
  });
  for (const query of ['zone=Nowhere/Here', 'hours=2', 'zone=UTC&hours=169', 'zone=UTC&host=a']) {
    const { status } = await production.ask('GET', `/api/v1/statistics/comparison?${query}`);
    expect(status, query).toBe(400);
  }
});
