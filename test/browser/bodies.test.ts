import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { MessagePage } from '../../src/api/contract/message.ts';
import { builtConsole } from '../../src/build/built-console.ts';
import { traceIdOf } from '../../src/trace/span-id.ts';
import { type Browser, browser, noBrowser, violations } from '../support/browser.ts';
import { least, longestTask } from '../support/long-tasks.ts';
import { type Operated, operated } from '../support/operator.ts';
import { SAMPLE_MAIL } from '../support/sample-mail.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** A PDF of 3.8 MB: in Base64 5 MB. */
const PDF = Buffer.concat([Buffer.from('%PDF-1.7\n'), Buffer.alloc(3_750_000, 'x')]);
const LETTER = `the letter begins ${'and goes on '.repeat(2_000)}and ends`;

/** A report with 200 results, a long text and the document. */
const REPORT = [
  'MSH|^~\\&|LAB|HOSP|WARD|HOSP|20260101120000||ORU^R01^ORU_R01|R1|P|2.5.1',
  'PID|1||4711^^^HOSP^MR||Doe^John',
  'OBR|1|||PANEL^Everything^L',
  ...Array.from(
    { length: 200 },
    (_, n) =>
      `OBX|${n + 1}|NM|T${n}^Test ${n}^L^A${n}^Alias^L||${n}.5|mmol/l^millimole^UCUM|1-9|N|||F|||20260101`,
  ),
  `OBX|201|FT|LETTER^Letter^L||${LETTER}||||||F`,
  `OBX|202|ED|DOC^Document^L||LAB^application^pdf^Base64^${PDF.toString('base64')}||||||F`,
  '',
].join('\r');

const FILES = {
  'report.hl7': REPORT,
  'order.xml': '<?xml version="1.0"?><order id="7"><item code="GLU">Glucose</item><note/></order>',
  'letter.eml': SAMPLE_MAIL,
  'labs.csv': 'patient;test;value\n4711;GLU;5.4\n0815;NA;140\n',
  'note.json': '{"patient":{"id":4711},"ready":true}',
} as const;

const production = (folder: string): string => `production: papers
settings: { shutdownTimeout: 1s }
services:
  papers:
    adapter: file-in
    settings: { folder: ${folder}/in, every: 100ms, stable: 0s }
    to: archive
operations:
  archive:
    adapter: file-out
    settings: { folder: ${folder}/out, makeFolder: true, name: "{name}" }
`;

const selectedTab = (page: Browser['page']) => page.getByRole('tab', { selected: true });
const lines = (page: Browser['page']) => page.locator('pre code');

const backToAllSegments = `new Promise((resolve) => {
  history.back();
  const look = () =>
    document.querySelectorAll('main details').length < 205 ? setTimeout(look, 50) : resolve();
  look();
})`;

