import { Client } from 'fhir-kit-client';
import { decodeJwt, importPKCS8, SignJWT } from 'jose';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Proof, Subscriptions } from '../../../adapters/fhir/subscription/subscriptions.ts';
import { credentialSet } from '../../support/credential-set.ts';
import { PASSWORD } from '../../support/portal.ts';
import {
  asked,
  atPage,
  backWith,
  SECRET,
  type SmartSite,
  smartSite,
  type TokenAnswer,
  tokenFor,
  VERIFIER,
} from '../../support/smart-site.ts';

const APP = 'https://growth.example/app';

let site: SmartSite;
beforeAll(async () => {
  site = await smartSite({ app: APP, server: { grace: '0s' } });
  await vi.waitFor(() => fetch(`${site.base}/metadata`));
});
afterAll(() => site[Symbol.asyncDispose]());

const nora = { user: 'nora', password: PASSWORD };
const pat = { user: 'pat', password: PASSWORD };
const ofCode = (
  code: string,
  more: Readonly<Record<string, string>> = {},
): Record<string, string> => ({
  grant_type: 'authorization_code',
  client_id: 'app',
  code,
  redirect_uri: APP,
  code_verifier: VERIFIER,
  ...more,
});
const codeFor = async (
  person: Readonly<Record<string, string>> = pat,
  more: Readonly<Record<string, string>> = {},
): Promise<string> => {
  const { enter } = await atPage(site, asked(site, APP, more));
  const answer = await enter(person);
  const { code, error_description: why } = backWith(answer);
  if (code === undefined) throw new Error(`no code: ${why ?? answer.status}`);
  return code;
};
const letIn = async (
  person = pat,
  more: Readonly<Record<string, string>> = {},
): Promise<TokenAnswer> => {
  const answer = await tokenFor(site, ofCode(await codeFor(person, more)));
  expect(answer.status, JSON.stringify(answer)).toBe(200);
  return answer;
};
const statusOf = async (path: string, token: string, at = site.base): Promise<number> =>
  (await fetch(`${at}${path}`, { headers: { authorization: `Bearer ${token}` } })).status;

