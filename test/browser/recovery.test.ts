import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Failures } from '../../src/api/contract/message.ts';
import { builtConsole } from '../../src/build/built-console.ts';
import {
  BAD_TABLE,
  LOOKUP_FILES,
  LOOKUP_PRODUCTION,
  REFUSAL,
  refusesUnknown,
} from '../support/bad-lookup.ts';
import { type Browser, browser, noBrowser, violations } from '../support/browser.ts';
import { framed } from '../support/mllp-peers.ts';
import { type Operated, operated } from '../support/operator.ts';

/** More than a page of the list shows, and than a job has under way at a time. */
const COUNT = 160;
const OTHERS = 2;
const SOON = { timeout: 60_000 };
/** What hundreds of messages may take on a busy machine. */
const LONG = { timeout: 150_000 };

/** From many failures to proof, as an operator on night duty does it, with a real receiver that refuses. */
describe.skipIf(noBrowser !== undefined)(`recovering in Chromium ${noBrowser ?? ''}`, () => {
  let production: Operated;
  let chrome: Browser;
  let readOnly: boolean;
  /** The messages that failed are used up by the first test. */
  let isUsed: boolean;

  async function begin(): Promise<void> {
    [readOnly, isUsed] = [true, false];
    const consoleFolder = await builtConsole();
    production = await operated({
      production: LOOKUP_PRODUCTION,
      files: LOOKUP_FILES,
      console: { consoleFolder },
      answer: (message) =>
        readOnly && message.controlId.startsWith('R')
          ? framed(
              `MSH|^~\\&|R|R|S|S|2026||ACK|A|P|2.5.1\rMSA|AE|${message.controlId}|database is read-only\r`,
            )
          : refusesUnknown(message),
    });
    for (let n = 0; n < OTHERS; n++) await production.send(`R${n}`);
    for (let n = 0; n < COUNT; n++) await production.send(`C${n}`);
    await vi.waitFor(async () => {
      const { body } = await production.ask<Failures>('GET', '/api/v1/failures');
      if (body.groups[0]?.count !== COUNT) throw new Error('not all of them are refused');
    });
    readOnly = false;
    chrome = await browser({ width: 1280 });
  }

  async function end(): Promise<void> {
    await chrome[Symbol.asyncDispose]();
    await production[Symbol.asyncDispose]();
  }

  beforeAll(begin, 400_000);
  afterAll(end);

  test('two causes with one code are two groups; one is fixed and proven in eight actions, all in the console', async () => {
    if (isUsed) {
      await end();
      await begin();
    }
    isUsed = true;
    const { page } = chrome;
    await page.goto(production.url);
    await page.getByRole('link', { name: REFUSAL }).waitFor(SOON);
    await page.getByRole('link', { name: 'database is read-only' }).click(SOON);
    await page.getByText(`${OTHERS} found`).waitFor(SOON);
    await page.goto(`${production.url}/suspended`);
    await page.getByText(REFUSAL).first().waitFor(SOON);
    await page.getByText('database is read-only').first().waitFor(SOON);
    const group = page.locator('section', { hasText: REFUSAL });
    await group.getByRole('link', { name: 'Try the files' }).click(); // 1
    await page.getByText('would get the same again').waitFor(SOON);
    expect(await violations(page)).toEqual([]);
    await page.getByRole('link', { name: 'wards.csv:1' }).click(); // 2
    await page.getByRole('button', { name: 'Change', exact: true }).click(SOON); // 3
    await page.getByRole('button', { name: 'Add a row' }).click(); // 4, with what is typed there
    await page.getByLabel('key in line 2').fill('W1');
    await page.getByLabel('value in line 2').fill('Surgery');
    await page.getByLabel('Reason').fill('the table lacked W1'); // 5
    await page.getByRole('button', { name: 'Apply' }).click(SOON); // 6
    await page
      .getByRole('link', { name: `Try the ${COUNT} messages from before again` })
      .click(SOON); // 7
    await page.getByText('would get something else').waitFor(SOON);
    await page.getByText(`${COUNT} of ${COUNT} tried`).waitFor(LONG);
    expect(await page.getByLabel('Reason').inputValue()).toBe('the table lacked W1');
    const before = production.receiver.received.length;
    await page.getByRole('button', { name: `Process ${COUNT} messages again` }).click(SOON); // 8
    await page.waitForURL(/\/jobs\/\d+$/, SOON);
    await page.getByText(`${COUNT} delivered`).first().waitFor(LONG);
    expect(production.receiver.received).toHaveLength(before + COUNT);
    await page.goto(`${production.url}/suspended`);
    await page.getByText('database is read-only').first().waitFor(SOON);
    expect(await page.getByText(REFUSAL).count()).toBe(0);
  }, 400_000);

  test('all that was found is tried before it is ordered, across a lost server and a page loaded again', async () => {
    const { page } = chrome;
    await page.unrouteAll();
    await page.goto(`${production.url}/messages?target=hl7-out&status=discarded&last=all`);
    await page.getByRole('button', { name: 'Mark all found' }).click(SOON);
    await page.getByRole('button', { name: 'Act on all found' }).click();
    await page.getByLabel('What').selectOption('reprocess');
    const way = page.getByRole('link', { name: 'Try them with the files first' });
    const address = await way.getAttribute('href', SOON);
    expect(address).toMatch(/frozen=/);
    await page.route('**/api/v1/rehearsals', (route) => route.abort());
    await way.click();
    await page.getByText('the trial goes on by itself').waitFor(SOON);
    await page.unroute('**/api/v1/rehearsals');
    const done = page.getByText(/^(\d+) of \1 tried$/);
    await done.waitFor(LONG);
    const said = await done.textContent();
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await page.reload();
    await done.waitFor(SOON);
    expect(await done.textContent()).toBe(said);
    expect(asked.filter((url) => url.endsWith('/rehearsals'))).toEqual([]);
    expect(page.url()).toMatch(/frozen=/);
    expect(await violations(page)).toEqual([]);
    // what was found with other files is not shown as if it were of these
    const table = join(production.folder.path, 'wards.csv');
    const good = await readFile(table, 'utf8');
    await production.folder.write({ 'wards.csv': BAD_TABLE });
    try {
      await page.reload();
      await page.getByText('What runs is not what the files say').waitFor(SOON);
      await done.waitFor(LONG);
      expect(await violations(page)).toEqual([]);
    } finally {
      await production.folder.write({ 'wards.csv': good });
    }
  }, 400_000);
});
