import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import axe from 'axe-core';
import { chromium, type Page } from 'playwright-core';

/** Chromium without a window of its own takes two thirds of the processor time of the whole one. */
const CHROMIUM = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'].find(existsSync);

/** Why the browser tests cannot run here; undefined if they can. */
export const noBrowser: string | undefined =
  CHROMIUM === undefined ? 'Chromium is not installed' : undefined;

export interface Browser extends AsyncDisposable {
  readonly page: Page;
  /** The page's complaints since it was opened: errors, and violations of the content security policy. */
  readonly complaints: readonly string[];
}

export interface Screen {
  readonly width?: number;
  readonly theme?: 'light' | 'dark';
  /** The language of the browser. */
  readonly locale?: string;
  /** Further switches of Chromium, and its environment. */
  readonly switches?: readonly string[];
  readonly environment?: NodeJS.ProcessEnv;
  /** Whether scripts are made as fast as at people's: for what is measured. */
  readonly optimized?: boolean;
  /** Whether the console's service worker is there; it would keep the whole console for each browser. */
  readonly worker?: boolean;
}

/** Chromium with its own profile, which is removed afterwards. */
export async function browser({
  width = 1280,
  theme = 'light',
  locale = 'en-US',
  switches = [],
  environment,
  worker = false,
  optimized = false,
}: Screen = {}): Promise<Browser> {
  const profile = await mkdtemp(join(tmpdir(), 'waybill-chromium-'));
  const context = await chromium.launchPersistentContext(profile, {
    ...(CHROMIUM === undefined ? {} : { executablePath: CHROMIUM }),
    viewport: { width, height: 844 },
    colorScheme: theme,
    locale,
    permissions: ['clipboard-read', 'clipboard-write'],
    reducedMotion: 'reduce',
    serviceWorkers: worker ? 'allow' : 'block',
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      // a page of a test is not there for long enough: a quarter of the processor time went into machine code
      ...(optimized ? [] : ['--js-flags=--no-opt']),
      ...switches,
    ],
    ...(environment === undefined ? {} : { env: environment }),
  });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const complaints: string[] = [];
  page.on('pageerror', ({ message }) => complaints.push(message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  return {
    page,
    complaints,
    async [Symbol.asyncDispose]() {
      await context.close();
      await rm(profile, { recursive: true, force: true });
    },
  };
}

const WCAG = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

/** Violations of WCAG 2.2 AA found by axe, one per line; only those of one rule if given. */
export async function violations(page: Page, rule?: string): Promise<string[]> {
  // axe is still in a page that it has checked before
  const isThere = (await page.evaluate('typeof axe')) === 'object';
  if (!isThere) await page.evaluate(axe.source);
  const options = {
    runOnly: rule === undefined ? WCAG : [rule],
    // what passes is most of a page, and would be told with its place
    reporter: 'no-passes',
    resultTypes: ['violations'],
    // the console has no frames
    iframes: false,
  };
  const found = await page.evaluate<axe.Result[]>(
    `axe.run(document, ${JSON.stringify(options)}).then(({ violations }) => violations)`,
  );
  return found.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`,
  );
}

/** What a person could press but for a box that ends before it, and does not scroll; a diagram is moved. */
export function cutOff(page: Page): Promise<string[]> {
  return page.evaluate(`
    [...document.querySelectorAll('main :is(a, button, input, select):not(.react-flow *)')]
      .filter((element) => {
        const { right, width } = element.getBoundingClientRect();
        if (width === 0 || right <= innerWidth) return false;
        for (let box = element.parentElement; box; box = box.parentElement)
          if (['auto', 'scroll'].includes(getComputedStyle(box).overflowX)) return false;
        return true;
      })
      .map(({ outerHTML }) => outerHTML.slice(0, 200))`);
}
