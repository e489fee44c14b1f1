import { generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exportJWK, SignJWT } from 'jose';
import { expect, test, vi } from 'vitest';
import { stringify } from 'yaml';
import httpIn from '../../adapters/http/http-in.ts';
import mllpIn from '../../adapters/mllp/mllp-in.ts';
import { type Called, type Calling, call } from '../adapters/http/calling.ts';
import { certificates } from '../support/certificates.ts';
import { credentialSet } from '../support/credential-set.ts';
import { mllpSender, portOf } from '../support/mllp-sender.ts';
import { type OpenedInbound, openInbound, testSteps } from '../support/open-adapter.ts';
import { adt } from '../support/operator.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { webServer } from '../support/web-server.ts';

/** As in `wrong-set-ups.test.ts`, for those who call us: what they and the operators are told, and the corrected set-up that works. */

const ISSUER = 'https://sso.example';
const SECONDS = 1_000;

const urlOf = ({ states }: OpenedInbound): string =>
  `http://${/^([\d.]+:\d+)/.exec(states.at(-1)?.detail ?? '')?.[1]}`;

const told = ({ events }: OpenedInbound): string => events.at(-1)?.text ?? '';

const detailOf = ({ body }: Called): unknown => (JSON.parse(body) as { detail: unknown }).detail;

/** An identity provider that publishes its keys, what checks its tokens here, and a maker of such tokens. */
async function identityProvider(audience: string) {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' };
  const published = await webServer(() => ({
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ keys: [jwk] }),
  }));
  const jwksUrl = `${published.url}/certs`;
  const set = credentialSet({ sso: { kind: 'jwt-key', jwksUrl, issuer: ISSUER, audience } });
  return {
    verifiers: { sso: await set.credentials.jwt('sso') },
    token: (scope: string): Promise<string> =>
      new SignJWT({ sub: 'portal', scope })
        .setProtectedHeader({ alg: 'RS256', kid: 'k1' })
        .setIssuer(ISSUER)
        .setAudience('results')
        .setExpirationTime(Math.floor(Date.now() / SECONDS) + 300)
        .sign(privateKey),
    async [Symbol.asyncDispose]() {
      await set[Symbol.asyncDispose]();
      await published[Symbol.asyncDispose]();
    },
  };
}

const withToken = (token: string, more: Calling = {}): Calling => ({
  body: 'x',
  ...more,
  headers: { authorization: `Bearer ${token}` },
});

test('1: the key of an OpenAPI document that nobody set up, then one in the wrong place', async () => {
  await using folder = await temporaryFolder('openapi');
  const key = { type: 'apiKey', in: 'header', name: 'HTTP-API-KEY' };
  const document = {
    openapi: '3.0.3',
    security: [{ key: [] }],
    paths: { '/budget': { post: {} } },
    components: { securitySchemes: { key } },
  };
  await writeFile(join(folder.path, 'api.yaml'), stringify(document));
  const given = { listen: '127.0.0.1:0', openapi: 'api.yaml' };
  const credentials = { app: { kind: 'bearer', token: async () => 'the key' } } as const;
  const options = { credentials, folder: folder.path };
  // it is no way to let everybody in, as a document without its own code often is
  expect((await testSteps(httpIn, given, options)).at(-1)).toMatchObject({
    name: 'path',
    result: 'failed',
    cause: expect.stringContaining('the security scheme key has no entry under callers'),
  });
  const right = { ...given, callers: [{ kind: 'api-key', credentials: ['app'] }] };
  await using opened = await openInbound(httpIn, right, options);
  const post = (headers: Record<string, string>): Promise<Called> =>
    call(`${urlOf(opened)}/budget`, { body: '{}', headers });
  const misplaced = await post({ authorization: 'Bearer the key' });
  expect(misplaced.status).toBe(401);
  expect(detailOf(misplaced)).toBe(
    'A sign-in is needed, but none was found: a key in the header HTTP-API-KEY.',
  );
  expect((await post({ 'http-api-key': 'another' })).status).toBe(401);
  expect(told(opened)).toMatch(/^Refused 127\.0\.0\.1 \(401\): the key is unknown/);
  expect((await post({ 'http-api-key': 'the key' })).status).toBe(202);
});

