import { join } from 'node:path';
import type { CDPSession } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeAt, stepAt } from '../../src/access/sign-in/factor/totp.ts';
import { builtConsole } from '../../src/build/built-console.ts';
import { codesOf, fromBase32 } from '../support/authenticator-app.ts';
import { type Browser, browser, noBrowser, violations } from '../support/browser.ts';
import { addLocalUser } from '../support/local-user.ts';
import { type Operated, operated } from '../support/operator.ts';

const PASSWORD = 'a lantern by the ward';

/** Second factors as people set them up and use them; passkeys with the browser's own authenticator. */
describe.skipIf(noBrowser !== undefined)(`a second factor in Chromium ${noBrowser ?? ''}`, () => {
  let stack: AsyncDisposableStack;
  let production: Operated;
  let page: Browser['page'];
  let chrome: Browser;
  let devices: CDPSession;
  /** Browsers make passkeys only for a name. */
  let url: string;

  beforeAll(async () => {
    stack = new AsyncDisposableStack();
    const consoleFolder = await builtConsole();
    production = stack.use(
      await operated({
        administrator: false,
        files: { 'data/console.yaml': 'secondFactor: { required: [engineer] }\n' },
        console: { consoleFolder },
      }),
    );
    url = production.url.replace('127.0.0.1', 'localhost');
    const data = join(production.folder.path, 'data');
    await addLocalUser(data, { name: 'root', password: PASSWORD });
    await addLocalUser(data, { name: 'eva', password: PASSWORD, roles: ['engineer'] });
    chrome = stack.use(await browser());
    ({ page } = chrome);
    devices = await page.context().newCDPSession(page);
    await devices.send('WebAuthn.enable');
    await devices.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    });
  });
  afterAll(async () => {
    await stack.disposeAsync();
  });

  async function typePassword(user: string): Promise<void> {
    await page.context().clearCookies();
    await page.goto(url);
    await page.getByLabel('User').fill(user);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  }
  const dashboard = () => page.getByRole('heading', { level: 1, name: 'Dashboard' }).waitFor();
  const again = async (): Promise<void> => {
    await page.getByLabel('Your password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Continue' }).click();
  };
  let secret: Buffer;

  test('who needs one sets an app up on the way in, keeps the recovery codes, and signs in with a code', async () => {
    await typePassword('eva');
    await page.getByRole('heading', { level: 1, name: 'Set up a second factor' }).waitFor();
    await page.getByRole('button', { name: 'Authenticator app' }).click();
    await page.getByRole('img', { name: 'QR code with the key' }).waitFor();
    expect(await violations(page)).toEqual([]);
    const key = await page.locator('[translate=no]').first().textContent();
    secret = fromBase32(key?.replaceAll(' ', '') ?? '');
    await page.getByLabel('Code of the app').fill(codeAt(secret, stepAt(Date.now()) - 12));
    await page.getByRole('button', { name: 'Use this app' }).click();
    await page.getByRole('alert').filter({ hasText: 'about 6 min behind this server' }).waitFor();
    await page.getByLabel('Code of the app').fill(codeAt(secret, stepAt(Date.now())));
    await page.getByRole('button', { name: 'Use this app' }).click();
    const codes = page.getByRole('listitem');
    await expect.poll(() => codes.count()).toBe(10);
    const [first = ''] = await codes.allTextContents();
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'I have kept them' }).click();
    await dashboard();

    await typePassword('eva');
    await page.getByLabel('Code of the app').fill('000000');
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByRole('alert').filter({ hasText: 'this code or passkey is wrong' }).waitFor();
    await page.getByLabel('Code of the app').fill(codesOf(secret)[0] ?? '');
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await dashboard();

    await typePassword('eva');
    await page.getByRole('button', { name: 'Use a recovery code' }).click();
    await page.getByLabel('Recovery code').fill(first);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await dashboard();
  });

  test('a passkey is made and used, by this browser alone; the last one is not removed by who needs it', async () => {
    await page.getByRole('button', { name: 'Account eva' }).click();
    await page.getByRole('link', { name: 'Second factor' }).click();
    await page.getByRole('heading', { level: 1, name: 'Second factor' }).waitFor();
    await page.getByText('9 of them are left').waitFor();
    await page.getByRole('button', { name: 'Add a passkey' }).click();
    await again();
    await page.getByLabel('Name of the passkey').waitFor();
    // a password alone is not worth a question before it is lost
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Add a passkey' }).click();
    await again();
    await page.getByLabel('Name of the passkey').fill('ward computer');
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Make the passkey' }).click();
    await page.getByText('ward computer').waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Remove Authenticator app' }).click();
    await again();
    await page.getByText('None is set up.').waitFor();
    await page.getByRole('button', { name: 'Remove ward computer' }).click();
    await again();
    await page.getByRole('alert').filter({ hasText: 'add another one before' }).waitFor();

    await typePassword('eva');
    await page.getByRole('button', { name: 'Use a passkey' }).click();
    await dashboard();
    // at another address it is not asked for: it would not be found there
    await page.context().clearCookies();
    const elsewhere = await fetch(`${production.url}api/v1/sign-in`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ user: 'eva', password: PASSWORD }),
    });
    const { secondFactor } = (await elsewhere.json()) as { secondFactor: object };
    expect(secondFactor).toEqual({ kinds: ['passkey'] });
  });

  test('of two tabs that set the first one up at once one shows the recovery codes, and the other says so', async () => {
    await typePassword('root');
    await dashboard();
    const other = await page.context().newPage();
    const tabs = [page, other];
    for (const tab of tabs) {
      await tab.goto(`${url}second-factor`);
      await tab.getByRole('button', { name: 'Set up an app' }).click();
      await tab.getByLabel('Your password').fill(PASSWORD);
      await tab.getByRole('button', { name: 'Continue' }).click();
      const key = await tab.locator('dialog [translate=no]').first().textContent();
      const own = fromBase32(key?.replaceAll(' ', '') ?? '');
      await tab.getByLabel('Code of the app').fill(codeAt(own, stepAt(Date.now())));
    }
    for (const tab of tabs) await tab.getByRole('button', { name: 'Use this app' }).click();
    await expect.poll(() => page.getByRole('listitem').filter({ hasText: '-' }).count()).toBe(10);
    await other.getByText('the recovery codes that were shown there hold for this one').waitFor();
    expect(await violations(other)).toEqual([]);
    await other.getByRole('button', { name: 'Close' }).last().click();
    await other.getByText('10 of them are left').waitFor();
    await other.getByRole('button', { name: 'Remove Authenticator app' }).click();
    await other.getByLabel('Your password').fill(PASSWORD);
    await other.getByRole('button', { name: 'Continue' }).click();
    await other.getByText('None is set up.').first().waitFor();
    await other.close();
  });

  test('an administrator resets it for somebody whose device is lost', async () => {
    await typePassword('root');
    await dashboard();
    await page.goto(`${url}users`);
    const row = page.getByRole('row').filter({ hasText: 'eva' });
    await row.getByText('with a passkey').waitFor();
    expect(await violations(page)).toEqual([]);
    await row.getByRole('button', { name: 'Reset the second factor of eva' }).click();
    await page.getByRole('button', { name: 'Reset', exact: true }).click();
    await row.getByText('with a passkey').waitFor({ state: 'detached' });
    await typePassword('eva');
    await page.getByRole('heading', { level: 1, name: 'Set up a second factor' }).waitFor();
    // one refused sign-in step, and nothing else
    expect(chrome.complaints.filter((one) => !/40[0-9]|422/.test(one))).toEqual([]);
  });
});
