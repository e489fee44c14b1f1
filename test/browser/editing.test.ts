import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { readTable, rowOf, writeTable } from '../../console/src/configuration/table-text.ts';
import { builtConsole } from '../../src/build/built-console.ts';
import { certificateAuthority } from '../../src/credential/certificate-maker.ts';
import { LOOKUP_FILES, LOOKUP_PRODUCTION, REFUSAL, refusesUnknown } from '../support/bad-lookup.ts';
import { type Browser, browser, noBrowser, violations } from '../support/browser.ts';
import { addLocalUser } from '../support/local-user.ts';
import { signedByOpenssl } from '../support/openssl-authority.ts';
import { type Operated, operated } from '../support/operator.ts';

const SOON = { timeout: 60_000 };
const PASSWORD = 'a lantern by the ward';

test('a table goes through the editor byte for byte where it is not changed', () => {
  const text = '# codes\r\nkey;value;note\r\n"a;b";x;"say ""so"""\r\n\r\nW2;y\r\n';
  const table = readTable(text);
  expect(table?.headed).toBe(false);
  expect(table?.rows.map(({ cells }) => cells)).toEqual([
    undefined,
    ['key', 'value', 'note'],
    ['a;b', 'x', 'say "so"'],
    undefined,
    ['W2', 'y'],
  ]);
  if (table === undefined) throw new Error('it can be read');
  expect(writeTable(table)).toBe(text);
  expect(rowOf(['a;b', '#x', 'plain, too'], ';').raw).toBe('"a;b";"#x";plain, too');
  expect(readTable('key,value\na,"two\nlines"\n')).toBeUndefined();
  expect(readTable('')?.rows).toEqual([]);
});

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Files of the production changed in the console, with the approval of a second person. */
describe.skipIf(noBrowser !== undefined)(`editing in Chromium ${noBrowser ?? ''}`, () => {
  let stack: AsyncDisposableStack;
  let production: Operated;
  let eva: Browser['page'];
  let otto: Browser['page'];

  const added = new Set<string>();
  let keys = 0;

  const signedIn = async (name: string, role: string): Promise<Browser> => {
    const data = join(production.folder.path, 'data');
    // a test that is tried again has added hers before
    if (!added.has(name)) await addLocalUser(data, { name, password: PASSWORD, roles: [role] });
    added.add(name);
    const opened = await browser();
    const { page } = opened;
    await page.goto(production.url);
    await page.getByLabel('User').fill(name);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { level: 1, name: 'Dashboard' }).waitFor();
    return opened;
  };

  beforeAll(async () => {
    stack = new AsyncDisposableStack();
    const consoleFolder = await builtConsole();
    production = stack.use(
      await operated({
        administrator: false,
        production: LOOKUP_PRODUCTION.replace('settings:\n', 'settings:\n  approval: required\n'),
        files: LOOKUP_FILES,
        answer: refusesUnknown,
        console: { consoleFolder },
      }),
    );
    eva = stack.use(await signedIn('eva', 'engineer')).page;
    otto = stack.use(await signedIn('otto', 'engineer')).page;
  }, 240_000);
  afterAll(() => stack.disposeAsync());

  test('a row of a table is added, checked as one types, proposed, applied by another, and messages go', async () => {
    await production.send('E1');
    await eva.goto(`${production.url}suspended`);
    await eva.getByText(REFUSAL).first().waitFor(SOON);
    await eva.getByRole('link', { name: 'Try the files' }).click();
    await eva.getByRole('link', { name: 'wards.csv:1' }).click(SOON);
    await eva.getByRole('button', { name: 'Change', exact: true }).click(SOON);
    await eva.getByRole('button', { name: 'Add a row' }).click();
    await eva.getByLabel('key in line 2').fill('W1');
    await eva.getByLabel('value in line 2').fill('Surgery');
    await eva.getByText('the check finds no mistake').waitFor(SOON);
    expect(await violations(eva)).toEqual([]);
    // two rows with one key are a mistake, told at its line
    await eva.getByLabel('key in line 2').fill('X');
    await eva.getByText('the check finds mistakes').waitFor(SOON);
    expect(await eva.getByRole('button', { name: 'Propose' }).isDisabled()).toBe(true);
    await eva.getByLabel('key in line 2').fill('W1');
    // what was typed outlives a reload
    await eva.reload();
    await eva.getByLabel('Reason').fill('W1 was missing', SOON);
    expect(await eva.getByLabel('value in line 2').inputValue()).toBe('Surgery');
    expect(await eva.getByRole('button', { name: 'Apply' }).count()).toBe(0);
    await eva.getByText('the check finds no mistake').waitFor(SOON);
    const sent = production.receiver.received.length;
    await eva.getByRole('button', { name: 'Try on real messages' }).click();
    await eva.getByText('with another content than then').waitFor(SOON);
    expect(await violations(eva)).toEqual([]);
    expect(production.receiver.received).toHaveLength(sent);
    await eva.getByRole('button', { name: 'Propose' }).click(SOON);
    await eva.getByText('somebody else has to apply it').waitFor(SOON);
    await eva.getByRole('button', { name: 'Look at it' }).click();
    await eva.getByRole('button', { name: 'Withdraw' }).waitFor();
    expect(await eva.getByRole('button', { name: 'Apply' }).count()).toBe(0);

    await otto.goto(`${production.url}files`);
    await otto.getByText('Proposed by eva: W1 was missing').waitFor(SOON);
    await otto.getByRole('button', { name: 'Look at it' }).click();
    await otto.getByText('W1,Surgery').waitFor(SOON);
    await otto.getByText('eva tried it on 1 of 1 messages').waitFor(SOON);
    await otto.getByRole('link', { name: 'one of them, field by field' }).click();
    await otto.getByText('would get this instead').waitFor(SOON);
    await otto.getByText('Surgery').first().waitFor();
    await otto.goBack();
    await otto.getByRole('button', { name: 'Look at it' }).click(SOON);
    await otto.getByText('W1,Surgery').waitFor(SOON);
    expect(await violations(otto)).toEqual([]);
    await otto.getByRole('button', { name: 'Apply' }).click();
    await otto.getByText('Proposed by eva').waitFor({ state: 'detached', ...SOON });
    expect(production.running.definition.lookups.lookup('wards', 'W1')).toBe('Surgery');
    await production.send('E2');
    await vi.waitFor(() => {
      expect(production.receiver.received.at(-1)?.body.toString()).toContain('Surgery');
    });
    await otto.goto(`${production.url}history`);
    await otto
      .getByRole('row')
      .filter({ hasText: 'eva, approved by otto' })
      .filter({ hasText: 'changed in the console' })
      .waitFor(SOON);
  });

  test('of two who change one file, the second is told and overwrites nothing', async () => {
    for (const page of [eva, otto]) {
      await page.goto(`${production.url}files?path=production.yaml`);
      await page.getByRole('button', { name: 'Change', exact: true }).click(SOON);
    }
    const text = await eva.getByLabel('Text of the file').inputValue();
    await eva.getByLabel('Text of the file').fill(`${text}# by eva\n`);
    await production.folder.write({ 'production.yaml': `${text}# by the machine\n` });
    await eva.getByLabel('Reason').fill('a note');
    await eva.getByRole('button', { name: 'Propose' }).click(SOON);
    await eva.getByText('Proposed by eva: a note').waitFor(SOON);
    await otto.reload();
    await otto.getByText('Somebody else has changed this file').waitFor(SOON);
    await otto.getByRole('button', { name: 'Throw the changes away' }).click();
    await otto.getByText('What was changed in production.yaml is lost.').waitFor();
    await otto.getByRole('button', { name: 'Throw them away' }).click();
    await otto.getByRole('button', { name: 'Look at it' }).click();
    await otto.getByRole('button', { name: 'Apply' }).click(SOON);
    await otto.getByText(/was changed by somebody else since it was opened/).waitFor(SOON);
    const { path } = production.folder;
    expect(await readFile(join(path, 'production.yaml'), 'utf8')).toMatch(/# by the machine\n$/);
  }, 240_000);

  test('a new table is begun, checked as one types, and left again', async () => {
    await otto.goto(`${production.url}files`);
    await otto.getByLabel('New file').fill('../outside.csv', SOON);
    await otto.getByRole('button', { name: 'Begin it' }).click();
    await otto.getByRole('alert').getByText('Write a path such as').waitFor();
    await otto.getByLabel('New file').fill('tables/doors.csv');
    await otto.getByRole('button', { name: 'Begin it' }).click();
    await otto.getByRole('button', { name: 'Add a row' }).click(SOON);
    await otto.getByLabel('key in line 2').fill('D1');
    await otto.getByText('the check finds no mistake').waitFor(SOON);
    expect(await violations(otto)).toEqual([]);
    await otto.getByRole('button', { name: 'Leave it' }).click();
    expect(await otto.getByRole('link', { name: /doors/ }).count()).toBe(0);
  });

  test('an HL7 path is completed with names while it is written', async () => {
    await otto.goto(`${production.url}files?path=to-ward.yaml`);
    await otto.getByRole('button', { name: 'Change', exact: true }).click(SOON);
    const area = otto.getByLabel('Text of the file');
    await area.fill('steps:\n  - set: PID-3.');
    const list = otto.getByRole('list', { name: 'HL7 paths that begin with PID-3.' });
    await list.getByRole('button', { name: 'PID-3.4' }).click(SOON);
    expect(await area.inputValue()).toBe('steps:\n  - set: PID-3.4');
    await list.waitFor({ state: 'detached' });
    await area.press('Backspace');
    expect(await list.getByRole('button').first().innerText()).toContain('ID Number');
    expect(await violations(otto)).toEqual([]);
    await otto.getByRole('button', { name: 'As it was' }).click();
  });

  test('a pasted token is read, and a certificate with its key told, without anything secret', async () => {
    await otto.goto(`${production.url}certificates`);
    await otto.getByRole('link', { name: 'Workbench' }).click(SOON);
    const token = `Bearer ${part({ alg: 'RS256' })}.${part({ sub: 'anna', exp: 1_800_000_000 })}.x`;
    await otto.getByLabel('Token', { exact: true }).fill(token);
    await otto.getByRole('button', { name: 'Look at it' }).click();
    await otto.getByText('2027-01-15T08:00:00.000Z').waitFor(SOON);
    await otto.getByText('Nothing is proven without a key').waitFor();

    const { certificate, key } = certificateAuthority('Test CA').issue({ commonName: 'hub' });
    await otto.getByLabel('Or as text').fill(certificate);
    await otto
      .getByLabel('Files: PEM')
      .setInputFiles({ name: 'hub.key', mimeType: 'text/plain', buffer: Buffer.from(key) });
    await otto.getByRole('button', { name: 'Say what it is' }).click();
    await otto
      .getByText('The private key (hub.key, PEM, PKCS#8) belongs to certificate 1.')
      .waitFor(SOON);
    await otto.getByText('CN=Test CA', { exact: true }).waitFor();
    expect(await violations(otto)).toEqual([]);
    const shown = await otto.locator('main').innerText();
    expect(shown).not.toContain('PRIVATE KEY');
    await otto.setViewportSize({ width: 390, height: 800 });
    const wide = await otto.evaluate(() => document.documentElement.scrollWidth);
    expect(wide).toBeLessThanOrEqual(390);
  });

  test('an administrator has a key made, takes its request and brings the certificate; an engineer sees none of it', async () => {
    await otto.goto(`${production.url}certificates`);
    await otto.getByRole('heading', { level: 1, name: 'Certificates' }).waitFor(SOON);
    expect(await otto.getByText('Keys that wait for their certificates').count()).toBe(0);
    // an earlier try has made the last one
    const key = `hub${++keys}`;
    await using ada = await signedIn('ada', 'administrator');
    const { page } = ada;
    await page.goto(`${production.url}certificates`);
    await page.getByRole('button', { name: 'New key…' }).click(SOON);
    await page.getByLabel('Credential').fill(key);
    await page.getByLabel('Name of the server or client').fill('hub.hospital.example');
    await page.getByLabel('Further names').fill('10.0.0.5, DNS:hub');
    await page.getByRole('button', { name: 'Make the key' }).click();
    await page
      .getByText('hub.hospital.example · DNS:hub.hospital.example · IP:10.0.0.5 · DNS:hub · P-256')
      .waitFor(SOON);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download request' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe(`${key}.csr`);
    const chain = await signedByOpenssl(await readFile(await download.path(), 'utf8'));
    await page.getByRole('button', { name: 'Certificate…' }).click();
    const end = '-----END CERTIFICATE-----\n';
    // the authority's, without ours
    await page.getByLabel('Or as text').fill(chain.slice(0, chain.indexOf(end) + end.length));
    await page.getByRole('button', { name: 'Check and use it' }).click();
    await page.getByText('no certificate of the file belongs to the key that waits').waitFor(SOON);
    expect(await violations(page)).toEqual([]);
    await page.getByLabel('Or as text').fill(chain);
    await page.getByRole('button', { name: 'Check and use it' }).click();
    await page
      .getByText(`${key}: { kind: certificate, certificate: tls/${key}.crt, key: tls/${key}.key }`)
      .waitFor(SOON);
    expect(await page.locator('body').innerText()).not.toContain('PRIVATE KEY');
    await page.setViewportSize({ width: 390, height: 800 });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(wide).toBeLessThanOrEqual(390);
    await page.getByRole('button', { name: 'Close' }).click();
    await page.getByText('None. A new key is made on the server').waitFor(SOON);
  });
});