test('2: a service whose audience is not that of the tokens, then one scope for reading and one for writing', async () => {
  const given = {
    listen: '127.0.0.1:0',
    methods: ['GET', 'POST'],
    scopes: ['GET: read', 'POST: write'],
    callers: { kind: 'bearer', verifier: 'sso' },
  };
  await using wrong = await identityProvider('waybill');
  await using refusing = await openInbound(httpIn, given, wrong);
  const refused = await call(urlOf(refusing), withToken(await wrong.token('read write')));
  const reason = 'the audience (aud) of the token is not the one expected';
  expect(refused.status).toBe(401);
  expect(refused.headers['www-authenticate']).toBe(
    `Bearer realm="waybill", error="invalid_token", error_description="${reason}"`,
  );
  expect(told(refusing)).toBe(`Refused 127.0.0.1 (401): ${reason}.`);

  const mistyped = { ...given, scopes: ['GET: read', 'PSOT: write'] };
  await expect(openInbound(httpIn, mistyped, wrong)).rejects.toThrow(/PSOT is not among methods/);

  await using right = await identityProvider('results');
  await using opened = await openInbound(httpIn, given, right);
  const reader = await right.token('read');
  const url = urlOf(opened);
  expect((await call(url, withToken(reader, { method: 'GET', body: null }))).status).toBe(202);
  expect((await call(url, withToken(reader))).status).toBe(403);
  expect(told(opened)).toBe(
    'Refused 127.0.0.1 (403): it lacks the scope write for POST /; a token’s scopes are read from scope, scp, roles (scopeClaim).',
  );
  expect((await call(url, withToken(await right.token('write')))).status).toBe(202);
});

test('8, 20: a page whose token is in a cookie, where nobody looks for it, and then from another page', async () => {
  await using idp = await identityProvider('results');
  const callers = { kind: 'bearer', verifier: 'sso' };
  const cookie = `session=${await idp.token('')}`;
  const given = { listen: '127.0.0.1:0', callers };
  await using blind = await openInbound(httpIn, given, idp);
  const post = (one: OpenedInbound, origin: string): Promise<Called> =>
    call(urlOf(one), { body: 'x', headers: { cookie, origin } });
  const unseen = await post(blind, urlOf(blind));
  expect(unseen.status).toBe(401);
  expect(detailOf(unseen)).toBe(
    'A sign-in is needed, but none was found: a token in the header Authorization (Bearer).',
  );

  const right = { ...given, callers: { ...callers, from: ['header', 'cookie:session'] } };
  await using opened = await openInbound(httpIn, right, idp);
  const elsewhere = await post(opened, 'https://app.example');
  expect(elsewhere.status).toBe(403);
  expect(told(opened)).toBe(
    'Refused 127.0.0.1 (403): a cookie came with a request from a page of the origin https://app.example, which is not under cors.origins.',
  );
  expect((await post(opened, urlOf(opened))).status).toBe(202);
  const listed = { ...right, cors: { origins: ['https://app.example'], credentials: true } };
  await using open = await openInbound(httpIn, listed, idp);
  expect((await post(open, 'https://app.example')).status).toBe(202);
});

test('5: HL7 from a sender that does not speak TLS, shows no certificate, shows a strange one', async () => {
  await using files = await certificates();
  const tls = { certificate: 'hub', clientCertificate: 'required', trust: files.trust };
  const options = { credentials: { hub: files.server } };
  await using opened = await openInbound(mllpIn, { listen: '127.0.0.1:0', tls }, options);
  const says = (text: RegExp): Promise<void> =>
    vi.waitFor(() => expect(told(opened)).toMatch(text));
  const secure = { ca: files.authority.certificate, servername: 'localhost' };
  const { strangeClient, client } = files;

  await using plain = await mllpSender(portOf(opened));
  plain.send(adt('1'));
  await says(/^Refused 127\.0\.0\.1: it sent plain text .* Switch on TLS at the client/);
  await using nameless = await mllpSender(portOf(opened), secure);
  await says(/^Refused 127\.0\.0\.1: it sent no certificate\. Give the client its certificate/);
  const strange = { cert: strangeClient.certificate, key: strangeClient.key };
  await using stranger = await mllpSender(portOf(opened), { ...secure, ...strange });
  await says(/^Refused 127\.0\.0\.1 \(CN=client-a\): .*authority that is not trusted here/);
  expect([plain, nameless, stranger].flatMap(({ answers }) => answers)).toEqual([]);

  const known = { cert: client.certificate, key: client.key };
  await using sender = await mllpSender(portOf(opened), { ...secure, ...known });
  sender.send(adt('2'));
  await sender.answered(1);
  expect(sender.codes()).toEqual(['AA|2']);
});
