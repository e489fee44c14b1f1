import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { builtConsole } from '../../src/build/built-console.ts';
import { type Browser, browser, noBrowser, violations } from '../support/browser.ts';
import { addLocalUser } from '../support/local-user.ts';
import { type Operated, operated } from '../support/operator.ts';
import { webServer } from '../support/web-server.ts';

const ORDER = { method: 'POST', headers: { 'content-type': 'application/json' } };
/** Whose rights and passwords are changed: another one in each try. */
const STAFF = ['nina', 'wanda', 'xenia', 'yusuf', 'zofia', 'quentin'];
const ROOT = { name: 'root', password: 'a lantern by the ward' };

/** Who may do what, as an administrator sees and changes it. */
describe.skipIf(noBrowser !== undefined)(`rights in Chromium ${noBrowser ?? ''}`, () => {
  let stack: AsyncDisposableStack;
  let production: Operated;
  let page: Browser['page'];
  let chrome: Browser;

  beforeAll(async () => {
    stack = new AsyncDisposableStack();
    const built = await builtConsole();
    production = stack.use(
      await operated({ administrator: false, console: { consoleFolder: built } }),
    );
    const data = join(production.folder.path, 'data');
    await addLocalUser(data, ROOT);
    for (const name of STAFF) await addLocalUser(data, { ...ROOT, name, roles: ['viewer'] });
    await addLocalUser(data, { ...ROOT, name: 'bert' });
    chrome = stack.use(await browser());
    ({ page } = chrome);
    await page.goto(production.url);
    await page.getByLabel('User').fill('root');
    await page.getByLabel('Password').fill('not this one');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').waitFor();
    // after a wrong one the next is taken a moment later
    const inside = page.getByRole('heading', { level: 1, name: 'Dashboard' });
    await vi.waitFor(async () => {
      const signIn = page.getByRole('button', { name: 'Sign in' });
      if (await signIn.isVisible()) {
        await page.getByLabel('Password').fill(ROOT.password, { timeout: 2_000 });
        await signIn.click({ timeout: 2_000 });
      }
      await inside.waitFor({ timeout: 2_000 });
    });
  });
  afterAll(async () => {
    await stack.disposeAsync();
  });

  const staff = STAFF.values();
  /** The status of a sign-in with the password that everybody had. */
  const works = async (user: string): Promise<number> => {
    const body = JSON.stringify({ user, password: ROOT.password });
    const { status } = await fetch(`${production.url}api/v1/sign-in`, { ...ORDER, body });
    return status;
  };
  /** Of root, who changes it. */
  let present = ROOT.password;
  let changes = 0;
  const open = (path: string) => page.goto(`${production.url}${path}`);

  test('the rights of a user are told by role and host, and changed', async () => {
    const { value: user = '' } = staff.next();
    await open('users');
    await page.getByRole('link', { name: user }).click();
    await page.getByRole('heading', { level: 1, name: `Rights of ${user}` }).waitFor();
    const may = page.getByRole('definition');
    await may.filter({ hasText: 'as viewer' }).first().waitFor();
    expect(await page.getByText('host.control', { exact: true }).count()).toBe(0);
    expect(await violations(page)).toEqual([]);
    await page.getByLabel('operator', { exact: true }).check();
    await page.getByLabel('viewer', { exact: true }).uncheck();
    await page.getByLabel('Scope').fill('tag:adt');
    await page.getByRole('button', { name: 'Change' }).click();
    await page.getByText('host.control', { exact: true }).waitFor();
    await page.getByText('1 host: hl7-in').waitFor();
    expect(await may.filter({ hasText: 'as viewer' }).count()).toBe(0);
  });

  test('a token is made, shown once, used, and revoked', async () => {
    await open('tokens');
    await page.getByText('No token is valid.').waitFor();
    await page.getByRole('button', { name: 'Make a token' }).click();
    await page.getByLabel('What for').fill('nightly report');
    await page.getByLabel('dashboard.view').check();
    await page.getByRole('button', { name: 'Make it' }).click();
    const made = await page.getByRole('status').locator('code').textContent();
    await page.getByRole('row').filter({ hasText: 'nightly report' }).waitFor();
    expect(await violations(page)).toEqual([]);
    const ask = async (path: string): Promise<number> => {
      const headers = { authorization: `Bearer ${made}` };
      return (await fetch(`${production.url}api/v1/${path}`, { headers })).status;
    };
    expect([await ask('status'), await ask('events')]).toEqual([200, 403]);
    await page.reload();
    const row = page.getByRole('row').filter({ hasText: '1 permission' });
    await row.waitFor();
    expect(await page.getByText(`${made}`).count()).toBe(0);
    await row.getByRole('button', { name: 'Revoke nightly report' }).click();
    const asked = page.getByRole('dialog');
    await asked.getByText(/It was last used/).waitFor();
    await asked.getByRole('button', { name: 'Cancel' }).click();
    expect(await ask('status')).toBe(200);
    await row.getByRole('button', { name: 'Revoke nightly report' }).click();
    // done, and the answer is lost: what is below the dialog is read again
    await page.route('**/api/v1/tokens/*', async (route) => {
      await route.fetch();
      await route.abort();
    });
    await asked.getByRole('button', { name: 'Revoke' }).click();
    await page.getByText('No token is valid.').waitFor();
    expect(await ask('status')).toBe(401);
    await page.getByRole('button', { name: 'Including expired ones' }).click();
    await page.getByRole('row').filter({ hasText: 'revoked' }).first().waitFor();
  });

  test('a new password for somebody else is asked about first, and shown once', async () => {
    await open('users');
    const { value: user = '' } = staff.next();
    const row = page.getByRole('row').filter({ hasText: user });
    const asked = page.getByRole('dialog', { name: `New password for ${user}` });
    await row.getByRole('button', { name: 'New password' }).press('Enter');
    await asked.getByText(/is void at once/).waitFor();
    // what has the focus first does nothing
    await page.keyboard.press('Enter');
    await asked.waitFor({ state: 'detached' });
    expect(await works(user)).toBe(200);
    await row.getByRole('button', { name: 'New password' }).click();
    expect(await violations(page)).toEqual([]);
    await asked.getByRole('button', { name: 'Make a new password' }).click();
    const once = page.getByRole('status').filter({ hasText: `${user} signs in once with` });
    expect(await once.locator('code').textContent()).toMatch(/^\S{8,}$/);
    expect(await works(user)).toBe(401);
  });

  test('who is signed in chooses another password in the account menu, and stays signed in', async () => {
    await open('alerts');
    await page.getByRole('button', { name: 'Account root' }).click();
    await page.getByRole('button', { name: 'Change the password' }).click();
    const next = `nine geese over harbour ${++changes}`;
    await page.getByLabel('Present password').fill(present);
    await page.getByLabel('New password').fill(next);
    await page.getByRole('button', { name: 'Save the password' }).click();
    await page.getByText('The password is changed.').waitFor();
    present = next;
    await page.reload();
    await page.getByRole('heading', { level: 1, name: 'Alerts' }).waitFor();
    const answer = await fetch(`${production.url}api/v1/sign-in`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ user: 'root', password: next }),
    });
    expect(answer.status).toBe(200);
  });

  /** Signs in as another tab of this browser does. */
  const inAnotherTab = async (user: string, password: string): Promise<void> => {
    const data = { user, password };
    const answer = await page.request.post(`${production.url}api/v1/sign-in`, { data });
    expect(answer.status()).toBe(200);
  };
  const noted = async (text: string): Promise<void> => {
    await page.getByLabel('A note for those who come after').fill(text);
    await page.getByRole('button', { name: 'Write', exact: true }).click();
  };

  test('an act works after a sign-in in another tab, and what is shown to one person is not left to the next', async () => {
    // a try before may have ended as bert
    await inAnotherTab('root', present);
    await open('hosts/hl7-out');
    await page.getByRole('button', { name: 'Account root' }).waitFor();
    await inAnotherTab('root', present);
    const note = `by root ${++changes}`;
    await noted(note);
    await page.getByText(note, { exact: true }).waitFor();
    await inAnotherTab('bert', ROOT.password);
    await noted('typed by root');
    await page.getByRole('button', { name: 'Account bert' }).waitFor();
    expect(await page.getByText('typed by root').count()).toBe(0);
    expect(await page.getByLabel('A note for those who come after').inputValue()).toBe('');
  });

  test('where a proxy wants a new sign-in the page waits for it with what was typed', async () => {
    await open('hosts/hl7-out');
    await page.getByLabel('A note for those who come after').fill('typed before');
    for (const answer of [
      { status: 302, headers: { location: 'http://localhost:1/login' } },
      { status: 403, contentType: 'text/html', body: '<h1>Sign in</h1>' },
    ]) {
      await page.route('**/api/v1/**', (route) => route.fulfill(answer));
      const way = page.getByRole('link', { name: 'Sign in in another tab' });
      await way.waitFor();
      expect(await way.getAttribute('href')).toBe(page.url());
      await page.unroute('**/api/v1/**');
      await page.evaluate(() => window.dispatchEvent(new Event('focus')));
      await way.waitFor({ state: 'detached' });
      expect(await page.getByLabel('A note for those who come after').inputValue()).toBe(
        'typed before',
      );
    }
  });

  test('why somebody cannot sign in is told to the administrator', async () => {
    await open('sign-ins');
    const refused = page.getByRole('row').filter({ hasText: 'refused' }).last();
    await refused.waitFor();
    expect(await refused.textContent()).toMatch(/root.*local.*the password is wrong/);
    await page.getByText('Passwords are accepted.').waitFor();
  });

  test('a sign-out that goes on at a provider leaves no page behind to come back to', async () => {
    await using provider = await webServer(() => undefined);
    await inAnotherTab('bert', ROOT.password);
    await open('sign-ins');
    await page.getByText('Passwords are accepted.').waitFor();
    await page.route('**/api/v1/sign-out', async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, json: { redirect: `${provider.url}/end` } });
    });
    // Playwright looks at no page that is about to be left
    await page.evaluate(() => {
      window.setInterval(() => sessionStorage.setItem('shown', document.body.textContent), 50);
    });
    await page.getByRole('button', { name: /^Account / }).click();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await vi.waitFor(() => expect(provider.requests).toMatchObject([{ path: '/end' }]));
    await sleep(500);
    await provider.stop();
    await vi.waitFor(() => open('sign-ins'));
    const shown = await page.evaluate(() => sessionStorage.getItem('shown'));
    expect(shown).not.toContain('Passwords are accepted.');
  });
});
