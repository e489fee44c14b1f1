import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { builtConsole } from '../../src/build/built-console.ts';
import { type Browser, browser, noBrowser, violations } from '../support/browser.ts';
import { type Operated, operated } from '../support/operator.ts';
import { webServer } from '../support/web-server.ts';

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

const settingsOf = (url: string): string => `alerts:
  channels: { pager: { webhook: '${url}/bad' }, chat: { slack: '${url}/good' } }
  people: { ann: [pager, chat], bob: [chat] }
  rota: [{ from: mon 00:00, to: sun 23:59, who: [ann] }, { from: sun 23:59, to: mon 00:00, who: [ann] }]
  steps: [{ to: [on-call] }, { after: 15m, to: [bob] }]
`;

describe.skipIf(noBrowser !== undefined)(`alerts in Chromium ${noBrowser ?? ''}`, () => {
  let stack: AsyncDisposableStack;
  let production: Operated;
  let page: Browser['page'];
  let chrome: Browser;

  beforeAll(async () => {
    stack = new AsyncDisposableStack();
    const built = await builtConsole();
    const web = stack.use(await webServer(({ path }) => ({ status: path === '/bad' ? 401 : 200 })));
    production = stack.use(
      await operated({
        production: PRODUCTION,
        files: { 'data/console.yaml': settingsOf(web.url) },
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
    const sent = card.getByRole('list', { name: 'Sent to' });
    await sent.getByText(/ann by pager: failed: .* answered 401/).waitFor();
    await sent.getByText(/ann by chat: delivered/).waitFor();
    await card.getByRole('button', { name: 'Comment' }).click();
    await page.getByLabel('What to say').fill('the ward restarts its server');
    await page.keyboard.press('Enter');
    await card.getByRole('list', { name: 'Comments' }).getByText('restarts').waitFor();
    await card.getByRole('button', { name: 'Give to…' }).click();
    await page.getByLabel('Its new owner').fill('ann');
    await page.keyboard.press('Enter');
    await card.getByText('taken on by ann').waitFor();
    await card.getByRole('button', { name: 'Put off…' }).click();
    await card.getByRole('button', { name: 'until Monday at 8' }).waitFor();
    await card.getByRole('button', { name: '4 hours' }).click();
    await card.getByText(/^snoozed until/).waitFor();
    expect(await violations(page)).toEqual([]);
    expect(await card.getByRole('button', { name: 'Take on' }).count()).toBe(0);
    expect(chrome.complaints).toEqual([]);
  });

  test('who is on call is changed for a time, and each channel is tested', async () => {
    await page.goto(`${production.url}alerts`);
    await page.getByRole('link', { name: 'On call' }).click();
    const spans = page.getByRole('list', { name: 'Who is on call when' });
    await spans.getByText('ann').first().waitFor();
    await page.getByRole('button', { name: 'Somebody else is on call…' }).click();
    await page.getByLabel('Who', { exact: true }).selectOption('bob');
    await page.getByLabel('Why').fill('ann is ill');
    await page.getByRole('button', { name: 'Put on call' }).click();
    await spans.getByText('ann is ill (by admin)').waitFor();
    await page.getByText(/^bob until/).waitFor();
    await page.getByRole('button', { name: 'Send a test by each' }).click();
    const channels = page.getByRole('region', { name: 'Channels' });
    await channels.getByText(/the test got there in/).waitFor();
    await channels.getByText(/answered 401\. Check the secret/).waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'As the rota says again: ann is ill' }).click();
    await page.getByRole('button', { name: 'As the rota says', exact: true }).click();
    await spans.getByText('ann is ill').waitFor({ state: 'detached' });
    expect(chrome.complaints).toEqual([]);
  });

  test('work is planned for a host: its alerts are explained, and it ends when somebody says so', async () => {
    await page.goto(`${production.url}hosts/hl7-out`);
    await page.getByRole('button', { name: 'Plan work…' }).click();
    const dialog = page.getByRole('dialog');
    expect(await dialog.getByLabel('hl7-out').isChecked()).toBe(true);
    expect(await violations(page)).toEqual([]);
    await dialog.getByLabel('Why').fill('the ward gets a new server');
    await page.keyboard.press('Enter');
    const planned = page.getByRole('list', { name: 'Planned work' });
    await planned.getByText(/being worked on until .* a new server \(admin\)/).waitFor();
    await page.getByRole('link', { name: 'Dashboard' }).click();
    await planned.getByText('a new server').waitFor();
    await page.getByRole('link', { name: 'Alerts' }).first().click();
    const card = page.getByRole('listitem').filter({ hasText: 'the oldest message for hl7-out' });
    await card.getByText(/^nobody is told: planned work until/).waitFor();
    expect(await violations(page)).toEqual([]);
    await planned.getByRole('button', { name: 'End now' }).click();
    await dialog.getByRole('button', { name: 'End it' }).click();
    await planned.waitFor({ state: 'detached' });
    await card.getByText(/^nobody is told/).waitFor({ state: 'detached' });
    expect(chrome.complaints).toEqual([]);
  });
});
