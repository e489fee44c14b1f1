import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { builtConsole } from '../../src/build/built-console.ts';
import { type Browser, browser, cutOff, noBrowser, violations } from '../support/browser.ts';
import { PAGES, pageAddress } from '../support/console-pages.ts';
import { type Hub, hub } from '../support/hub.ts';
import { wireMeter } from '../support/wire-meter.ts';

interface Chunk {
  readonly file: string;
  readonly imports?: readonly string[];
}

/** Time that a busy machine may take. */
const SOON = { timeout: 60_000 };
const STREAM = '/api/v1/stream';

let stack: AsyncDisposableStack;
let folder: string;

beforeAll(async () => {
  stack = new AsyncDisposableStack();
  folder = await builtConsole();
});

afterAll(async () => {
  await stack.disposeAsync();
});

/** Pages of what is made first: in several-productions.test.ts and access.test.ts; a job's is in console.test.ts. */
const LOOKED_AT_ELSEWHERE = ['/jobs/$id', '/productions/act', '/users/$name'];

const size = (file: string): number => gzipSync(readFileSync(join(folder, file))).byteLength;

describe('the built console', () => {
  test('loads at most 143 kB of script (gzip) up to the first page, and 90 kB for any other part', () => {
    const manifest = JSON.parse(
      readFileSync(join(folder, '.vite/manifest.json'), 'utf8'),
    ) as Record<string, Chunk>;
    const initial = new Set<string>();
    const take = (name: string): void => {
      const chunk = manifest[name];
      if (chunk === undefined || initial.has(chunk.file)) return;
      initial.add(chunk.file);
      for (const one of chunk.imports ?? []) take(one);
    };
    const page = readFileSync(join(folder, 'index.html'), 'utf8');
    for (const [name, { file }] of Object.entries(manifest))
      if (file.endsWith('.js') && page.includes(file)) take(name);
    const bytes = [...initial].reduce((sum, file) => sum + size(file), 0);
    expect(initial.size).toBeGreaterThan(0);
    expect(bytes).toBeLessThanOrEqual(143_000);
    const rest = readdirSync(join(folder, 'assets')).filter(
      (name) => name.endsWith('.js') && !initial.has(`assets/${name}`),
    );
    for (const name of rest) expect(size(`assets/${name}`), name).toBeLessThanOrEqual(90_000);
  });

  test('has no page that is not looked at by axe', () => {
    const router = readFileSync(join(import.meta.dirname, '../../console/src/router.tsx'), 'utf8');
    const routes = [...router.matchAll(/^ {2}path: '([^']+)'/gm)].map(([, path = '']) => path);
    const listed = PAGES.map(([path]) => path.split('?')[0] ?? '');
    const isListed = (route: string): boolean => {
      const pattern = new RegExp(`^${route.replaceAll(/\$\w+/g, '[^/]+')}$`);
      return listed.some(
        (path) => path === route || (pattern.test(path) && !routes.includes(path)),
      );
    };
    expect(routes.length).toBeGreaterThan(30);
    expect(routes.filter((route) => !isListed(route)).toSorted()).toEqual(LOOKED_AT_ELSEWHERE);
  });

  test('has nothing inline and asks no other server', () => {
    const page = readFileSync(join(folder, 'index.html'), 'utf8');
    expect(page).not.toMatch(/<script(?![^>]*\bsrc=)|<style|style=|\son\w+=/);
    expect(page).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
  });
});

/**
 * Lets answers come to the page one after the other, and notes what moved down or up after it was shown: who clicks at
 * that moment misses it.
 */
