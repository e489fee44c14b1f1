import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { BatchList, Waits } from '../../src/api/contract/kept.ts';
import { builtConsole } from '../../src/build/built-console.ts';
import { type Browser, browser, noBrowser, violations } from '../support/browser.ts';
import { keepSubscriptions } from '../support/kept-subscriptions.ts';
import { KEYED_FILES, KEYED_PRODUCTION } from '../support/keyed-production.ts';
import { type Operated, operated } from '../support/operator.ts';

const SOON = { timeout: 60_000 };

/** What processes keep between messages, on its page. */
describe.skipIf(noBrowser !== undefined)(`durable work in Chromium ${noBrowser ?? ''}`, () => {
  let stack: AsyncDisposableStack;
  let production: Operated;
  let page: Browser['page'];

  beforeAll(async () => {
    stack = new AsyncDisposableStack();
    const consoleFolder = await builtConsole();
    production = stack.use(
      await operated({
        production: KEYED_PRODUCTION,
        files: KEYED_FILES,
        console: { consoleFolder },
      }),
    );
    ({ page } = stack.use(await browser({ width: 1280 })));
  }, 240_000);
  afterAll(() => stack.disposeAsync());

  /** Which keys are waited for, and collected under. */
  const keys = async () => [
    ...(await production.ask<Waits>('GET', '/api/v1/waits')).body.waits.map(({ key }) => key),
    ...(await production.ask<BatchList>('GET', '/api/v1/batches')).body.batches.map(
      ({ key }) => key,
    ),
  ];
  let tries = 0;

  test('a wait is ended, a batch released, shared state looked at and removed', async () => {
    tries++;
    const [one, other] = [`47${tries}1`, `47${tries}2`];
    for (const mrn of [one, other]) await production.send(`C${mrn}`, { mrn });
    await vi.waitFor(async () => {
      const found = await keys();
      for (const key of [one, other]) expect(found.filter((is) => is === key)).toHaveLength(2);
    });
    await page.goto(`${production.url}waiting`);
    await page.getByRole('cell', { name: one, exact: true }).waitFor(SOON);
    await page.getByText('type == "ADT_A01"').first().waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByRole('row', { name: one }).getByRole('button', { name: 'End it' }).click();
    await page.getByRole('dialog').getByLabel('Reason').fill('it never comes');
    await page.getByRole('button', { name: 'Abort it' }).click();
    await page.getByRole('cell', { name: one, exact: true }).waitFor({ state: 'detached' });

    await page.getByRole('tab', { name: 'Being collected' }).click();
    const row = page.getByRole('row', { name: other });
    await row.getByRole('button', { name: 'Release' }).click(SOON);
    await page.getByRole('dialog').getByLabel('Reason').fill('the shift ends');
    expect(await violations(page)).toEqual([]);
    const before = production.receiver.received.length;
    await page.getByRole('button', { name: 'Release it' }).click();
    await vi.waitFor(() => expect(production.receiver.received).toHaveLength(before + 1));
    await row.waitFor({ state: 'detached', ...SOON });

    await page.getByRole('tab', { name: 'Shared state' }).click();
    const state = page.getByRole('row', { name: `patient ${other}` });
    await state.getByRole('button', { name: 'Look at it' }).click(SOON);
    await page.getByText('"visits": 4711').waitFor(SOON);
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await state.getByRole('button', { name: 'Remove' }).click();
    await page.getByRole('dialog').getByLabel('Reason').fill('wrong patient');
    await page.getByRole('button', { name: 'Remove it' }).click();
    await state.waitFor({ state: 'detached', ...SOON });
    await page.getByLabel('Key', { exact: true }).fill(`patient ${one}`);
    await page.getByRole('button', { name: 'Find', exact: true }).click();
    await page.getByRole('row', { name: `patient ${one}` }).waitFor(SOON);
  }, 200_000);

  test('who has subscribed is shown, those in trouble first, also on a phone, and switched off', async () => {
    await keepSubscriptions(production);
    await page.goto(`${production.url}waiting?tab=subscribers`);
    const rows = page.getByRole('row').filter({ has: page.getByRole('button') });
    await rows.first().getByText('in error').waitFor(SOON);
    expect(await violations(page)).toEqual([]);
    const row = page.getByRole('row', { name: 'growth-charts' });
    await row.getByRole('button', { name: 'Switch off' }).first().click();
    await page.getByRole('dialog').getByLabel('Reason').fill('it asks for too much');
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Switch it off' }).click();
    await row.getByRole('button', { name: 'Switch on' }).first().waitFor(SOON);
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await violations(page)).toEqual([]);
    const wide = await page.evaluate('document.documentElement.scrollWidth');
    await page.setViewportSize({ width: 1280, height: 800 });
    expect(wide).toBeLessThanOrEqual(390);
  });
});
