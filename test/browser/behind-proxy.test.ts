import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { builtConsole } from '../../src/build/built-console.ts';
import { type Browser, browser, noBrowser } from '../support/browser.ts';
import { apacheConsole, type ConsoleProxy, nginxConsole } from '../support/console-proxy.ts';
import { addLocalUser } from '../support/local-user.ts';
import { hasNginx } from '../support/nginx.ts';
import { type Operated, operated } from '../support/operator.ts';

const PASSWORD = 'a long walk by the sea';
const PROXIES = [
  ['nginx', hasNginx, (url: string) => nginxConsole([url])],
  ['Apache', existsSync('/usr/sbin/apache2'), apacheConsole],
] as const;

describe.skipIf(noBrowser !== undefined)(`the console below a path ${noBrowser ?? ''}`, () => {
  const stack = new AsyncDisposableStack();
  let production: Operated;

  beforeAll(async () => {
    const built = await builtConsole();
    const console = { consoleFolder: built, trustedProxies: ['127.0.0.1'] };
    production = stack.use(await operated({ administrator: false, console }));
    const data = join(production.folder.path, 'data');
    await addLocalUser(data, { name: 'anna', password: PASSWORD });
    await production.send('P1');
  });
  afterAll(() => stack.disposeAsync());

  test('says what a proxy lacks where the files do not arrive, and nothing where they do', async () => {
    await using chrome = await browser();
    const { page } = chrome;
    const words = page.getByText('X-Forwarded-Prefix');
    const files = /\/assets\/|theme\.js/;
    await page.route(files, (route) => route.abort());
    await page.goto(production.url);
    await words.waitFor();
    await page.unroute(files);
    await page.goto(production.url);
    await page.getByLabel('User').waitFor();
    expect(await words.isVisible()).toBe(false);
  });

  describe.each(PROXIES)('of %s, by the rule that the guide gives', (_name, here, start) => {
    let proxy: ConsoleProxy;
    let chrome: Browser;

    beforeAll(async () => {
      if (!here) return;
      proxy = stack.use(await start(production.url));
      chrome = stack.use(await browser());
    });

    test.skipIf(!here)('signs in, keeps the deep link, is live, and downloads', async () => {
      const { page } = chrome;
      const deep = `${proxy.url}messages?live=1&target=hl7-out`;
      await page.goto(deep);
      await page.getByLabel('User').fill('anna');
      await page.getByLabel('Password').fill(PASSWORD);
      await page.getByRole('button', { name: 'Sign in', exact: true }).click();
      await page.locator('[id^=message-]').first().waitFor();
      expect(page.url()).toContain('/waybill/messages?');
      expect(page.url()).toContain('target=hl7-out');

      // events come through at once, not when the proxy's buffer is full
      const top = page.locator('[id^=message-]').first();
      const before = await top.getAttribute('id');
      await production.send(`L${Date.now()}`);
      await page.getByRole('button', { name: /▲ \d+ new/ }).waitFor();
      await page.keyboard.press('.');
      await expect.poll(() => top.getAttribute('id')).not.toBe(before);

      // nothing outside the path is asked for, and a reload of any page works
      const asked = new Set<string>();
      page.on('request', (request) => asked.add(new URL(request.url()).pathname));
      await page.goto(`${proxy.url}hosts/hl7-out`);
      await page.getByRole('heading', { name: 'hl7-out' }).waitFor();
      expect([...asked].filter((path) => !path.startsWith('/waybill/'))).toEqual([]);

      const download = await page.evaluate(async () => {
        const answer = await fetch('/waybill/api/v1/audit/export');
        return { status: answer.status, text: await answer.text() };
      });
      expect(download.status, download.text).toBe(200);
      expect(download.text.split('\n').length).toBeGreaterThan(2);

      const [cookie] = await page.context().cookies();
      expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Lax', path: '/' });
      // before the sign-in the page asks who it is
      expect(chrome.complaints.filter((one) => !one.includes('401'))).toEqual([]);
    });

    test.skipIf(!here)('a prefix that a client sends itself is not believed', async () => {
      const page = await fetch(proxy.url, {
        headers: { accept: 'text/html', 'x-forwarded-prefix': '/evil' },
      });
      const text = await page.text();
      expect(text).toContain('<base href="/waybill/">');
      expect(text).not.toContain('evil');
    });
  });
});
