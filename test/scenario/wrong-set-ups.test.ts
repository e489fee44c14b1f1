import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer } from 'node:net';
import { jwtVerify } from 'jose';
import { describe, expect, test } from 'vitest';
import fhirOut from '../../adapters/fhir/fhir-out.ts';
import graphMailOut from '../../adapters/graph/graph-mail-out.ts';
import httpOut from '../../adapters/http/http-out.ts';
import mllpOut from '../../adapters/mllp/mllp-out.ts';
import { oauth2Sandbox } from '../../sandbox/oauth2/oauth2-sandbox.ts';
import { certificates } from '../support/certificates.ts';
import { credentialSet } from '../support/credential-set.ts';
import { fhirServer, outcome } from '../support/fhir-server.ts';
import { graphLab, HUB, WARD } from '../support/graph-lab.ts';
import { mllpPeer } from '../support/mllp-peer.ts';
import { openOutbound, testSteps } from '../support/open-adapter.ts';
import { arrived } from '../support/open-graph.ts';
import { adt } from '../support/operator.ts';
import { type Credentials, said } from '../support/said.ts';
import { listening } from '../support/tcp-server.ts';
import { webServer } from '../support/web-server.ts';

/** What users meet, in order: a set-up that is wrong, what the connection test says of it, and that the corrected one works. */

const BODY = Buffer.from(adt('1'));

test('5: HL7 over TLS to a port without it', async () => {
  // as MLLP listeners do with bytes that are no message
  await using plain = await listening(
    createServer((socket) => socket.once('data', () => socket.resetAndDestroy())),
  );
  await using closing = await listening(
    createServer((socket) => socket.once('data', () => socket.end())),
  );
  for (const { port } of [plain, closing]) {
    expect(await said(mllpOut, { connect: `127.0.0.1:${port}`, tls: {} })).toMatch(
      /^TLS failed: \S+ closed the connection when TLS began → It may not speak TLS on this port: leave tls out/,
    );
  }
});

test('5: HL7 to a peer that wants mutual TLS', async () => {
  await using files = await certificates();
  const { certificate: cert, key } = files.server;
  const ca = files.authority.certificate;
  await using peer = await mllpPeer({ cert, key, ca, requestCert: true, rejectUnauthorized: true });
  const connect = `localhost:${peer.port}`;
  const { trust } = files;
  const credentials = { hub: files.client, other: files.strangeClient };

  expect(await said(mllpOut, { connect })).toMatch(/^TCP failed: .* speaks TLS → Add a tls block/);
  expect(await said(mllpOut, { connect, tls: {} })).toMatch(
    /^TLS failed: .*authority that is not trusted here → Put the authority's certificate into the file/,
  );
  expect(await said(mllpOut, { connect, tls: { trust } })).toMatch(
    /^TLS failed: .*asks for a client certificate and none was sent → Set certificate under tls/,
  );
  const stranger = { connect, tls: { trust, certificate: 'other' } };
  expect(await said(mllpOut, stranger, credentials)).toMatch(
    /^TLS failed: .* closed the connection right after the handshake → It probably refuses our certificate/,
  );

  const right = { connect, tls: { trust, certificate: 'hub' } };
  await using opened = await openOutbound(mllpOut, right, { credentials });
  expect(await opened.send(BODY)).toMatchObject({ code: 'AA' });
});

test('10: mail through Office 365 with a client secret that has expired, and a permission that is missing', async () => {
  await using lab = await graphLab({ roles: [] });
  const clientId = '00000000-0000-4000-8000-000000000001';
  const resource = 'https://graph.microsoft.com';
  const known = (expires: Date | undefined, roles: readonly string[]) =>
    lab.entra.register({
      clientId,
      secrets: [{ value: 'the value', ...(expires && { expires }) }],
      roles: { [resource]: roles },
    });
  const given = { ...lab.given, mailbox: HUB, to: WARD };
  await using set = credentialSet({
    graph: {
      kind: 'oauth2',
      provider: 'entra',
      tenant: lab.entra.tenant,
      authority: lab.entra.authority,
      clientId,
      authentication: { secret: 'the value' },
      scope: `${resource}/.default`,
      trust: lab.entra.ca,
    },
  });
  // a refused secret is not asked for again at once; each time is a new start of the engine
  const credentials = async (): Promise<Credentials> => {
    await set.credentials.close();
    return { graph: await set.credentials.get('graph') };
  };
  known(new Date(Date.now() - 1_000), []);
  expect(await said(graphMailOut, given, await credentials())).toMatch(
    /AADSTS7000222: the client secret has expired.* → Make a new one in the Entra admin center/,
  );
  known(undefined, []);
  expect(await said(graphMailOut, given, await credentials())).toMatch(/Mail\.Send/);
  known(undefined, ['Mail.Send', 'Mail.ReadWrite']);
  await using opened = await openOutbound(graphMailOut, given, {
    credentials: await credentials(),
  });
  await opened.send(BODY);
  expect(arrived(lab)).toHaveLength(1);
});

