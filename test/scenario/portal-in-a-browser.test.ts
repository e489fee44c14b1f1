import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { browser, noBrowser } from '../support/browser.ts';
import { PASSWORD, type Portal, portal } from '../support/portal.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** As an application does it: one refresh for however many answers of 401, then each call once more. */
const APP = `
import axios from './axios.js';
globalThis.client = function client(base, { cookie }) {
  let access = '';
  let refresh;
  let refreshing;
  const api = axios.create({ baseURL: base, withCredentials: true });
  const take = ({ data }) => { access = data.accessToken; refresh = data.refreshToken; };
  api.interceptors.request.use((config) => {
    if (access) config.headers.Authorization = 'Bearer ' + access;
    return config;
  });
  api.interceptors.response.use(undefined, async (error) => {
    const { config, response } = error;
    if (response?.status !== 401 || config.again || config.url.startsWith('/auth/')) throw error;
    const sent = cookie ? {} : { refreshToken: refresh };
    // an answer that comes late may be to the token before
    if ((config.headers.get('authorization') ?? '') === (access && 'Bearer ' + access)) {
      refreshing ??= api.post('/auth/refresh', sent).then(take).finally(() => { refreshing = undefined; });
    }
    await refreshing;
    return api({ ...config, again: true });
  });
  return {
    api,
    login: (user, password) => api.post('/auth/login', { user, password }).then(take),
    logout: () => api.post('/auth/logout', {}),
    /** As if the time of the token were over. */
    spoil() { access = 'x' + access; },
  };
};
`;

async function appFolder(folder: string): Promise<string> {
  const app = join(folder, 'app');
  const axios = dirname(createRequire(import.meta.url).resolve('axios/package.json'));
  await mkdir(join(app, 'assets'), { recursive: true });
  await copyFile(join(axios, 'dist/esm/axios.min.js'), join(app, 'assets/axios.js'));
  await writeFile(join(app, 'assets/app.js'), APP);
  await writeFile(
    join(app, 'index.html'),
    '<!doctype html><title>Portal</title><script type="module" src="/assets/app.js"></script><h1>Portal</h1>',
  );
  return app;
}

/** What the page's script gave: the statuses of calls, and what it could see of the cookies. */
interface Story {
  readonly before: number;
  readonly calls: readonly number[];
  readonly afterwards: number;
  readonly cookies: string;
}

/** What the page's script offers. */
interface App {
  readonly client: (
    at: string,
    how: { readonly cookie: boolean },
  ) => {
    readonly api: { get(path: string): Promise<{ status: number }> };
    login(user: string, secret: string): Promise<void>;
    logout(): Promise<unknown>;
    spoil(): void;
  };
}

async function goTo(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await page.waitForFunction(() => 'client' in globalThis);
}

/** Signs in, calls with a spoiled token five times at once, signs out, and calls again. */
function story(page: Page, base: string): Promise<Story> {
  return page.evaluate(
    async ({ to, password }) => {
      const app = (globalThis as unknown as App).client(to, { cookie: true });
      const call = (): Promise<number> =>
        app.api.get('/api/orders').then(
          ({ status }) => status,
          (error: { response?: { status: number } }) => error.response?.status ?? 0,
        );
      const before = await call();
      await app.login('anna', password);
      app.spoil();
      const calls = await Promise.all([call(), call(), call(), call(), call()]);
      await app.logout();
      return { before, calls, afterwards: await call(), cookies: document.cookie };
    },
    { to: base, password: PASSWORD },
  );
}

async function opened(
  work: (of: Portal, page: Page) => Promise<void>,
  cors: boolean,
): Promise<void> {
  await using folder = await temporaryFolder('portal');
  const app = await appFolder(folder.path);
  await using two = await portal({
    engines: 2,
    signIn: { cookies: 'refresh' },
    settings: (urls) => ({
      files: {
        folder: app,
        // the page may ask the other origin; whether that answers is its own decision
        ...(cors && { contentSecurityPolicy: `default-src 'self'; connect-src 'self' ${urls[0]}` }),
      },
      ...(cors && { cors: { origins: [urls[1]], credentials: true } }),
    }),
  });
  await using chromium = await browser();
  await work(two, chromium.page);
}

const DONE = { before: 401, calls: [202, 202, 202, 202, 202], afterwards: 401, cookies: '' };

test.skipIf(noBrowser !== undefined)(
  'an application with axios signs in, refreshes once for parallel answers of 401, and signs out',
  () =>
    opened(async ({ urls: [own = ''] }, page) => {
      const refreshes: number[] = [];
      page.on('response', (response) => {
        if (response.url().endsWith('/auth/refresh')) refreshes.push(response.status());
      });
      await goTo(page, `${own}/patients/4711`);
      expect(await page.textContent('h1')).toBe('Portal');
      expect(await story(page, '')).toEqual(DONE);
      // without a sign-in, for the five, and after the sign-out
      expect(refreshes).toEqual([401, 200, 401]);
    }, false),
);

test.skipIf(noBrowser !== undefined)(
  'a listed page of another origin does the same after real preflights, and an unlisted one gets nothing',
  () =>
    opened(async ({ urls: [own = '', other = ''] }, page) => {
      await goTo(page, other);
      expect(await story(page, own)).toEqual(DONE);
      await goTo(page, other.replace('127.0.0.1', 'localhost'));
      const stranger = await page.evaluate(
        (to) =>
          (globalThis as unknown as App)
            .client(to, { cookie: true })
            .login('anna', 'x')
            .then(
              () => 'signed in',
              (error: { code: string }) => error.code,
            ),
        own,
      );
      expect(stranger).toBe('ERR_NETWORK');
    }, true),
);
