import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Browser, browser, builtConsole, noBrowser } from '../support/browser.ts';
import { type Hub, hub } from '../support/hub.ts';

/** Time that a busy machine may take. */
const SOON = { timeout: 15_000 };

/** The console as an operator uses it: a real hub with real HL7, of which one receiver is down. */
describe.skipIf(noBrowser !== undefined)(`the console in Chromium ${noBrowser ?? ''}`, () => {
  let stack: AsyncDisposableStack;
  let running: Hub;
  let chrome: Browser;

  beforeAll(async () => {
    stack = new AsyncDisposableStack();
    const built = stack.use(await builtConsole());
    running = stack.use(await hub(built.folder, { silent: ['registry'] }));
    // some of every kind; the rest is sent while somebody looks
    await running.send(running.messages.filter((_message, index) => index % 4 === 0));
    chrome = stack.use(await browser());
    await vi.waitFor(async () => {
      const ready =
        (await count({ status: ['suspended'] })) > 0 && (await count({ target: 'ward' })) > 5;
      if (!ready) throw new Error('the trace does not have what was sent yet');
    }, SOON);
  });

  afterAll(async () => {
    await stack.disposeAsync();
  });

  async function found(
    criteria: object,
  ): Promise<readonly { id: number; sessionId: number; status: string }[]> {
    const response = await fetch(`${running.url}/api/v1/messages/search`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ limit: 100, ...criteria }),
    });
    return (
      (await response.json()) as { items: { id: number; sessionId: number; status: string }[] }
    ).items;
  }

  const count = async (criteria: object): Promise<number> => (await found(criteria)).length;

  async function open(path: string): Promise<Browser['page']> {
    await chrome.page.goto(`${running.url}${path}`);
    return chrome.page;
  }

  test('a search by status goes into the address, and Back takes it out again', async () => {
    const page = await open('/messages');
    await page.getByRole('button', { name: 'suspended', exact: true }).click();
    await page.waitForURL(/status=suspended/);
    await page.getByRole('row').nth(2).waitFor();
    const states = await page
      .getByRole('row')
      .locator('css=[role=gridcell]:nth-child(3)')
      .allTextContents();
    expect(states.length).toBeGreaterThan(0);
    expect(new Set(states)).toEqual(new Set(['suspended']));
    await page.goBack();
    await vi.waitFor(() => expect(page.url()).not.toContain('status='), SOON);
  });

  test('the keyboard alone leads from a search to the trace of a message', async () => {
    const page = await open('/messages?target=ward&status=completed');
    await page.getByRole('row').nth(2).waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await page.waitForURL(/at=\d+/);
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/sessions\/\d+\?step=\d+/);
    await page.getByRole('group', { name: /^Sequence diagram/ }).waitFor();
    await expect
      .poll(() => page.locator('[data-selected]').getAttribute('aria-label'), SOON)
      .toMatch(/to ward, completed$/);
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
    await page.getByLabel('Keep the present search as').fill('to the ward');
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

  test('a trace shows what each rule decided, every leg and every reply, and its table says the same', async () => {
    const [message] = await found({ type: 'ADT_A01', target: 'ward', status: ['completed'] });
    const page = await open(`/sessions/${message?.sessionId}`);
    const steps = page.locator('[data-step]');
    await steps.first().waitFor();
    const sentences = await steps.evaluateAll((all) =>
      all.map((one) => one.getAttribute('aria-label') ?? ''),
    );
    expect(sentences[0]).toMatch(/message 1, ADT_A01, from adt-in to adt-router/);
    expect(sentences.some((one) => /rules of adt-router on message 1: .*→ .*ward/.test(one))).toBe(
      true,
    );
    expect(
      sentences.some((one) =>
        /reply to message \d, AA · [\d.]+ m?s, from ward to adt-router/.test(one),
      ),
    ).toBe(true);
    await page.keyboard.press('t');
    await page.waitForURL(/view=table/);
    await expect.poll(() => page.locator('tbody tr').count(), SOON).toBe(sentences.length);
  });

  test('a message is read as a tree with names, raw and in hex', async () => {
    const [message] = await found({ type: 'ADT_A01', target: 'ward' });
    const page = await open(`/messages/${message?.id}`);
    await page.getByText('Message Control ID').first().waitFor();
    await page.getByRole('button', { name: 'Copy the path PID-5.1', exact: true }).click();
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe('PID-5.1');
    await page.getByRole('tab', { name: 'Tree' }).press('ArrowRight');
    await page.getByText(/^MSH/).first().waitFor();
    await page.getByRole('tab', { name: 'Hex' }).click();
    await page.waitForURL(/view=hex/);
    await page.getByText('4d 53 48 7c').waitFor();
  });

  test('the difference that a transform made is shown field by field', async () => {
    const [message] = await found({ type: 'ADT_A01', target: 'ward' });
    const page = await open(`/sessions/${message?.sessionId}?step=${message?.id}`);
    await page.getByRole('link', { name: 'Diff' }).click();
    await page.getByText('Sending Application').first().waitFor();
    const row = page.getByRole('row').filter({ hasText: 'MSH-3' });
    expect(await row.locator('mark').allTextContents()).toEqual(['EPIC', 'WAYBILL']);
    await page.getByText('adt-to-ward').waitFor();
  });

  test('an edited message is resent as a new one that is linked to the old', async () => {
    const [message] = await found({ target: 'ward', status: ['completed'] });
    const page = await open(`/messages/${message?.id}`);
    await page.getByRole('button', { name: 'Edit and resend' }).click();
    const body = page.getByRole('textbox', { name: 'Body' });
    await body.fill((await body.inputValue()).replace('WAYBILL', 'WAYBILL2'));
    await page.getByRole('button', { name: 'Resend to ward' }).click();
    await page.waitForURL(
      (url) =>
        url.pathname.startsWith('/sessions/') && !url.pathname.includes(`${message?.sessionId}`),
    );
    await page.getByText('Resent from').waitFor();
    await page.getByRole('tab', { name: 'Body' }).click();
    await page.getByText('WAYBILL2').waitFor();
    await vi.waitFor(async () => expect(await count({ resendOf: message?.id })).toBe(1), SOON);
  });

  test('suspended messages of one cause are discarded by one job, with a result for each', async () => {
    const before = await count({ status: ['suspended'] });
    const page = await open('/suspended');
    await page.getByRole('link', { name: 'Discard all' }).click();
    await page.getByRole('textbox', { name: 'Reason' }).fill('not planned for, and not wanted');
    await page.getByRole('button', { name: new RegExp(`^Discard ${before} message`) }).click();
    await page.waitForURL(/\/jobs\/\d+$/);
    await expect
      .poll(() => page.locator('tbody tr').filter({ hasText: 'done' }).count(), SOON)
      .toBe(before);
    await vi.waitFor(async () => expect(await count({ status: ['suspended'] })).toBe(0), SOON);
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

  test('everything that came for one patient stands on one timeline, reached from anywhere', async () => {
    const page = await open('/timeline?find=mrn:7*');
    await page.getByText(/\d+ sessions?$/).waitFor();
    const sessions = page.getByRole('listitem').filter({ hasText: 'adt-in →' });
    expect(await sessions.count()).toBeGreaterThan(1);
    await sessions.first().getByRole('link').click();
    await page.waitForURL(/\/sessions\/\d+/);
  });

  test('a connection that fails is tested step by step, with what to do about it', async () => {
    const page = await open('/hosts/registry');
    await page.getByRole('button', { name: 'Test connection' }).click();
    await page.getByText('failed', { exact: true }).first().waitFor();
    const told = await page.getByRole('listitem').allTextContents();
    expect(told).toContainEqual(expect.stringMatching(/failed.*nothing listens.*Check the port/));
  });

  test('a host is stopped and started, and g q leads to the queues', async () => {
    const page = await open('/hosts/lab');
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('switched off', { exact: true }).first().waitFor();
    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByText('running', { exact: true }).first().waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('q');
    await page.waitForURL(/\/queues$/);
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Queues');
  });

  test('a message that waits in a queue is taken out of it', async () => {
    const page = await open('/queues?host=registry');
    const first = page.getByRole('button', { name: /^Abort message \d+$/ }).first();
    const id = Number(/\d+/.exec((await first.getAttribute('aria-label')) ?? '')?.[0]);
    await first.click();
    await page.getByLabel('Set it aside as suspended instead of discarding it').check();
    await page.getByLabel('Reason').fill('not for them');
    await page.getByRole('button', { name: 'Abort it' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await vi.waitFor(async () => {
      const aside = await found({ status: ['suspended'], target: 'registry' });
      expect(aside.map((message) => message.id)).toContain(id);
    }, SOON);
  });

  test('nothing that was done made the page complain', () => {
    expect(chrome.complaints).toEqual([]);
  });
});
