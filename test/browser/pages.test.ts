import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { builtConsole } from '../../src/build/built-console.ts';
import { inGerman } from '../../src/translation/german.ts';
import { type Browser, browser, cutOff, noBrowser, violations } from '../support/browser.ts';
import { PAGES, pageAddress, type Sample } from '../support/console-pages.ts';
import { germanTexts } from '../support/german-texts.ts';
import type { Hub } from '../support/hub.ts';
import { type OpenConsole, openConsole, SOON } from '../support/open-console.ts';
import { wireMeter } from '../support/wire-meter.ts';

interface Chunk {
  readonly file: string;
  readonly imports?: readonly string[];
}

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
  test('loads at most 144 kB of script (gzip) up to the first page, and 90 kB for any other part', () => {
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
    expect(bytes).toBeLessThanOrEqual(144_000);
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

const catalogues = [...(await germanTexts()).values()];
const GERMAN = new Set(catalogues.flatMap((texts) => Object.values(texts)));
/** English texts that no German page has, as they stand in the source. */
const ENGLISH = new Set(
  catalogues.flatMap((texts) => Object.keys(texts)).filter((text) => !GERMAN.has(text)),
);

/** Texts of the server that a page shows in English, whole or in part: sentences, since `message 12` is a name in the audit log. */
const fallenThrough = (texts: readonly string[]): string[] =>
  texts.filter((text) => text.split(/\s+/).length > 3 && inGerman(text) !== text);

/** Every text and every label that a page has, but for names that are the same in every language. */
async function said(page: Browser['page']): Promise<string[]> {
  return page
    .locator('body *:not([translate=no], [translate=no] *, q, noscript, template, script)')
    .evaluateAll((elements) =>
      elements.flatMap((element) => [
        ...['aria-label', 'title', 'placeholder'].map((name) => element.getAttribute(name)),
        ...[...element.childNodes]
          .filter(({ nodeType }) => nodeType === 3)
          .map((text) => text.textContent),
      ]),
    )
    .then((texts) => texts.map((text) => text?.trim() ?? '').filter((text) => text !== ''));
}

/** The table of hosts shows the pharmacy in that state. */
const shows = (page: Page, state: object): Promise<void> =>
  page
    .getByRole('row')
    .filter({ has: page.getByRole('link', { name: 'pharmacy', exact: true }) })
    .filter(state)
    .waitFor(SOON);

/** Nothing is awaited any more. The page looks by itself: to be asked each time cost as much as to draw it. */
const loaded = (page: Page, placeholder: string): Promise<unknown> =>
  page.evaluate(`new Promise((resolve, reject) => {
    const end = performance.now() + ${SOON.timeout};
    const look = () => {
      const shown = document.body.textContent.includes('${placeholder}');
      if (!shown && !window.awaited) resolve();
      else if (performance.now() > end) reject(new Error('awaited: ' + window.awaited + ', placeholder: ' + shown));
      else setTimeout(look, 50);
    };
    look();
  })`);

/** Pages that a phone shows with other elements, not only with less room. */
const REARRANGED = new Set<string>(['/', '/messages', '/sessions/SESSION', '/messages/MESSAGE']);

/** What axe may take on a busy machine. */
const AXE = { timeout: 240_000 };

/** The page fits on a phone, and nothing that could be pressed is cut off there. */
async function fitsOnAPhone(page: Page): Promise<void> {
  await page.setViewportSize({ width: 390, height: 844 });
  const wider = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
  expect(wider, 'wider than a phone').toBeLessThanOrEqual(0);
  expect(await cutOff(page), 'cut off').toEqual([]);
}

/**
 * Leads to another page as a link does, in the document that is open: to start the console, and axe in it, costs more
 * than any page. By way of one that is not there, since the next may have the heading of the last.
 */
async function lead(page: Page, path: string, heading: string): Promise<void> {
  for (const [to, name] of [['/nowhere', 'No such page'] as const, [path, heading] as const]) {
    await page.evaluate((address) => history.pushState({}, '', address), to);
    await page.getByRole('heading', { level: 1, name: new RegExp(`^${name}`) }).waitFor();
  }
}

describe.skipIf(noBrowser !== undefined)(`every page in Chromium ${noBrowser ?? ''}`, () => {
  let opened: OpenConsole;
  let running: Hub;
  let english: Browser;
  let german: Browser;
  let sample: Sample;

  beforeAll(async () => {
    opened = stack.use(await openConsole({ locale: 'de-DE' }));
    ({ running, chrome: german } = opened);
    english = stack.use(await browser());
    await german.page.addInitScript(watchWhatMoves);
    [sample = { id: 0, sessionId: 0 }] = await opened.found({
      target: 'ward',
      type: 'ADT',
      status: ['completed'],
    });
    await english.page.goto(running.url);
    await english.page.getByRole('heading', { level: 1, name: 'Dashboard' }).waitFor();
  });

  test.for(PAGES)(
    '%s is opened by its address, in German, stands still, and fits on a phone',
    AXE,
    async ([path]) => {
      const { page } = german;
      await page.setViewportSize({ width: 1280, height: 844 });
      await page.goto(pageAddress(running.url, path, sample));
      await page.getByRole('heading', { level: 1 }).waitFor();
      await loaded(page, 'Wird geladen …');
      expect(await page.evaluate('window.moved')).toEqual([]);
      await page.getByRole('button', { name: 'Konto' }).waitFor();
      expect(await page.locator('html').getAttribute('lang')).toBe('de');
      const texts = await said(page);
      expect(texts).toContain('Warteschlangen');
      expect(texts.filter((text) => ENGLISH.has(text))).toEqual([]);
      expect(fallenThrough(texts)).toEqual([]);
      await fitsOnAPhone(page);
    },
  );

  test.for(PAGES)(
    'axe finds nothing at %s in either theme nor on a phone, where it fits',
    AXE,
    async ([path, heading]) => {
      const { page } = english;
      await page.setViewportSize({ width: 1280, height: 844 });
      await lead(page, pageAddress('', path, sample), heading);
      await loaded(page, 'Loading…');
      expect(await violations(page), 'in one theme').toEqual([]);
      // the themes differ in their colours alone; the next page begins with the other, and with what surrounds each
      await page.getByRole('button', { name: /^(?:Dark|Light) theme$/ }).dispatchEvent('click');
      const other = await violations(page, { rule: 'color-contrast', inside: 'main' });
      expect(other, 'in the other theme').toEqual([]);
      await page.setViewportSize({ width: 390, height: 844 });
      expect(REARRANGED.has(path) ? await violations(page) : [], 'narrow').toEqual([]);
      await fitsOnAPhone(page);
    },
  );

  test('the help, the search and the account menu are German too', AXE, async () => {
    const page = await opened.open('/');
    await page.setViewportSize({ width: 1280, height: 844 });
    for (const [open, title] of [
      [() => page.keyboard.press('?'), 'Tastatur'],
      [() => page.keyboard.press('Control+k'), 'Suchen'],
      [() => page.getByRole('button', { name: 'Konto' }).click(), 'Konto'],
    ] as const) {
      await page.getByRole('heading', { level: 1 }).waitFor();
      await open();
      await page.getByRole('dialog', { name: title }).waitFor();
      expect((await said(page)).filter((text) => ENGLISH.has(text))).toEqual([]);
      expect(await violations(page, { inside: 'dialog[open], [role=dialog]' }), title).toEqual([]);
      await page.keyboard.press('Escape');
      await page.getByRole('dialog', { name: title }).waitFor({ state: 'hidden' });
    }
  });

  test('another language is chosen in the account menu: the page stays, and so does the choice', async () => {
    const page = await opened.open('/messages?status=suspended&last=all');
    const choose = async (account: string, label: string, language: string): Promise<void> => {
      await page.getByRole('button', { name: account }).click();
      await page.getByLabel(label).selectOption(language);
    };
    await choose('Konto', 'Sprache', 'English');
    await page.getByRole('link', { name: 'Queues' }).waitFor();
    expect(await page.locator('html').getAttribute('lang')).toBe('en');
    expect(page.url()).toBe(`${opened.running.url}/messages?status=suspended&last=all`);
    await page.reload();
    await page.getByRole('link', { name: 'Queues' }).waitFor();
    await choose('Account', 'Language', 'Deutsch');
    await page.getByRole('link', { name: 'Warteschlangen' }).waitFor();
  });

  test('causes, events, the steps of a test and refusals are German', AXE, async () => {
    const page = await opened.open('/hosts/registry');
    await page.setViewportSize({ width: 1280, height: 844 });
    await page.getByRole('button', { name: 'Verbindung testen' }).click();
    await page.getByText('Den Port prüfen, und ob die Gegenstelle läuft').first().waitFor(SOON);
    expect(fallenThrough(await said(page))).toEqual([]);
    await opened.open('/events');
    await page
      .getByRole('cell', { name: /^Nicht verbunden: auf .+ hört niemand/ })
      .first()
      .waitFor(SOON);
    await page.getByRole('cell', { name: 'gestartet' }).first().waitFor(SOON);
    await opened.open('/messages/99999999');
    await page.getByText('im Trace gibt es keine Nachricht 99999999').waitFor(SOON);
    expect(fallenThrough(await said(page))).toEqual([]);
  });

  test('times and numbers are written as in the language', async () => {
    const page = await opened.open(`/sessions/${sample.sessionId}`);
    await page.locator('time').first().waitFor();
    expect(await page.locator('time').first().textContent()).toMatch(
      /^\d\d\.\d\d\.\d{4} \d\d:\d\d:\d\d/,
    );
  });

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

  test('seven windows at once share one stream: each is told what happens, a hidden one once it is seen again', {
    timeout: 240_000,
  }, async () => {
    await using meter = await wireMeter(running.url);
    const context = english.page.context();
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
    for (let tab = 0; tab < 7; tab++) {
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
    expect(english.complaints).toEqual([]);
    // the message that there is not
    const known = /status of 404/;
    expect(german.complaints.filter((text) => !known.test(text))).toEqual([]);
  });

  test('below the prefix of a trusted proxy every address is below it too', async () => {
    const page = await english.page.context().newPage();
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
