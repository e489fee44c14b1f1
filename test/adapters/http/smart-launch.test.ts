import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import httpIn from '../../../adapters/http/http-in.ts';
import { httpInFaults } from '../../../adapters/http/operations-of.ts';
import { callerOf } from '../../../src/message/caller.ts';
import {
  aVisitor,
  ehrTrial,
  FROM_COOKIE,
  type LaunchedApp,
  launchedApp,
} from '../../support/launched-app.ts';
import { readGiven } from '../../support/open-adapter.ts';

let app: LaunchedApp;
beforeAll(async () => {
  app = await launchedApp();
  await vi.waitFor(() => fetch(`${app.ehr.base}/metadata`));
});
afterAll(() => app[Symbol.asyncDispose]());

const search = '/auth/fhir/Observation';
const idsIn = ({ body }: { readonly body: Record<string, unknown> }): readonly unknown[] =>
  ((body['entry'] ?? []) as { resource: { id: string } }[]).map(({ resource }) => resource.id);

test('launched by an EHR a person is signed in for its patient, asks it and the app as themselves, and no token of the EHR is anywhere', async () => {
  const browser = aVisitor(app);
  const asked = await browser.ask('GET', await app.launchUrl({ patient: 'anna', encounter: 'e1' }));
  const to = new URL(asked.headers.get('location') ?? '');
  expect(Object.fromEntries(to.searchParams)).toMatchObject({
    response_type: 'code',
    code_challenge_method: 'S256',
    aud: app.ehr.base,
    redirect_uri: `${app.url}/auth/launched`,
    scope: 'openid launch fhirUser patient/*.rs offline_access',
  });
  const launched = await app.launch(browser, { patient: 'anna', encounter: 'e1' });
  const me = await launched.ask('GET', '/auth/me');
  expect(me.body).toMatchObject({
    user: `${app.ehr.base}/Practitioner/n`,
    claims: {
      patient: 'anna',
      encounter: 'e1',
      fhirUser: `${app.ehr.base}/Practitioner/n`,
      fhirServer: app.ehr.base,
    },
  });
  expect(idsIn(await launched.ask('GET', search))).toEqual(['o-anna']);
  expect((await launched.ask('POST', '/api/orders', {})).status).toBe(202);
  await vi.waitFor(() =>
    expect(app.portal.out.sent.map((one) => callerOf(one)?.claims)).toContainEqual(
      expect.objectContaining({ patient: 'anna', encounter: 'e1' }),
    ),
  );
  // the facade signs its tokens with ES384, the app its own with ES256
  const theirs = Buffer.from('{"alg":"ES384"').toString('base64url').slice(0, 16);
  const seen = JSON.stringify([[...browser.cookies], me, app.portal.log, app.portal.out.sent]);
  expect(seen).not.toContain(theirs);
});

test('of three tabs each has its own patient, and one that does not say which it is has none', async () => {
  const browser = aVisitor(app);
  const [anna, bert] = [
    await app.launch(browser, { patient: 'anna' }),
    await app.launch(browser, { patient: 'bert' }),
  ];
  expect(idsIn(await anna.ask('GET', search))).toEqual(['o-anna']);
  expect(idsIn(await bert.ask('GET', search))).toEqual(['o-bert']);
  expect((await anna.ask('GET', '/auth/me')).body).toMatchObject({ claims: { patient: 'anna' } });
  const third = await browser.ask('GET', '/auth/me');
  expect([third.status, JSON.stringify(third.body)]).toEqual([
    401,
    expect.stringContaining('X-Launched'),
  ]);
  expect((await browser.ask('GET', search)).status).toBe(401);
  expect((await browser.ask('POST', '/api/orders', {})).status).toBe(401);
  for (const wrong of ['x'.repeat(22), 'x', '', `${anna.id}, ${bert.id}`, '../']) {
    const headers = { 'x-launched': wrong };
    expect((await browser.ask('GET', search, undefined, headers)).status).toBe(401);
  }
  expect((await anna.ask('POST', '/auth/refresh', {})).body).toMatchObject({
    claims: { patient: 'anna' },
  });
  expect((await bert.ask('POST', '/auth/logout', {})).status).toBe(204);
  expect((await bert.ask('GET', search)).status).toBe(401);
  expect(idsIn(await anna.ask('GET', search))).toEqual(['o-anna']);
});

