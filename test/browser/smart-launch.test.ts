import { expect, test, vi } from 'vitest';
import { freePort } from '../../sandbox/free-port.ts';
import { type Json, reply, type Server, server } from '../adapters/fhir/serving.ts';
import { browser, noBrowser } from '../support/browser.ts';
import { credentialSet } from '../support/credential-set.ts';
import { oidcService } from '../support/oidc-service.ts';
import { smartAuthority } from '../support/smart-authority.ts';
import { smartSite } from '../support/smart-site.ts';
import { webServer } from '../support/web-server.ts';

/** A SMART app as its authors write it: configuration, code with PKCE, search, refresh, search. */
const APP = `<!doctype html><meta charset="utf-8"><title>app</title><pre id="out"></pre><script type="module">
const url = new URL(location.href);
const b64 = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
const kept = (name, value) => value === undefined ? sessionStorage.getItem(name) : sessionStorage.setItem(name, value);
const redirect = url.origin + '/app';
const form = (fields) => ({ method: 'POST', body: new URLSearchParams(fields) });
if (!url.searchParams.has('code') && !url.searchParams.has('error')) {
  const iss = url.searchParams.get('iss');
  const config = await (await fetch(iss + '/.well-known/smart-configuration')).json();
  const verifier = b64(crypto.getRandomValues(new Uint8Array(32)));
  kept('iss', iss); kept('verifier', verifier); kept('token', config.token_endpoint); kept('state', crypto.randomUUID());
  const launch = url.searchParams.get('launch');
  const challenge = b64(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier)));
  location.href = config.authorization_endpoint + '?' + new URLSearchParams({
    response_type: 'code', client_id: 'app', redirect_uri: redirect, state: kept('state'), aud: iss,
    scope: (launch ? 'launch' : 'launch/patient') + ' patient/*.rs openid offline_access',
    code_challenge: challenge, code_challenge_method: config.code_challenge_methods_supported[0], ...(launch && { launch }),
  });
} else {
  const out = { error: url.searchParams.get('error_description'), state: url.searchParams.get('state') === kept('state') };
  const tokens = await (await fetch(kept('token'), form({ grant_type: 'authorization_code', code: url.searchParams.get('code'), redirect_uri: redirect, client_id: 'app', code_verifier: kept('verifier') }))).json();
  const get = async (path, token) => { const answer = await fetch(kept('iss') + path, { headers: { authorization: 'Bearer ' + token } }); return { status: answer.status, body: await answer.json() }; };
  out.search = await get('/Observation?code=1', tokens.access_token);
  out.other = (await get('/Patient/other', tokens.access_token)).status;
  out.everything = (await get('/Patient?_id=other', tokens.access_token)).status;
  const again = await (await fetch(kept('token'), form({ grant_type: 'refresh_token', refresh_token: tokens.refresh_token, client_id: 'app' }))).json();
  out.rotated = again.refresh_token !== tokens.refresh_token;
  out.refreshed = (await get('/Observation?code=1', again.access_token)).status;
  document.querySelector('#out').textContent = JSON.stringify({ ...out, tokens });
}
</script>`;

const observation = (patient: string): Json => ({
  resourceType: 'Observation',
  id: `o-${patient}`,
  subject: { reference: `Patient/${patient}` },
});

/** The facade behind tokens of the authority; its target answers every search with everybody's. */
async function facade(given: {
  readonly port: number;
  readonly issuer: string;
  readonly app: string;
}): Promise<Server> {
  const { port, issuer, app } = given;
  const base = `http://127.0.0.1:${port}/fhir`;
  const key = {
    kind: 'jwt-key',
    algorithm: 'RS256',
    jwksUrl: `${issuer}/jwks`,
    issuer,
    audience: base,
  };
  const set = credentialSet({ sso: key });
  const one = await server(
    {
      listen: `127.0.0.1:${port}`,
      cors: { origins: [new URL(app).origin] },
      callers: [{ kind: 'bearer', verifier: 'sso' }],
      smart: { tokenEndpoint: `${issuer}/token`, authorizationEndpoint: `${issuer}/auth`, issuer },
    },
    { verifiers: { sso: await set.credentials.jwt('sso') } },
  );
  one.opened.answer(() => ({
    reply: reply(['anna', 'bert', 'other'].map(observation)),
    outcome: { status: 'completed' },
  }));
  return {
    ...one,
    async [Symbol.asyncDispose]() {
      await one[Symbol.asyncDispose]();
      await set[Symbol.asyncDispose]();
    },
  };
}

test.skipIf(noBrowser !== undefined)(
  'an app in a browser is launched, standalone and by the EHR, and sees the patient of its launch alone',
  async () => {
    await using pages = await webServer(() => ({
      headers: { 'content-type': 'text/html' },
      body: APP,
    }));
    const app = `${pages.url}/app`;
    const port = await freePort();
    const fhir = `http://127.0.0.1:${port}/fhir`;
    const patients = { '': 'anna', 'ehr-7': 'bert' };
    await using authority = await smartAuthority({ app, fhir, patients });
    await using one = await facade({ port, issuer: authority.issuer, app });
    const launched = async (query: string): Promise<Json> => {
      await using chromium = await browser();
      await chromium.page.goto(`${app}?iss=${encodeURIComponent(one.base)}${query}`);
      const text = await chromium.page.locator('#out:not(:empty)').textContent();
      return JSON.parse(text ?? '') as Json;
    };
    for (const [query, patient] of [
      ['', 'anna'],
      ['&launch=ehr-7', 'bert'],
    ] as const) {
      expect(await launched(query)).toMatchObject({
        error: null,
        state: true,
        search: { status: 200, body: { total: 1, entry: [{ resource: { id: `o-${patient}` } }] } },
        other: 404,
        everything: 403,
        rotated: true,
        refreshed: 200,
      });
    }
    expect(authority.asked.map((query) => query.get('code_challenge_method'))).toContain('S256');
    expect(authority.asked.some((query) => query.get('launch') === 'ehr-7')).toBe(true);
  },
);

test.skipIf(noBrowser !== undefined)(
  'an app sends a person to this server, it sends them to their OpenID provider, and back they let the app in',
  async () => {
    await using pages = await webServer(() => ({
      headers: { 'content-type': 'text/html' },
      body: APP,
    }));
    const app = `${pages.url}/app`;
    const port = await freePort();
    const callback = `http://127.0.0.1:${port}/fhir/auth/callback`;
    await using provider = await oidcService(callback, { host: 'localhost' });
    provider.person = { name: 'nora', roles: [], claims: { patient: 'anna' } };
    const oidc = { issuer: provider.issuer, clientId: 'waybill', clientSecret: 'client' };
    await using site = await smartSite({ app, port, server: { users: undefined, oidc } });
    await vi.waitFor(() => fetch(`${site.base}/metadata`));
    await using chromium = await browser();
    const { page } = chromium;
    await page.goto(`${app}?iss=${encodeURIComponent(site.base)}`);
    await page.waitForSelector('text=You are signed in as nora.');
    expect(new URL(page.url()).origin).toBe(new URL(site.base).origin);
    await page.click('button[value="allow"]');
    const text = await page.locator('#out:not(:empty)').textContent();
    expect(JSON.parse(text ?? '')).toMatchObject({
      error: null,
      state: true,
      search: { status: 200, body: { total: 1, entry: [{ resource: { id: 'o-anna' } }] } },
      everything: 403,
      rotated: true,
      refreshed: 200,
      tokens: { patient: 'anna' },
    });
  },
);