const launchOf = (
  claims: Readonly<Record<string, unknown>>,
  { audience = 'launch', secret = site.launchSecret, expires = '2m' } = {},
): Promise<string> =>
  new SignJWT({ ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuedAt()
    .setAudience(audience)
    .setExpirationTime(expires)
    .sign(Buffer.from(secret));

const webCode = (): Promise<string> => codeFor(pat, { client_id: 'web' });
const basic = (secret: string): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`web:${encodeURIComponent(secret)}`).toString('base64')}`,
});
const post = async (body: string, type = 'application/x-www-form-urlencoded'): Promise<number> =>
  (
    await fetch(`${site.base}/auth/token`, {
      method: 'POST',
      headers: { 'content-type': type },
      body,
    })
  ).status;

test('the configuration names every endpoint, and what the server can do', async () => {
  const answer = await fetch(`${site.base}/.well-known/smart-configuration`);
  expect(await answer.json()).toMatchObject({
    issuer: site.base,
    authorization_endpoint: `${site.base}/auth/authorize`,
    token_endpoint: `${site.base}/auth/token`,
    introspection_endpoint: `${site.base}/auth/introspect`,
    revocation_endpoint: `${site.base}/auth/revoke`,
    jwks_uri: `${site.base}/auth/jwks.json`,
    code_challenge_methods_supported: ['S256'],
    capabilities: expect.arrayContaining([
      'launch-standalone',
      'launch-ehr',
      'context-ehr-encounter',
      'permission-v1',
      'permission-v2',
    ]) as unknown,
  });
  expect((await fetch(`${site.base}/Observation`)).status).toBe(401);
});

test('launched standalone, an application sees the one patient of the person, at every engine, and refreshes', async () => {
  const { page } = await atPage(site, asked(site, APP));
  expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
  const text = JSON.stringify(page.body);
  expect(text).toContain('Growth &lt;chart&gt;');
  expect(text).toContain('read, search: all records of the chosen patient');
  const one = await letIn();
  expect(one).toMatchObject({ token_type: 'Bearer', patient: 'anna' });
  expect(decodeJwt(one.id_token)).toMatchObject({ iss: site.base, aud: 'app', sub: 'pat' });
  const client = new Client({ baseUrl: site.other, bearerToken: one.access_token });
  const found = await client.search({ resourceType: 'Observation', searchParams: {} });
  expect(found).toMatchObject({ total: 1, entry: [{ resource: { id: 'o-anna' } }] });
  expect(await statusOf('/Patient/bert', one.access_token)).toBe(404);
  const refresh = { grant_type: 'refresh_token', client_id: 'app' };
  const next = await tokenFor(
    site,
    { ...refresh, refresh_token: one.refresh_token },
    { at: site.other },
  );
  expect(next.patient).toBe('anna');
  expect(await statusOf('/Observation', next.access_token)).toBe(200);
  // the old one again: somebody has stolen it
  const again = await tokenFor(site, { ...refresh, refresh_token: one.refresh_token });
  expect(site.log.join('')).toContain('A refresh token of an application came a second time');
  expect([again.status, again.error]).toEqual([400, 'invalid_grant']);
  expect(await statusOf('/Observation', next.access_token)).toBe(401);
});

test('who has several patients chooses one of them, and no other', async () => {
  const choosing = async (patient: string): Promise<Record<string, string>> => {
    const { enter } = await atPage(site, asked(site, APP));
    const page = await enter(nora);
    expect(JSON.stringify(page.body)).toContain('For which patient?');
    expect(page.body).toMatch(/value="anna" required> anna<.*value="bert" required> Bert &lt;Doe/);
    return backWith(await enter({ patient }));
  };
  const { code = '' } = await choosing('bert');
  expect((await tokenFor(site, ofCode(code))).patient).toBe('bert');
  expect(await choosing('carl')).toMatchObject({ error: 'access_denied' });
});

test('launched by the EHR, an application gets patient and encounter of its launch token, and no forged one', async () => {
  const scope = 'launch patient/Observation.read openid';
  const launch = await launchOf({ patient: 'carl', encounter: 'e-7', sub: 'nora' });
  const one = await letIn(nora, { scope, launch });
  expect(one).toMatchObject({ patient: 'carl', encounter: 'e-7', scope });
  expect(one.refresh_token).toBeUndefined();
  const refused = async (token: string, person = nora): Promise<string | undefined> => {
    const { page, enter } = await atPage(site, asked(site, APP, { scope, launch: token }));
    return backWith(page.status === 303 ? page : await enter(person))['error'];
  };
  expect(await refused(launch, pat)).toBe('access_denied');
  for (const forged of [
    'ehr-7',
    one.access_token,
    await launchOf({ patient: 'carl' }, { secret: 'x'.repeat(32) }),
    await launchOf({ patient: 'carl' }, { audience: 'another' }),
    await launchOf({ patient: 'carl' }, { expires: '-5m' }),
    `${Buffer.from('{"alg":"none"}').toString('base64url')}.${launch.split('.')[1] ?? ''}.`,
  ]) {
    expect(await refused(forged)).toBe('invalid_request');
  }
});

test('nobody gets more than the application and the person may have, in words of SMART 1 and 2', async () => {
  for (const [person, scope, granted] of [
    [pat, 'launch/patient patient/*.cruds', 'launch/patient patient/*.rs'],
    [pat, 'launch/patient patient/Observation.read', 'launch/patient patient/Observation.read'],
    [pat, 'launch/patient patient/*.* user/*.read system/*.rs x', 'launch/patient patient/*.rs'],
    [nora, 'user/*.*', 'user/*.rs'],
    [nora, 'user/Observation.cruds patient/*.rs', 'user/Observation.rs'],
  ] as const) {
    const one = await letIn(person, { scope });
    expect([scope, one.scope]).toEqual([scope, granted]);
    expect(await statusOf('/Observation', one.access_token)).toBe(200);
    const created = await fetch(`${site.base}/Observation`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${one.access_token}`,
        'content-type': 'application/fhir+json',
      },
      body: '{"resourceType":"Observation","status":"final","code":{"text":"x"}}',
    });
    expect(created.status).toBe(403);
  }
  const { enter } = await atPage(site, asked(site, APP, { scope: 'user/*.read' }));
  expect(backWith(await enter(pat))['error']).toBe('access_denied');
});

