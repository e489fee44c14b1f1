import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import fhirOut from '../../../adapters/fhir/fhir-out.ts';
import { oauth2Sandbox } from '../../../sandbox/oauth2/oauth2-sandbox.ts';
import type { Credential } from '../../../src/adapter/index.ts';
import { credentialSet } from '../../support/credential-set.ts';
import { type FhirServer, fhirServer, json, outcome } from '../../support/fhir-server.ts';
import {
  type OpenedOutbound,
  openOutbound,
  streamedBody,
  testSteps,
} from '../../support/open-adapter.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const open = (
  server: FhirServer,
  given: Readonly<Record<string, unknown>> = {},
  credentials: Readonly<Record<string, Credential>> = {},
): Promise<OpenedOutbound> => openOutbound(fhirOut, { url: server.url, ...given }, { credentials });

const body = (resource: object): Buffer => Buffer.from(JSON.stringify(resource));
const patient = (more: object = {}): Buffer => body({ resourceType: 'Patient', ...more });

test('a resource without an id is created and one with an id is updated', async () => {
  await using server = await fhirServer();
  await using opened = await open(server);
  expect(await opened.send(patient())).toMatchObject({
    code: '201',
    type: 'application/fhir+json',
    text: `${server.url}/Patient/1/_history/1\nETag W/"1"`,
  });
  expect(await opened.send(patient({ id: 'p-7' }))).toMatchObject({ code: '200' });
  expect([...server.resources.keys()]).toEqual(['Patient/1', 'Patient/p-7']);
  expect(server.web.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
    'POST /r4/Patient',
    'PUT /r4/Patient/p-7',
  ]);
});

test('a conditional create that is repeated makes one resource', async () => {
  await using server = await fhirServer();
  await using opened = await open(server, { ifNoneExist: 'identifier=urn:mrn|{name}' });
  const resource = patient({ identifier: [{ system: 'urn:mrn', value: 'a b&c' }] });
  expect(await opened.send(resource, { name: 'a b&c' })).toMatchObject({ code: '201' });
  expect(await opened.send(resource, { name: 'a b&c' })).toMatchObject({ code: '200' });
  expect(server.resources.size).toBe(1);
  expect(server.web.requests[0]?.headers['if-none-exist']).toBe('identifier=urn:mrn|a%20b%26c');
});

test('an OperationOutcome is told in plain words', async () => {
  await using server = await fhirServer();
  await using opened = await open(server);
  expect(await opened.send(patient({ birthDate: 'yesterday' }))).toMatchObject({
    code: '422',
    text: 'error: a value is not allowed at Patient.birthDate: Not a valid date',
  });
});

test('a batch of which one entry was refused is not taken for a success', async () => {
  await using server = await fhirServer();
  await using opened = await open(server);
  const resources = [
    { resourceType: 'Patient' },
    { resourceType: 'Patient', birthDate: 'yesterday' },
  ];
  const bundle = {
    resourceType: 'Bundle',
    type: 'batch',
    entry: resources.map((resource) => ({ resource })),
  };
  expect(await opened.send(body(bundle))).toMatchObject({
    code: '422',
    text: 'entry 2: 422 error: a value is not allowed at Patient.birthDate: Not a valid date',
  });
  expect(server.web.requests[0]?.path).toBe('/r4');
});

test('a transaction is posted from a stream with its length', async () => {
  await using server = await fhirServer();
  await using opened = await open(server, { action: 'transaction' });
  const entry = Array.from({ length: 3_000 }, (_, n) => ({
    resource: { resourceType: 'Observation', note: [{ text: `${n}`.padEnd(100) }] },
  }));
  const bundle = body({ resourceType: 'Bundle', type: 'transaction', entry });
  expect(await opened.send(streamedBody(bundle))).toMatchObject({ code: '200' });
  expect(server.web.requests[0]?.headers['content-length']).toBe(String(bundle.length));
  expect(server.resources.size).toBe(3_000);
});

test('a search gives all pages in one Bundle', async () => {
  await using server = await fhirServer();
  for (let n = 1; n <= 5; n++) {
    server.resources.set(`Patient/${n}`, {
      resourceType: 'Patient',
      id: `${n}`,
      identifier: ['M1'],
    });
  }
  await using opened = await open(server, {
    action: 'search',
    query: 'Patient?identifier=urn:mrn|{name}',
  });
  const reply = await opened.send(Buffer.alloc(0), { name: 'M1' });
  const bundle = JSON.parse(Buffer.from(reply?.body ?? []).toString()) as {
    entry: { resource: { id: string } }[];
    total: number;
  };
  expect(bundle.entry.map(({ resource }) => resource.id)).toEqual(['1', '2', '3', '4', '5']);
  expect(bundle.total).toBe(5);
  expect(server.web.requests).toHaveLength(3);
});

