import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { freePort } from '../../sandbox/free-port.ts';
import { builtConsole } from '../../src/build/built-console.ts';
import { runProduction } from '../../src/cli/run-production.ts';
import { silentLogger } from '../../src/log/logger.ts';
import { type Browser, browser, noBrowser, violations } from '../support/browser.ts';
import { type ConsoleProcess, consoleProcess } from '../support/console-process.ts';
import { addLocalUser } from '../support/local-user.ts';
import { startNats } from '../support/nats.ts';
import { NEW_TEXT, nextConsole, OLD_TEXT } from '../support/next-console.ts';
import { SOON } from '../support/open-console.ts';
import { WARD } from '../support/operator.ts';
import { type PathProxy, pathProxy } from '../support/path-proxy.ts';
import { productionFolder } from '../support/production.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const USER = { name: 'night.shift', password: 'a lantern by the ward' };

/** What the browser keeps of consoles at this address, without the names of versions. */
const kept = (page: Page): Promise<readonly string[]> =>
  page.evaluate(async () => {
    const found: string[] = [];
    for (const name of await caches.keys())
      for (const { url } of await (await caches.open(name)).keys()) found.push(url);
    return found;
  });
const versions = (page: Page): Promise<number> =>
  page.evaluate(async () => (await caches.keys()).length);

/** A service worker has kept the shell. */
async function isKept(page: Page, many = 1): Promise<void> {
  await page.evaluate(async () => void (await navigator.serviceWorker.ready));
  await expect.poll(() => versions(page), SOON).toBe(many);
}

const address = async (): Promise<string> => `127.0.0.1:${await freePort()}`;
const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name });

