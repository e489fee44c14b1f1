import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { builtConsole } from '../../src/build/built-console.ts';
import { type Browser, browser, noBrowser, violations } from '../support/browser.ts';
import { PAGES, pageAddress } from '../support/console-pages.ts';
import { type Hub, hub } from '../support/hub.ts';

interface Chunk {
  readonly file: string;
  readonly imports?: readonly string[];
}

/** Time that a busy machine may take. */
const SOON = { timeout: 60_000 };

let stack: AsyncDisposableStack;
let folder: string;

beforeAll(async () => {
  stack = new AsyncDisposableStack();
  folder = await builtConsole();
});

afterAll(async () => {
  await stack.disposeAsync();
});

const size = (file: string): number => gzipSync(readFileSync(join(folder, file))).byteLength;

describe('the built console', () => {
  test('loads at most 142 kB of script (gzip) up to the first page, and 90 kB for any other part', () => {
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
    expect(bytes).toBeLessThanOrEqual(142_000);
    const rest = readdirSync(join(folder, 'assets')).filter(
      (name) => name.endsWith('.js') && !initial.has(`assets/${name}`),
    );
    for (const name of rest) expect(size(`assets/${name}`), name).toBeLessThanOrEqual(90_000);
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
    },
  );

  test('the first page costs at most 150 kB and 15 requests on the wire, all of it; the next visit at most 20 kB', async () => {
    const page = await chrome.page.context().newPage();
    const session = await page.context().newCDPSession(page);
    await session.send('Network.enable');
    // by path: what is asked again because something happened meanwhile is no part of the first page
    const cost = new Map<string, number>();
    const paths = new Map<string, string>();
    const pending = new Set<string>();
    session.on('Network.requestWillBeSent', ({ requestId, request }) => {
      const path = new URL(request.url).pathname;
      if (cost.has(path)) return;
      cost.set(path, 0);
      paths.set(requestId, path);
      pending.add(requestId);
    });
    session.on('Network.responseReceived', ({ requestId, response }) => {
      const path = paths.get(requestId) ?? '';
      if (!path.endsWith('/stream')) return;
      // it does not end: its head is counted
      cost.set(path, response.encodedDataLength);
      pending.delete(requestId);
    });
    session.on('Network.loadingFailed', ({ requestId }) => pending.delete(requestId));
    session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
      const path = paths.get(requestId);
      if (path !== undefined) cost.set(path, encodedDataLength);
      pending.delete(requestId);
    });
    const visit = async (): Promise<number> => {
      for (const one of [cost, paths, pending]) one.clear();
      await page.goto(`${running.url}/`);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.getByRole('table').first().waitFor(SOON);
      // also what comes after the table, however long that takes: else a slow page would count more than a fast one
      let quiet = 0;
      await vi.waitUntil(() => (quiet = pending.size === 0 ? quiet + 1 : 0) > 5, {
        ...SOON,
        interval: 100,
      });
      return cost.values().reduce((sum, bytes) => sum + bytes, 0);
    };
    await session.send('Network.clearBrowserCache');
    const whole = await visit();
    const listed = [...cost].map(([path, bytes]) => `${path} ${bytes}`).join(', ');
    expect(cost.has('/api/v1/stream'), listed).toBe(true);
    expect(whole, listed).toBeGreaterThan(100_000);
    expect(whole, listed).toBeLessThanOrEqual(150_000);
    expect(cost.size, listed).toBeLessThanOrEqual(15);
    expect(await visit()).toBeLessThanOrEqual(20_000);
    await page.close();
  });

  test('more tabs than a browser has connections work beside each other: only the one that is seen follows what happens', {
    timeout: 240_000,
  }, async () => {
    const context = chrome.page.context();
    const pages = [];
    for (let tab = 0; tab < 9; tab++) {
      const page = await context.newPage();
      // a headless browser shows every page; a hidden one says so
      await page.addInitScript(`
        Object.defineProperty(document, 'visibilityState', { get: () => window.seen ?? 'visible' });
      `);
      pages.push(page);
      await page.goto(`${running.url}/queues`);
      await page.getByRole('heading', { level: 1, name: 'Queues' }).waitFor(SOON);
      await expect.poll(() => page.getByText('Loading…').count(), SOON).toBe(0);
      await page.evaluate(
        `window.seen = 'hidden'; document.dispatchEvent(new Event('visibilitychange'))`,
      );
    }
    const [back] = pages;
    const followed = back?.waitForRequest(/\/stream\?/, SOON);
    await back?.evaluate(
      `window.seen = 'visible'; document.dispatchEvent(new Event('visibilitychange'))`,
    );
    await followed;
    await Promise.all(pages.map((page) => page.close()));
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
