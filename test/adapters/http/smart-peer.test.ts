import { decodeJwt } from 'jose';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import fhirOut from '../../../adapters/fhir/fhir-out.ts';
import { AppRefused, asOperationHears } from '../../../adapters/http/sign-in/smart/ehr-sessions.ts';
import { operationDefinition } from '../../support/definition.ts';
import { ehrTrial, FROM_COOKIE } from '../../support/launched-app.ts';
import { readGiven } from '../../support/open-adapter.ts';
import type { Asked } from '../../support/operator.ts';
import { type Portal, portal } from '../../support/portal.ts';
import { type SmartAuthority, smartAuthority } from '../../support/smart-authority.ts';
import { type Visitor, visitor } from '../../support/visitor.ts';
import {
  type Answered,
  type SeenRequest,
  type WebServer,
  webServer,
} from '../../support/web-server.ts';

/** An EHR of others: oidc-provider, and a FHIR server that says what a test has it say. */
let fhir: WebServer;
let authority: SmartAuthority;
let app: Portal;
let url = '';
/** What the FHIR server answers to requests with a token. */
let answers: (request: SeenRequest, token: string) => Answered | undefined;

const json = (value: unknown, more: Partial<Answered> = {}): Answered => ({
  ...more,
  headers: { 'content-type': 'application/fhir+json', ...more.headers },
  body: JSON.stringify(value),
});

/** What its configuration has besides or instead, and the time that it tells. */
let said: Readonly<Record<string, unknown>>;
let date: string | undefined;

const configuration = (): object => ({
  issuer: authority.issuer,
  jwks_uri: `${authority.issuer}/jwks`,
  authorization_endpoint: `${authority.issuer}/auth`,
  token_endpoint: `${authority.issuer}/token`,
  revocation_endpoint: `${fhir.url}/revoke`,
  code_challenge_methods_supported: ['S256'],
  ...said,
});

beforeAll(async () => {
  fhir = await webServer((request) =>
    request.path.endsWith('/smart-configuration')
      ? json(configuration(), date === undefined ? {} : { headers: { date } })
      : answers(request, request.headers.authorization?.replace('Bearer ', '') ?? ''),
  );
  app = await portal({
    settings: { callers: FROM_COOKIE, scopes: [] },
    operation: operationDefinition('orders', fhirOut, {
      settings: readGiven(fhirOut.settings, { launches: 'portal', action: 'forward' }),
    }),
    signIn: {
      cookies: 'both',
      secureCookies: false,
      smart: { ehrs: [{ fhir: `${fhir.url}/fhir`, clientId: 'app' }] },
    },
  });
  [url = ''] = app.urls;
  authority = await smartAuthority({
    app: `${url}/auth/launched`,
    fhir: `${fhir.url}/fhir`,
    patients: { seven: 'anna' },
  });
});
beforeEach(() => {
  authority.told = {};
  authority.forgot = false;
  said = {};
  date = undefined;
  answers = (_, token) => json({ resourceType: 'Patient', id: decodeJwt(token)['patient'] });
});
afterAll(async () => {
  await authority[Symbol.asyncDispose]();
  await app[Symbol.asyncDispose]();
  await fhir[Symbol.asyncDispose]();
});

/** Goes through a launch; the answer of the app at its end. */
async function launched(browser: Visitor): Promise<Asked<Record<string, unknown>>> {
  const begun = await browser.ask('GET', `/auth/launch?iss=${fhir.url}/fhir&launch=seven`);
  const there = visitor(authority.issuer);
  let next = begun.headers.get('location') ?? '';
  while (next.startsWith(authority.issuer)) {
    const { headers } = await there.ask('GET', next);
    next = new URL(headers.get('location') ?? 'http://stopped/', authority.issuer).href;
  }
  return browser.ask('GET', next);
}

async function page(): Promise<
  (method: string, path: string, body?: unknown) => ReturnType<Visitor['ask']>
> {
  const browser = visitor(url);
  const done = await launched(browser);
  const to = new URL(done.headers.get('location') ?? '/', url);
  const id = to.searchParams.get('launched') ?? JSON.stringify(done.body);
  return (method, path, body) => browser.ask(method, path, body, { 'x-launched': id });
}

