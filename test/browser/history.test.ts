import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { builtConsole } from '../../src/build/built-console.ts';
import { GOOD_TABLE, LOOKUP_FILES, LOOKUP_PRODUCTION } from '../support/bad-lookup.ts';
import { type Browser, browser, noBrowser, violations } from '../support/browser.ts';
import { type Operated, operated } from '../support/operator.ts';

const SOON = { timeout: 60_000 };

/** What was applied, compared and taken back, as an engineer does it. */
describe.skipIf(noBrowser !== undefined)(`history in Chromium ${noBrowser ?? ''}`, () => {
  let stack: AsyncDisposableStack;
  let production: Operated;
  let page: Browser['page'];

  beforeAll(async () => {
    stack = new AsyncDisposableStack();
    const consoleFolder = await builtConsole();
    production = stack.use(
      await operated({
        production: LOOKUP_PRODUCTION,
        files: LOOKUP_FILES,
        console: { consoleFolder },
      }),
    );
    ({ page } = stack.use(await browser({ width: 1280 })));
  }, 240_000);
  afterAll(() => stack.disposeAsync());

  const open = (path: string) => page.goto(`${production.url}${path}`);

  test('a deploy is seen line by line, marked in charts and traces, and taken back with one act', async () => {
    await open('configuration');
    await page.getByText('What is running matches the files.').waitFor(SOON);
    await production.folder.write({ 'wards.csv': GOOD_TABLE });
    await page.getByRole('button', { name: 'Read the files again' }).click();
    await page.getByLabel('Reason').fill('W1 was missing');
    await page.getByRole('button', { name: /^Apply/ }).click();
    await page.getByText('Applied on every engine.').waitFor(SOON);
    await page.getByRole('link', { name: 'History' }).click();
    const rows = page.getByRole('row');
    await rows.filter({ hasText: 'W1 was missing' }).waitFor(SOON);
    await page.getByText('W1,Surgery').waitFor(SOON);
    await page.getByText('This one runs.').waitFor();
    expect(await violations(page)).toEqual([]);

    await production.send('H1');
    await open('');
    await page
      .getByRole('link', { name: /^configuration changed/ })
      .first()
      .waitFor(SOON);
    await open('messages');
    await page.getByRole('row').nth(1).dblclick(SOON);
    await page
      .getByRole('link', { name: /after the configuration was changed by admin/ })
      .waitFor(SOON);

    await open('history');
    await rows.filter({ hasText: 'read at a start' }).getByRole('link').click();
    await page.getByRole('button', { name: 'Roll back to it' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('X,Nowhere').waitFor(SOON);
    expect(await violations(page)).toEqual([]);
    // Back leaves the page: the dialog of another version would be as filled in as this one
    const address = page.url();
    await page.goBack();
    await dialog.waitFor({ state: 'detached' });
    // Back is taken back, which takes its time
    await expect.poll(() => page.url(), SOON).toBe(address);
    await page.getByRole('button', { name: 'Roll back to it' }).click();
    await dialog.getByText('X,Nowhere').waitFor(SOON);
    await dialog.getByLabel('Reason').fill('the ward refuses');
    await dialog.getByRole('button', { name: 'Roll back', exact: true }).click();
    await rows
      .filter({ hasText: 'rolled back' })
      .filter({ hasText: 'the ward refuses' })
      .waitFor(SOON);
    expect(production.running.definition.lookups.lookup('wards', 'X')).toBe('Nowhere');
  }, 240_000);

  test('a file opens at the line that an address names, also as it was in a version', async () => {
    await open('hosts/hl7-out');
    await page
      .getByRole('link', { name: /^production\.yaml:\d+$/ })
      .first()
      .click(SOON);
    await page.locator('[aria-current=location]').waitFor(SOON);
    expect(await page.locator('[aria-current=location]').textContent()).toContain('hl7-out');
    expect(await violations(page)).toEqual([]);
    await page.getByRole('link', { name: 'wards.csv' }).click();
    await page.getByText('X,Nowhere').waitFor();
    await page.getByRole('link', { name: 'History' }).click();
    await page.getByRole('row').filter({ hasText: 'W1 was missing' }).getByRole('link').click();
    await page.getByRole('link', { name: 'Its files' }).click();
    await page.getByRole('link', { name: 'wards.csv' }).click();
    await page.getByText('W1,Surgery').waitFor(SOON);
  }, 240_000);
});
