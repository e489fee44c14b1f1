import { decodeJwt } from 'jose';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { freePort } from '../../../sandbox/free-port.ts';
import { type OidcService, oidcService } from '../../support/oidc-service.ts';
import {
  asked,
  atPage,
  backWith,
  type SmartSite,
  smartSite,
  type TokenAnswer,
  tokenFor,
  VERIFIER,
} from '../../support/smart-site.ts';
import { type Visitor, visitor } from '../../support/visitor.ts';

/** People of the authorization server who sign in at the site's OpenID provider. */

const APP = 'https://growth.example/app';

let site: SmartSite;
let provider: OidcService;
beforeAll(async () => {
  const [port, at] = [await freePort(), await freePort()];
  const callback = `http://127.0.0.1:${port}/fhir/auth/callback`;
  provider = await oidcService(callback, { port: at, signedOut: 'backchannel-logout' });
  const oidc = {
    issuer: `${provider.issuer}/`,
    clientId: 'waybill',
    clientSecret: 'client',
    groupsFrom: 'realm_access.roles',
    scopes: ['ward-staff: user/Observation.rs'],
  };
  site = await smartSite({ app: APP, port, server: { grace: '0s', users: undefined, oidc } });
  await vi.waitFor(() => fetch(`${site.base}/metadata`));
});
afterAll(async () => {
  await site[Symbol.asyncDispose]();
  await provider[Symbol.asyncDispose]();
});

const NORA = {
  name: 'nora',
  roles: ['ward-staff'],
  claims: { fhirUser: 'Practitioner/n', patient: ['anna'] },
};

/** Goes to the provider and back. */
async function there(
  more: Readonly<Record<string, string>> = {},
): Promise<{ readonly browser: Visitor; readonly back: string }> {
  const browser = visitor(site.base);
  const back = await provider.come(
    browser,
    `${site.base}/auth/authorize?${asked(site, APP, more)}`,
  );
  return { browser, back };
}

const textOf = ({ body }: { readonly body: unknown }): string =>
  typeof body === 'string' ? body : JSON.stringify(body);

const allow = async (
  browser: Visitor,
  page: Awaited<ReturnType<Visitor['ask']>>,
  decision = 'allow',
): Promise<Awaited<ReturnType<Visitor['ask']>>> => {
  const [, request = ''] = /name="request" value="([^"]*)"/.exec(textOf(page)) ?? [];
  return browser.ask(
    'POST',
    `${site.base}/auth/authorize`,
    new URLSearchParams({ request, decision }),
  );
};

async function letIn(more: Readonly<Record<string, string>> = {}): Promise<TokenAnswer> {
  const { browser, back } = await there(more);
  const page = await browser.ask('GET', back);
  expect(page.status, textOf(page)).toBe(200);
  const { code = '' } = backWith(await allow(browser, page));
  const form = { grant_type: 'authorization_code', client_id: 'app', code, redirect_uri: APP };
  return tokenFor(site, { ...form, code_verifier: VERIFIER });
}

test('somebody signs in at the provider, sees what is asked for, and lets the application in', async () => {
  provider.person = NORA;
  const { browser, back } = await there();
  const page = await browser.ask('GET', back);
  expect(textOf(page)).toMatch(/signed in as nora/);
  expect(textOf(page)).not.toMatch(/password/);
  const denied = await allow(browser, page, 'deny');
  expect(backWith(denied)).toMatchObject({ error: 'access_denied' });

  const tokens = await letIn();
  expect(tokens).toMatchObject({ patient: 'anna' });
  expect(decodeJwt(tokens.id_token)).toMatchObject({ sub: 'nora', fhirUser: 'Practitioner/n' });
  const user = await letIn({ scope: 'user/*.cruds openid' });
  expect(user.scope).toBe('user/Observation.rs openid');
});

test('who has no group or no patient gets nothing of it', async () => {
  provider.person = { name: 'otto', roles: ['kitchen'] };
  const { browser, back } = await there({ scope: 'user/Observation.rs' });
  const answer = await allow(browser, await browser.ask('GET', back));
  expect(backWith(answer)).toMatchObject({ error: 'access_denied' });
  const other = await there();
  const none = await allow(other.browser, await other.browser.ask('GET', other.back));
  expect(backWith(none)).toMatchObject({ error: 'access_denied' });
});

test('an answer of the provider counts once, and only in the browser that went there', async () => {
  provider.person = NORA;
  const { browser, back } = await there();
  const stranger = await visitor(site.base).ask('GET', back);
  expect(stranger.status).toBe(400);
  const forged = new URL(back);
  forged.searchParams.set('state', 'another');
  expect((await browser.ask('GET', forged.href)).status).toBe(400);
  expect((await browser.ask('GET', back)).status).toBe(200);
  expect((await browser.ask('GET', back)).status).toBe(400);

  const refused = await there();
  const withError = new URL(refused.back);
  withError.searchParams.delete('code');
  withError.searchParams.set('error', 'access_denied');
  const told = await refused.browser.ask('GET', withError.href);
  expect(backWith(told)).toMatchObject({ error: 'access_denied', state: 'the state of the app' });
});

test('a request that is too long for a cookie goes back to the application', async () => {
  const browser = visitor(site.base);
  const query = asked(site, APP, { nonce: 'n'.repeat(2_000), state: 's'.repeat(2_000) });
  const answer = await browser.ask('GET', `${site.base}/auth/authorize?${query}`);
  expect(backWith(answer)).toMatchObject({ error: 'invalid_request' });
});

test('a refresh works until the provider says that the person has signed out', async () => {
  provider.person = NORA;
  const tokens = await letIn();
  const refresh = (token: string): ReturnType<typeof tokenFor> =>
    tokenFor(site, { grant_type: 'refresh_token', refresh_token: token, client_id: 'app' });
  const again = await refresh(tokens.refresh_token);
  expect(again.status, JSON.stringify(again)).toBe(200);
  const forged = await tokenFor(
    site,
    { logout_token: 'x.y.z' },
    { path: 'backchannel-logout' },
  ).catch((error: unknown) => error);
  expect(forged).not.toMatchObject({ status: 200 });
  expect((await refresh(again.refresh_token)).status).toBe(200);
  const last = await letIn();
  await provider.endSession('nora');
  expect((await refresh(last.refresh_token)).status).toBe(400);
  const read = await fetch(`${site.base}/Observation?code=1`, {
    headers: { authorization: `Bearer ${last.access_token}` },
  });
  expect(read.status).toBe(401);
});

test('beside passwords there is a button for the provider', async () => {
  const oidc = { issuer: `${provider.issuer}/`, clientId: 'waybill', clientSecret: 'client' };
  await using both = await smartSite({ app: APP, server: { oidc } });
  await vi.waitFor(() => fetch(`${both.base}/metadata`));
  const { page, enter } = await atPage(both, asked(both, APP));
  expect(textOf(page)).toMatch(/Sign in at 127\.0\.0\.1/);
  expect(textOf(page)).toMatch(/name="password"/);
  const gone = await enter({ decision: 'provider' });
  expect(gone.headers.get('location')).toMatch(new RegExp(`^${provider.issuer}/auth\\?`));
});
