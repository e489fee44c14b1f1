import { writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { machine } from '../../bench/machine.ts';
import type { Report } from '../../bench/report-data.ts';
import { reportPage } from '../../bench/report-page.ts';
import { plotsOf } from '../../bench/report-plots.ts';
import type { Flood, Paced } from '../../bench/rig.ts';
import { browser, noBrowser, violations } from '../support/browser.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const run = (p50: number) => ({
  ackMs: { p50, p99: p50 * 5 },
  endToEndMs: { p50: p50 * 2, p99: p50 * 12 },
  cpuMs: { engine: 1.5, nats: 0.4 },
  rssMiB: { engine: 350, nats: 60 },
  sent: 4_000,
  arrived: 4_000,
  others: 0.25,
});
const paced = (rate: number, p50: number): Paced => ({
  ...run(p50),
  rate,
  seconds: 4,
  growth: { share: 0, slower: 1, grows: false },
});
const flood = (rate: number): Flood => ({
  ...run(5),
  inboundPerSecond: rate * 2,
  outboundPerSecond: rate,
});

/** One workload with three numbers of connections, the last of which sustained nothing. */
const report: Report = {
  made: '2026-11-27',
  version: '0.1.0',
  machine: { cores: 2, memoryGiB: 24, node: 'v24.21.0' },
  results: [1, 10, 64].map((connections) => ({
    workload: 't2',
    connections,
    durability: 'power-loss',
    startMs: 700,
    loadBefore: 3,
    baseline: { perSecond: 1_500, ackMs: 1 },
    sockets: { perSecond: 30_000, ackMs: 0.2 },
    flood: flood(500 + connections),
    sustained:
      connections === 64
        ? undefined
        : { ...paced(600 + connections, 4), perSecond: 600 + connections, probes: 9 },
  })),
  shares: [0.1, 0.5, 0.9].map((share) => ({
    workload: 't2',
    connections: 10,
    share,
    run: paced(600 * share, 4),
  })),
  stored: {
    workload: 't2',
    connections: 10,
    messages: 3_000,
    steps: [1_000, 10_000, 10_000_000].map((stored) => ({
      stored,
      floods: [flood(500), flood(480), flood(510)],
      reference: [flood(505), flood(500), flood(500)],
      growth: {
        time: { median: 1.02, lowest: 0.98, highest: 1.04 },
        cpu: { median: 1.01, lowest: 1, highest: 1.02 },
      },
      loadBefore: 4,
    })),
  },
};

test('a figure shows what was measured in the order of its places, and a gap where nothing was', () => {
  const plots = plotsOf(report);
  const named = (title: string) => plots.find((plot) => plot.title === title);
  expect(named('T2: rate over connections')).toMatchObject({
    places: ['1', '10', '64'],
    series: [
      { name: 'sustained', values: [601, 610, null] },
      { name: 'flood, out', values: [501, 510, 564] },
      { name: 'bare JetStream', values: [1_500, 1_500, 1_500] },
      { name: 'bare sockets', values: [30_000, 30_000, 30_000] },
    ],
  });
  expect(named('T2: rate over stored messages')).toMatchObject({ places: ['10³', '10⁴', '10⁷'] });
  expect(named('T2: growth')?.series.slice(0, 2)).toEqual([
    { name: 'time, median', values: [1.02, 1.02, 1.02], spread: false },
    { name: 'time, lowest', values: [0.98, 0.98, 0.98], spread: true },
  ]);
});

test('a report that ended early shows what it has', () => {
  const { stored: _stored, ...begun } = report;
  const titles = plotsOf({ ...begun, shares: [] }).map(({ title }) => title);
  expect(titles).toEqual(['T2: rate over connections', 'T2: latency over connections']);
});

test('the page names neither the machine nor a path, and fetches nothing', async () => {
  const page = await reportPage({ ...report, machine: machine() });
  for (const name of [homedir(), join(import.meta.dirname, '../..'), 'file:']) {
    expect(page).not.toContain(name);
  }
  expect(page).not.toMatch(/<(?:script|link|img)[^>]+(?:src|href)=/);
  expect(Object.keys(machine())).toEqual(['cores', 'memoryGiB', 'node']);
});

test.skipIf(noBrowser !== undefined).for([
  { width: 390, theme: 'light' },
  { width: 390, theme: 'dark' },
  { width: 1280, theme: 'dark' },
] as const)('the page is drawn and legible: $width, $theme', async (screen) => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'report.html');
  await writeFile(file, await reportPage(report));
  await using chrome = await browser(screen);
  const { page } = chrome;
  await page.goto(pathToFileURL(file).href);
  await page.locator('canvas').last().waitFor();
  expect(await page.locator('canvas').count()).toBe(plotsOf(report).length);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(wide).toBeLessThanOrEqual(0);
  const [canvas] = await page
    .locator('canvas')
    .evaluateAll((all) =>
      all.map((one) => ({ ratio: one.clientWidth / (one.parentElement?.clientWidth ?? 1) })),
    );
  expect(canvas?.ratio).toBeLessThanOrEqual(1);
  expect(await violations(page)).toEqual([]);
  expect(chrome.complaints).toEqual([]);
});