test('a browser that is launched again and again keeps the last ones, and those before are told that they are over', async () => {
  const browser = aVisitor(app);
  const all = [];
  for (let at = 0; at < 8; at++) all.push(await app.launch(browser, { patient: 'anna' }));
  const known = await Promise.all(
    all.map(async (one) => (await one.ask('GET', '/auth/me')).status),
  );
  expect(known).toEqual([401, 401, 200, 200, 200, 200, 200, 200]);
});

test('only a known EHR launches the app, however its address is written; nothing is asked of another', async () => {
  const browser = aVisitor(app);
  for (const iss of [`${app.ehr.base}/`, app.ehr.base.replace('http:', 'HTTP:')]) {
    const { headers } = await browser.ask('GET', await app.launchUrl({ patient: 'anna' }, { iss }));
    expect(headers.get('location')).toContain(`${app.ehr.base}/auth/authorize`);
  }
  for (const iss of [
    'https://evil.example/fhir',
    `${app.ehr.base}.evil.example`,
    `${app.ehr.base}/../other`,
    `http://user@127.0.0.1:${new URL(app.ehr.base).port}/fhir`,
    'file:///etc/passwd',
    'nothing',
    '',
  ]) {
    const answer = await browser.ask('GET', await app.launchUrl({ patient: 'anna' }, { iss }));
    expect([iss, answer.status]).toEqual([iss, 403]);
    expect(answer.headers.get('content-type')).toContain('text/html');
  }
  expect((await browser.ask('GET', '/auth/launch?launch=x')).status).toBe(400);
  expect((await browser.ask('GET', '/auth/launch')).status).toBe(400);
  expect(app.portal.log.join('')).toContain(
    'a launch names https://evil.example/fhir as its EHR (iss)',
  );
});

test('an answer of the EHR counts once, in the browser that was launched', async () => {
  const [browser, other] = [aVisitor(app), aVisitor(app)];
  const back = await app.come(browser, await app.launchUrl({ patient: 'anna' }));
  expect((await other.ask('GET', back)).status).toBe(400);
  const held = new Map(browser.cookies);
  expect((await browser.ask('GET', back.replace(app.url, app.other))).status).toBe(303);
  expect((await browser.ask('GET', back)).status).toBe(400);
  for (const [name, value] of held) browser.cookies.set(name, value);
  const again = await browser.ask('GET', back);
  expect([again.status, JSON.stringify(again.body)]).toEqual([
    400,
    expect.stringContaining('already been answered'),
  ]);
});

test('standalone the patient is chosen at the EHR; who denies it, or a launch that has expired, is told as such', async () => {
  const iss = `iss=${encodeURIComponent(app.ehr.base)}`;
  const browser = aVisitor(app);
  const back = await app.come(browser, `/auth/launch?${iss}&back=/chart?tab=2`, {
    patient: 'bert',
  });
  const done = await browser.ask('GET', back);
  expect(done.headers.get('location')).toMatch(/^\/chart\?tab=2&launched=[\w-]{22}$/);
  const denied = await browser.ask(
    'GET',
    await app.come(browser, `/auth/launch?${iss}`, { decision: 'deny' }),
  );
  expect(denied.status).toBe(403);
  const late = await app.come(
    browser,
    await app.launchUrl({ patient: 'anna' }, { expires: '-1m' }),
  );
  expect((await browser.ask('GET', late)).status).toBe(401);
  const log = app.portal.log.join('');
  expect(log).toContain('access_denied: the person denied it');
  expect(log).toContain('invalid_request (about launch and expired)');
  expect(log).toContain('the launch may have expired');
});

