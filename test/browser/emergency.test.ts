import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { builtConsole } from '../../src/build/built-console.ts';
import { type Browser, browser, noBrowser, violations } from '../support/browser.ts';
import { addLocalUser } from '../support/local-user.ts';
import { type Operated, operated } from '../support/operator.ts';
import { visitor } from '../support/visitor.ts';
import { type WebServer, webServer } from '../support/web-server.ts';

const PASSWORD = 'a lantern by the ward';
const REASON = 'the patient is in surgery now';

describe.skipIf(noBrowser !== undefined)(`an emergency in Chromium ${noBrowser ?? ''}`, () => {
  let stack: AsyncDisposableStack;
  let production: Operated;
  let web: WebServer;
  let chrome: Browser;
  let page: Browser['page'];
  let id = 0;

  const signIn = async (user: string): Promise<void> => {
    await page.goto(production.url);
    await page.getByLabel('User').fill(user);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByRole('heading', { level: 1, name: 'Dashboard' }).waitFor();
  };

  beforeAll(async () => {
    stack = new AsyncDisposableStack();
    const built = await builtConsole();
    web = stack.use(await webServer(() => ({ status: 200 })));
    const settings = `alerts:
  channels: { privacy: { webhook: '${web.url}/privacy' }, night: { webhook: '${web.url}/night' } }
  steps: [{ to: [night] }]
  privacy: [privacy]
`;
    production = stack.use(
      await operated({
        administrator: false,
        files: { 'data/console.yaml': settings },
        console: { consoleFolder: built, watchEvery: 100 },
      }),
    );
    const data = join(production.folder.path, 'data');
    for (const [name, role] of [
      ['olga', 'operator'],
      ['otto', 'auditor'],
    ] as const)
      await addLocalUser(data, { name, password: PASSWORD, roles: [role] });
    await production.send('E1', { mrn: '4711', name: 'Nightingale^Ann' });
    const olga = visitor(production.url);
    await olga.signIn('olga', PASSWORD);
    id = await vi.waitFor(async () => {
      const search = { search: { mrn: '4711' } };
      const { body } = await olga.ask<{ items: { id: number }[] }>(
        'POST',
        '/api/v1/messages/search',
        search,
      );
      return body.items[0]?.id ?? Promise.reject(new Error('it is not in the trace yet'));
    });
    chrome = stack.use(await browser());
    ({ page } = chrome);
  });
  afterAll(async () => {
    await stack.disposeAsync();
  });

  test('what is masked is shown for a reason and a time, told to the privacy officer, and masked again', async () => {
    await signIn('olga');
    await page.goto(`${production.url}messages/${id}`);
    await page.getByText('patient data masked').first().waitFor();
    expect(await page.getByText('Nightingale').count()).toBe(0);
    await page.getByRole('button', { name: 'Emergency…' }).click();
    await page.getByLabel('Why it cannot wait').fill(REASON);
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Show it' }).click();
    await page.getByText('Nightingale').first().waitFor();
    const banner = page.getByRole('status').filter({ hasText: 'Emergency until' });
    await banner.getByText(REASON).waitFor();
    expect(await violations(page)).toEqual([]);
    await vi.waitFor(() => {
      const told = web.requests.filter(({ path }) => path === '/privacy');
      expect(told.map(({ body }) => body.toString())[0]).toContain(REASON);
    });
    expect(web.requests.some(({ path }) => path === '/night')).toBe(false);
    await banner.getByRole('button', { name: 'Mask again' }).click();
    await page.getByText('patient data masked').first().waitFor();
    expect(await page.getByText('Nightingale').count()).toBe(0);
  });

  test('what it showed does not stay once it has ended by itself', async () => {
    const olga = visitor(production.url);
    await olga.signIn('olga', PASSWORD);
    const emergency = { reason: REASON, minutes: 30 };
    expect((await olga.ask('POST', '/api/v1/me/emergency', emergency)).status).toBe(200);
    await page.clock.install();
    await page.reload();
    await page.getByText('Nightingale').first().waitFor();
    const { status } = await olga.ask('DELETE', '/api/v1/me/emergency');
    expect(status).toBeLessThan(300);
    await page.clock.fastForward(20_000);
    await page.getByText('patient data masked').first().waitFor();
    await expect.poll(() => page.getByText('Nightingale').count()).toBe(0);
  });

  test('an auditor sees who saw that patient, and why', async () => {
    const auditor = stack.use(await browser());
    page = auditor.page;
    await signIn('otto');
    await page.goto(`${production.url}audit`);
    await page.getByRole('link', { name: 'Who saw a patient' }).click();
    await page.getByLabel('Patient').fill('4711');
    await page.getByRole('button', { name: 'Find', exact: true }).click();
    const acts = page.getByRole('region', { name: 'Acts' });
    await acts.getByText(`emergency: ${REASON}`).first().waitFor();
    await page.getByRole('region', { name: 'People' }).getByText('olga').waitFor();
    expect(page.url()).not.toContain('4711');
    expect(await violations(page)).toEqual([]);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Export' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('access.csv');
  });
});