/** A credential that signs tokens with this key. */
const signing = async (key: KeyObject, audience: string): Promise<Credentials> => {
  const pem = key.export({ type: 'pkcs8', format: 'pem' });
  const entry = { kind: 'jwt-key', algorithm: 'ES256', privateKey: pem, issuer: 'hub', audience };
  return { lab: await credentialSet({ lab: entry }).credentials.get('lab') };
};

test('18: a token that we sign ourselves, for the wrong audience, then with a key the peer does not know', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const seen = new Set<unknown>();
  await using server = await webServer(async ({ headers }) => {
    const token = headers.authorization?.replace('Bearer ', '') ?? '';
    const rules = { issuer: 'hub', audience: 'urn:lab', algorithms: ['ES256'] };
    try {
      const { payload } = await jwtVerify(token, publicKey, rules);
      seen.add(payload.jti);
      return {};
    } catch (error) {
      const { code } = error as { code: string };
      const why = `Bearer error="invalid_token", error_description="${code}"`;
      return { status: 401, headers: { 'www-authenticate': why } };
    }
  });
  const given = { url: `${server.url}/in`, credential: 'lab' };
  const elsewhere = await signing(privateKey, 'urn:elsewhere');
  expect(await said(httpOut, given, elsewhere)).toMatch(
    /^sign-in failed: .*401.*ERR_JWT_CLAIM.* → .*for a token compare audience/,
  );
  const steps = await testSteps(httpOut, given, { credentials: elsewhere });
  expect(steps.at(-1)?.detail).toMatch(/valid for \d+ s, issuer hub, audience urn:elsewhere$/);
  expect(await said(httpOut, given, await signing(stranger, 'urn:lab'))).toMatch(
    /^sign-in failed: .*401.*ERR_JWS_SIGNATURE/,
  );
  const credentials = await signing(privateKey, 'urn:lab');
  await using opened = await openOutbound(httpOut, given, { credentials });
  await opened.send(BODY);
  expect(await opened.send(BODY)).toMatchObject({ code: '200' });
  expect(seen.size).toBe(2);
});

test('21: an HTTP operation with OAuth 2.0, wrong secret, then wrong scope', async () => {
  await using login = await oauth2Sandbox({
    clients: [{ clientId: 'hub', secret: 'right', secretIn: 'header' }],
    scopes: ['read', 'write'],
  });
  await using server = await webServer(async ({ headers }) => {
    const { active, scope } = await login.introspect(
      headers.authorization?.replace('Bearer ', '') ?? '',
    );
    if (!active) return { status: 401, headers: { 'www-authenticate': 'Bearer realm="lab"' } };
    const challenge = 'Bearer error="insufficient_scope", scope="write"';
    const isEnough = scope?.split(' ').includes('write') === true;
    return isEnough ? {} : { status: 403, headers: { 'www-authenticate': challenge } };
  });
  const given = { url: `${server.url}/in`, credential: 'lab' };
  const credentials = async (change: object): Promise<Credentials> => {
    const set = credentialSet({
      lab: {
        kind: 'oauth2',
        issuer: login.url,
        clientId: 'hub',
        authentication: { secret: 'right' },
        scope: 'write',
        trust: login.ca,
        ...change,
      },
    });
    return { lab: await set.credentials.get('lab') };
  };
  const wrong = await credentials({ authentication: { secret: 'wrong' } });
  expect(await said(httpOut, given, wrong)).toMatch(
    /^sign-in failed: .*invalid_client.* → Compare clientId and authentication/,
  );
  expect(await said(httpOut, given, await credentials({ scope: 'read' }))).toMatch(
    /^permission failed: .*403.*insufficient_scope.* → Have the scope write granted/,
  );
  const right = await credentials({});
  await using opened = await openOutbound(httpOut, given, { credentials: right });
  expect(await opened.send(BODY)).toMatchObject({ code: '200' });
});

