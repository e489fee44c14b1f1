import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { AxeBuilder } from '@axe-core/playwright';
import { chromium, type Page } from 'playwright-core';
import { isAlive } from './is-alive.ts';

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
}

/** Chromium with its own profile, which is removed afterwards. */
export async function browser({
  width = 1280,
  theme = 'light',
  locale = 'en-US',
}: Screen = {}): Promise<Browser> {
  const profile = await mkdtemp(join(tmpdir(), 'waybill-chromium-'));
  const context = await chromium.launchPersistentContext(profile, {
    ...(CHROMIUM === undefined ? {} : { executablePath: CHROMIUM }),
    viewport: { width, height: 844 },
    colorScheme: theme,
    locale,
    permissions: ['clipboard-read', 'clipboard-write'],
    reducedMotion: 'reduce',
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
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

/** Violations of WCAG 2.2 AA found by axe, one per line; only those of one rule if given. */
export async function violations(page: Page, rule?: string): Promise<string[]> {
  // axe is still in a page that it has checked before
  const isThere = (await page.evaluate('typeof axe')) === 'object';
  // the console has no frames, which are the only reason for axe to use a second page; passes would
  // list each element
  const axe = new AxeBuilder({ page, ...(isThere ? { axeSource: 'axe' } : {}) })
    .setLegacyMode()
    .options({ resultTypes: ['violations'] });
  const chosen =
    rule === undefined
      ? axe.withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'])
      : axe.withRules(rule);
  const { violations: found } = await chosen.analyze();
  return found.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`,
  );
}

const ROOT = join(import.meta.dirname, '../..');

const DAY = 86_400_000;

/** Builds the console like `npm run build`; once for all tests, until one of its source files changes. */
export async function builtConsole(): Promise<string> {
  const cache = join(ROOT, 'node_modules/.cache/console');
  const folder = join(cache, await sourcesOfConsole());
  await mkdir(cache, { recursive: true });
  // one worker builds, the others wait for it
  const turn = `${folder}.building`;
  while (!existsSync(folder)) {
    if (await isTaken(turn)) await sleep(50);
    else await build(cache, folder, turn);
  }
  return folder;
}

/** Whether another process builds already; else it is our turn from now on. */
async function isTaken(turn: string): Promise<boolean> {
  try {
    await writeFile(turn, `${process.pid}`, { flag: 'wx' });
    return false;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  // of a run that was killed: two that find it at once would build both, which harms nobody
  const pid = Number(await readFile(turn, 'utf8').catch(() => ''));
  if (pid > 0 && !isAlive(pid)) await rm(turn, { force: true });
  return true;
}

async function build(cache: string, folder: string, turn: string): Promise<void> {
  const made = await mkdtemp(join(cache, 'made-'));
  try {
    await promisify(execFile)(
      join(ROOT, 'node_modules/.bin/vite'),
      ['build', '--config', 'console/vite.config.ts', '--outDir', made],
      // the test runner sets `test` here, for which React builds its slow version
      { cwd: ROOT, env: { ...process.env, NODE_ENV: 'production' } },
    );
    await rename(made, folder).catch(async (error: unknown) => {
      // another run was faster
      if (!existsSync(folder)) throw error;
      await rm(made, { recursive: true });
    });
  } finally {
    await rm(turn, { force: true });
  }
  for (const name of await readdir(cache)) {
    const path = join(cache, name);
    const { mtimeMs = Date.now() } = statSync(path, { throwIfNoEntry: false }) ?? {};
    if (Date.now() - mtimeMs > DAY) await rm(path, { recursive: true, force: true });
  }
}

/** An identifier for the state of all source files of the console. */
async function sourcesOfConsole(): Promise<string> {
  const files = [
    'package-lock.json',
    ...globSync('{console,src}/**/*.{ts,tsx,css,html,json,svg}', { cwd: ROOT }),
  ];
  const hash = createHash('sha256');
  for (const file of files.toSorted()) hash.update(file).update(await readFile(join(ROOT, file)));
  return hash.digest('hex').slice(0, 16);
}
