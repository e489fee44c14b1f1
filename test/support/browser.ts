import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import axe from 'axe-core';
import {
  type BrowserContextOptions,
  type Browser as Chromium,
  chromium,
  type LaunchOptions,
  type Page,
} from 'playwright-core';

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

/** By what the process differs from the common one, not the context. */
type Started = Pick<Screen, 'switches' | 'environment' | 'optimized'>;

const launched = ({ switches = [], environment, optimized = false }: Started): LaunchOptions => ({
  ...(CHROMIUM === undefined ? {} : { executablePath: CHROMIUM }),
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

/** Nobody looks at pictures of it: it needs no process and no further threads to make them. */
const PLAIN = ['--in-process-gpu', '--num-raster-threads=1'];

/** What Chromium may take to make or end a context, on a busy machine; one that takes longer hangs. */
const ANSWERS = 60_000;

async function inTime<Value>(value: Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('Chromium does not answer')), ANSWERS);
  });
  try {
    return await Promise.race([value, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The Chromium of all test files of this process, whose contexts share nothing: each start costs a second. */
let common: Promise<Chromium> | undefined;

/** Where one has crashed or hangs: it is ended, by force if need be, and the next context is made by a new one. */
function giveUp(one: Promise<Chromium>): void {
  if (common === one) common = undefined;
  // one that was never started has nothing to end
  void one.then((started) => started.close()).catch(() => undefined);
}

/** Ends the common one, for a program that has an end; that of a worker of tests ends with it. */
export async function endBrowser(): Promise<void> {
  const one = await common;
  common = undefined;
  await one?.close();
}

/** A context of the common Chromium; of a new one where that does not answer. */
async function commonContext(options: BrowserContextOptions, tries = 2): Promise<Opened> {
  common ??= chromium.launch(launched({ switches: PLAIN }));
  const own = common;
  try {
    const page = await inTime(pageOf(own, options));
    return { page, close: () => inTime(page.context().close()).catch(() => giveUp(own)) };
  } catch (error) {
    giveUp(own);
    if (tries === 1) throw error;
    return commonContext(options, tries - 1);
  }
}

async function pageOf(own: Promise<Chromium>, options: BrowserContextOptions): Promise<Page> {
  const context = await (await own).newContext(options);
  return context.newPage();
}

/** A Chromium of its own with its own profile, which is removed afterwards. */
async function ownContext(started: Started, options: BrowserContextOptions): Promise<Opened> {
  const profile = await mkdtemp(join(tmpdir(), 'waybill-chromium-'));
  const context = await chromium.launchPersistentContext(profile, {
    ...launched(started),
    ...options,
  });
  return {
    page: await context.newPage(),
    async close() {
      await context.close();
      await rm(profile, { recursive: true, force: true });
    },
  };
}

interface Opened {
  readonly page: Page;
  readonly close: () => Promise<void>;
}

/** A browser that nobody has used yet: another person, at another machine. */
export async function browser({
  width = 1280,
  theme = 'light',
  locale = 'en-US',
  worker = false,
  ...more
}: Screen = {}): Promise<Browser> {
  const options: BrowserContextOptions = {
    viewport: { width, height: 844 },
    colorScheme: theme,
    locale,
    permissions: ['clipboard-read', 'clipboard-write'],
    reducedMotion: 'reduce',
    serviceWorkers: worker ? 'allow' : 'block',
  };
  const { switches, environment, optimized } = more;
  const isCommon = switches === undefined && environment === undefined && optimized !== true;
  const opened = isCommon ? commonContext(options) : ownContext(more, options);
  const { page, close } = await opened;
  page.setDefaultTimeout(60_000);
  const complaints: string[] = [];
  page.on('pageerror', ({ message }) => complaints.push(message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  return { page, complaints, [Symbol.asyncDispose]: close };
}

const WCAG = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

/** Violations of WCAG 2.2 AA found by axe, one per line; only those of one rule, or of one part of the page, if given. */
export async function violations(
  page: Page,
  { rule, inside }: { readonly rule?: string; readonly inside?: string } = {},
): Promise<string[]> {
  // axe is still in a page that it has checked before
  const isThere = (await page.evaluate('typeof axe')) === 'object';
  if (!isThere) await page.evaluate(axe.source);
  const options = {
    runOnly: rule === undefined ? WCAG : [rule],
    // what passes is most of a page, and would be told with its place
    reporter: 'no-passes',
    resultTypes: ['violations'],
    // the console has no frames, and no rule above reads style sheets
    iframes: false,
    preload: false,
  };
  const found = await page.evaluate<axe.Result[]>(
    `axe.run(${inside === undefined ? 'document' : JSON.stringify(inside)}, ${JSON.stringify(options)})
      .then(({ violations }) => violations)`,
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
