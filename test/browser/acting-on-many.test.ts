import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Failures, Message, MessagePage } from '../../src/api/contract/message.ts';
import { builtConsole } from '../../src/build/built-console.ts';
import {
  GOOD_TABLE,
  LOOKUP_FILES,
  LOOKUP_PRODUCTION,
  refusesUnknown,
} from '../support/bad-lookup.ts';
import { type Browser, browser, noBrowser, violations } from '../support/browser.ts';
import { addLocalUser } from '../support/local-user.ts';
import { type Operated, operated } from '../support/operator.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { type Visitor, visitor } from '../support/visitor.ts';

const COUNT = 130;
const LIMIT = 100;
const SOON = { timeout: 60_000 };
const OLAF = { name: 'olaf', password: 'night duty on ward two', roles: ['operator'] };

/** What an operator does with a search that found more than a page: a list of ids, all of it, as many as they may. */
describe.skipIf(noBrowser !== undefined)(`acting on many in Chromium ${noBrowser ?? ''}`, () => {
  let stack: AsyncDisposableStack;
  let production: Operated;
  let page: Browser['page'];
  let olaf: Visitor;

  beforeAll(async () => {
    stack = new AsyncDisposableStack();
    const folder = stack.use(await temporaryFolder('many'));
    const settingsFile = join(folder.path, 'console.yaml');
    await writeFile(settingsFile, `bulkLimit: ${LIMIT}\n`);
    const consoleFolder = await builtConsole();
    production = stack.use(
      await operated({
        administrator: false,
        production: LOOKUP_PRODUCTION,
        files: LOOKUP_FILES,
        console: { consoleFolder, settingsFile },
        answer: refusesUnknown,
      }),
    );
    await addLocalUser(join(production.folder.path, 'data'), OLAF);
    olaf = visitor(production.url);
    await olaf.signIn(OLAF.name, OLAF.password);
    for (let n = 0; n < COUNT; n++) await production.send(`C${n}`);
    await vi.waitFor(async () => {
      const { body } = await olaf.ask<Failures>('GET', '/api/v1/failures');
      if (body.groups[0]?.count !== COUNT) throw new Error('not all of them are refused');
    }, 100_000);
    ({ page } = stack.use(await browser({ width: 1280 })));
    await page.goto(production.url);
    await page.getByLabel('User').fill(OLAF.name);
    await page.getByLabel('Password').fill(OLAF.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { level: 1, name: 'Dashboard' }).waitFor();
  });
  afterAll(() => stack.disposeAsync());

  const open = (path: string) => page.goto(`${production.url}${path}`);
  const paste = async (label: string, text: string): Promise<void> => {
    await page.getByLabel(label).focus();
    await page.evaluate((pasted) => navigator.clipboard.writeText(pasted), text);
    await page.keyboard.press('Control+V');
  };

  test('a pasted list of ids finds all of them, whatever field they are of, and names the rest', async () => {
    await open('messages');
    await page.getByRole('row').nth(1).waitFor();
    await paste('Value of mrn', 'C1\nC2\n"C77"\nC1\nnobody\n');
    await page.getByText('Not found, 1 of 4: nobody').waitFor(SOON);
    // each of three sessions: to the router, and on to the receiver
    await page.getByText('6 found').waitFor();
    await page.getByRole('button', { name: 'suspended' }).click();
    await page.getByText('3 found').waitFor();
    expect(await page.getByLabel('A list of ids').inputValue()).toBe('C1, C2, C77, nobody');
    expect(await violations(page)).toEqual([]);
    const { body } = await olaf.ask<MessagePage>('POST', '/api/v1/messages/search', {
      anyOf: ['C5'],
      status: ['suspended'],
    });
    await page.getByLabel('A list of ids').fill(`${body.items[0]?.id}; C1`);
    await page.keyboard.press('Enter');
    await page.getByText('2 found').waitFor();
    // a name with a comma is one value
    await page.getByLabel('Search field').selectOption('mrn');
    await paste('Value of mrn', 'Doe, John');
    expect(await page.getByLabel('Value of mrn').inputValue()).toContain('Doe, John');
    await page.keyboard.press('Control+K');
    await paste('MRN, control id, message id, host or page', 'C3,C4');
    await page.getByText('4 found').waitFor();
  });

  test('a list that is too long for an address stays in its tab; another tab says so and finds nothing', async () => {
    await open('messages');
    await page.getByRole('row').nth(1).waitFor();
    const long = Array.from({ length: 1_000 }, (_, n) => `C${n}`).join('\n');
    await paste('Value of mrn', long);
    await page.getByText(`Not found, ${1_000 - COUNT} of 1,000:`).waitFor(SOON);
    expect(page.url().length).toBeLessThan(300);
    await page.reload();
    await page.getByText(`Not found, ${1_000 - COUNT} of 1,000:`).waitFor(SOON);
    const other = await page.context().newPage();
    await other.goto(page.url());
    await other.getByText('This list is kept in the tab').waitFor();
    await other.getByText('Nothing matches.').waitFor();
    await other.close();
  });

  test('two messages of different sessions are compared from where they were found', async () => {
    await open('messages?status=suspended&last=all');
    const marks = page.getByRole('checkbox', { name: /^Mark message/ });
    await marks.nth(0).click(SOON);
    expect(await page.getByRole('link', { name: 'Compare the two' }).count()).toBe(0);
    await marks.nth(1).click();
    await page.getByRole('link', { name: 'Compare the two' }).click();
    await page.getByRole('heading', { level: 1, name: /^What changed in message/ }).waitFor(SOON);
    await page.getByText(/fields? differs?$/).waitFor(SOON);
    const [, id, against] = /messages\/(\d+)\/diff\?against=(\d+)/.exec(page.url()) ?? [];
    expect(Number(id)).toBeGreaterThan(Number(against));
  });

  test('all that was found is acted on, not only what is loaded, as many as one may and wants', async () => {
    await open('messages?status=suspended&last=all');
    await page.getByText('100+ found').waitFor(SOON);
    await page.getByRole('button', { name: 'Mark all found' }).click();
    const row = page.locator('[id^=message-]').first();
    await expect.poll(() => row.getAttribute('aria-selected')).toBe('true');
    // another search has no marks
    await page.getByRole('button', { name: 'discarded' }).click();
    await page.getByRole('button', { name: 'Mark all found' }).waitFor();
    expect(await page.getByRole('button', { name: 'Act on all found' }).count()).toBe(0);
    await page.goBack();
    // a mark that comes before the page has gone back belongs to the other search
    await expect
      .poll(async () => {
        const mark = page.getByRole('button', { name: 'Mark all found' });
        if (await mark.isVisible()) await mark.click();
        return await page.getByRole('button', { name: 'Act on all found' }).count();
      })
      .toBe(1);
    await page.getByRole('button', { name: 'Act on all found' }).click();
    await page.getByText(`${COUNT} messages; the first of them`).waitFor(SOON);
    await page.getByText(`you may act on ${LIMIT} at once`).waitFor();
    await page.getByRole('button', { name: `Resend ${LIMIT} messages` }).waitFor();
    await page.getByLabel('At most').fill('500');
    await page.getByRole('button', { name: `Resend ${LIMIT} messages` }).waitFor();
    await page.getByLabel('At most').fill('x');
    await page.getByLabel('Reason').fill('lost');
    expect(await page.getByRole('button', { name: 'Resend 0 messages' }).isDisabled()).toBe(true);
    await page.getByLabel('What').selectOption('discard');
    await page.getByLabel('At most').fill('7');
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Discard 7 messages' }).click(SOON);
    await page.waitForURL(/\/jobs\/\d+$/, SOON);
    await page.getByText('7 of 7').first().waitFor(SOON);
    // the oldest; the job is done before the trace shows the last of it
    await vi.waitFor(async () => {
      const { body } = await olaf.ask<MessagePage>('POST', '/api/v1/messages/search', {
        status: ['discarded'],
        anyOf: ['C0', 'C6', 'C7'],
      });
      expect(body.items).toHaveLength(2);
    });
  });

  test('nobody acts on more than they may by asking the server themselves', async () => {
    const criteria = { status: ['suspended'] };
    const order = { type: 'resend', criteria, reason: 'all of them' };
    const refused = await olaf.ask('POST', '/api/v1/jobs', order);
    expect(refused).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    expect(refused.body['detail']).toMatch(/olaf may act on 100 messages at once/);
    const many = await olaf.ask('POST', '/api/v1/jobs', { ...order, limit: LIMIT + 1 });
    expect(many.status).toBe(403);
    const texts = { anyOf: Array.from({ length: 2_001 }, (_, n) => `${n}`) };
    const long = await olaf.ask('POST', '/api/v1/messages/search', texts);
    expect(long.status).toBe(400);
  });

  test('a message is processed again from its original, for the target that is chosen', async () => {
    const { body } = await olaf.ask<MessagePage>('POST', '/api/v1/messages/search', {
      status: ['suspended'],
      target: 'hl7-out',
      limit: 1,
    });
    const [message] = body.items;
    await production.folder.write({ 'wards.csv': GOOD_TABLE });
    await production.running.reload({ dryRun: false, by: 'a test' });
    await open(`messages/${message?.id}`);
    await page.getByRole('button', { name: 'Process again' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText("Where today's rules send it").waitFor(SOON);
    expect(await violations(page)).toEqual([]);
    await dialog.getByLabel('hl7-out').uncheck();
    expect(await dialog.getByRole('button', { name: /^Process again for/ }).isDisabled()).toBe(
      true,
    );
    await dialog.getByLabel('hl7-out').check();
    await dialog.getByLabel('Reason').fill('the table was mended');
    const before = production.receiver.received.length;
    await dialog.getByRole('button', { name: 'Process again for hl7-out' }).click();
    await page.waitForURL(/\/sessions\/\d+/, SOON);
    await vi.waitFor(() => expect(production.receiver.received).toHaveLength(before + 1));
    await vi.waitFor(async () => {
      const again = await olaf.ask<Message>('GET', `/api/v1/messages/${message?.id}`);
      expect(again.body.status).toBe('discarded');
    });
    expect(production.receiver.received.at(-1)?.body.toString()).toContain('Surgery');
  });
});