test('a request that may not be whose it says it is gets no redirect; any other goes back with its error', async () => {
  for (const more of [
    { redirect_uri: 'https://evil.example/app' },
    { redirect_uri: `${APP}/../evil` },
    { redirect_uri: '' },
    { client_id: 'nobody' },
    { client_id: 'backend' },
  ]) {
    const { page } = await atPage(site, asked(site, APP, more));
    expect([more, page.status, page.headers.get('location')]).toEqual([more, 400, null]);
  }
  for (const [more, error] of [
    [{ response_type: 'token' }, 'unsupported_response_type'],
    [{ code_challenge_method: 'plain' }, 'invalid_request'],
    [{ code_challenge: '' }, 'invalid_request'],
    [{ aud: 'https://evil.example/fhir' }, 'invalid_request'],
    [{ state: '' }, 'invalid_request'],
    [{ scope: 'system/*.rs' }, 'invalid_scope'],
  ] as const) {
    const { page } = await atPage(site, asked(site, APP, more));
    expect([more, backWith(page)['error']]).toEqual([more, error]);
    expect(page.headers.get('location')?.startsWith(`${APP}?`)).toBe(true);
  }
});

test('a page of another site, or another browser, allows nothing; a wrong password and a denial give no code', async () => {
  const { enter } = await atPage(site, asked(site, APP));
  expect((await enter(pat, { origin: 'https://evil.example' })).status).toBe(403);
  const one = await atPage(site, asked(site, APP));
  one.browser.cookies.clear();
  const stray = await one.enter(pat);
  expect([stray.status, JSON.stringify(stray.body)]).toEqual([
    400,
    expect.stringContaining('was not begun in this browser') as string,
  ]);
  const other = await atPage(site, asked(site, APP));
  const wrong = await other.enter({ user: 'pat', password: 'wrong' });
  expect(wrong.body).toMatch(/name="user"[^>]* value="pat"/);
  expect(wrong.body).not.toContain('value="wrong"');
  expect([wrong.status, JSON.stringify(wrong.body)]).toEqual([
    401,
    expect.stringContaining('User or password is wrong.') as string,
  ]);
  expect(backWith(await other.enter({ decision: 'deny' }))['error']).toBe('access_denied');
  const none = await atPage(site, asked(site, APP));
  expect(backWith(await none.enter({ user: 'zed', password: PASSWORD }))['error']).toBe(
    'access_denied',
  );
});

