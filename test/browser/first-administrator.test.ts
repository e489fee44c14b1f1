import { expect, test } from 'vitest';
import { builtConsole } from '../../src/build/built-console.ts';
import { browser, noBrowser, violations } from '../support/browser.ts';
import { operated } from '../support/operator.ts';

const PASSWORD = 'a lantern by the ward';

test.skipIf(noBrowser !== undefined)(
  `the printed link makes the first administrator, once ${noBrowser ?? ''}`,
  async () => {
    const built = await builtConsole();
    await using production = await operated({
      administrator: false,
      console: { consoleFolder: built },
    });
    const code = production.plane.firstCode ?? '';
    await using chrome = await browser();
    const { page } = chrome;
    const become = page.getByRole('button', { name: 'Become the administrator' });

    // without the link the code is asked for, and a wrong one is refused in words
    await page.goto(production.url);
    await page.getByLabel('Code').fill('00000-00000-00000-00000');
    await page.getByLabel('User').fill('root');
    await page.getByLabel('Password').fill(PASSWORD);
    await become.click();
    await page.getByRole('alert').filter({ hasText: 'this is not the code' }).waitFor();
    expect(await violations(page)).toEqual([]);

    // with it the code is filled in, and stands in the address no more: it would be in the history
    await page.goto(`${production.url}#first=${code}`);
    await page.reload();
    await expect.poll(() => page.getByLabel('Code').inputValue()).toBe(code);
    await page.getByLabel('User').fill('root');
    await page.getByLabel('Password').fill(PASSWORD);
    await become.click();
    await page.getByRole('heading', { level: 1, name: 'Dashboard' }).waitFor();
    expect(page.url()).not.toContain(code);

    // nobody is made a second time: the form of those who are known is there
    await page.context().clearCookies();
    await page.goto(`${production.url}#first=${code}`);
    await page.reload();
    await page.getByRole('button', { name: 'Sign in', exact: true }).waitFor();
    expect(await become.count()).toBe(0);
  },
);
