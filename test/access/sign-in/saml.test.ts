import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../../sandbox/free-port.ts';
import { readConsoleSettings } from '../../../src/access/sign-in/console-settings.ts';
import {
  assertedBy,
  checkSignOut,
  type Expected,
} from '../../../src/access/sign-in/saml/assertion.ts';
import { idpMetadata } from '../../../src/access/sign-in/saml/idp-metadata.ts';
import { ownMetadata } from '../../../src/access/sign-in/saml/own-metadata.ts';
import { certificateAuthority } from '../../../src/credential/certificate-maker.ts';
import { parseXml } from '../../../src/document/xml/parse-xml.ts';
import { noBrowser, browser as openBrowser } from '../../support/browser.ts';
import { type GuardedApi, guardedApi } from '../../support/guarded-api.ts';
import { processorTime } from '../../support/processor-time.ts';
import { noPysaml, posted, type SamlService, samlService } from '../../support/saml-service.ts';
import { type TemporaryFolder, temporaryFolder } from '../../support/temporary-folder.ts';
import { visitor } from '../../support/visitor.ts';

interface SignInTrace {
  readonly events: readonly { cause: string; outcome: string; method: string }[];
}

const cause = async (api: GuardedApi): Promise<string> => {
  const known = await visitor(api.url).signIn('root', 'a long password here');
  if (known.status !== 200) {
    await api.user('root', 'a long password here', { roles: ['administrator'] });
  }
  const admin = visitor(api.url);
  await admin.signIn('root', 'a long password here');
  const { body } = await admin.ask<SignInTrace>('GET', '/api/v1/sign-in/trace');
  return (
    body.events.find((one) => one.outcome === 'refused' && one.method === 'saml adfs')?.cause ?? ''
  );
};

/** A time so many milliseconds ago. */
const instant = (ago: number): string => new Date(Date.now() - ago).toISOString();

const logoutSaid = (more: string, age = 0): string => `<x IssueInstant="${instant(age)}" ${more}/>`;
const checkLogout = (text: string): void =>
  checkSignOut(parseXml(text).element, 'https://us/logout', 60_000);

const assertionIn = (text: string): string =>
  /<(\w+:)?Assertion .*<\/(\w+:)?Assertion>/s.exec(text)?.[0] ?? '';