test('what an EHR says of a launch is told to the app, and nothing that it has no business to say', async () => {
  authority.told = {
    need_patient_banner: false,
    encounter: 'Encounter/e1',
    intent: 'reconcile',
    scope: 'openid patient/*.rs orders.write admin',
    sid: 'x',
    fhirUser: 'https://evil.example/Practitioner/1',
  };
  const ask = await page();
  const { body } = await ask('GET', '/auth/me');
  expect(body).toMatchObject({
    user: `of-anna@${new URL(fhir.url).host}`,
    claims: {
      patient: 'anna',
      encounter: 'e1',
      need_patient_banner: false,
      intent: 'reconcile',
      scope: 'openid patient/*.rs',
    },
  });
  expect((body as { claims: object }).claims).not.toHaveProperty('fhirUser');
});

test('a token that the EHR refuses is renewed once; one for another patient ends the launch', async () => {
  const ask = await page();
  const refused = new Set<string>();
  const ok = answers;
  answers = (request, token) => (refused.has(token) ? { status: 401 } : ok(request, token));
  const all = answers;
  answers = (request, token) => {
    if (refused.size === 0) refused.add(token);
    return all(request, token);
  };
  expect((await ask('GET', '/auth/fhir/Patient/anna')).body).toMatchObject({ id: 'anna' });
  expect(refused.size).toBe(1);
  authority.told = { patient: 'bert' };
  answers = () => ({ status: 401 });
  expect((await ask('GET', '/auth/fhir/Patient/anna')).status).toBe(401);
  expect((await ask('GET', '/auth/me')).status).toBe(401);
  expect(app.log.join('')).toContain('a token for another patient than that of the launch');
});

test('an app that the EHR does not know any more ends nobody’s session, fails no message, and stops the operation with the cause', async () => {
  const ask = await page();
  const ok = answers;
  authority.forgot = true;
  answers = () => ({ status: 401 });
  const relayed = await ask('GET', '/auth/fhir/Patient/anna');
  expect([relayed.status, relayed.body]).toMatchObject([
    502,
    { detail: 'The EHR does not accept this app. Those who run it can see why.' },
  ]);
  const type = { interaction: 'search-type', type: 'Patient' };
  expect((await ask('POST', '/api/orders', type)).status).toBe(202);
  const stopped = expect.stringMatching(
    /does not accept this app.*invalid_client.*host-disabled|host-disabled.*does not accept this app.*invalid_client/,
  );
  await vi.waitFor(() => expect(app.log).toContainEqual(stopped));
  authority.forgot = false;
  answers = ok;
  expect((await ask('GET', '/auth/fhir/Patient/anna')).body).toMatchObject({ id: 'anna' });
});

test('where an app serves several EHRs, one that does not know it suspends its message and stops no other', () => {
  const refused = new AppRefused('https://ehr.example/fhir does not accept this app');
  expect(asOperationHears(refused, 2)).toMatchObject({
    code: 'ADAPTER_SUSPEND',
    message: expect.stringMatching(/ehr\.example.*resend what was suspended/),
  });
  expect(asOperationHears(refused, 1)).toMatchObject({ code: 'ADAPTER_DISABLED' });
});

test('claims that fit into no cookie, and a patient that is none, are refused by their cause', async () => {
  authority.told = { fhirContext: [{ reference: `ImagingStudy/${'x'.repeat(5_000)}` }] };
  expect((await launched(visitor(url))).status).toBe(403);
  expect(app.log.join('')).toContain('set cookies: refresh');
  authority.told = { patient: 'anna/../bert' };
  expect((await launched(visitor(url))).status).toBe(403);
  expect(app.log.join('')).toContain('what is no id of a resource');
});

