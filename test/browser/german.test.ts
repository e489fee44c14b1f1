import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inGerman } from '../../src/translation/german.ts';
import { type Browser, cutOff, noBrowser, violations } from '../support/browser.ts';
import { PAGES, pageAddress, type Sample } from '../support/console-pages.ts';
import { germanTexts } from '../support/german-texts.ts';
import { type OpenConsole, openConsole, SOON } from '../support/open-console.ts';

/** Pages that are also looked at by axe: in German only their words differ. */
const MAIN = new Set<string>([
  '/',
  '/messages',
  '/sessions/SESSION',
  '/messages/MESSAGE',
  '/users',
]);

/** What axe may take on a busy machine. */
const AXE = { timeout: 240_000 };

const catalogues = [...(await germanTexts()).values()];
const GERMAN = new Set(catalogues.flatMap((texts) => Object.values(texts)));
/** English texts that no German page has, as they stand in the source. */
const ENGLISH = new Set(
  catalogues.flatMap((texts) => Object.keys(texts)).filter((text) => !GERMAN.has(text)),
);

/** Texts of the server that a page shows in English, whole or in part: sentences, since `message 12` is a name in the audit log. */
const fallenThrough = (texts: readonly string[]): string[] =>
  texts.filter((text) => text.split(/\s+/).length > 3 && inGerman(text) !== text);

/** Every text and every label that a page has, but for names that are the same in every language. */
async function said(page: Browser['page']): Promise<string[]> {
  return page
    .locator('body *:not([translate=no], [translate=no] *, q, noscript, template, script)')
    .evaluateAll((elements) =>
      elements.flatMap((element) => [
        ...['aria-label', 'title', 'placeholder'].map((name) => element.getAttribute(name)),
        ...[...element.childNodes]
          .filter(({ nodeType }) => nodeType === 3)
          .map((text) => text.textContent),
      ]),
    )
    .then((texts) => texts.map((text) => text?.trim() ?? '').filter((text) => text !== ''));
}

describe.skipIf(noBrowser !== undefined)(
  `the console in German in Chromium ${noBrowser ?? ''}`,
  () => {
    let opened: OpenConsole;
    let page: Browser['page'];
    let sample: Sample;

    beforeAll(async () => {
      opened = await openConsole({ locale: 'de-DE' });
      ({ page } = opened.chrome);
      [sample = { id: 0, sessionId: 0 }] = await opened.found({ target: 'ward', type: 'ADT' });
    });

    afterAll(async () => {
      await opened[Symbol.asyncDispose]();
    });

    test.for(PAGES)('%s is German, fits on a phone, and axe finds nothing', AXE, async ([path]) => {
      await page.setViewportSize({ width: 1280, height: 844 });
      await page.goto(pageAddress(opened.running.url, path, sample));
      await page.getByRole('heading', { level: 1 }).waitFor();
      await expect.poll(() => page.getByText('Wird geladen …').count(), SOON).toBe(0);
      await page.getByRole('button', { name: 'Konto' }).waitFor();
      expect(await page.locator('html').getAttribute('lang')).toBe('de');
      const texts = await said(page);
      expect(texts).toContain('Warteschlangen');
      expect(texts.filter((text) => ENGLISH.has(text))).toEqual([]);
      expect(fallenThrough(texts)).toEqual([]);
      expect(MAIN.has(path) ? await violations(page) : []).toEqual([]);
      await page.setViewportSize({ width: 390, height: 844 });
      const wider = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
      expect(wider, 'wider than a phone').toBeLessThanOrEqual(0);
      expect(await cutOff(page), 'cut off').toEqual([]);
    });

    test('the help, the search and the account menu are German too', AXE, async () => {
      await opened.open('/');
      await page.setViewportSize({ width: 1280, height: 844 });
      for (const [open, title] of [
        [() => page.keyboard.press('?'), 'Tastatur'],
        [() => page.keyboard.press('Control+k'), 'Suchen'],
        [() => page.getByRole('button', { name: 'Konto' }).click(), 'Konto'],
      ] as const) {
        await page.getByRole('heading', { level: 1 }).waitFor();
        await open();
        await page.getByRole('dialog', { name: title }).waitFor();
        expect((await said(page)).filter((text) => ENGLISH.has(text))).toEqual([]);
        expect(await violations(page), title).toEqual([]);
        await page.keyboard.press('Escape');
        await page.getByRole('dialog', { name: title }).waitFor({ state: 'hidden' });
      }
    });

    test('another language is chosen in the account menu: the page stays, and so does the choice', async () => {
      await opened.open('/messages?status=suspended&last=all');
      const choose = async (account: string, label: string, language: string): Promise<void> => {
        await page.getByRole('button', { name: account }).click();
        await page.getByLabel(label).selectOption(language);
      };
      await choose('Konto', 'Sprache', 'English');
      await page.getByRole('link', { name: 'Queues' }).waitFor();
      expect(await page.locator('html').getAttribute('lang')).toBe('en');
      expect(page.url()).toBe(`${opened.running.url}/messages?status=suspended&last=all`);
      await page.reload();
      await page.getByRole('link', { name: 'Queues' }).waitFor();
      await choose('Account', 'Language', 'Deutsch');
      await page.getByRole('link', { name: 'Warteschlangen' }).waitFor();
    });

    test('causes, events, the steps of a test and refusals are German', AXE, async () => {
      await page.setViewportSize({ width: 1280, height: 844 });
      await opened.open('/hosts/registry');
      await page.getByRole('button', { name: 'Verbindung testen' }).click();
      await page.getByText('Den Port prüfen, und ob die Gegenstelle läuft').first().waitFor(SOON);
      expect(fallenThrough(await said(page))).toEqual([]);
      await opened.open('/events');
      await page
        .getByRole('cell', { name: /^Nicht verbunden: auf .+ hört niemand/ })
        .first()
        .waitFor(SOON);
      await page.getByRole('cell', { name: 'gestartet' }).first().waitFor(SOON);
      await opened.open('/messages/99999999');
      await page.getByText('im Trace gibt es keine Nachricht 99999999').waitFor(SOON);
      expect(fallenThrough(await said(page))).toEqual([]);
    });

    test('times and numbers are written as in the language', async () => {
      await opened.open(`/sessions/${sample.sessionId}`);
      await page.locator('time').first().waitFor();
      expect(await page.locator('time').first().textContent()).toMatch(
        /^\d\d\.\d\d\.\d{4} \d\d:\d\d:\d\d/,
      );
    });

    test('no page complains, and the content security policy refuses nothing', () => {
      // the message that there is not
      const known = /status of 404/;
      expect(opened.chrome.complaints.filter((text) => !known.test(text))).toEqual([]);
    });
  },
);
