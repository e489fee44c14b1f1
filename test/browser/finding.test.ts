import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Browser, browser, noBrowser } from '../support/browser.ts';
import type { Hub } from '../support/hub.ts';
import { type OpenConsole, openConsole, SOON } from '../support/open-console.ts';

/** Finding and following messages as an operator does. */
describe.skipIf(noBrowser !== undefined)(`finding in Chromium ${noBrowser ?? ''}`, () => {
  let running: Hub;
  let chrome: Browser;
  let found: OpenConsole['found'];
  let open: OpenConsole['open'];
  let opened: OpenConsole;

  beforeAll(async () => {
    opened = await openConsole();
    ({ running, chrome, found, open } = opened);
  });

  afterAll(async () => {
    await opened[Symbol.asyncDispose]();
  });

  test('what a search found is gone through one by one, and the way back leads to where one was', async () => {
    const page = await open('/messages?target=ward&status=completed');
    await page.getByRole('row').nth(2).waitFor();
    await page.keyboard.press('j');
    await page.waitForURL(/at=\d+/);
    await page.keyboard.press('o');
    await page.waitForURL(/\/messages\/\d+$/);
    const first = page.url();
    await page.getByRole('link', { name: /^1 of \d+$/ }).waitFor();
    await page.keyboard.press('n');
    await page.getByRole('link', { name: /^2 of \d+$/ }).waitFor();
    await page.reload();
    await page.getByRole('link', { name: /^2 of \d+$/ }).waitFor();
    await page.keyboard.press('p');
    await page.waitForURL(first);
    await page.getByRole('link', { name: /^1 of \d+$/ }).click();
    await page.waitForURL(/target=ward/);
    expect(new URL(page.url()).searchParams.get('status')).toBe('completed');
    expect(new URL(page.url()).searchParams.get('at')).toBe(/\d+$/.exec(first)?.[0]);
  });

  test('a search is kept under a name, and columns are remembered, also in another window', async () => {
    const page = await open('/messages?target=ward&last=1h');
    await page.getByRole('button', { name: 'Saved' }).click();
    await page.getByLabel('Save the current search as').fill('to the ward');
    await page.getByRole('button', { name: 'Keep', exact: true }).click();
    await page.getByRole('link', { name: 'to the ward' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Columns' }).click();
    await page.getByLabel('Size', { exact: true }).uncheck();
    await page.getByLabel('Message', { exact: true }).check();
    await page.getByRole('button', { name: 'Done' }).click();

    const other = await page.context().newPage();
    await other.goto(`${running.url}/messages`);
    await other.getByRole('columnheader', { name: 'Message' }).waitFor();
    expect(await other.getByRole('columnheader', { name: 'Size' }).count()).toBe(0);
    await other.getByRole('button', { name: 'Saved' }).click();
    await other.getByRole('link', { name: 'to the ward' }).click();
    await other.waitForURL(/target=ward/);
    expect(new URL(other.url()).searchParams.get('last')).toBe('1h');
    await other.close();
  });

  test('a search field is a column where it is chosen, by the name that the production gives it', async () => {
    const page = await open('/messages?target=ward&status=completed');
    await page.getByRole('button', { name: 'Columns' }).click();
    await page.getByRole('dialog').getByLabel('mrn', { exact: true }).check();
    await page.getByRole('button', { name: 'Done' }).click();
    const head = page.getByRole('columnheader');
    await head.filter({ hasText: /^mrn$/ }).waitFor();
    const at = (await head.allTextContents()).indexOf('mrn');
    const cells = page.locator('[id^=message-]').locator(`[role=gridcell]:nth-child(${at + 1})`);
    await expect.poll(() => cells.first().textContent(), SOON).toMatch(/^\d{7}$/);

    await page.getByRole('button', { name: 'Export' }).click();
    await page.getByText('With', { exact: true }).waitFor();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download' }).click(),
    ]);
    const [titles, row] = (await readFile(await download.path(), 'utf8')).split('\r\n');
    expect(titles).toMatch(/,search\.mrn$/);
    expect(row).toMatch(/,\d{7}$/);
  });

  test('how many fit is counted when somebody asks', async () => {
    const page = await open('/messages?last=all');
    await page.getByText('100+ found').waitFor();
    await page.getByRole('button', { name: 'Count all' }).click();
    await page.getByText(/ in all$/).waitFor();
    const told = await page.getByText(/ in all$/).textContent();
    expect(Number(told?.split(' ')[0])).toBeGreaterThan(100);
  });

  test('the event log is narrowed to a time by its address', async () => {
    const page = await open('/events?to=2020-01-01T00:00:00');
    await page.getByText('Nothing happened in this time.').waitFor();
    await page.getByLabel('Until').fill('');
    await page.getByRole('row').filter({ hasText: 'host-started' }).first().waitFor();
    expect(new URL(page.url()).searchParams.has('to')).toBe(false);
  });

  test('the audit log is read back page by page', async () => {
    const [message] = await found({ target: 'ward' });
    const look = async (): Promise<void> => {
      const answer = await fetch(`${running.url}/api/v1/messages/${message?.id}/body`);
      expect(answer.status).toBe(200);
    };
    for (let n = 0; n < 205; n += 1) await look();
    const page = await open(`/audit?object=message ${message?.id}`);
    const rows = page.getByRole('row').filter({ hasText: 'message.view' });
    await expect.poll(() => rows.count(), SOON).toBe(200);
    await page.getByRole('button', { name: 'Show older' }).click();
    await expect.poll(() => rows.count(), SOON).toBeGreaterThanOrEqual(205);
  });

  test('a tag leaves only its hosts', async () => {
    const page = await open('/?tag=clinical');
    await page.getByRole('region', { name: 'Hosts' }).getByRole('row').nth(1).waitFor();
    const names = await page
      .getByRole('region', { name: 'Hosts' })
      .getByRole('rowheader')
      .allTextContents();
    expect(names.map((name) => name.split(/[A-Z]/)[0])).toEqual(['ward', 'lab']);
    await page.getByLabel('Tag').selectOption('');
    await expect
      .poll(() => page.getByRole('region', { name: 'Hosts' }).getByRole('rowheader').count(), SOON)
      .toBeGreaterThan(5);
  });

  test('a live search holds back what comes in until it is asked for', async () => {
    const page = await open('/messages?live=1&source=adt-in');
    const top = page.locator('[id^=message-]').first();
    await top.waitFor();
    const read = await top.getAttribute('id');
    await running.send(running.messages.filter((_message, index) => index % 60 === 1));
    await page.getByRole('button', { name: /▲ \d+ new/ }).waitFor();
    expect(await top.getAttribute('id')).toBe(read);
    await page.keyboard.press('.');
    await expect.poll(() => top.getAttribute('id'), SOON).not.toBe(read);
  });

  test('a pasted MRN is found from anywhere', async () => {
    const page = await open('/queues');
    await page.getByRole('heading', { name: 'Queues' }).waitFor();
    await page.keyboard.press('Control+k');
    const [message] = await found({ target: 'ward' });
    const body = await fetch(`${running.url}/api/v1/messages/${message?.id}/body`);
    const { text } = (await body.json()) as { text: string };
    const mrn = /\rPID\|[^|]*\|[^|]*\|([^|^]+)/.exec(text)?.[1] ?? '';
    await page.getByRole('combobox').waitFor();
    await page.keyboard.insertText(mrn);
    await page.getByRole('option', { name: `All messages with mrn ${mrn}` }).waitFor();
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/messages\?/);
    await page.getByRole('row').nth(1).waitFor();
    expect(new URL(page.url()).searchParams.get('find')).toBe(`mrn:${mrn}`);
  });

  test.for([
    ['ahead of', 2],
    ['behind', -2],
  ] as const)(
    'a machine whose clock is %s the server’s finds the last hour all the same, and is told',
    async ([how, hours]) => {
      await using wrong = await browser();
      const { page } = wrong;
      await page.clock.install({ time: Date.now() + hours * 3_600_000 });
      await page.goto(`${running.url}/messages?target=ward&last=1h`);
      await page.getByRole('row').nth(1).waitFor();
      await page.getByText(`The clock of this machine is 2 h ${how} the server’s.`).waitFor();
      await page.goto(`${running.url}/hosts/ward`);
      await page.getByText(/^Last hour: [1-9]\d* arrived/).waitFor();
      expect(await page.getByText('2 h ago').count()).toBe(0);
    },
  );

  test('on a phone the diagram begins at a host in trouble, large enough to be read, and shows all on demand', async () => {
    const { page } = chrome;
    await page.setViewportSize({ width: 390, height: 844 });
    await open('/production?view=diagram');
    const box = page.getByRole('group', { name: /registry, disconnected/ });
    const placeOf = async (): Promise<{ readonly x: number; readonly width: number }> =>
      (await box.boundingBox()) ?? { x: -1, width: 0 };
    await expect.poll(async () => (await placeOf()).width, SOON).toBeGreaterThan(180);
    const { x, width } = await placeOf();
    expect(x).toBeGreaterThanOrEqual(0);
    expect(x + width).toBeLessThanOrEqual(390);
    await page.getByRole('button', { name: 'Show all' }).click();
    await expect.poll(async () => (await placeOf()).width, SOON).toBeLessThan(120);
    await page.setViewportSize({ width: 1280, height: 844 });
  });

  test('quick find is used by keys alone, and gives the focus back', async () => {
    const page = await open('/queues');
    const link = page.getByRole('link', { name: 'Certificates' });
    await link.focus();
    await page.keyboard.press('Control+k');
    const text = page.getByRole('dialog').getByRole('combobox');
    const chosen = page.getByRole('option', { selected: true });
    const named = (): Promise<string | null> => text.getAttribute('aria-activedescendant');
    await expect
      .poll(() => text.evaluate((own) => own === document.activeElement), SOON)
      .toBe(true);
    await page.keyboard.type('ar');
    await chosen.waitFor();
    const options = page.getByRole('option');
    await expect.poll(() => options.count(), SOON).toBeGreaterThan(1);
    const first = await chosen.textContent();
    await page.keyboard.press('ArrowDown');
    expect(await named()).toBe('find-1');
    expect(await chosen.textContent()).not.toBe(first);
    // round the end and back
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowUp');
    expect(await named()).toBe(`find-${(await options.count()) - 1}`);
    await page.keyboard.press('ArrowDown');
    expect(await chosen.textContent()).toBe(first);
    await page.keyboard.press('Escape');
    await text.waitFor({ state: 'detached' });
    expect(await link.evaluate((own) => own === document.activeElement)).toBe(true);
    expect(page.url()).toBe(`${running.url}/queues`);

    await page.keyboard.press('Control+k');
    await page.keyboard.type('pharmacy');
    await chosen.filter({ hasText: 'pharmacy' }).waitFor();
    await page.keyboard.press('Enter');
    await page.waitForURL(`${running.url}/hosts/pharmacy`);
    await text.waitFor({ state: 'detached' });
    // nothing to open does nothing
    await page.keyboard.press('Control+k');
    await page.keyboard.type('no such thing anywhere');
    await page.getByText('0 found', { exact: true }).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    expect(await text.inputValue()).toBe('no such thing anywhere');
    await page.keyboard.press('Escape');
    await text.waitFor({ state: 'detached' });
    expect(page.url()).toBe(`${running.url}/hosts/pharmacy`);
  });

  test('everything that came for one patient stands on one timeline, reached from anywhere', async () => {
    const page = await open('/timeline?find=mrn:7*');
    await page.getByText(/\d+ sessions?$/).waitFor();
    const sessions = page.getByRole('listitem').filter({ hasText: 'adt-in →' });
    expect(await sessions.count()).toBeGreaterThan(1);
    await sessions.first().getByRole('link').click();
    await page.waitForURL(/\/sessions\/\d+/);
  });

  test('a session is held from its trace, with a reason, and released again', async () => {
    const [message] = await found({ target: 'ward' });
    const page = await open(`/sessions/${message?.sessionId}`);
    await page.getByRole('button', { name: 'Hold' }).click();
    await page.getByLabel('Reason').fill('a complaint');
    await page.getByRole('dialog').getByRole('button', { name: 'Hold' }).click();
    await page.getByRole('button', { name: 'Release' }).waitFor();
    await page.goto(`${running.url}/storage`);
    const held = page.getByRole('listitem').filter({ hasText: 'a complaint' });
    await held.waitFor();
    expect(await held.textContent()).toContain(`${message?.sessionId}`);
    await page.goBack();
    await page.getByRole('button', { name: 'Release' }).click();
    await page.getByText('Nobody keeps it then').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Release' }).click();
    await page.getByRole('button', { name: 'Hold' }).waitFor();
  });

  test('a path is copied also where the page came without TLS', async () => {
    const [message] = await found({ type: 'ADT_A01', target: 'ward' });
    const page = await chrome.page.context().newPage();
    await page.addInitScript('Object.defineProperty(navigator, "clipboard", { value: undefined })');
    await page.goto(`${running.url}/messages/${message?.id}`);
    await page.getByRole('button', { name: 'Copy the path PID-5.1', exact: true }).click();
    await page.getByRole('searchbox', { name: 'Find in the message' }).press('Control+v');
    expect(await page.getByRole('searchbox').inputValue()).toBe('PID-5.1');
    await page.close();
  });

  test('nothing that was done made the page complain', () => {
    expect(chrome.complaints).toEqual([]);
  });
});