test('an answer comes back as it was, but for the pages of a search, and without what is not for a browser', async () => {
  const ask = await page();
  const base = `${fhir.url}/fhir`;
  const total = '1.50';
  answers = () => ({
    headers: {
      'content-type': 'application/fhir+json',
      'set-cookie': 'theirs=1',
      etag: 'W/"3"',
      location: `${base}/Observation/7/_history/1`,
      'www-authenticate': 'Bearer',
    },
    body: `{"resourceType":"Bundle","x":${total},"link":[{"relation":"next","url":"${base}?page=2"},{"relation":"self","url":"${base}.evil/x"}],"entry":[{"fullUrl":"${base}/Observation/7"}]}`,
  });
  const { headers, body } = await ask(
    'GET',
    '/auth/fhir/Observation?code=http://loinc.org|1&_count=2',
  );
  expect(JSON.stringify(body)).toContain(`"fullUrl":"${base}/Observation/7"`);
  expect(body).toMatchObject({
    link: [{ url: '/auth/fhir?page=2' }, { url: `${base}.evil/x` }],
  });
  expect(headers.get('location')).toBe('/auth/fhir/Observation/7/_history/1');
  expect(headers.get('etag')).toBe('W/"3"');
  expect([headers.get('set-cookie'), headers.get('www-authenticate')]).toEqual([null, null]);
  const seen = fhir.requests.at(-1);
  expect(seen?.headers.cookie).toBeUndefined();
  expect(new URL(seen?.path ?? '', base).searchParams.get('code')).toBe('http://loinc.org|1');
  answers = () => ({ status: 302, headers: { location: 'https://evil.example/' } });
  expect((await ask('GET', '/auth/fhir/Observation')).status).toBe(502);
  answers = () => ({ headers: { 'content-type': 'text/html' }, body: 'x'.repeat(33 * 1_048_576) });
  expect((await ask('GET', '/auth/fhir/Binary/1')).status).toBe(502);
});

test('an EHR without what an app needs, or with another time, is named by a trial', async () => {
  const first = async (more: typeof said): Promise<string> => {
    said = more;
    const [step] = await ehrTrial({ fhir: `${fhir.url}/fhir`, clientId: 'app' }, url);
    return `${step?.name} ${step?.result}: ${step?.cause ?? step?.detail ?? ''}`;
  };
  expect(await first({ capabilities: ['launch-ehr'], scopes_supported: ['openid'] })).toBe(
    `ehr passed: ${fhir.url}/fhir, signs people in as ${authority.issuer}; not among its capabilities: launch-standalone, client-public; not among its scopes: fhirUser, launch/patient, patient/*.rs`,
  );
  // the keys are then where OpenID Connect has them
  expect(await first({ jwks_uri: undefined })).toContain('ehr passed');
  const wrong: readonly (readonly [typeof said, string])[] = [
    [{ issuer: undefined }, 'names no issuer'],
    [{ token_endpoint: undefined }, 'names no token_endpoint'],
    [{ code_challenge_methods_supported: ['plain'] }, 'does not offer PKCE with S256'],
    [{ token_endpoint: 'ftp://evil.example/' }, 'a token_endpoint that is not an https address'],
  ];
  for (const [more, cause] of wrong) expect(await first(more)).toContain(cause);
  said = {};
  date = new Date(Date.now() - 600_000).toUTCString();
  const steps = await ehrTrial({ fhir: `${fhir.url}/fhir`, clientId: 'app' }, url);
  expect(steps.find(({ name }) => name === 'clock')).toMatchObject({
    result: 'failed',
    // its date has whole seconds, and on a busy machine is read some later
    cause: expect.stringMatching(/its clock differs by -60\d s/) as string,
  });
});

test('who signs out has the tokens revoked, and does not wait for an EHR that does not answer', async () => {
  const [first, second] = [await page(), await page()];
  const revoked: string[] = [];
  answers = ({ path, body }) => {
    if (path === '/revoke') revoked.push(new URLSearchParams(body.toString()).get('token') ?? '');
    return {};
  };
  expect((await first('POST', '/auth/logout', {})).status).toBe(204);
  expect(new Set(revoked).size).toBe(2);
  answers = () => undefined;
  expect((await second('POST', '/auth/logout', {})).status).toBe(204);
  expect((await second('GET', '/auth/me')).status).toBe(401);
  expect(app.log.join('')).toContain('has not answered within 2 s');
});