test('nothing but FHIR of this EHR is asked through the app, and by its own pages only', async () => {
  const browser = aVisitor(app);
  const anna = await app.launch(browser, { patient: 'anna' });
  for (const path of [
    '/auth/fhir/auth/introspect',
    '/auth/fhir/Patient/%2e%2e/%2e%2e/admin',
    '/auth/fhir/Patient/..%2f..%2fadmin',
    '/auth/fhir/Patient\\..\\..\\x',
    '/auth/fhir//evil.example/x',
    '/auth/fhir/.well-known/smart-configuration',
    '/auth/fhir/Patient/../auth/introspect',
    '/auth/fhir/Patient/..;/..;/admin',
    '/auth/fhir/Patient/%252e%252e/x',
  ]) {
    // a URL object would tidy it
    const { port } = new URL(app.url);
    const cookie = [...browser.cookies].map((pair) => pair.join('=')).join('; ');
    const answer = await raw(Number(port), path, { cookie, 'x-launched': anna.id });
    // of the app, not of the EHR
    expect([path, answer]).toEqual([
      path,
      expect.stringMatching(/^404 .*(This is not|at this address)/s),
    ]);
  }
  const evil = { 'x-launched': anna.id, origin: 'https://evil.example' };
  expect((await browser.ask('POST', search, {}, evil)).status).toBe(403);
  const framed = { ...evil, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' };
  expect((await browser.ask('GET', search, undefined, framed)).status).toBe(403);
  // the EHR gave read scopes only
  expect((await anna.ask('POST', search, { resourceType: 'Observation' })).status).toBe(403);
  expect((await anna.ask('GET', '/auth/fhir/metadata')).status).toBe(200);
  expect((await anna.ask('GET', search)).headers.get('content-security-policy')).toContain(
    'sandbox',
  );
});

async function raw(
  port: number,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<string> {
  const { request } = await import('node:http');
  return new Promise((resolve, reject) => {
    request({ port, path, headers, host: '127.0.0.1' }, (response) => {
      text(response).then((body) => resolve(`${response.statusCode} ${body}`), reject);
    })
      .on('error', reject)
      .end();
  });
}

const SHORT = { accessLifetime: '1s', grace: '0s' };

test('a token of the EHR that ends is renewed by one of many requests at two engines; what was signed out is revoked there', async () => {
  await using own = await launchedApp({ server: SHORT });
  await vi.waitFor(() => fetch(`${own.ehr.base}/metadata`));
  const browser = aVisitor(own);
  const anna = await own.launch(browser, { patient: 'anna' });
  for (let turn = 0; turn < 2; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    // with two renewals the EHR would take the second for a theft, and end the session
    const all = await Promise.all(
      [own.url, own.other, own.url, own.other].map((at) => anna.ask('GET', `${at}${search}`)),
    );
    expect(all.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  }
  expect(own.ehr.log.join('')).not.toContain('sign-in-reused');
  const held = new Map(browser.cookies);
  // another device of the same person
  const bert = await own.launch(aVisitor(own), { patient: 'bert' });
  expect((await anna.ask('POST', '/auth/logout', { everywhere: true })).status).toBe(204);
  expect((await bert.ask('GET', search)).status).toBe(401);
  expect([...browser.cookies.keys()]).toEqual([]);
  // who goes back has the page, but not what it showed
  for (const [name, value] of held) browser.cookies.set(name, value);
  for (const at of [own.url, own.other]) {
    expect((await anna.ask('GET', `${at}${search}`)).status).toBe(401);
    expect((await anna.ask('GET', `${at}/auth/me`)).status).toBe(401);
  }
  expect(own.portal.log.join('')).not.toContain('launch-not-revoked');
});

test('an EHR that is away, or that ends a session, is told as that, and only the second ends the launch', async () => {
  const own = await launchedApp({ server: SHORT });
  await vi.waitFor(() => fetch(`${own.ehr.base}/metadata`));
  const browser = aVisitor(own);
  const [anna, bert] = [
    await own.launch(browser, { patient: 'anna' }),
    await own.launch(browser, { patient: 'bert' }),
  ];
  // the person may no longer use the EHR
  own.ehr.users.delete('nora');
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  const over = await anna.ask('GET', search);
  expect([over.status, JSON.stringify(over.body)]).toEqual([
    401,
    expect.stringContaining('Launch the app again'),
  ]);
  expect((await anna.ask('GET', '/auth/me')).status).toBe(401);
  await own.ehr[Symbol.asyncDispose]();
  const away = await bert.ask('GET', search);
  expect([away.status, away.headers.get('retry-after')]).toEqual([503, '5']);
  expect((await bert.ask('GET', '/auth/me')).status).toBe(200);
  const late = await browser.ask('GET', `${own.url}/auth/launch?iss=${own.ehr.base}`);
  expect([200, 303, 503]).toContain(late.status);
  expect((await bert.ask('POST', '/auth/logout', {})).status).toBe(204);
  expect(own.portal.log.join('')).toContain('launch-not-revoked');
  await own.portal[Symbol.asyncDispose]();
});

test('who signs out everywhere waits for an EHR that does not answer as long as for one launch', async () => {
  const own = await launchedApp();
  await vi.waitFor(() => fetch(`${own.ehr.base}/metadata`));
  const browser = aVisitor(own);
  const all = [];
  for (let at = 0; at < 4; at++) all.push(await own.launch(browser, { patient: 'anna' }));
  const port = Number(new URL(own.ehr.base).port);
  await own.ehr[Symbol.asyncDispose]();
  const held: Socket[] = [];
  const silent = createServer((socket) => held.push(socket)).listen(port, '127.0.0.1');
  await once(silent, 'listening');
  const since = performance.now();
  expect((await all[0]?.ask('POST', '/auth/logout', { everywhere: true }))?.status).toBe(204);
  // one after the other they would take eight
  expect(performance.now() - since).toBeLessThan(6_500);
  for (const socket of held) socket.destroy();
  silent.close();
  await own.portal[Symbol.asyncDispose]();
});

test('an app proves itself by a secret or a signed assertion, and a trial says what is wrong with each', async () => {
  for (const ehr of [
    { clientId: 'web', clientSecret: 'secret' },
    { clientId: 'signed', clientKey: 'app-key' },
  ]) {
    await using own = await launchedApp({ ehr });
    await vi.waitFor(() => fetch(`${own.ehr.base}/metadata`));
    const browser = aVisitor(own);
    const anna = await own.launch(browser, { patient: 'anna' });
    expect(idsIn(await anna.ask('GET', search))).toEqual(['o-anna']);
    const { body } = await browser.ask<{ keys: object[] }>('GET', '/auth/smart-jwks.json');
    expect(body.keys).toHaveLength('clientKey' in ehr ? 1 : 0);
    expect(JSON.stringify(body)).not.toContain('"d"');
  }
});

test('a trial goes through the EHR, its clock, the registration and the address to come back to, and names what is wrong', async () => {
  const said = async (
    ehr: Readonly<Record<string, unknown>>,
    publicUrl?: string,
  ): Promise<readonly string[]> =>
    (await ehrTrial({ fhir: app.ehr.base, clientId: 'app', ...ehr }, publicUrl ?? app.url)).map(
      (one) => [`${one.name}:`, one.cause ?? one.detail].join(' '),
    );
  const good = await said({});
  expect(good).toHaveLength(4);
  expect(good[0]).toContain(`signs people in as ${app.ehr.base}`);
  expect(good.at(-1)).toBe(`redirect: ${app.url}/auth/launched is not refused before a sign-in`);
  expect((await said({ clientId: 'nobody' })).join('\n')).toContain('invalid_client');
  expect((await said({ clientId: 'web', clientSecret: 'secret' })).join('\n')).toContain(
    'invalid_client',
  );
  expect((await said({}, 'https://elsewhere.example/')).at(-1)).toContain('answers 400');
  expect((await said({ fhir: `${app.url}/nothing` }))[0]).toContain('answered 404');
});

test('a frame of another site is refused by its cause, unless its page is named', async () => {
  const browser = aVisitor(app);
  const headers = { 'sec-fetch-dest': 'iframe', 'sec-fetch-site': 'cross-site' };
  const answer = await browser.ask(
    'GET',
    await app.launchUrl({ patient: 'anna' }),
    undefined,
    headers,
  );
  expect(answer.status).toBe(403);
  expect(app.portal.log.join('')).toContain('list its origin under framedBy');
});

const faults = async (signIn: Readonly<Record<string, unknown>>): Promise<string> =>
  JSON.stringify(
    await httpInFaults(
      readGiven(
        httpIn.settings,
        {
          listen: '127.0.0.1:8080',
          path: '/api/*',
          callers: FROM_COOKIE,
          signIn: { key: 'portal-key', cookies: 'both', ...signIn },
        },
        {
          credentials: {
            secret: { kind: 'bearer', token: () => Promise.resolve('') },
            'portal-key': { kind: 'bearer', token: () => Promise.resolve('') },
          },
          verifiers: { 'portal-key': { verify: () => Promise.reject(new TypeError('unused')) } },
        },
      ),
    ),
  );

test('settings that cannot work are named', async () => {
  const ehr = { fhir: 'https://ehr.example/fhir', clientId: 'app' };
  expect(await faults({ smart: { ehrs: [ehr] } })).toBe('[]');
  expect(await faults({ smart: { ehrs: [ehr] }, cookies: 'none' })).toContain('gets its tokens in');
  expect(await faults({ smart: { ehrs: [] } })).toContain('names no EHR');
  expect(
    await faults({ smart: { ehrs: [ehr, { ...ehr, fhir: 'https://EHR.example/fhir/' }] } }),
  ).toContain('there twice');
  expect(
    await faults({ smart: { ehrs: [{ ...ehr, fhir: 'http://ehr.example/fhir' }] } }),
  ).toContain('without encryption');
});
