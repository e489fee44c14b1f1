import { setTimeout as sleep } from 'node:timers/promises';
import type { Page, Request } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FileText } from '../../src/api/contract/files.ts';
import { builtConsole } from '../../src/build/built-console.ts';
import { type Browser, browser, noBrowser, violations } from '../support/browser.ts';
import { least, longestTask } from '../support/long-tasks.ts';
import { ODD_NAMES, withManyHosts } from '../support/many-hosts.ts';
import { SOON } from '../support/open-console.ts';
import { type Operated, operated } from '../support/operator.ts';

/** Milliseconds: longer, and what is typed or clicked comes late. */
const MOMENT = 100;

/** A file as long as that of so many hosts, with a long line. */
async function withLongFile(page: Page): Promise<void> {
  await page.route('**/api/v1/production/files/text*', async (route) => {
    const response = await route.fetch();
    const file = (await response.json()) as FileText;
    const lines = (file.text ?? '').split('\n');
    const many = Array.from({ length: 11_000 }, (_, n) => lines[n % lines.length] ?? '');
    many[9_000] = `${'x'.repeat(400)} the long line`;
    await route.fulfill({ response, json: { ...file, text: many.join('\n') } });
  });
}

const isInView = (element: Element): boolean => {
  const { top, bottom } = element.getBoundingClientRect();
  return top >= 0 && bottom <= innerHeight;
};

/** Milliseconds that answers are not asked for again; see console/src/api/answers.ts. */
const FRESH = 2_100;

/** Lets a page ask again for all that it shows, as when one comes back to its window; resolves once that is drawn. */
async function refreshed(page: Page): Promise<void> {
  let answers = 0;
  const pending = new Set<Request>();
  const begin = (request: Request): void => void pending.add(request);
  const end = (request: Request): void => {
    if (pending.delete(request)) answers += 1;
  };
  page.on('request', begin).on('requestfinished', end).on('requestfailed', end);
  await sleep(FRESH);
  await page.evaluate(`window.dispatchEvent(new Event('visibilitychange'))`);
  await expect.poll(() => answers > 1 && pending.size === 0, SOON).toBe(true);
  page.off('request', begin).off('requestfinished', end).off('requestfailed', end);
  await page.evaluate(
    () => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))),
  );
}