async function signIn(page: Page): Promise<void> {
  await page.getByLabel('User').fill(USER.name);
  await page.getByLabel('Password').fill(USER.password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('heading', { level: 1, name: 'Dashboard' }).waitFor(SOON);
}

/** The console of a server that is killed, upgraded and started again, with the browser's service worker. */
describe.skipIf(noBrowser !== undefined)(`a server that is away ${noBrowser ?? ''}`, () => {
  const stack = new AsyncDisposableStack();
  let start: (consoleFolder: string) => Promise<void>;
  let server: ConsoleProcess;
  let launch: () => Promise<void>;
  let isLeftOver = false;
  let chrome: Browser;
  let url: string;
  let built: string;
  /** Behind it the server can be away without being started anew. */
  let proxy: PathProxy;

  beforeAll(async () => {
    const nats = stack.use(await startNats());
    const folder = stack.use(await productionFolder({ 'production.yaml': WARD }));
    const environment = { LISTEN: await address(), CONNECT: await address() };
    const data = join(folder.path, 'data');
    const log = silentLogger;
    const engine = await runProduction({ folder: folder.path, data, nats, log, environment });
    stack.defer(() => engine.stop());
    const own = stack.use(await temporaryFolder('console'));
    await addLocalUser(own.path, USER);
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    proxy = stack.use(await pathProxy(port, '/a/', '/b/'));
    const { access } = engine;
    const more = { access, production: 'ward', data: own.path, port };
    start = async (consoleFolder) => {
      server = await consoleProcess({ ...more, consoleFolder });
    };
    stack.defer(() => server.kill());
    built = await builtConsole();
    await start(built);
    // an address that no browser trusts without TLS
    const switches = ['--host-resolver-rules=MAP plain.test 127.0.0.1'];
    launch = async () => {
      chrome = stack.use(await browser({ worker: true, switches }));
    };
    await launch();
  });
  afterAll(() => stack.disposeAsync());
  // one that fails leaves the others a server, and a browser that keeps nothing
  afterEach(({ task }) => {
    isLeftOver = task.result?.state === 'fail';
  });
  beforeEach(async () => {
    proxy.away(false);
    if (isLeftOver) await launch();
    if (server.ended || server.serves !== built) {
      await server.kill();
      await start(built);
    }
  });

  test('pages that were never loaded open, say of when they are, show nothing, and come back by themselves', async () => {
    const { page } = chrome;
    await page.goto(url);
    await heading(page, 'Sign in to Waybill').waitFor(SOON);
    await isKept(page);
    // kept before anybody signed in
    await signIn(page);
    await page.getByText('hl7-out').first().waitFor();
    await server.kill();
    // in a tab that was open
    await page.getByRole('link', { name: 'Certificates' }).click();
    await heading(page, 'Certificates').waitFor(SOON);
    await page.getByText('The server does not answer. What is shown is as of').waitFor(SOON);
    // and in a new one
    const other = await page.context().newPage();
    await other.goto(`${url}/queues?host=hl7-out`);
    await heading(other, OLD_TEXT).waitFor(SOON);
    await other.getByText(/It last answered at \S*\d\d:\d\d/).waitFor();
    expect(await other.getByText(/hl7-out|night\.shift/).count()).toBe(0);
    expect(await violations(other)).toEqual([]);
    // what is no page of this console is none of its business
    const third = await page.context().newPage();
    await expect(third.goto(`${url}/elsewhere/queues`)).rejects.toThrow('ERR_CONNECTION_REFUSED');
    await third.close();
    await start(built);
    await heading(other, 'Queues').waitFor(SOON);
    await other.close();
    await page.getByText('The server does not answer').waitFor({ state: 'detached', ...SOON });
    expect(await page.getByText('is it running').count()).toBe(0);
    // of all that was asked for only what is the same for everybody
    for (const one of await kept(page))
      expect(one.slice(url.length)).toMatch(
        /^\/(?:|theme\.js|waybill\.svg|assets\/[\w-]+\.(?:js|css))$/,
      );
  });

  test('after an upgrade the new version wins, whole; a tab of the one before stays whole as well', async () => {
    const { page } = chrome;
    await page.goto(url);
    const isAsked = heading(page, 'Sign in to Waybill');
    await heading(page, 'Dashboard').or(isAsked).waitFor(SOON);
    if (await isAsked.isVisible()) await signIn(page);
    await isKept(page);
    let loads = 0;
    page.on('framenavigated', () => (loads += 1));
    const next = stack.use(await temporaryFolder('next'));
    const folder = join(next.path, 'console');
    await nextConsole(built, folder);
    // an upgrade that is not complete
    const parts = await readdir(join(folder, 'assets'));
    const missing = parts.find((one) => one.startsWith('job-page')) ?? '';
    const part = join(folder, 'assets', missing);
    await rename(part, `${part}.later`);
    await server.kill();
    await start(folder);
    const other = await page.context().newPage();
    const scripts = (): Promise<readonly string[]> =>
      other.evaluate(() =>
        performance
          .getEntriesByType('resource')
          .map(({ name }) => name)
          .filter((name) => /assets\/.*\.js$/.test(name)),
      );
    const isNew = async (): Promise<void> => {
      const loaded = await scripts();
      expect(loaded.length).toBeGreaterThan(0);
      expect(loaded.filter((name) => !name.includes('NEXT'))).toEqual([]);
    };
    await other.goto(`${url}/queues`);
    await heading(other, 'Queues').waitFor(SOON);
    await isNew();
    /** Asks for the new worker, and waits until the browser has it or has given it up. */
    const updated = async (): Promise<void> => {
      await other.evaluate(async () => {
        const registration = await navigator.serviceWorker.ready;
        await registration.update().catch(() => undefined);
      });
      await expect
        .poll(
          () =>
            other.evaluate(async () => {
              const { installing, waiting } = await navigator.serviceWorker.ready;
              return installing === null && waiting === null;
            }),
          SOON,
        )
        .toBe(true);
    };
    await updated();
    // it keeps none of it, and what was kept before is still there
    expect(await versions(other)).toBe(1);
    await rename(`${part}.later`, part);
    // it knows the files that it began with
    await server.kill();
    await start(folder);
    await updated();
    expect(await versions(other)).toBe(2);
    // the tab of the version before loads its own parts, which the server has no more
    await page.getByRole('link', { name: 'Event log' }).click();
    await heading(page, 'Event log').waitFor(SOON);
    expect(loads).toBe(1);
    await server.kill();
    await other.goto(`${url}/alerts`);
    await heading(other, NEW_TEXT).waitFor(SOON);
    await isNew();
    await other.close();
  });

  test('two consoles at one address keep their own, each below its path, also behind a proxy that says 502', async () => {
    const page = await chrome.page.context().newPage();
    // those of the first tests hold for every port
    await page.context().clearCookies();
    const origin = `http://127.0.0.1:${proxy.port}`;
    for (const path of ['/a/', '/b/']) {
      await page.goto(`${origin}${path}queues`);
      await heading(page, 'Sign in to Waybill').waitFor(SOON);
      await isKept(page, path === '/a/' ? 1 : 2);
    }
    proxy.away(true);
    for (const path of ['/a/', '/b/']) {
      await page.goto(`${origin}${path}queues`);
      await heading(page, OLD_TEXT).waitFor(SOON);
      expect(await page.evaluate(() => document.baseURI)).toBe(`${origin}${path}`);
    }
    proxy.away(false);
    await heading(page, 'Sign in to Waybill').waitFor(SOON);
    await page.close();
  });

  test('without room for it the console works as before, and leaves nothing half', async () => {
    const page = await chrome.page.context().newPage();
    const origin = `http://localhost:${proxy.port}`;
    const session = await page.context().newCDPSession(page);
    await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 100_000 });
    await page.goto(`${origin}/a/`);
    await heading(page, 'Sign in to Waybill').waitFor(SOON);
    const gone = (): Promise<boolean> =>
      page.evaluate(
        async () =>
          (await navigator.serviceWorker.getRegistration()) === undefined &&
          performance.getEntriesByName('tried').length > 0,
      );
    await page.evaluate(async () => {
      try {
        const script = new URL('service-worker.js', document.baseURI);
        const { installing } = await navigator.serviceWorker.register(script);
        installing?.addEventListener('statechange', () => {
          if (installing.state === 'redundant') performance.mark('tried');
        });
      } catch {
        // it is refused at once
        performance.mark('tried');
      }
    });
    await expect.poll(gone, SOON).toBe(true);
    expect(await versions(page)).toBe(0);
    await page.close();
  });

  test('over plain HTTP nothing is kept, but what is shown stays until the server is back', async () => {
    const page = await chrome.page.context().newPage();
    await page.goto(`http://plain.test:${proxy.port}/a/`);
    expect(await page.evaluate(() => 'serviceWorker' in navigator)).toBe(false);
    await signIn(page);
    await page.getByText('hl7-out').first().waitFor();
    proxy.away(true);
    const link = page.getByRole('link', { name: 'Storage' });
    await page.getByText('The server does not answer').waitFor(SOON);
    await link.click();
    await page.getByText('hl7-out').first().waitFor();
    const next = stack.use(await temporaryFolder('next-plain'));
    const folder = join(next.path, 'console');
    await nextConsole(built, folder);
    proxy.away(false);
    await heading(page, 'Storage').waitFor(SOON);
    await page.getByRole('link', { name: 'Dashboard' }).click();
    await heading(page, 'Dashboard').waitFor(SOON);
    await server.kill();
    // it comes back upgraded
    await start(folder);
    const told = page.getByText('Waybill has been upgraded');
    await told.waitFor(SOON);
    await page.getByRole('button', { name: 'Later' }).click();
    // a dialog that is gone leaves the page as it was, and is told of all the same
    await page.getByRole('button', { name: 'Keyboard help' }).click();
    await page.getByText('What you opened is not there any more').waitFor(SOON);
    await page.getByText('hl7-out').first().waitFor();
    expect(await told.count()).toBe(0);
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Load again' }).click();
    await page.getByRole('button', { name: 'Load again' }).waitFor({ state: 'detached', ...SOON });
    await page.getByRole('button', { name: 'Keyboard help' }).click();
    await page.getByRole('dialog').waitFor(SOON);
    await page.close();
  });
});