test('27: a FHIR operation without the token that was fetched, then with it', async () => {
  await using login = await oauth2Sandbox({
    clients: [{ clientId: 'hub', secret: 'right', secretIn: 'header' }],
    scopes: ['system/Patient.rs'],
  });
  await using server = await fhirServer();
  server.gate = async ({ headers, path }) => {
    if (path.endsWith('/metadata')) return undefined;
    const { active } = await login.introspect(headers.authorization?.replace('Bearer ', '') ?? '');
    return active ? undefined : outcome(401, 'login', 'sign in');
  };
  await using set = credentialSet({
    epic: {
      kind: 'oauth2',
      issuer: login.url,
      clientId: 'hub',
      authentication: { secret: 'right' },
      scope: 'system/Patient.rs',
      trust: login.ca,
    },
  });
  const patient = Buffer.from('{"resourceType":"Patient","birthDate":"1970-01-01"}');
  await using bare = await openOutbound(fhirOut, { url: server.url });
  expect(await bare.send(patient)).toMatchObject({
    code: '401',
    text: expect.stringContaining('the caller must sign in'),
  });
  const given = { url: server.url, credential: 'epic' };
  const credentials = { epic: await set.credentials.get('epic') };
  await using opened = await openOutbound(fhirOut, given, { credentials });
  expect(await opened.send(patient)).toMatchObject({ code: '201' });
});

test('a host that wants two proofs, a client certificate and a token, gets both', async () => {
  await using files = await certificates();
  const { certificate: cert, key } = files.server;
  const tls = { cert, key, ca: files.authority.certificate };
  const asks = { status: 401, headers: { 'www-authenticate': 'Bearer realm="lab"' } };
  await using server = await webServer(
    ({ headers }) => (headers.authorization === 'Bearer the token' ? {} : asks),
    { tls },
  );
  const { trust, client } = files;
  const credentials: Credentials = {
    hub: client,
    lab: { kind: 'bearer', token: async () => 'the token' },
  };
  const url = `${server.url}/in`;
  const token = { url, credential: 'lab', tls: { trust } };
  expect(await said(httpOut, token, credentials)).toMatch(
    /^TLS failed: .*asks for a client certificate and none was sent/,
  );
  const certificate = { url, tls: { trust, certificate: 'hub' } };
  expect(await said(httpOut, certificate, credentials)).toMatch(
    /^permission failed: the server wants a sign-in \(401; bearer\) and no credential is set/,
  );
  const both = { ...certificate, credential: 'lab' };
  await using opened = await openOutbound(httpOut, both, { credentials });
  expect(await opened.send(BODY)).toMatchObject({ code: '200' });
});

describe('1, 2, 20: a key or token in the wrong place', () => {
  const key: Credentials = { lab: { kind: 'bearer', token: async () => 'the key' } };
  const places = {
    header: { 'x-api-key': 'the key' },
    bearer: { authorization: 'Bearer the key' },
    cookie: { cookie: 'access=the key' },
  };

  test.for([
    ['an API key as a bearer token', 'header', {}, { signIn: 'header' }],
    ['a bearer token as an API key', 'bearer', { signIn: 'header' }, {}],
    ['a token for a cookie as a header', 'cookie', {}, { signIn: 'cookie', keyName: 'access' }],
  ] as const)(
    '%s is refused, said so, and taken where it belongs',
    async ([, place, wrong, right]) => {
      await using server = await webServer(({ headers }) => {
        const [[name, value] = ['', '']] = Object.entries(places[place]);
        return headers[name] === value
          ? {}
          : { status: 401, headers: { 'www-authenticate': 'ApiKey realm="lab"' } };
      });
      const given = { url: `${server.url}/in`, credential: 'lab' };
      expect(await said(httpOut, { ...given, ...wrong }, key)).toMatch(
        /^sign-in failed: the server refuses the credential \(401; apikey\) → Check user, password or key, and in signIn and keyName/,
      );
      await using opened = await openOutbound(
        httpOut,
        { ...given, ...right },
        { credentials: key },
      );
      expect(await opened.send(BODY)).toMatchObject({ code: '200' });
    },
  );
});