/** Bodies that are no HL7, as an operator reads them. */
describe.skipIf(noBrowser !== undefined)(`bodies in Chromium ${noBrowser ?? ''}`, () => {
  let stack: AsyncDisposableStack;
  let running: Operated;
  let chrome: Browser;

  beforeAll(async () => {
    stack = new AsyncDisposableStack();
    const folder = stack.use(await temporaryFolder('papers')).path;
    await mkdir(join(folder, 'in'));
    const settingsFile = join(folder, 'console.yaml');
    await writeFile(settingsFile, 'traceUrl: https://tempo.example/trace/{traceId}?all\n');
    for (const [name, text] of Object.entries(FILES))
      await writeFile(join(folder, 'in', name), text);
    const built = await builtConsole();
    running = stack.use(
      await operated({
        production: production(folder),
        console: { consoleFolder: built, settingsFile },
      }),
    );
    chrome = stack.use(await browser({ optimized: true }));
  });
  afterAll(async () => {
    await stack.disposeAsync();
  });

  const open = async (name: string): Promise<Browser['page']> => {
    const id = await vi.waitFor(async () => {
      const { body } = await running.ask<MessagePage>('POST', '/api/v1/messages/search', {});
      const found = body.items.find((one) => one.name === name);
      if (found === undefined) throw new Error(`${name} is not in the trace yet`);
      return found.id;
    });
    await chrome.page.goto(`${running.url}messages/${id}`);
    return chrome.page;
  };

  test('XML is laid out line by line, and raw as it came', async () => {
    const page = await open('order.xml');
    await page.getByText('Glucose').waitFor();
    expect(await selectedTab(page).textContent()).toBe('Pretty');
    expect(await lines(page).allTextContents()).toEqual([
      '<?xml version="1.0"?>',
      '<order id="7">',
      '  <item code="GLU">Glucose</item>',
      '  <note/>',
      '</order>',
    ]);
    await page.getByRole('tab', { name: 'Raw' }).click();
    await page.waitForURL(/view=raw/);
    await lines(page).filter({ hasText: FILES['order.xml'] }).waitFor();
  });

  test('a button that comes late moves no tab away from who is about to click it', async () => {
    const page = await open('order.xml');
    const known = Promise.withResolvers<void>();
    await page.route('**/api/v1/hosts', async (route) => {
      await known.promise;
      await route.continue();
    });
    await page.reload();
    await page.getByText('Glucose').waitFor();
    const raw = page.getByRole('tab', { name: 'Raw' });
    const before = await raw.boundingBox();
    const late = page.getByRole('link', { name: 'Try the files' });
    expect(await late.count()).toBe(0);
    known.resolve();
    await late.waitFor();
    expect(await raw.boundingBox()).toEqual(before);
    await page.unrouteAll({ behavior: 'wait' });
  });

  test('a mail is read with its subject, people, text and what is attached, and its HTML does not run', async () => {
    const page = await open('letter.eml');
    await page.getByRole('heading', { name: 'Grüße' }).waitFor();
    expect(await selectedTab(page).textContent()).toBe('Mail');
    const mail = page.getByRole('article');
    for (const part of ['ward@hospital.example', 'b@example.org', 'Result ready'])
      await mail.getByText(part).first().waitFor();
    const attached = mail.getByRole('list', { name: 'Attached' }).getByRole('listitem');
    expect(await attached.allTextContents()).toEqual(['letter.pdfapplication/pdf, 5 B']);
    await mail.getByText(/^All \d+ headers$/).click();
    await mail.getByText('multipart/mixed; boundary=X').waitFor();
    expect(await mail.locator('img').count()).toBe(0);
    expect(await page.title()).not.toBe('owned');
  });

  test('delimited text is a table', async () => {
    const page = await open('labs.csv');
    await page.getByRole('columnheader', { name: 'patient' }).waitFor();
    const rows = page.getByRole('row');
    expect(await rows.nth(2).getByRole('cell').allTextContents()).toEqual([
      '2',
      '0815',
      'NA',
      '140',
    ]);
  });

  test('JSON is laid out, in colours', async () => {
    const page = await open('note.json');
    await page.getByText('"ready"').waitFor();
    expect(await lines(page).allTextContents()).toContain('    "id": 4711');
    const [key, value] = await Promise.all(
      ['"ready":', 'true'].map((text) =>
        page.locator('code').getByText(text, { exact: true }).getAttribute('class'),
      ),
    );
    expect(key).not.toBe(value);
  });

  test('a trace leads to the same one in the system that console.yaml names', async () => {
    const page = await open('note.json');
    await page.getByRole('link', { name: 'Trace', exact: true }).click();
    const link = page.getByRole('link', { name: 'Spans' });
    const session = /\d+$/.exec(new URL(page.url()).pathname)?.[0];
    expect(await link.getAttribute('href')).toBe(
      `https://tempo.example/trace/${traceIdOf('papers', { traceparent: undefined, sessionId: Number(session) })}?all`,
    );
    expect(await link.getAttribute('target')).toBe('_blank');
  });

  test('5 MB with 200 results hold nobody up; the document in them is opened and saved, a long text unfolded', {
    timeout: 240_000,
  }, async () => {
    const page = await open('report.hl7');
    await page.getByText('OBX[202]-5', { exact: true }).waitFor({ state: 'attached' });
    const shown = async (): Promise<number> => {
      await page.getByRole('link', { name: 'Queues' }).click();
      await page.getByRole('heading', { level: 1, name: 'Queues' }).waitFor();
      // as from a list: what the console itself takes to start is no part of it
      // and looking for a text among thousands of elements would be the longest task
      return longestTask(page, () => page.evaluate(backToAllSegments));
    };
    const longest = await least(shown, 100);
    expect(longest).toBeLessThanOrEqual(100);
    const unfold = page.getByRole('button', { name: /^Show all 24,0\d\d characters/ });
    await unfold.click();
    await page.getByRole('region', { name: 'OBX[201]-5' }).getByText(LETTER).waitFor();
    // axe takes minutes for thousands of rows that are alike
    await page.getByLabel('Find in the message').fill('OBX[20');
    await page.getByText('OBX[199]-5', { exact: true }).waitFor({ state: 'detached' });
    expect(await violations(page)).toEqual([]);
    const link = page.getByRole('link', { name: /^Open PDF, 3\.\d MB/ });
    const file = await fetch((await link.getAttribute('href')) ?? '');
    expect(file.headers.get('content-type')).toBe('application/pdf');
    expect(file.headers.get('content-disposition')).toMatch(
      /^inline; filename="\d+-OBX-202-5-5\.pdf"/,
    );
    expect(Buffer.from(await file.arrayBuffer()).equals(PDF)).toBe(true);
    const { body } = await running.ask<{ rows: { detail: string }[] }>(
      'GET',
      '/api/v1/audit?action=message.download',
    );
    expect(body.rows[0]?.detail).toContain('OBX[202]-5.5');
  });

  test('nothing that was read made the page complain', () => {
    expect(chrome.complaints).toEqual([]);
  });
});