describe.skipIf(noPysaml !== undefined)('signing in with SAML', () => {
  let folder: TemporaryFolder;
  let idp: SamlService;
  let base: string;

  beforeAll(async () => {
    folder = await temporaryFolder('saml');
    base = `http://127.0.0.1:${await freePort()}`;
    const own = certificateAuthority('Console').issue({ commonName: 'sp', keys: 'RSA' });
    await writeFile(join(folder.path, 'sp.pem'), own.certificate);
    await writeFile(join(folder.path, 'sp.key'), own.key);
    const pages = `${base}/api/v1/sign-in/saml/adfs`;
    const sp = ownMetadata(
      {
        name: 'adfs',
        title: 'adfs',
        metadata: '',
        trust: undefined,
        entityId: undefined,
        signing: { certificate: join(folder.path, 'sp.pem'), key: join(folder.path, 'sp.key') },
        clockSkew: 0,
        fromProvider: false,
      },
      { metadata: `${pages}/metadata`, consumer: `${pages}/consume`, logout: `${pages}/logout` },
    );
    idp = await samlService(sp);
    await writeFile(join(folder.path, 'idp.xml'), idp.metadata);
  });
  afterAll(async () => {
    await idp[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  const settings = (more: Readonly<Record<string, unknown>> = {}): string =>
    JSON.stringify({
      saml: [
        {
          name: 'adfs',
          title: 'Hospital sign-in',
          metadata: join(folder.path, 'idp.xml'),
          certificate: join(folder.path, 'sp.pem'),
          key: join(folder.path, 'sp.key'),
          rolesFrom: 'groups',
          roles: { 'WB Admins': 'administrator', 'WB Ward': 'viewer' },
          ...more,
        },
      ],
    });
  const start = (more: Readonly<Record<string, unknown>> = {}): Promise<GuardedApi> =>
    guardedApi({ port: Number(new URL(base).port), settings: () => settings(more) });

  test('works with a signed request, roles by an attribute, and back to the page', async () => {
    await using api = await start({ user: 'mail' });
    await idp.say({ name: 'nurse', groups: ['WB Ward', 'other'], sign: 'assertion' });
    const browser = visitor(api.url);
    const methods = await browser.ask('GET', '/api/v1/sign-in/methods');
    expect(methods.body['saml']).toEqual([{ name: 'adfs', title: 'Hospital sign-in' }]);
    const back = await idp.browse(browser);
    expect([back.status, back.headers.get('location')]).toEqual([303, `${api.url}/messages`]);
    expect((await browser.me()).body).toMatchObject({
      name: 'nurse@hospital.example',
      roles: ['viewer'],
      via: 'saml adfs',
    });
    const metadata = await browser.ask<string>('GET', '/api/v1/sign-in/saml/adfs/metadata');
    expect(metadata.body).toContain('WantAssertionsSigned="true"');
  });

  test('signs out here and at the provider, and there and here', async () => {
    await using api = await start();
    await idp.say({ name: 'nurse', groups: ['WB Ward'], sign: 'both' });
    const browser = visitor(api.url);
    await idp.browse(browser);
    await browser.me();
    const out = await browser.ask('POST', '/api/v1/sign-out');
    expect((await browser.me()).status).toBe(401);
    const there = await fetch(String(out.body['redirect']), { redirect: 'manual' });
    expect(await idp.say({})).toMatchObject({ out: 'nurse' });
    const back = await browser.ask('GET', there.headers.get('location') ?? '');
    expect([back.status, back.headers.get('location')]).toEqual([302, `${base}/`]);

    const [nurse, doctor] = [visitor(api.url), visitor(api.url)];
    await idp.browse(nurse);
    await idp.say({ name: 'doctor' });
    await idp.browse(doctor);
    const leaving = await idp.leave('nurse');
    const forged = await visitor(api.url).ask('GET', leaving.replace(/SAMLRequest=.{20}/, '$&A'));
    expect(forged.status).toBe(401);
    expect((await nurse.me()).status).toBe(200);
    await idp.browse(doctor);
    const own = await idp.leave('doctor');
    const [, signed = ''] = /SAMLRequest=([^&]*)/.exec(own) ?? [];
    const forgedXml = inflateRawSync(Buffer.from(decodeURIComponent(signed), 'base64'))
      .toString()
      .replaceAll('doctor', 'nurse');
    const forgery = encodeURIComponent(deflateRawSync(forgedXml).toString('base64'));
    for (const [added, status] of [
      [`SAMLRequest=${forgery}`, 400],
      [`SAML%52equest=${forgery}`, 400],
      ['RelayState=forged', 401],
      ['Relay%53tate=forged', 401],
    ] as const) {
      const beside = own.replace('SAMLRequest=', `${added}&SAMLRequest=`);
      expect((await visitor(api.url).ask('GET', beside)).status).toBe(status);
    }
    expect(await cause(api)).toBe('the address has a parameter twice, or one that is no name');
    expect((await nurse.me()).status).toBe(200);
    const ended = await visitor(api.url).ask('GET', leaving);
    expect(ended.headers.get('location')).toMatch(
      /\/slo\?SAMLResponse=.*&RelayState=state&SigAlg=/,
    );
    expect((await nurse.me()).status).toBe(401);
    expect((await doctor.me()).status).toBe(200);
  });

  test('takes a response once, and in the browser that asked', async () => {
    await using api = await start();
    await idp.say({ name: 'nurse', groups: ['WB Ward'], sign: 'response' });
    const browser = visitor(api.url);
    const begun = await browser.ask('GET', '/api/v1/sign-in/saml/adfs');
    const cookies = new Map(browser.cookies);
    const { to, response } = await idp.answer(begun.headers.get('location') ?? '');
    const other = await posted(visitor(api.url), to, response);
    expect([other.status, other.body['detail']]).toEqual([
      401,
      'this sign-in did not start here, or took too long: start again',
    ]);
    expect((await posted(browser, to, response)).status).toBe(303);
    const thief = visitor(api.url);
    for (const [name, value] of cookies) thief.cookies.set(name, value);
    expect((await posted(thief, to, response)).status).toBe(401);
    expect(await cause(api)).toBe('the assertion was already used');
    const foreign = visitor(api.url);
    await foreign.ask('GET', '/api/v1/sign-in/saml/adfs');
    expect((await posted(foreign, to, response)).status).toBe(401);
    expect(await cause(api)).toMatch(/does not belong to this sign-in: it answers another request/);
  });

  test('sends a form where the provider takes no redirect, and is taken with its signature inside', async () => {
    const file = join(folder.path, 'post.xml');
    await writeFile(
      file,
      idp.metadata.replace(/<[^<]*SingleSignOnService[^>]*HTTP-Redirect"[^>]*>/, ''),
    );
    await using api = await start({ metadata: file });
    await idp.say({ name: 'nurse', groups: ['WB Ward'], sign: 'assertion' });
    const browser = visitor(api.url);
    const page = await browser.ask<string>('GET', '/api/v1/sign-in/saml/adfs');
    expect(page.headers.get('content-security-policy')).toMatch(/script-src 'sha256-.*form-action/);
    const { to, response } = await idp.answerForm(page.body);
    expect((await posted(browser, to, response)).status).toBe(303);
  });

  test('tells the person, and the administrator which rule of the provider or role was missing', async () => {
    await using api = await start();
    await idp.say({ name: 'nurse', groups: ['other group'], sign: 'assertion', refuse: false });
    expect((await idp.browse(visitor(api.url))).status).toBe(403);
    expect(await cause(api)).toBe('nurse: none of other group in groups is mapped to a role');
    await idp.say({ refuse: true });
    expect((await idp.browse(visitor(api.url))).status).toBe(401);
    await idp.say({ refuse: false });
    expect(await cause(api)).toMatch(/^the provider refused: Responder/);
  });

  test.skipIf(noBrowser !== undefined)(
    'works in a browser, which keeps our cookie from the provider’s form',
    async () => {
      await using api = await start();
      await idp.say({ name: 'nurse', groups: ['WB Ward'], sign: 'assertion' });
      await using chrome = await openBrowser();
      await chrome.page.goto(`${api.url}/api/v1/sign-in/saml/adfs?back=/api/v1/me`);
      await chrome.page.waitForURL(`${api.url}/api/v1/me`);
      expect(await chrome.page.textContent('body')).toContain('"via":"saml adfs"');
      expect(chrome.complaints.filter((one) => !one.includes('favicon'))).toEqual([]);
    },
  );

  test('proves passwords: false', async () => {
    const text = `${settings().slice(0, -1)},"passwords":false}`;
    await using api = await guardedApi({ port: Number(new URL(base).port), settings: () => text });
    await api.user('root', 'a long password here', { roles: ['administrator'] });
    await idp.say({ name: 'boss', groups: ['WB Admins'], sign: 'assertion' });
    expect((await idp.browse(visitor(api.url))).status).toBe(303);
    const after = await visitor(api.url).signIn('root', 'a long password here');
    expect(after.body['detail']).toBe('passwords are not accepted here; use the external sign-in');
  });

  describe('a response', () => {
    let xml: string;
    let expected: Expected;

    beforeAll(async () => {
      await using api = await start();
      await idp.say({ name: 'nurse', groups: ['WB Ward'], sign: 'assertion', refuse: false });
      const begun = await visitor(api.url).ask('GET', '/api/v1/sign-in/saml/adfs');
      const { to, response } = await idp.answer(begun.headers.get('location') ?? '');
      xml = Buffer.from(response, 'base64').toString();
      expected = {
        idp: idpMetadata(idp.metadata),
        consumer: to,
        entityId: `${base}/api/v1/sign-in/saml/adfs/metadata`,
        requestId: / InResponseTo="([^"]+)"/.exec(xml)?.[1],
        clockSkew: 60_000,
        now: Date.now(),
      };
    });

    const judged = (text: string, other: Partial<Expected> = {}): unknown =>
      assertedBy(parseXml(text).element, { ...expected, ...other });
    test('that is in order is believed', () => {
      expect(judged(xml)).toMatchObject({ session: { nameId: 'nurse' } });
      const { attributes } = assertedBy(parseXml(xml).element, expected);
      expect(attributes.get('groups')).toEqual(['WB Ward']);
    });

    test.for<[string, (text: string) => string, () => Partial<Expected>, RegExp]>([
      [
        'with another name',
        (text) => text.replaceAll('>nurse<', '>admin<'),
        () => ({}),
        /signature does not hold/,
      ],
      [
        'with another group',
        (text) => text.replace('WB Ward', 'WB Admins'),
        () => ({}),
        /signature does not hold/,
      ],
      [
        'without a signature',
        (text) => text.replaceAll(/<(\w+:)Signature .*<\/\1Signature>/gs, ''),
        () => ({}),
        /neither the assertion nor the response is signed/,
      ],
      [
        'whose assertion is wrapped in a forged one',
        (text) =>
          text.replace(
            assertionIn(text),
            (whole) =>
              `${whole
                .replaceAll('>nurse<', '>admin<')
                .replace(/ ID="[^"]*"/, ' ID="forged"')
                .replace(/<(\w+:)Signature .*<\/\1Signature>/s, '')}${whole}`,
          ),
        () => ({}),
        /not exactly one assertion/,
      ],
      [
        'with a forged assertion around the signed one',
        (text) =>
          text.replace(assertionIn(text), (whole) =>
            whole
              .replace(/ ID="[^"]*"/, ' ID="forged"')
              .replaceAll('>nurse<', '>admin<')
              .replace(/(<(\w+:)Subject>)/, `<x:Object xmlns:x="x">${whole}</x:Object>$1`),
          ),
        () => ({}),
        /not exactly one assertion/,
      ],
      [
        'with the id of the assertion twice',
        (text) =>
          text.replace(
            /<(\w+:)Status>/,
            (status) =>
              `<x xmlns="" ID="${/Assertion [^>]* ID="([^"]*)"|ID="(id-[^"]*)"/.exec(assertionIn(text))?.[1] ?? / ID="([^"]*)"/.exec(assertionIn(text))?.[1]}"/>${status}`,
          ),
        () => ({}),
        /two elements have the id/,
      ],
      [
        'of another provider',
        (text) => text,
        () => ({ idp: { ...expected.idp, entityId: 'https://other.example' } }),
        /was issued by .* and not by https:\/\/other/,
      ],
      [
        'signed with another key',
        (text) => text,
        () => ({ idp: { ...expected.idp, keys: [] } }),
        /no key known here/,
      ],
      [
        'for another audience',
        (text) => text,
        () => ({ entityId: 'https://other.example' }),
        /is for http.* and we are https:\/\/other/,
      ],
      [
        'for another address',
        (text) => text.replace(/ Destination="[^"]*"/, ''),
        () => ({ consumer: 'https://other.example/consume' }),
        /may be used at http/,
      ],
      [
        'sent to another address',
        (text) => text,
        () => ({ consumer: 'https://other.example/consume' }),
        /the response is for http/,
      ],
      [
        'that answers another request',
        (text) => text,
        () => ({ requestId: '_other' }),
        /it answers another request/,
      ],
      [
        'that answers a request nobody made here',
        (text) => text,
        () => ({ requestId: undefined }),
        /this browser did not make/,
      ],
      [
        'that has ended',
        (text) => text,
        () => ({ now: Date.now() + 10 * 60_000 }),
        /was valid until .*, and here it is/,
      ],
      [
        'from the future',
        (text) => text,
        () => ({ now: Date.now() - 10 * 60_000 }),
        /not valid before .*, and here it is/,
      ],
      [
        'that is encrypted',
        (text) =>
          text.replace(
            assertionIn(text),
            '<saml:EncryptedAssertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"/>',
          ),
        () => ({}),
        /the assertion is encrypted/,
      ],
      ['that is something else', () => '<a/>', () => ({}), /not a response of SAML/],
      [
        'signed with SHA-1',
        (text) => text.replace('2001/04/xmldsig-more#rsa-sha256', '2000/09/xmldsig#rsa-sha1'),
        () => ({}),
        /rsa-sha1 is not accepted/,
      ],
    ])('%s is refused, and why is said', ([, change, other, why]) => {
      const changed = change(xml);
      expect(() => judged(changed, other())).toThrow(why);
    });

    test('within the difference that clocks may have is taken', () => {
      const until = Date.parse(
        /SubjectConfirmationData[^>]*NotOnOrAfter="([^"]+)"/.exec(xml)?.[1] ?? '',
      );
      expect(judged(xml, { now: until + 59_000 })).toBeDefined();
      expect(() => judged(xml, { now: until + 61_000 })).toThrow(/was valid until/);
    });

    test('to sign out counts at its address and until its end, or some minutes where it has none', () => {
      checkLogout(logoutSaid(`NotOnOrAfter="${instant(-60_000)}" Destination="https://us/logout"`));
      checkLogout(logoutSaid(''));
      expect(() => checkLogout(logoutSaid('Destination="https://other/logout"'))).toThrow(
        /the sign-out is for https:\/\/other/,
      );
      const day = 24 * 3_600_000;
      expect(() => checkLogout(logoutSaid('', day))).toThrow(/the sign-out was valid until/);
      expect(() => checkLogout(logoutSaid(`NotOnOrAfter="${instant(day)}"`))).toThrow(
        /was valid until/,
      );
    });

    test('of hostile size takes no long time', () => {
      const before = processorTime();
      const comments = '<!-- -->'.repeat(100_000);
      expect(() => judged(xml.replace('>nurse<', `>nurse${comments}<`))).not.toThrow();
      expect(processorTime() - before).toBeLessThan(5_000);
    });
  });

  test('settings that cannot work are told with their places', async () => {
    const problems = async (more: Readonly<Record<string, unknown>>): Promise<string> => {
      const file = join(folder.path, 'console.yaml');
      await writeFile(file, settings(more));
      return readConsoleSettings(file, {}).then(
        () => '',
        (error: Error) => error.message,
      );
    };
    const idpFile = join(folder.path, 'broken.xml');
    const metadata = async (text: string): Promise<string> => {
      await writeFile(idpFile, text);
      return problems({ metadata: idpFile });
    };
    expect(await problems({})).toBe('');
    expect(await problems({ metadata: 'none.xml' })).toMatch(/saml\.0\.metadata: there is no file/);
    expect(await metadata('<a')).toMatch(/metadata: it is not well-formed XML/);
    expect(await metadata(idp.metadata.replaceAll('IDPSSODescriptor', 'SPSSODescriptor'))).toMatch(
      /describes no identity provider/,
    );
    expect(
      await metadata(idp.metadata.replaceAll(/X509Certificate>[^<]*</g, 'X509Certificate>AAAA<')),
    ).toMatch(/certificate in it cannot be read/);
    expect(await metadata(idp.metadata.replaceAll('http://localhost', 'http://10.0.0.1'))).toMatch(
      /no address to sign in at/,
    );
    expect(await problems({ metadata: 'http://sso.example/metadata' })).toMatch(/write https/);
    expect(await problems({ trust: 'no.pem' })).toMatch(/saml\.0\.trust: there is no file no\.pem/);
    expect(await problems({ key: undefined })).toMatch(/belong together/);
    expect(await problems({ key: join(folder.path, 'sp.pem') })).toMatch(
      /not a certificate and its/,
    );
    expect(await problems({ clockSkew: '1h' })).toMatch(/at most 10m/);
  });
});