test('a German browser is asked in German, also what is refused', async () => {
  const german = { 'accept-language': 'de-CH,de;q=0.9,en;q=0.5' };
  const { page, enter } = await atPage(site, asked(site, APP), german);
  const [first, wrong, stray] = [
    page,
    await enter({ user: 'pat', password: 'wrong' }),
    await (await atPage(site, asked(site, APP))).enter(
      { request: 'nothing', user: 'pat', password: 'wrong' },
      german,
    ),
  ].map(({ body }) => String(body));
  expect(first).toMatch(/<html lang="de">.*Diese Anwendung bittet um:.*>Erlauben</s);
  expect(first).not.toMatch(/\b(?:read|search|Allow|Password|records)\b(?!")/);
  expect(wrong).toContain('Benutzer oder Passwort ist falsch.');
  expect(stray).toMatch(/<html lang="de">.*Dies wurde nicht in diesem Browser begonnen/s);
});

test('a code counts once, for its application, address and verifier; a second time revokes what it gave', async () => {
  const code = await codeFor();
  const first = await tokenFor(site, ofCode(code));
  expect(await statusOf('/Observation', first.access_token, site.other)).toBe(200);
  expect((await tokenFor(site, ofCode(code), { at: site.other })).error).toBe('invalid_grant');
  expect(await statusOf('/Observation', first.access_token)).toBe(401);
  expect(site.log.join('')).toContain('sign-in-reused');
  for (const more of [
    { code_verifier: 'w'.repeat(43) },
    { code_verifier: '' },
    { redirect_uri: 'https://evil.example/' },
    { client_id: 'web', client_secret: SECRET },
  ]) {
    const stolen = await codeFor();
    expect([more, (await tokenFor(site, ofCode(stolen, more))).error]).toEqual([
      more,
      'invalid_grant',
    ]);
    // and it is worth nothing any more
    expect((await tokenFor(site, ofCode(stolen))).error).toBe('invalid_grant');
  }
  const raced = await codeFor();
  const both = await Promise.all(
    [site.base, site.other].map((at) => tokenFor(site, ofCode(raced), { at })),
  );
  expect(both.filter(({ status }) => status === 200).length).toBeLessThan(2);
});

test('a confidential application needs its secret, in the header or the form', async () => {
  const web = { client_id: 'web' };
  const good = await tokenFor(site, ofCode(await webCode(), web), { headers: basic(SECRET) });
  expect(good.status).toBe(200);
  const refused = await tokenFor(site, ofCode(await webCode(), web), { headers: basic('wrong') });
  expect([refused.status, refused.error]).toEqual([401, 'invalid_client']);
  expect((await tokenFor(site, ofCode(await webCode(), web))).error).toBe('invalid_client');
  expect(
    (await tokenFor(site, { ...ofCode(await webCode(), web), client_secret: SECRET })).status,
  ).toBe(200);
});

test('a credential of Waybill as backend service finds the token endpoint by the FHIR base, and its token is for the scopes of the service', async () => {
  await using set = credentialSet({
    warehouse: {
      kind: 'oauth2',
      provider: 'generic',
      issuer: `${site.base}/`,
      clientId: 'backend',
      scope: 'system/Observation.rs',
      authentication: { privateKeyJwt: { key: site.backendKey, algorithm: 'ES384' } },
    },
  });
  const headers = { authorization: `Bearer ${await set.token('warehouse')}` };
  expect((await fetch(`${site.base}/Observation`, { headers })).status).toBe(200);
  expect((await fetch(`${site.base}/Patient`, { headers })).status).toBe(403);
});

test('a backend service signs its sign-in; a used, foreign, long or unsigned assertion is refused by its cause', async () => {
  const key = await importPKCS8(site.backendKey, 'ES384');
  const assertion = (more: Readonly<Record<string, unknown>> = {}): Promise<string> =>
    new SignJWT({
      iss: 'backend',
      sub: 'backend',
      aud: `${site.base}/auth/token`,
      jti: `${Math.random()}`,
      exp: Math.floor(Date.now() / 1_000) + 240,
      ...more,
    })
      .setProtectedHeader({ alg: 'ES384' })
      .sign(key);
  const ask = (text: string, scope = 'system/*.rs', at = site.base): ReturnType<typeof tokenFor> =>
    tokenFor(
      site,
      {
        grant_type: 'client_credentials',
        scope,
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: text,
      },
      { at },
    );
  const text = await assertion();
  const one = await ask(text);
  expect(one).toMatchObject({ status: 200, scope: 'system/Observation.rs' });
  expect(await statusOf('/Observation', one.access_token)).toBe(200);
  expect(await statusOf('/Patient', one.access_token)).toBe(403);
  const there = await ask(text, 'system/*.rs', site.other);
  expect([there.status, there.error_description]).toEqual([401, 'the assertion was used before']);
  const second = await assertion();
  const both = await Promise.all([site.base, site.other].map((at) => ask(second, undefined, at)));
  expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 401]);
  const [, payload = ''] = text.split('.');
  for (const [bad, why] of [
    [text, 'used before'],
    [await assertion({ aud: 'https://other.example/token' }), 'audience'],
    [await assertion({ iss: 'app' }), 'issuer'],
    [await assertion({ sub: 'app' }), 'not known by a key'],
    [await assertion({ exp: Math.floor(Date.now() / 1_000) + 3_600 }), 'more than five minutes'],
    [await assertion({ jti: undefined }), 'no jti'],
    [`${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`, 'not signed with ES384'],
    ['nonsense', 'not known by a key'],
  ] as const) {
    const refused = await ask(bad);
    expect([why, refused.status, refused.error]).toEqual([why, 401, 'invalid_client']);
    expect(refused.error_description).toContain(why);
  }
  expect((await ask(await assertion(), 'patient/*.rs')).error).toBe('invalid_scope');
  const app = { grant_type: 'client_credentials', client_id: 'app', scope: 'system/*.rs' };
  expect((await tokenFor(site, app)).error).toBe('unauthorized_client');
});

/** A subscription that somebody has, by a sign-in at the facade. */
async function subscribed(
  owner: string,
  grant: NonNullable<Proof['grant']>,
  type = 'Observation',
): Promise<() => Promise<unknown>> {
  const kept = new Subscriptions(site.subscriptions, new AbortController().signal);
  const { id } = await kept.add({
    owner,
    status: 'active',
    resource: {},
    criteria: [{ type, filters: [] }],
    endpoint: 'https://growth.example/',
    content: 'empty',
    end: Date.now() + 60_000,
    proof: { service: 'fhir', kind: 'bearer', grant },
  });
  return async () => (await kept.find(id))?.status;
}

const grantOf = ({ access_token: token }: TokenAnswer): NonNullable<Proof['grant']> => ({
  id: String(decodeJwt(token)['sid']),
  client: 'app',
  lasts: 'long',
});

