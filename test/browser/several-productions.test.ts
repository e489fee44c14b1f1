import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { builtConsole } from '../../src/build/built-console.ts';
import { type Browser, browser, noBrowser, violations } from '../support/browser.ts';
import { addLocalUser } from '../support/local-user.ts';
import { startNats } from '../support/nats.ts';
import { type Operated, operated, WARD } from '../support/operator.ts';

const PASSWORD = 'three rivers meet here';

describe.skipIf(noBrowser !== undefined)(
  `several productions in Chromium ${noBrowser ?? ''}`,
  () => {
    let stack: AsyncDisposableStack;
    let hub: Operated;
    let lab: Operated;
    let chrome: Browser;
    let page: Browser['page'];
    let start: (name: string) => Promise<Operated>;

    const signIn = async (user: string, first: string): Promise<void> => {
      await page.goto(hub.url);
      await page.getByLabel('User').fill(user);
      await page.getByLabel('Password').fill(PASSWORD);
      await page.getByRole('button', { name: 'Sign in', exact: true }).click();
      await page.getByRole('heading', { level: 1, name: first }).waitFor();
    };

    beforeAll(async () => {
      stack = new AsyncDisposableStack();
      const consoleFolder = await builtConsole();
      const nats = stack.use(await startNats());
      start = (name) =>
        operated({
          production: WARD.replace('production: ward', `production: ${name}`)
            .replace('A ward', `The ${name}`)
            .replace(
              '    to: hl7-out',
              `    alert: { silent: ${name === 'lab' ? '1s' : '1h'} }\n    to: hl7-out`,
            ),
          administrator: false,
          nats,
          files: { 'data/console.yaml': name === 'hub' ? 'productions: ["*"]\n' : '' },
          console: { consoleFolder, watchEvery: 100 },
          answer: ({ controlId }) => (controlId === 'B9' ? 'AE' : 'AA'),
        });
      hub = stack.use(await start('hub'));
      lab = stack.use(await start('lab'));
      const data = join(hub.folder.path, 'data');
      for (const [name, roles] of [
        ['anna', ['administrator']],
        ['lena', ['operator@lab']],
      ] as const)
        await addLocalUser(data, { name, password: PASSWORD, roles });
      // one patient in both
      await hub.send('A1', { mrn: '4711' });
      await lab.send('B1', { mrn: '4711' });
      chrome = stack.use(await browser());
      ({ page } = chrome);
    });
    afterAll(async () => {
      await stack.disposeAsync();
    });

    test('all productions are one list, and each is one click away with its own address', async () => {
      await signIn('anna', 'Dashboard');
      await page.getByRole('link', { name: 'Productions' }).click();
      const list = page.getByRole('region', { name: 'Productions' });
      await list.getByRole('row', { name: /hub The hub/ }).waitFor();
      await list.getByRole('row', { name: /lab The lab/ }).waitFor();
      expect(await violations(page)).toEqual([]);
      await list.getByRole('link', { name: 'lab' }).click();
      await page.waitForURL(`${hub.url}in/lab/`);
      await page.getByRole('heading', { level: 1, name: 'Dashboard' }).waitFor();
      await page.getByRole('link', { name: 'Messages' }).click();
      await page.waitForURL(`${hub.url}in/lab/messages`);
      const another = async (name: string): Promise<void> => {
        await page.getByRole('button', { name: /^Production The/ }).click();
        const menu = page.getByRole('dialog', { name: 'Productions' });
        await menu.getByRole('link', { name }).click();
      };
      // time and filter are kept, the host is not: the other production has others
      await page.goto(`${hub.url}in/lab/messages?last=1h&status=error&host=hl7-in`);
      await page.getByRole('heading', { level: 1, name: 'Messages' }).waitFor();
      await another('hub');
      await page.waitForURL(`${hub.url}messages?last=1h&status=error`);
      await page.goto(`${hub.url}hosts/hl7-out`);
      await another('lab');
      await page.waitForURL(`${hub.url}in/lab/`);
      await another('hub');
      await page.waitForURL(hub.url);
    });

    test('a patient is found in both, and leads to the session where it is', async () => {
      await page.getByRole('button', { name: /Find by MRN/ }).click();
      await page.getByLabel('MRN, control id, message id, host or page').fill('4711');
      await page.getByRole('option', { name: 'Find 4711 in all productions' }).click();
      await page.waitForURL(/productions\?view=find&find=4711/);
      const found = page.getByRole('region', { name: 'Found' });
      await vi.waitFor(async () => {
        await page.reload();
        await page.getByText('2 found', { exact: true }).waitFor({ timeout: 2_000 });
      });
      const names = await found.getByRole('rowheader').allTextContents();
      expect(names.toSorted()).toEqual(['hub', 'lab']);
      await found.getByRole('row', { name: /lab/ }).getByRole('link').last().click();
      await page.waitForURL(/\/in\/lab\/sessions\/\d+/);
      await page.getByRole('heading', { level: 1, name: /Session/ }).waitFor();
    });

    test('messages by criteria, and what failed, are one list of all, each row with its production', async () => {
      await lab.send('B9', { mrn: '4712' });
      await page.goto(`${hub.url}productions?view=failures`);
      const failed = page.getByRole('list', { name: 'What failed' }).getByRole('listitem');
      await failed.getByRole('link', { name: 'lab' }).waitFor();
      expect(await violations(page)).toEqual([]);
      await failed.getByRole('link', { name: 'View them' }).click();
      await page.waitForURL(/\/in\/lab\/messages\?target=hl7-out/);

      await page.goto(`${hub.url}productions?view=search`);
      const rows = page.getByRole('region', { name: 'Messages' }).getByRole('rowheader');
      await rows.filter({ hasText: 'hub' }).waitFor();
      await rows.filter({ hasText: 'lab' }).first().waitFor();
      expect(await violations(page)).toEqual([]);
      const by = page.getByLabel('Search field, as mrn:4711');
      await by.fill('mrn:4711');
      await page.getByRole('button', { name: 'Search in all' }).click();
      await page.waitForURL(/by=mrn/);
      await page.getByText('2 found', { exact: true }).waitFor();
      expect((await rows.allTextContents()).toSorted()).toEqual(['hub', 'lab']);
      await by.fill('ward:3');
      await page.getByRole('button', { name: 'Search in all' }).click();
      await page.getByText('has no search field ward').first().waitFor();
      await by.fill('');
      await page.getByLabel('Status').selectOption('suspended');
      await page.getByRole('button', { name: 'Search in all' }).click();
      await page.getByText('1 found', { exact: true }).waitFor();
      expect(await rows.allTextContents()).toEqual(['lab']);
    });

    test('what was found in several is acted on by an order in each, shown together to its end', async () => {
      await hub.send('B9', { mrn: '4712' });
      await page.goto(`${hub.url}productions?view=search&status=suspended`);
      await vi.waitFor(async () => {
        await page.reload();
        await page.getByText('2 found', { exact: true }).waitFor({ timeout: 2_000 });
      });
      await page.getByRole('link', { name: 'Act on all found' }).click();
      await page.waitForURL(/productions\/act\?.*order=/);
      await page.getByRole('row', { name: /hub 1 1/ }).waitFor();
      await page.getByRole('row', { name: /lab 1 1/ }).waitFor();
      expect(await violations(page)).toEqual([]);
      // loaded again it is the same order, not a second one
      await page.reload();
      // until its list has come a production is not chosen, and to uncheck it does nothing
      await page.getByRole('row', { name: /hub 1 1/ }).waitFor();
      await page.getByLabel('Act in hub').uncheck();
      await page.getByRole('button', { name: 'Resend 1 message' }).waitFor();
      await page.getByLabel('Act in hub').check();
      await page.getByLabel('Reason').fill('both wards are back');
      await page.getByRole('button', { name: 'Resend 2 messages' }).click();
      await page.waitForURL(/productions\/act\?jobs=/);
      const jobs = page.getByRole('region', { name: 'Jobs' }).getByRole('row');
      // the receivers refuse these as before: no job is good by having sent
      for (const name of ['hub', 'lab'])
        await jobs.filter({ hasText: name }).filter({ hasText: '1 refused again' }).waitFor();
      await page.getByText('In 2 productions: both wards are back').waitFor();
      await page.getByText('2 refused again').waitFor();
      expect(await violations(page)).toEqual([]);
      await page.reload();
      await jobs
        .filter({ hasText: 'lab' })
        .getByRole('link', { name: /^Job 1 of lab/ })
        .click();
      await page.waitForURL(`${hub.url}in/lab/jobs/1`);
      await page.getByText('both wards are back').waitFor();
    });

    test('alerts of all are one list with the production named', async () => {
      await page.goto(`${hub.url}productions?view=alerts`);
      const alert = page.getByRole('listitem').filter({ hasText: 'hl7-in' }).first();
      await alert.getByRole('link', { name: 'lab' }).waitFor();
      await alert.getByRole('link', { name: 'lab' }).click();
      await page.waitForURL(`${hub.url}in/lab/alerts`);
      await page.getByRole('button', { name: 'Take on' }).first().click();
      await page.getByText('taken on by anna').waitFor();
      await page.goto(`${hub.url}productions?view=alerts`);
      await page.getByText('taken on by anna').first().waitFor();
      expect(await violations(page)).toEqual([]);
    });

    test('one that is started later appears, and one whose operator plane ends says so while the others go on', async () => {
      await page.goto(`${hub.url}productions`);
      await page.getByRole('row', { name: /lab The lab/ }).waitFor();
      const late = await start('late');
      await page.getByRole('row', { name: /late The late/ }).waitFor({ timeout: 30_000 });
      stack.use(late.folder);
      stack.use(late.receiver);
      stack.defer(() => late.running.stop());
      await late.plane.stop();
      await page
        .getByRole('row', { name: /late/ })
        .getByText('its operator plane is away')
        .waitFor({ timeout: 30_000 });
      await page.getByRole('row', { name: /lab The lab/ }).waitFor();
      for (const view of ['search', 'failures']) {
        await page.goto(`${hub.url}productions?view=${view}`);
        await page
          .getByRole('listitem')
          .filter({ hasText: /^late: does not answer/ })
          .waitFor();
        await page.getByRole('link', { name: 'lab' }).first().waitFor();
      }
      await page.goto(`${hub.url}in/late/messages`);
      await page.getByRole('alert').filter({ hasText: 'no console of late answers' }).waitFor();
      expect(await violations(page)).toEqual([]);
    });

    test('who has a role in one production only begins with it, and the others are not there', async () => {
      await page.context().clearCookies();
      await signIn('lena', 'Productions');
      const list = page.getByRole('region', { name: 'Productions' });
      await list.getByRole('row', { name: /lab The lab/ }).waitFor();
      expect(await list.getByRole('rowheader').count()).toBe(1);
      await page.goto(`${hub.url}in/late/messages`);
      await page.getByRole('alert').filter({ hasText: 'there is no production late' }).waitFor();
      await page.goto(`${hub.url}in/lab/hosts/hl7-out`);
      await page.getByRole('button', { name: 'Stop' }).first().click();
    });
  },
);