const watchWhatMoves = `{
  window.awaited = 0;
  window.moved = [];
  const { fetch: ask } = window;
  let late = 0;
  window.fetch = async (...call) => {
    window.awaited += 1;
    try {
      const answer = await ask(...call);
      late += 40;
      await new Promise((resolve) => setTimeout(resolve, late));
      return answer;
    } finally {
      // the page has drawn what it was told
      requestAnimationFrame(() => requestAnimationFrame(() => (window.awaited -= 1)));
    }
  };
  const ACTS = 'main h1 ~ * :is(a, button), main [role=tab]';
  const told = ({ node, previousRect, currentRect }) => {
    const element = node?.nodeType === 3 ? node.parentElement : node;
    const acts = element?.matches(ACTS) ? [element] : [...(element?.querySelectorAll(ACTS) ?? [])];
    const by = currentRect.top - previousRect.top;
    if (Math.abs(by) > 3) window.moved.push(...acts.map((one) => one.textContent + ' by ' + by));
  };
  new PerformanceObserver((list) => list.getEntries().flatMap(({ sources }) => sources).forEach(told)).observe({
    type: 'layout-shift',
    buffered: true,
  });
}`;

const sum = (cost: ReadonlyMap<string, number>): number =>
  cost.values().reduce((all, bytes) => all + bytes, 0);

const see = (page: Page, state: 'visible' | 'hidden'): Promise<unknown> =>
  page.evaluate(`window.seen = '${state}'; document.dispatchEvent(new Event('visibilitychange'))`);

