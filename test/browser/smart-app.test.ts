import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { AxiosStatic } from 'axios';
import { decodeJwt, SignJWT } from 'jose';
import { expect, test, vi } from 'vitest';
import { freePort } from '../../sandbox/free-port.ts';
import { type Browser, browser, noBrowser } from '../support/browser.ts';
import { startEngineProcess } from '../support/engine-process.ts';
import { PASSWORD } from '../support/portal.ts';
import { smartAuthority } from '../support/smart-authority.ts';
import { type SmartSite, smartSite } from '../support/smart-site.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { type Answered, type SeenRequest, webServer } from '../support/web-server.ts';

type Page = Browser['page'];

interface Site extends AsyncDisposable {
  readonly url: string;
  readonly output: () => string;
}

/** The example app, run as its users run it. */
async function example(given: {
  readonly port: number;
  readonly ehr: string;
  readonly clientId: string;
  readonly framedBy?: string;
}): Promise<Site> {
  const folder = await temporaryFolder('smart-app');
  const file = join(folder.path, 'notes.db');
  {
    using database = new DatabaseSync(file);
    database.exec('CREATE TABLE note (ehr TEXT, patient TEXT, text TEXT)');
    const add = database.prepare('INSERT INTO note VALUES (?, ?, ?)');
    for (const patient of ['anna', 'bert']) add.run(given.ehr, patient, `about ${patient}`);
    add.run('https://another.example/fhir', 'anna', 'of another EHR');
  }
  const url = `http://127.0.0.1:${given.port}`;
  const engine = await startEngineProcess({
    production: 'productions/smart-app',
    data: join(folder.path, 'data'),
    ports: [given.port],
    environment: {
      LISTEN: `127.0.0.1:${given.port}`,
      PUBLIC_URL: `${url}/`,
      EHR: given.ehr,
      CLIENT_ID: given.clientId,
      NOTES_DB: file,
      ...(given.framedBy !== undefined && { FRAMED_BY: given.framedBy }),
    },
  });
  return {
    url,
    output: engine.output,
    async [Symbol.asyncDispose]() {
      await engine[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function launchIn(page: Page, site: Site, ehr: SmartSite, patient: string): Promise<void> {
  const launch = await new SignJWT({ patient })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuedAt()
    .setAudience('launch')
    .setExpirationTime('2m')
    .sign(Buffer.from(ehr.launchSecret));
  await page.goto(`${site.url}/auth/launch?${new URLSearchParams({ iss: ehr.base, launch })}`);
  await page.fill('input[name="user"]', 'nora');
  await page.fill('input[name="password"]', PASSWORD);
  await page.click('button[value="allow"]');
  await page.waitForSelector('#notes li');
}

const shown = async (page: Page): Promise<unknown> => ({
  patient: await page.textContent('#patient'),
  results: await page.locator('#results li').allTextContents(),
  notes: await page.locator('#notes li').allTextContents(),
});

const chartOf = (patient: string): object => ({
  patient: `Patient ${patient}`,
  results: [`o-${patient}`],
  notes: [`about ${patient}`],
});

test.skipIf(noBrowser !== undefined)(
  'in a browser the EHR opens the app in two tabs for two patients, each stays with its own, a third has none, and after signing out Back shows nothing',
  async () => {
    const [port, ehrPort] = [await freePort(), await freePort()];
    await using ehr = await smartSite({
      app: `http://127.0.0.1:${port}/auth/launched`,
      port: ehrPort,
    });
    await vi.waitFor(() => fetch(`${ehr.base}/metadata`));
    await using site = await example({ port, ehr: ehr.base, clientId: 'app' });
    await using chromium = await browser();
    const { page } = chromium;
    await launchIn(page, site, ehr, 'anna');
    expect(await shown(page)).toEqual(chartOf('anna'));
    const second = await page.context().newPage();
    await launchIn(second, site, ehr, 'bert');
    expect(await shown(second)).toEqual(chartOf('bert'));
    await page.reload();
    await page.waitForSelector('#notes li');
    expect(await shown(page)).toEqual(chartOf('anna'));
    const third = await page.context().newPage();
    await third.goto(site.url);
    await third.waitForSelector('#not-launched:visible');
    expect(await third.isVisible('#chart')).toBe(false);
    // with axios, as such apps are written
    const axios = dirname(createRequire(import.meta.url).resolve('axios/package.json'));
    await page.evaluate(await readFile(join(axios, 'dist/axios.min.js'), 'utf8'));
    const asked = await page.evaluate(async () => {
      const launched = new URLSearchParams(location.search).get('launched');
      const api = (globalThis as unknown as { axios: AxiosStatic }).axios.create({
        headers: { 'X-Launched': launched },
      });
      const { data } = await api.get<{ total: number }>('/auth/fhir/Observation');
      const { status } = await api.get('/auth/fhir/Observation', {
        headers: { 'X-Launched': 'x' },
        validateStatus: () => true,
      });
      return { total: data.total, status, cookie: document.cookie, kept: localStorage.length };
    });
    expect(asked).toEqual({ total: 1, status: 401, cookie: '', kept: 0 });
    await second.click('#sign-out');
    await second.waitForSelector('#not-launched:visible');
    await second.goBack();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await second.content()).not.toContain('bert</li>');
    await page.reload();
    await page.waitForSelector('#notes li');
    expect(await shown(page)).toEqual(chartOf('anna'));
    // the one that axios was to get
    expect(chromium.complaints.filter((one) => !one.includes('401'))).toEqual([]);
    // the EHR's tokens are signed with ES384
    const kept = [await page.context().cookies(), site.output()];
    const theirs = Buffer.from('{"alg":"ES384"').toString('base64url').slice(0, 16);
    expect(JSON.stringify(kept)).not.toContain(theirs);
  },
);

/** A FHIR server of others: the patient of the token, two pages, links with its own address. */
const records = (authority: string) => (request: SeenRequest) => {
  const { path, headers } = request;
  const base = `http://${headers.host ?? ''}/fhir`;
  if (path.endsWith('/smart-configuration')) {
    return json({
      issuer: authority,
      jwks_uri: `${authority}/jwks`,
      authorization_endpoint: `${authority}/auth`,
      token_endpoint: `${authority}/token`,
      code_challenge_methods_supported: ['S256'],
    });
  }
  const token = headers.authorization?.replace('Bearer ', '') ?? '';
  const { patient } = decodeJwt<{ patient: string }>(token);
  const isFirst = !path.includes('page=2');
  const resource = { resourceType: 'Observation', id: `o-${patient}-${isFirst ? 1 : 2}` };
  const link = isFirst ? [{ relation: 'next', url: `${base}/Observation?page=2` }] : [];
  return json({ resourceType: 'Bundle', type: 'searchset', link, entry: [{ resource }] });
};

const json = (value: unknown): Answered => ({
  headers: { 'content-type': 'application/fhir+json' },
  body: JSON.stringify(value),
});

test.skipIf(noBrowser !== undefined)(
  'an EHR of others shows the app in a frame of its page, on another site: signed in, for its patient, page by page',
  async () => {
    const port = await freePort();
    let authority = '';
    await using fhir = await webServer((request) => records(authority)(request));
    const base = `${fhir.url}/fhir`;
    await using provider = await smartAuthority({
      app: `http://127.0.0.1:${port}/auth/launched`,
      fhir: base,
      patients: { 'ehr-7': 'anna' },
    });
    authority = provider.issuer;
    const launch = `http://127.0.0.1:${port}/auth/launch?${new URLSearchParams({ iss: `${base}/`, launch: 'ehr-7' })}`;
    await using ehr = await webServer(() => ({
      headers: { 'content-type': 'text/html' },
      body: `<!doctype html><title>EHR</title><iframe src="${launch.replaceAll('&', '&amp;')}"></iframe>`,
    }));
    await using site = await example({ port, ehr: base, clientId: 'app', framedBy: ehr.url });
    // as browsers that keep no cookies for other sites
    await using chromium = await browser({ switches: ['--test-third-party-cookie-phaseout'] });
    const { page } = chromium;
    await page.goto(ehr.url);
    const frame = page.frameLocator('iframe');
    await frame.locator('#notes li').waitFor();
    expect(await frame.locator('#results li').allTextContents()).toEqual(['o-anna-1', 'o-anna-2']);
    expect(await frame.locator('#notes li').allTextContents()).toEqual(['about anna']);
    expect(site.output()).not.toContain('Refused');
    expect(provider.asked.at(-1)?.get('aud')).toBe(`${base}/`);
  },
);