test('a page at another host is not fetched, since the token would go there', async () => {
  await using server = await fhirServer();
  await using stranger = await fhirServer();
  const link = [{ relation: 'next', url: `${stranger.url}/Patient` }];
  server.gate = () => json(200, { resourceType: 'Bundle', link });
  await using opened = await open(server, { action: 'search', query: 'Patient' });
  await expect(opened.send(Buffer.alloc(0))).rejects.toMatchObject({ code: 'ADAPTER_DISABLED' });
  expect(stranger.web.requests).toEqual([]);
});

test.for([
  ['no JSON', Buffer.from('MSH|^~\\&|SECRETNAME'), 'is not JSON'],
  ['no resource', body({ family: 'SECRETNAME' }), 'no resourceType'],
  ['an id that is a way up', patient({ id: '..' }), 'has no id to update'],
] as const)('a body that is %s is refused and not quoted', async ([, sent, text]) => {
  await using server = await fhirServer();
  await using opened = await open(server);
  const error = await opened.send(sent).catch((thrown: unknown) => thrown as Error);
  expect(error).toMatchObject({ code: 'ADAPTER_REJECTED', message: expect.stringContaining(text) });
  expect(JSON.stringify(error)).not.toContain('SECRETNAME');
  expect(server.web.requests).toEqual([]);
});

test('the wish of a busy server to wait goes with the reply', async () => {
  await using server = await fhirServer();
  server.gate = () => ({
    ...outcome(429, 'throttled', 'slow down'),
    headers: { 'retry-after': '7' },
  });
  await using opened = await open(server);
  expect(await opened.send(patient())).toMatchObject({ code: '429', retryAfter: 7_000 });
});

test('SMART Backend Services: a signed assertion gets the token, and a revoked token is renewed once', async () => {
  await using server = await fhirServer();
  await using folder = await temporaryFolder('smart');
  await using login = await oauth2Sandbox({ clients: [], scopes: ['system/Patient.rs'] });
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  await using set = credentialSet(
    {
      ehr: {
        kind: 'oauth2',
        provider: 'generic',
        tokenUrl: login.tokenUrl,
        clientId: 'waybill',
        scope: 'system/Patient.rs',
        trust: login.ca,
        authentication: {
          privateKeyJwt: {
            key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
            algorithm: 'ES384',
          },
        },
      },
    },
    { folder: folder.path },
  );
  const { keys } = await set.credentials.jwksDocument();
  await login.register({ clientId: 'waybill', keys });
  const revoked = new Set<string>();
  server.gate = async ({ headers, path }) => {
    if (path.endsWith('/metadata')) return undefined;
    const token = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1] ?? '';
    const { active } = await login.introspect(token);
    return active && !revoked.has(token) ? undefined : outcome(401, 'login', 'sign in');
  };
  const credentials = { ehr: await set.credentials.get('ehr') };
  await using opened = await open(server, { credential: 'ehr' }, credentials);
  expect(await opened.send(patient())).toMatchObject({ code: '201' });
  const first = await set.token('ehr');
  revoked.add(first);
  expect(await opened.send(patient())).toMatchObject({ code: '201' });
  expect(login.tokenRequests).toBe(2);
  revoked.add(await set.token('ehr'));
  server.gate = () => outcome(401, 'login', 'never');
  const before = server.web.requests.length;
  // it was renewed a moment ago: the next try has a new one
  await expect(opened.send(patient())).rejects.toMatchObject({
    code: 'CREDENTIAL_UNAVAILABLE',
    retryable: true,
  });
  expect(server.web.requests.length - before).toBe(1);
  expect(JSON.stringify([opened.log, opened.events, opened.states])).not.toContain(first);
  const steps = await testSteps(
    fhirOut,
    { url: server.url, credential: 'ehr', query: 'Patient?identifier={id}' },
    { credentials },
  );
  expect(steps.at(-1)).toMatchObject({ name: 'sign-in', result: 'failed' });
});

test('searching for the connection test names version, product and what is allowed', async () => {
  await using server = await fhirServer();
  const given = { url: server.url, action: 'search', query: 'Patient?identifier={id}' };
  const steps = await testSteps(fhirOut, given);
  expect(steps.map(({ name, result }) => `${name} ${result}`)).toEqual([
    'name passed',
    'TCP passed',
    'HTTP passed',
    'permission passed',
    'path passed',
    'FHIR passed',
    'search passed',
  ]);
  expect(steps[5]?.detail).toBe('FHIR 4.0.1, Memory FHIR');
});
