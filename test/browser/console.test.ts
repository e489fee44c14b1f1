import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Browser, noBrowser, violations } from '../support/browser.ts';
import { type OpenConsole, openConsole, SOON } from '../support/open-console.ts';

/** The console as an operator uses it: a real hub with real HL7, of which one receiver is down. */
describe.skipIf(noBrowser !== undefined)(`the console in Chromium ${noBrowser ?? ''}`, () => {
  let chrome: Browser;
  let found: OpenConsole['found'];
  let open: OpenConsole['open'];
  let opened: OpenConsole;

  beforeAll(async () => {
    opened = await openConsole();
    ({ chrome, found, open } = opened);
  });

  afterAll(async () => {
    await opened[Symbol.asyncDispose]();
  });

  let tries = 0;
  const count = async (criteria: object): Promise<number> => (await found(criteria)).length;

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
      .toMatch(/to ward, completed, found by the search$/);
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
    // what is still on its way may come between the two
    await expect
      .poll(async () => {
        const shown = await steps.count();
        await page.keyboard.press('t');
        await page.waitForURL(/view=table/);
        await page.locator('tbody tr').first().waitFor();
        const rows = await page.locator('tbody tr').count();
        // a view takes the place of another in the history
        await page.keyboard.press('t');
        await steps.first().waitFor();
        return rows - shown;
      }, SOON)
      .toBe(0);
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

  test('a job whose new messages fail again says so, with the cause, while one looks', async () => {
    const before = await count({ status: ['suspended'] });
    const page = await open('/suspended');
    await page.getByRole('link', { name: 'Resend all' }).click();
    await page.getByRole('textbox', { name: 'Reason' }).fill('the table was mended');
    await page.getByRole('button', { name: new RegExp(`^Resend ${before} message`) }).click();
    await page.waitForURL(/\/jobs\/\d+$/);
    const status = page.getByRole('status').filter({ hasText: 'the table was mended' });
    await status.getByText(`${before} refused again`).first().waitFor();
    await expect
      .poll(() => page.locator('tbody tr').filter({ hasText: 'refused again' }).count(), SOON)
      .toBe(before);
    await page.getByLabel('Show').selectOption('refused again');
    expect(await violations(page)).toEqual([]);
    // on a phone the cause has a line of its own; it stood there letter by letter
    const wide = page.viewportSize();
    await page.setViewportSize({ width: 390, height: 844 });
    const group = page.getByRole('listitem').filter({ hasText: 'one of them' });
    expect((await group.boundingBox())?.height).toBeLessThan(150);
    if (wide !== null) await page.setViewportSize(wide);
    await page.getByRole('link', { name: 'one of them' }).click();
    // the new one leads to what it replaces, which still shows how it failed and by what it was replaced
    await page.getByText('Resent from').waitFor();
    await page.locator('dd').filter({ hasText: /^\d+$/ }).last().getByRole('link').click();
    await page.getByText('Replaced by').waitFor();
    const earlier = page.getByRole('heading', { name: 'Before' }).locator('..');
    await earlier.getByText('suspended').waitFor();
    expect(await earlier.textContent()).toMatch(/no rule|rule/);
    expect(await count({ status: ['suspended'] })).toBe(before);
  });

  test('suspended messages of one cause are discarded by one job, with a result for each', async () => {
    // an earlier try has discarded them
    if ((await count({ status: ['suspended'] })) === 0) {
      await opened.running.send(opened.running.messages.filter((_one, index) => index % 4 === 0));
      await vi.waitUntil(async () => (await count({ status: ['suspended'] })) > 0, SOON);
    }
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

  test('a connection that fails is tested step by step, with what to do about it', async () => {
    const page = await open('/hosts/registry');
    await page.getByRole('button', { name: 'Test connection' }).click();
    await page.getByText('failed', { exact: true }).first().waitFor();
    const told = await page.getByRole('listitem').allTextContents();
    expect(told).toContainEqual(expect.stringMatching(/failed.*nothing listens.*Check the port/));
  });

  test('a message of one’s own goes into a service, and its trace says that it is a test', async () => {
    const page = await open('/hosts/adt-in');
    const own = `OWN-${randomUUID().slice(0, 8)}`;
    await page.getByRole('button', { name: 'Test message' }).click();
    const body = [
      `MSH|^~\\&|EPIC|MAIN|HUB|MAIN|20260115083000||ADT^A01^ADT_A01|${own}|P|2.5.1`,
      'EVN|A01|20260115083000',
      'PID|1||7009999^^^MAIN^MR||OWN^TEST||19700101|F',
      'PV1|1|I|W1^01^R',
    ].join('\n');
    await page.getByLabel('Body').fill(body);
    await page.getByLabel('Reason').fill('the ward moved');
    await page.getByRole('button', { name: 'Send into adt-in' }).click();
    await page.waitForURL(/\/sessions\/\d+/);
    await page.getByTitle('sent by admin as a test').first().waitFor();
    await page
      .getByRole('button', { name: /ADT_A01, from adt-router to ward/ })
      .first()
      .waitFor();
    const sent = await found({ search: { 'control-id': own }, target: 'ward' });
    expect(sent).toHaveLength(1);
  });

  test('a host is stopped and started, and g q leads to the queues', async () => {
    const page = await open('/hosts/lab');
    // what is done without an answer is not told as not done
    const other = await page.context().newPage();
    await other.route('**/hosts/lab/stop', async (route) => {
      await route.fetch();
      await route.abort();
    });
    await other.goto(`${opened.running.url}/hosts/lab`);
    await other.getByRole('button', { name: 'Stop' }).click();
    await other.getByText(/It may have been done all the same/).waitFor();
    await other.close();
    await page.getByText('switched off', { exact: true }).first().waitFor();
    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByText('running', { exact: true }).first().waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('q');
    await page.waitForURL(/\/queues$/);
    await expect
      .poll(() => page.getByRole('heading', { level: 1 }).textContent(), SOON)
      .toBe('Queues');
  });

  test('a message that waits in a queue is taken out of it', async () => {
    const page = await open('/queues?host=registry');
    const waiting = page.getByRole('listitem');
    await waiting
      .filter({ hasText: /_[A-Z]\d\dfrom adt-router/ })
      .first()
      .waitFor();
    await page.getByRole('button', { name: 'Retry now' }).waitFor();
    await page.getByText(/^connects at /).waitFor();
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

  test('by keyboard the focus is never lost: after an act, over a dialog, on another page', async () => {
    const focused = (): Promise<string> =>
      page.evaluate(() => {
        const { activeElement: one } = document;
        return one === null || !one.matches(':focus-visible')
          ? 'lost'
          : `${one.tagName} ${one.textContent}`;
      });
    const press = async (name: string): Promise<void> => {
      await page.getByRole('button', { name, exact: true }).focus();
      await page.keyboard.press('Enter');
    };
    const page = await open('/hosts/lab');
    await press('Test connection');
    await page.getByText('passed', { exact: true }).first().waitFor();
    await expect.poll(focused, SOON).toMatch(/^BUTTON +Test connection/);
    await press('Stop');
    await page.getByRole('button', { name: 'Start' }).waitFor();
    await expect.poll(focused, SOON).toBe('H1 lab');
    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByRole('button', { name: 'Stop' }).waitFor();
    const [message] = await found({ target: 'ward', status: ['completed'] });
    await open(`/messages/${message?.id}`);
    await press('Edit and resend');
    const body = page.getByRole('textbox', { name: 'Body' });
    await body.fill('half an hour of work');
    // each of these is pressed by mistake
    for (const leave of [
      () => page.keyboard.press('Escape'),
      () => page.keyboard.press('Escape'),
      () => page.mouse.click(5, 400),
      () => page.keyboard.press('Control+K'),
    ]) {
      await leave();
      expect(await body.inputValue()).toBe('half an hour of work');
    }
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Throw it away' }).focus();
    await page.keyboard.press('Enter');
    await expect.poll(focused, SOON).toMatch(/^BUTTON +Edit and resend/);
    await page.getByRole('link', { name: 'Trace', exact: true }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('group', { name: /^Sequence diagram/ }).waitFor();
    await expect.poll(focused, SOON).toMatch(/^H1 Session/);
    await page.setViewportSize({ width: 390, height: 844 });
    await press('Navigation');
    await expect.poll(focused, SOON).toMatch(/^A Dashboard/);
    await page.keyboard.press('Escape');
    await page.getByRole('navigation', { name: 'Pages' }).waitFor({ state: 'hidden' });
    expect(
      await page
        .getByRole('button', { name: 'Navigation' })
        .evaluate((one) => one === document.activeElement),
    ).toBe(true);
    await page.setViewportSize({ width: 1280, height: 844 });
  });

  test('who has a dialog open while somebody else resends the message is told, and sends no second one unasked', async () => {
    const completed = await found({ target: 'ward', status: ['completed'] });
    // an earlier try has sent the last one again
    const one = completed.at(-1 - tries++);
    const page = await open(`/messages/${one?.id}`);
    await page.getByRole('button', { name: 'Resend', exact: true }).click();
    const send = page.getByRole('button', { name: 'Resend to ward' });
    await expect.poll(() => send.isEnabled(), SOON).toBe(true);
    const response = await fetch(`${opened.running.url}/api/v1/messages/${one?.id}/resend`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    expect(response.status).toBe(200);
    await page.getByText('Since you looked at it, it has been sent again').waitFor(SOON);
    expect(await send.isDisabled()).toBe(true);
    expect(await violations(page)).toEqual([]);
    await page.getByLabel('Send it once more all the same').check();
    await send.click();
    await page.waitForURL(/\/sessions\//, SOON);
    await vi.waitFor(async () => expect(await count({ resendOf: one?.id })).toBe(2), SOON);
  });

  test('nothing that was done made the page complain', () => {
    expect(chrome.complaints).toEqual([]);
  });
});
