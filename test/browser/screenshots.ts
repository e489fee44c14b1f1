import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { builtConsole } from '../../src/build/built-console.ts';
import { browser, endBrowser } from '../support/browser.ts';
import { busyProduction, comparisonWithData } from '../support/busy-production.ts';
import { PAGES, pageAddress, type Sample } from '../support/console-pages.ts';
import { germanTexts } from '../support/german-texts.ts';
import { hub } from '../support/hub.ts';
import { withManyHosts } from '../support/many-hosts.ts';
import { manyProtocols, PROTOCOL_HOSTS } from '../support/many-protocols.ts';

/**
 * `npm run screenshots -- [folder] [part of an address | name of a screen]…`: the demo production with one receiver that
 * is down, and a picture of every page, wide and narrow, light and dark, English and German; then what opens over pages,
 * messages and hosts of other protocols, and a production of 2,000 hosts.
 */

const [folder = 'screenshots', ...words] = process.argv.slice(2);
const USER = { name: 'night.shift', password: 'a lantern by the ward' };
const SCREENS = [
  { name: 'wide-light', width: 1280, theme: 'light', locale: 'en-US' },
  { name: 'wide-dark', width: 1280, theme: 'dark', locale: 'en-US' },
  { name: 'desk-dark', width: 1920, theme: 'dark', locale: 'en-US' },
  { name: 'wide-german', width: 1280, theme: 'light', locale: 'de-DE' },
  { name: 'phone-light', width: 390, theme: 'light', locale: 'en-US' },
  { name: 'phone-dark', width: 390, theme: 'dark', locale: 'en-US' },
  { name: 'phone-german', width: 390, theme: 'light', locale: 'de-DE' },
] as const;

type Screen = (typeof SCREENS)[number];

const screens = SCREENS.filter(({ name }) => words.includes(name));
const only = words.filter((word) => !SCREENS.some(({ name }) => name === word));

const GERMAN = Object.assign({}, ...(await germanTexts()).values()) as Readonly<
  Record<string, string>
>;
/** What the console of that screen says for an English text. */
function said(text: string, { locale }: Screen): string {
  if (locale !== 'de-DE') return text.replace(/ ## .*/, '');
  const german = GERMAN[text];
  if (german === undefined) throw new Error(`no German text is known for ${text}`);
  return german;
}

await mkdir(folder, { recursive: true });
const built = await builtConsole();
await using running = await hub(built, {
  silent: ['registry'],
  users: [USER],
  whole: true,
});
await running.send(running.messages);
await using protocols = await manyProtocols(built);
await using busy = await busyProduction(built);

for (const screen of screens.length === 0 ? SCREENS : screens) {
  const { name } = screen;
  await using chrome = await browser(screen);
  const { page } = chrome;
  await page.goto(running.url);
  await page.getByRole('heading', { name: said('Sign in to Waybill', screen) }).waitFor();
  await picture(page, 'sign-in', name);
  await page.getByLabel(said('User', screen)).fill(USER.name);
  await page.getByLabel(said('Password', screen)).fill(USER.password);
  await page.getByRole('button', { name: said('Sign in', screen), exact: true }).click();
  await page.getByRole('heading', { level: 1, name: said('Dashboard', screen) }).waitFor();
  const sample = await sampleOf(page);
  for (const [path] of PAGES) {
    if (only.length > 0 && !only.some((part) => path.includes(part))) continue;
    await page.goto(pageAddress(running.url, path, sample));
    await page.getByRole('heading', { level: 1 }).waitFor();
    // a page that follows what happens is never idle: what is asked at once is answered by then
    await sleep(1_200);
    await picture(page, nameOf(path), name);
  }
  if (only.length === 0) {
    await scenes(page, screen, sample);
    await otherProtocols(page, screen);
    await afterAShift(page, screen);
    await large(page, screen);
  }
}
await endBrowser();

/** Other formats in trace and body, and hosts of other protocols. */
async function otherProtocols(page: Page, screen: Screen): Promise<void> {
  // the other console's: everybody is administrator in this one, who is nobody yet
  await page.context().clearCookies();
  const at = async (path: string, what: string): Promise<void> => {
    await page.goto(`${protocols.url}${path}`);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await sleep(1_200);
    await picture(page, what, screen.name);
  };
  await at('messages', 'formats-messages');
  for (const format of ['images', 'claims']) {
    await page.goto(`${protocols.url}messages?source=${format}`);
    const row = page.locator('[id^=message-]').first();
    await row.waitFor();
    const id = /\d+/.exec((await row.getAttribute('id')) ?? '')?.[0];
    await at(`messages/${id}`, `formats-${format}`);
    await at(`sessions/${id}`, `formats-${format}-trace`);
  }
  for (const host of PROTOCOL_HOSTS) await at(`hosts/${host}`, `formats-${host}`);
}

/** Pages that show something only where people have worked. */
async function afterAShift(page: Page, screen: Screen): Promise<void> {
  await page.context().clearCookies();
  await page.route('**/api/v1/statistics/comparison*', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: comparisonWithData(await response.json()) });
  });
  const { body } = await busy.ask<{ jobs: { id: number }[] }>('GET', '/api/v1/jobs');
  const pages = [
    ['', 'dashboard'],
    ['hosts/hl7-out', 'host'],
    ['alerts', 'alerts'],
    ['on-call', 'on-call'],
    ['shift', 'shift'],
    ['jobs', 'jobs'],
    [`jobs/${body.jobs[0]?.id}`, 'job'],
    ['history', 'history'],
    ['suspended?all=1', 'suspended'],
    ['rehearsals?status=suspended,error&last=all', 'trial'],
    ['waiting', 'waiting'],
    ['waiting?tab=batches', 'batches'],
    ['waiting?tab=state', 'state'],
    ['waiting?tab=subscribers', 'subscribers'],
    ['productions/act?status=suspended&last=all', 'act-in-all'],
    ['productions?view=failures', 'all-failures'],
  ] as const;
  for (const [path, what] of pages) {
    await page.goto(`${busy.url}${path}`);
    await page.getByRole('heading', { level: 1 }).waitFor();
    for (const more of await page.locator('main details:not([open]) > summary').all())
      if (what === 'dashboard' || what === 'host') await more.click();
    await sleep(1_500);
    await picture(page, `busy-${what}`, screen.name);
  }
  await page.unrouteAll({ behavior: 'ignoreErrors' });
}

