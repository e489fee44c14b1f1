import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { builtConsole } from '../../src/build/built-console.ts';
import { type Browser, browser, noBrowser } from '../support/browser.ts';
import { addLocalUser } from '../support/local-user.ts';
import { type Operated, operated } from '../support/operator.ts';

const ENGINEER = { name: 'engineer', password: 'a lantern by the ward' };
const SCRIPT =
  '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>';

/** A page of somebody else that tries to act as whoever has the console open. */
const attack = (target: string): string => `<!doctype html><title>nice cats</title>
<iframe name="framed" src="${target}/"></iframe>
<form method="post" enctype="text/plain" action="${target}/api/v1/hosts/hl7-out/stop" target="answer">
  <input name='{"reason":"' value='"}'></form><iframe name="answer"></iframe>
<script>
  const url = '${target}/api/v1/hosts/hl7-out/stop';
  const json = { 'content-type': 'application/json', 'x-csrf-token': 'guess' };
  const tries = [
    fetch(url, { method: 'POST', credentials: 'include', body: '{}', headers: json }),
    fetch(url, { method: 'POST', credentials: 'include', mode: 'no-cors', body: '{}' }),
    fetch('${target}/api/v1/messages/search', { method: 'POST', credentials: 'include', body: '{}', headers: json }),
    fetch('${target}/api/v1/me', { credentials: 'include' }).then((answer) => answer.text()).then((text) => { throw Object.assign(new Error(), { read: text }); }),
  ];
  document.forms[0].submit();
  Promise.allSettled(tries).then((all) => {
    document.body.dataset.read = all.map(({ reason, value }) => reason?.read ?? value?.type ?? '').join(' ');
    document.title = 'tried';
  });
</script>`;

/** What others do to who works with the console: in a real browser, since it is the browser that must refuse. */
describe.skipIf(noBrowser !== undefined)(`a hostile world in Chromium ${noBrowser ?? ''}`, () => {
  let stack: AsyncDisposableStack;
  let production: Operated;
  let chrome: Browser;
  let elsewhere: Server;

  beforeAll(async () => {
    stack = new AsyncDisposableStack();
    const built = await builtConsole();
    production = stack.use(
      await operated({ administrator: false, console: { consoleFolder: built } }),
    );
    await production.send('X1', { mrn: '4711', name: `${SCRIPT}^John` });
    await vi.waitFor(async () => {
      const { items } = await production.plane.store.find({});
      if (!items.every(({ status }) => status === 'completed')) throw new Error('not yet');
    }, 15_000);
    await addLocalUser(join(production.folder.path, 'data'), ENGINEER);
    elsewhere = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html');
      response.end(attack(production.url.replace(/\/$/, '')));
    }).listen(0, '127.0.0.1');
    await once(elsewhere, 'listening');
    chrome = stack.use(await browser());
    const { page } = chrome;
    await page.goto(production.url);
    await page.getByLabel('User').fill(ENGINEER.name);
    await page.getByLabel('Password').fill(ENGINEER.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { level: 1, name: 'Dashboard' }).waitFor();
  });

  afterAll(async () => {
    elsewhere.close();
    await stack.disposeAsync();
  });

  test('a script in a field of a message is text wherever it is shown', async () => {
    const { page } = chrome;
    await page.goto(new URL('/messages', production.url).href);
    await page.getByRole('row').nth(1).click();
    await page.waitForURL(/at=\d+/);
    const id = /at=(\d+)/.exec(page.url())?.[1] ?? '';
    for (const [path, shown] of [
      [`/messages/${id}`, '<img src=x'],
      [`/messages/${id}?view=raw`, '<img src=x'],
      [`/messages/${id}?view=hex`, '3c 69 6d 67'],
      [`/sessions/${id}`, 'in the queue'],
      [`/messages/${id}/diff?against=${id}`, 'Both bodies are the same'],
    ] as const) {
      await page.goto(new URL(path, production.url).href);
      await page.getByText(shown).first().waitFor();
      expect(await page.title()).not.toBe('owned');
    }
    await page.goto(new URL(`/messages/${id}?view=raw`, production.url).href);
    await page.getByText('<img src=x').first().waitFor();
    expect(await page.title()).not.toBe('owned');
    // before the sign-in it asked who is there
    expect(chrome.complaints.filter((one) => !one.includes('401'))).toEqual([]);
  });

  test.for(['127.0.0.1', 'localhost'])(
    'a page at %s that is not the console acts and reads nothing in the name of who is signed in',
    async (name) => {
      const { port } = elsewhere.address() as AddressInfo;
      const page = await chrome.page.context().newPage();
      await page.goto(`http://${name}:${port}/`);
      await expect.poll(() => page.title(), { timeout: 15_000 }).toBe('tried');
      expect(await page.locator('body').getAttribute('data-read')).not.toContain('csrfToken');
      const framed = page.frame('framed');
      expect(await framed?.getByRole('heading').count()).toBe(0);
      await page.close();
      const cookies = await chrome.page.context().cookies(production.url);
      const cookie = cookies.map((one) => `${one.name}=${one.value}`).join('; ');
      const answer = await fetch(new URL('/api/v1/hosts/hl7-out', production.url), {
        headers: { cookie },
      });
      const { host } = (await answer.json()) as { readonly host: { readonly health: string } };
      expect([answer.status, host.health]).toEqual([200, 'running']);
    },
  );
});
