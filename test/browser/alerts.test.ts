import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Browser, browser, builtConsole, noBrowser, violations } from '../support/browser.ts';
import { type Operated, operated } from '../support/operator.ts';

/** Nothing listens where it sends to, and its queue may hold nothing for long. */
const PRODUCTION = `production: watched
settings: { shutdownTimeout: 1s }
services:
  hl7-in:
    adapter: mllp-in
    settings: { listen: '\${env:LISTEN}' }
    to: hl7-out
operations:
  hl7-out:
    adapter: mllp-out
    settings: { connect: '\${env:SPARE}' }
    alert: { wait: 100ms }
`;

describe.skipIf(noBrowser !== undefined)(`alerts in Chromium ${noBrowser ?? ''}`, () => {
  let stack: AsyncDisposableStack;
  let production: Operated;
  let page: Browser['page'];
  let chrome: Browser;

  beforeAll(async () => {
    stack = new AsyncDisposableStack();
    const built = await builtConsole();
    production = stack.use(
      await operated({
        production: PRODUCTION,
        console: { consoleFolder: built, watchEvery: 100 },
      }),
    );
    await production.send('A1');
    chrome = stack.use(await browser());
    ({ page } = chrome);
  });
  afterAll(async () => {
    await stack.disposeAsync();
  });

  test('an alert is commented on, given to somebody, and put off', async () => {
    await page.goto(`${production.url}alerts`);
    const card = page.getByRole('listitem').filter({ hasText: 'the oldest message for hl7-out' });
    await card.waitFor();
    await card.getByRole('button', { name: 'Comment' }).click();
    await page.getByLabel('What to say').fill('the ward restarts its server');
    await page.keyboard.press('Enter');
    await card.getByRole('list', { name: 'Comments' }).getByText('restarts').waitFor();
    await card.getByRole('button', { name: 'Give to…' }).click();
    await page.getByLabel('Its new owner').fill('ann');
    await page.keyboard.press('Enter');
    await card.getByText('ann has it').waitFor();
    await card.getByLabel('Put off').selectOption('4 hours');
    await card.getByText(/^snoozed until/).waitFor();
    expect(await violations(page)).toEqual([]);
    expect(await card.getByRole('button', { name: 'I have it' }).count()).toBe(0);
    expect(chrome.complaints).toEqual([]);
  });
});