describe.skipIf(noBrowser !== undefined)(`every page in Chromium ${noBrowser ?? ''}`, () => {
  let running: Hub;
  let chrome: Browser;

  beforeAll(async () => {
    running = stack.use(await hub(folder, { silent: ['registry'] }));
    await running.send(running.messages.filter((_message, index) => index % 6 === 0));
    chrome = stack.use(await browser());
    await chrome.page.addInitScript(watchWhatMoves);
    await vi.waitFor(async () => {
      if ((await first({ target: 'ward' }))?.status !== 'completed')
        throw new Error('not there yet');
    }, SOON);
  });

  async function first(
    criteria: object,
  ): Promise<{ id: number; sessionId: number; status: string } | undefined> {
    const response = await fetch(`${running.url}/api/v1/messages/search`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ limit: 1, ...criteria }),
    });
    return (
      (await response.json()) as { items: { id: number; sessionId: number; status: string }[] }
    ).items[0];
  }

  /** Pages that a phone shows with other elements, not only with less room. */
  const REARRANGED = new Set<string>(['/', '/messages', '/sessions/SESSION', '/messages/MESSAGE']);

  async function addressOf(path: string): Promise<string> {
    const sample = await first({ target: 'ward', type: 'ADT' });
    if (sample === undefined) throw new Error('no message was sent to the ward');
    return pageAddress(running.url, path, sample);
  }

  test.for(PAGES)(
    '%s is opened by its address and stands still; axe finds nothing in either theme nor on a phone, where it fits',
    { timeout: 240_000 },
    async ([path, heading]) => {
      const { page } = chrome;
      await page.setViewportSize({ width: 1280, height: 844 });
      await page.goto(await addressOf(path));
      await page.getByRole('heading', { level: 1, name: new RegExp(`^${heading}`) }).waitFor();
      await expect.poll(() => page.getByText('Loading…').count(), SOON).toBe(0);
      await expect.poll(() => page.evaluate('window.awaited'), SOON).toBe(0);
      expect(await page.evaluate('window.moved')).toEqual([]);
      expect(await violations(page), 'light').toEqual([]);
      // the themes differ in their colours alone
      await page.getByRole('button', { name: 'Dark theme' }).click();
      expect(await violations(page, 'color-contrast'), 'dark').toEqual([]);
      await page.getByRole('button', { name: 'Light theme' }).click();
      await page.setViewportSize({ width: 390, height: 844 });
      expect(REARRANGED.has(path) ? await violations(page) : [], 'narrow').toEqual([]);
      const wider = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
      expect(wider, 'wider than a phone').toBeLessThanOrEqual(0);
      expect(await cutOff(page), 'cut off').toEqual([]);
    },
  );

  test('the first page costs at most 150 kB and 15 requests on the wire, all of it; the next visit at most 20 kB', async () => {
    await using meter = await wireMeter(running.url);
    await using fresh = await browser();
    const { page } = fresh;
    const visit = async (): Promise<ReadonlyMap<string, number>> => {
      meter.reset();
      await page.goto(`${meter.url}/`);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.getByRole('table').first().waitFor(SOON);
      // also what comes after the table, however long that takes: else a slow page would count more than a fast one
      let quiet = 0;
      await vi.waitUntil(
        () =>
          (quiet = meter.open() === meter.open(STREAM) ? quiet + 1 : 0) > 5 &&
          meter.open(STREAM) === 1,
        { ...SOON, interval: 100 },
      );
      return meter.cost();
    };
    const cost = await visit();
    const listed = [...cost].map(([path, bytes]) => `${path} ${bytes}`).join(', ');
    expect(cost.has(STREAM), listed).toBe(true);
    expect(sum(cost), listed).toBeGreaterThan(100_000);
    expect(sum(cost), listed).toBeLessThanOrEqual(150_000);
    // the status came with `me`; it is asked for again where something happened meanwhile
    const again = cost.has('/api/v1/status') ? 1 : 0;
    expect(cost.size - again, listed).toBeLessThanOrEqual(15);
    expect(sum(await visit())).toBeLessThanOrEqual(20_000);
  });

  test('eight windows at once share one stream: each is told what happens, a hidden one once it is seen again', {
    timeout: 240_000,
  }, async () => {
    await using meter = await wireMeter(running.url);
    const context = chrome.page.context();
    const act = async (verb: 'stop' | 'start'): Promise<void> => {
      const response = await fetch(`${running.url}/api/v1/hosts/pharmacy/${verb}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{}',
      });
      expect(response.status).toBe(200);
    };
    const pages: Page[] = [];
    // a browser has six connections to a server
    for (let tab = 0; tab < 8; tab++) {
      const page = await context.newPage();
      // a headless browser shows every page, a hidden one says so; and nothing is asked for by the clock
      await page.addInitScript(`
        Object.defineProperty(document, 'visibilityState', { get: () => window.seen ?? 'visible' });
        window.setInterval = () => 0;
      `);
      pages.push(page);
      await page.goto(`${meter.url}/production?view=table`);
      await page.getByRole('heading', { level: 1, name: 'ADT hub' }).waitFor(SOON);
    }
    const shows = (page: Page, state: object): Promise<void> =>
      page
        .getByRole('row')
        .filter({ has: page.getByRole('link', { name: 'pharmacy', exact: true }) })
        .filter(state)
        .waitFor(SOON);
    const [stopped, started] = [{ hasText: 'switched off' }, { hasNotText: 'switched off' }];
    expect(meter.open(STREAM)).toBe(1);
    await act('stop');
    await Promise.all(pages.map((page) => shows(page, stopped)));
    await Promise.all(pages.map((page) => see(page, 'hidden')));
    await expect.poll(() => meter.open(STREAM), SOON).toBe(0);
    const [seen, ...others] = pages;
    if (seen === undefined) throw new Error('no page is there');
    await act('start');
    await see(seen, 'visible');
    await shows(seen, started);
    for (const page of others) await see(page, 'visible');
    await Promise.all(others.map((page) => shows(page, started)));
    expect(meter.open(STREAM)).toBe(1);
    await Promise.all(pages.map((page) => page.close()));
    await expect.poll(() => meter.open(STREAM), SOON).toBe(0);
  });

  test('no page complains, and the content security policy refuses nothing', () => {
    expect(chrome.complaints).toEqual([]);
  });

  test('below the prefix of a trusted proxy every address is below it too', async () => {
    const page = await chrome.page.context().newPage();
    await page.route('**/hub/**', (route) =>
      route.continue({
        url: route.request().url().replace('/hub/', '/'),
        headers: { ...route.request().headers(), 'x-forwarded-prefix': '/hub' },
      }),
    );
    await page.goto(`${running.url}/hub/queues`);
    await page.getByRole('heading', { level: 1, name: 'Queues' }).waitFor();
    await page.getByRole('link', { name: 'Messages' }).click();
    await page.waitForURL(/messages/);
    expect(page.url()).toBe(`${running.url}/hub/messages`);
    await page.close();
  });
});