/** As many hosts as there are in no house. */
async function large(page: Page, screen: Screen): Promise<void> {
  await withManyHosts(page, 2_000);
  for (const [path, what] of [
    ['', 'dashboard'],
    ['production?view=diagram', 'diagram'],
    ['production?view=diagram&tag=unit-7', 'diagram-tag'],
    ['production?view=table', 'table'],
    ['queues', 'queues'],
  ] as const) {
    await page.goto(`${protocols.url}${path}`);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await sleep(2_000);
    await picture(page, `large-${what}`, screen.name);
  }
  await page.unrouteAll({ behavior: 'ignoreErrors' });
}

/** What opens over a page. */
async function scenes(page: Page, screen: Screen, sample: Sample): Promise<void> {
  const at = async (path: string): Promise<void> => {
    await page.goto(pageAddress(running.url, path, sample));
    await page.getByRole('heading', { level: 1 }).waitFor();
  };
  const shot = async (what: string): Promise<void> => {
    await sleep(700);
    await picture(page, what, screen.name);
  };
  await at('/messages?source=adt-in&error=rule');
  await page.getByRole('row').nth(1).waitFor();
  await shot('messages-more');
  await page.getByRole('button', { name: said('Saved ## searches', screen) }).click();
  await shot('messages-saved');
  await at('/queues');
  await page.keyboard.press('Control+k');
  await page.keyboard.insertText('7001');
  await shot('find');
  await at('/');
  await page.keyboard.press('?');
  await shot('help');
  for (const act of ['Resend', 'Edit and resend']) {
    await at('/messages/MESSAGE');
    await page.getByRole('button', { name: said(act, screen), exact: true }).click();
    await shot(act.toLowerCase().replaceAll(' ', '-'));
  }
  await at('/hosts/registry');
  await page.getByRole('button', { name: said('Test connection', screen) }).click();
  await page.getByText(said('failed', screen), { exact: true }).first().waitFor();
  await shot('hosts-registry-test');
  await factors(page, screen, shot);
  await at('/access');
  await page.getByLabel(said('Patient', screen)).fill('7001808');
  await page.getByRole('button', { name: said('Find', screen), exact: true }).click();
  await shot('access-found');
  await page.route('**/api/**', (route) => route.abort());
  await sleep(6_000);
  await shot('stale');
  await page.reload();
  await shot('away');
  await page.unroute('**/api/**');
}

/** The dialogs of a second factor; browsers make passkeys only for a name. */
async function factors(
  page: Page,
  screen: Screen,
  shot: (what: string) => Promise<void>,
): Promise<void> {
  const named = running.url.replace('127.0.0.1', 'localhost');
  await page.goto(`${named}/second-factor`);
  await page.getByLabel(said('User', screen)).fill(USER.name);
  await page.getByLabel(said('Password', screen)).fill(USER.password);
  await page.getByRole('button', { name: said('Sign in', screen), exact: true }).click();
  for (const [act, what] of [
    ['Set up an app', 'factor-app'],
    ['Add a passkey', 'factor-passkey'],
  ] as const) {
    await page.getByRole('button', { name: said(act, screen) }).click();
    await page.getByLabel(said('Your password', screen)).fill(USER.password);
    await page.getByRole('button', { name: said('Continue ## a form', screen) }).click();
    await shot(what);
    await page.keyboard.press('Escape');
  }
}

async function picture(page: Page, what: string, screen: string): Promise<void> {
  await page.screenshot({ path: join(folder, `${what}.${screen}.png`) });
}

/** An admission, which goes to more systems than anything else. */
async function sampleOf(page: Page): Promise<Sample> {
  const { items } = await page.evaluate(async () => {
    const me = (await (await fetch('api/v1/me')).json()) as { csrfToken: string };
    const response = await fetch('api/v1/messages/search', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-csrf-token': me.csrfToken },
      body: JSON.stringify({ target: 'ward', type: 'ADT_A01', limit: 1 }),
    });
    return (await response.json()) as { items: Sample[] };
  });
  const [sample] = items;
  if (sample === undefined) throw new Error('no admission is in the trace');
  return sample;
}

function nameOf(path: string): string {
  const name = path
    .replaceAll(/[^a-z]+/gi, '-')
    .replaceAll(/^-|-$/g, '')
    .toLowerCase();
  return name === '' ? 'dashboard' : name;
}