test('who subscribed, and has lost that by which they might, is told nothing more', async () => {
  const scope = { scope: 'user/Observation.rs offline_access' };
  const [ended, lasting, other] = [
    await letIn(nora, scope),
    await letIn(nora, scope),
    await letIn(pat),
  ];
  const backend = { id: 'x', client: 'backend', lasts: 'short' } as const;
  const states = await Promise.all([
    subscribed('nora', grantOf(ended)),
    subscribed('backend', backend, 'Patient'),
    subscribed('gone', { ...backend, client: 'gone' }),
    subscribed('nora', grantOf(lasting)),
    subscribed('backend', backend),
  ]);
  const become = (expected: readonly string[]): Promise<void> =>
    vi.waitFor(async () =>
      expect(await Promise.all(states.map((state) => state()))).toEqual(expected),
    );
  await tokenFor(site, { token: ended.access_token, client_id: 'app' }, { path: 'revoke' });
  await become(['off', 'off', 'off', 'active', 'active']);
  const known = site.users.get('nora') ?? '';
  site.users.delete('nora');
  await tokenFor(site, { token: other.access_token, client_id: 'app' }, { path: 'revoke' });
  await become(['off', 'off', 'off', 'off', 'active']);
  site.users.set('nora', known);
});

test('tokens are revoked by their application, and others are told what a token is worth', async () => {
  const one = await letIn();
  const rs = { client_id: 'rs', client_secret: SECRET };
  const worth = async (token: string): Promise<Record<string, unknown>> => ({
    ...(await tokenFor(site, { ...rs, token }, { path: 'introspect' })),
  });
  expect(await worth(one.access_token)).toMatchObject({
    active: true,
    client_id: 'app',
    sub: 'pat',
    patient: 'anna',
  });
  expect(await worth(one.id_token)).toEqual({ status: 200, active: false });
  const nosy = await tokenFor(
    site,
    { client_id: 'app', token: one.access_token },
    { path: 'introspect' },
  );
  expect(nosy.status).toBe(403);
  // an identity token opens nothing
  expect(await statusOf('/Observation', one.id_token)).toBe(401);
  const revoke = (more: Readonly<Record<string, string>>): ReturnType<typeof tokenFor> =>
    tokenFor(site, { token: one.access_token, ...more }, { path: 'revoke' });
  await revoke({ client_id: 'web', client_secret: SECRET });
  expect(await statusOf('/Observation', one.access_token)).toBe(200);
  expect((await revoke({ client_id: 'app' })).status).toBe(200);
  expect(await statusOf('/Observation', one.access_token, site.other)).toBe(401);
  expect(await worth(one.access_token)).toEqual({ status: 200, active: false });
  const refresh = {
    grant_type: 'refresh_token',
    client_id: 'app',
    refresh_token: one.refresh_token,
  };
  expect((await tokenFor(site, refresh)).error).toBe('invalid_grant');
});

test('a person who is removed, and a refresh token of another application, end what was let in', async () => {
  const entry = site.users.get('pat') ?? '';
  const one = await letIn();
  site.users.delete('pat');
  const refresh = { grant_type: 'refresh_token', client_id: 'app' };
  expect((await tokenFor(site, { ...refresh, refresh_token: one.refresh_token })).error).toBe(
    'invalid_grant',
  );
  expect(await statusOf('/Observation', one.access_token)).toBe(401);
  site.users.set('pat', entry);
  const two = await letIn();
  const stolen = {
    grant_type: 'refresh_token',
    client_id: 'web',
    client_secret: SECRET,
    refresh_token: two.refresh_token,
  };
  expect((await tokenFor(site, stolen)).error).toBe('invalid_grant');
  expect(await statusOf('/Observation', two.access_token)).toBe(401);
  // a public application need not say its name, a confidential one proves it
  const nameless = async (token: string): Promise<number> =>
    (await tokenFor(site, { grant_type: 'refresh_token', refresh_token: token })).status;
  expect(await nameless((await letIn()).refresh_token)).toBe(200);
  const code = await codeFor(pat, { client_id: 'web' });
  const web = await tokenFor(site, ofCode(code, { client_id: 'web', client_secret: SECRET }));
  expect(await nameless(web.refresh_token)).toBe(400);
});

test('forms that are too long, of another type or ambiguous are refused', async () => {
  expect(await post('{}', 'application/json')).toBe(400);
  expect(await post('client_id=app&client_id=web')).toBe(400);
  expect(await post(`code=${'x'.repeat(100_000)}`)).toBe(413);
  expect(await post('')).toBe(401);
});
