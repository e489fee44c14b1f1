import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { freePort } from '../../sandbox/free-port.ts';
import { browser, noBrowser } from '../support/browser.ts';
import { startEngineProcess } from '../support/engine-process.ts';
import { oidcService } from '../support/oidc-service.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

test.skipIf(noBrowser !== undefined)(
  'in a browser a person goes to a provider of another site, comes back to the app as themselves, and signs out at both',
  async () => {
    await using folder = await temporaryFolder('staff-portal');
    const file = join(folder.path, 'ward.db');
    {
      using database = new DatabaseSync(file);
      database.exec('CREATE TABLE patient (id INT, name TEXT, ward TEXT)');
      database.exec("INSERT INTO patient VALUES (1, 'Doe', 'W1'), (2, 'Roe', 'W2')");
    }
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    await using provider = await oidcService(`${url}/auth/callback`, { host: 'localhost' });
    provider.person = { name: 'nora', roles: ['ward-staff'], claims: { ward: 'W1' } };
    await using engine = await startEngineProcess({
      production: 'productions/staff-portal',
      data: join(folder.path, 'data'),
      ports: [port],
      environment: {
        LISTEN: `127.0.0.1:${port}`,
        PUBLIC_URL: `${url}/`,
        ISSUER: provider.issuer,
        CLIENT_ID: 'waybill',
        CLIENT_SECRET: 'a secret of the console',
        WARD_DB: file,
      },
    });
    expect(engine.ended).toBe(false);
    await using chromium = await browser();
    const { page } = chromium;
    await page.goto(`${url}/wards/north`);
    await page.click('#sign-in');
    await page.waitForURL(`${url}/wards/north`);
    await page.waitForSelector('#patients li');
    expect(await page.textContent('#who')).toBe('nora, ward W1');
    expect(await page.locator('#patients li').allTextContents()).toEqual(['Doe']);
    expect(await page.evaluate(() => document.cookie)).toBe('');
    const cookies = await page.context().cookies(url);
    expect(cookies.every(({ httpOnly }) => httpOnly)).toBe(true);
    expect(cookies.map(({ name }) => name)).not.toContainEqual(expect.stringContaining('_begun_'));
    await page.click('#sign-out');
    await page.click('button[name="logout"]');
    await page.waitForURL(`${url}/`);
    await page.waitForSelector('#sign-in:visible');
    expect(await page.context().cookies(url)).toEqual([]);
  },
);
