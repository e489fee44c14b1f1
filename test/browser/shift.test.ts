import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { metaDatabase } from '../../src/access/meta/open-meta.ts';
import { builtConsole } from '../../src/build/built-console.ts';
import { presence } from '../../src/operator/note/presence.ts';
import { type Browser, browser, noBrowser, violations } from '../support/browser.ts';
import { addLocalUser } from '../support/local-user.ts';
import { type Operated, operated } from '../support/operator.ts';
import { visitor } from '../support/visitor.ts';

const PASSWORD = 'a lantern by the ward';
const HOUR = 3_600_000;

/** What a shift leaves for the next one. */
describe.skipIf(noBrowser !== undefined)(
  `the change of shift in Chromium ${noBrowser ?? ''}`,
  () => {
    let stack: AsyncDisposableStack;
    let production: Operated;
    let page: Browser['page'];

    beforeAll(async () => {
      stack = new AsyncDisposableStack();
      const consoleFolder = await builtConsole();
      production = stack.use(await operated({ administrator: false, console: { consoleFolder } }));
      const data = join(production.folder.path, 'data');
      for (const name of ['night', 'day']) await addLocalUser(data, { name, password: PASSWORD });
      await using database = await metaDatabase({ data });
      await presence(database, () => Date.now() - 8 * HOUR).seen('day', true);
      ({ page } = stack.use(await browser()));
    });
    afterAll(() => stack.disposeAsync());

    async function signIn(user: string): Promise<void> {
      await page.context().clearCookies();
      await page.goto(production.url);
      await page.getByLabel('User').fill(user);
      await page.getByLabel('Password').fill(PASSWORD);
      await page.getByRole('button', { name: 'Sign in', exact: true }).click();
      await page.getByRole('heading', { level: 1, name: 'Dashboard' }).waitFor();
    }

    test('a note is written on the page of a host, changed there, and found on the page of the shift', async () => {
      await signIn('night');
      await page.goto(`${production.url}hosts/hl7-out`);
      await page.getByLabel('A note for those who come after').fill('The ward restarts at six.');
      await page.getByRole('button', { name: 'Write' }).click();
      await page.getByText('The ward restarts at six.').waitFor();
      await page.getByRole('button', { name: 'Change this note' }).click();
      await page
        .getByRole('textbox', { name: 'Change this note' })
        .fill('The ward restarts at seven.');
      await page.getByRole('button', { name: 'Keep', exact: true }).click();
      await page.getByText('The ward restarts at seven.').waitFor();
      expect(await violations(page)).toEqual([]);
      await page.getByRole('link', { name: 'Shift' }).click();
      await page.getByRole('heading', { level: 1, name: 'Shift' }).waitFor();
      await page.getByLabel('Find in notes').fill('SEVEN');
      await page.getByRole('button', { name: 'Find', exact: true }).click();
      await page.getByText('The ward restarts at seven.').waitFor();
      await page.getByLabel('Find in notes').fill('nothing like it');
      await page.getByRole('button', { name: 'Find', exact: true }).click();
      await page.getByText('No note contains this.').waitFor();
    });

    test('who comes back is told what happened meanwhile, until it is read', async () => {
      const night = visitor(production.url);
      await night.signIn('night', PASSWORD);
      expect((await night.ask('POST', '/api/v1/hosts/hl7-out/stop', {})).status).toBe(200);
      await signIn('day');
      await page.getByRole('status').filter({ hasText: 'You were away from' }).waitFor();
      await page.getByRole('link', { name: 'What happened meanwhile' }).click();
      const told = page.getByRole('region').or(page.locator('section'));
      await told.getByText('The ward restarts at seven.').first().waitFor();
      await page.getByText('Hosts switched, changes applied').waitFor();
      await expect
        .poll(() =>
          page
            .getByText('by night')
            .or(page.getByText('night', { exact: true }))
            .count(),
        )
        .toBeGreaterThan(0);
      expect(await violations(page)).toEqual([]);
      await page.getByRole('button', { name: 'I have read it' }).click();
      await page
        .getByRole('heading', { name: 'While you were away' })
        .waitFor({ state: 'detached' });
      await page.getByRole('link', { name: 'Dashboard' }).click();
      await page.getByRole('heading', { level: 1, name: 'Dashboard' }).waitFor();
      expect(await page.getByText('You were away from').count()).toBe(0);
    });
  },
);