describe.skipIf(noBrowser !== undefined)(`2,000 hosts in Chromium ${noBrowser ?? ''}`, () => {
  const stack = new AsyncDisposableStack();
  let production: Operated;
  let chrome: Browser;

  beforeAll(async () => {
    production = stack.use(await operated({ console: { consoleFolder: await builtConsole() } }));
    await production.send('M1');
    chrome = stack.use(await browser({ optimized: true }));
    await withManyHosts(chrome.page, 2_000);
  });
  afterAll(() => stack.disposeAsync());

  const PAGES = [
    ['/', 'Hosts'],
    ['/production?view=table', 'Hosts and their connections'],
    ['/queues', 'Queues'],
    ['/messages', 'Status'],
    ['/events', undefined],
    ['/alerts', undefined],
  ] as const;

  test.for(PAGES)('%s holds nobody up while it refreshes itself', async ([path, region]) => {
    const { page } = chrome;
    await page.goto(`${production.url}${path.slice(1)}`);
    await page.getByRole('heading', { level: 1 }).waitFor(SOON);
    if (region !== undefined) await page.getByLabel(region, { exact: true }).first().waitFor(SOON);
    await expect.poll(() => page.getByText('Loading…').count(), SOON).toBe(0);
    const longest = await least(() => longestTask(page, () => refreshed(page)), MOMENT);
    expect(longest).toBeLessThanOrEqual(MOMENT);
    const wider = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
    expect(wider, 'wider than the window').toBeLessThanOrEqual(0);
  });

  test('a host is found among them by typing, and Back brings the place again', async () => {
    const { page } = chrome;
    await page.goto(`${production.url}production?view=table`);
    const find = page.getByLabel('Find a host by name or title');
    await find.waitFor(SOON);
    const typing = async (): Promise<number> => {
      await find.fill('');
      return longestTask(page, async () => {
        await find.pressSequentially('host-1234');
        await page.getByText('1 of 2,000').waitFor(SOON);
      });
    };
    const longest = await least(typing, MOMENT);
    expect(longest).toBeLessThanOrEqual(MOMENT);
    await page.getByRole('link', { name: 'Alerts' }).click();
    await page.getByRole('heading', { level: 1, name: 'Alerts' }).waitFor();
    await page.goBack();
    await page.getByText('1 of 2,000').waitFor(SOON);
    expect(await find.inputValue()).toBe('host-1234');
    for (const name of ODD_NAMES) {
      await find.fill(name);
      await page.getByRole('link', { name, exact: true }).waitFor(SOON);
    }
    const wider = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
    expect(wider, 'wider than the window').toBeLessThanOrEqual(0);
  });

  test('the diagram shows them by tag, one tag and its neighbours on demand, and the paths through one host', async () => {
    const { page } = chrome;
    await page.goto(`${production.url}production?view=diagram`);
    const box = page.getByRole('group', { name: /^unit-7: / });
    await box.waitFor(SOON);
    await page.getByRole('img', { name: 'The whole diagram, small' }).waitFor();
    expect(await violations(page)).toEqual([]);
    const longest = await least(() => longestTask(page, () => refreshed(page)), MOMENT);
    expect(longest).toBeLessThanOrEqual(MOMENT);
    await box.click();
    await page.waitForURL(/tag=unit-7/);
    await page.goBack();
    await box.waitFor(SOON);
    await page.getByLabel('Show only the paths through a host').fill('host-100');
    await page.waitForURL(/focus=host-100/);
    await page.getByRole('group', { name: /host-100,/ }).waitFor(SOON);
    await page.getByRole('button', { name: 'Only troubled' }).click();
    await page.waitForURL(/trouble=1/);
  });

  test('a file of 11,000 lines is opened at a line, found in and changed without holding anybody up', async () => {
    const { page } = chrome;
    await withLongFile(page);
    const text = page.getByLabel('Text of the file');
    const opens = await least(async () => {
      await page.goto(`${production.url}configuration`);
      await page.getByRole('heading', { level: 1, name: 'Configuration' }).waitFor(SOON);
      return longestTask(page, async () => {
        await page.getByRole('link', { name: 'Files' }).first().click();
        await text.waitFor(SOON);
      });
    }, MOMENT);
    expect(opens).toBeLessThanOrEqual(MOMENT);
    expect((await text.textContent())?.split('\n').length).toBeGreaterThan(11_000);
    await page.goto(`${production.url}files?path=production.yaml&line=9001`);
    const wanted = page.locator('[aria-current=location]');
    await wanted.waitFor(SOON);
    await expect.poll(() => wanted.evaluate(isInView), SOON).toBe(true);
    // its end is reached
    const isWide = 'document.querySelector("main pre").scrollWidth > 2_500';
    await expect.poll(() => page.evaluate(isWide), SOON).toBe(true);
    await page.getByRole('button', { name: 'Change', exact: true }).click();
    const area = page.getByRole('textbox', { name: 'Text of the file' });
    await area.waitFor(SOON);
    await area.press('Control+End');
    const typing = async (): Promise<void> => {
      await area.pressSequentially('# a note');
      await expect
        .poll(() => area.inputValue().then((all) => all.endsWith('# a note')), SOON)
        .toBe(true);
    };
    const types = await least(() => longestTask(page, typing), MOMENT);
    expect(types).toBeLessThanOrEqual(MOMENT);
  });

  test('a page whose engine did not answer shows the file once it does', async () => {
    const { page } = chrome;
    await page.unrouteAll({ behavior: 'ignoreErrors' });
    let answers = 0;
    await page.route('**/api/v1/production/files/text*', async (route) => {
      answers += 1;
      if (answers > 1) return route.continue();
      const json = { status: 503, code: 'BROKER_UNAVAILABLE', detail: 'nobody answers' };
      return route.fulfill({ status: 503, contentType: 'application/problem+json', json });
    });
    await page.goto(`${production.url}files?path=production.yaml`);
    await page.getByText('nobody answers').waitFor(SOON);
    await page.getByLabel('Text of the file').waitFor(SOON);
    expect(await page.getByText('nobody answers').count()).toBe(0);
  });
});
