import { Agent, fetch } from 'undici';
import { expect, test } from 'vitest';
import {
  type OAuth2Sandbox,
  type OAuth2SandboxOptions,
  oauth2Sandbox,
} from '../../../sandbox/oauth2/oauth2-sandbox.ts';
import { openResources } from '../../support/nothing-open.ts';

const FHIR = 'https://fhir.hospital.example/r4';

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

interface Client extends AsyncDisposable {
  readonly server: OAuth2Sandbox;
  post(path: string, form: Readonly<Record<string, string>>, tls?: object): Promise<Answer>;
}

async function clientOf(options: Partial<OAuth2SandboxOptions> = {}): Promise<Client> {
  const server = await oauth2Sandbox({
    clients: [
      { clientId: 'post', secret: 'secret', secretIn: 'body' },
      { clientId: 'tls', certificateName: 'hub.hospital.example' },
    ],
    scopes: ['read'],
    resources: { [FHIR]: ['system/Patient.read'] },
    ...options,
  });
  return {
    server,
    async post(path, form, tls = {}) {
      const dispatcher = new Agent({ connect: { ca: server.ca, ...tls } });
      const body = new URLSearchParams({ grant_type: 'client_credentials', ...form });
      const response = await fetch(`${server.url}${path}`, { method: 'POST', body, dispatcher });
      const answer = (await response.json()) as Answer['body'];
      await dispatcher.close();
      return { status: response.status, body: answer };
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
}

const SECRET = { client_id: 'post', client_secret: 'secret' };

test('a token without a resource is opaque, and introspection knows it', async () => {
  await using client = await clientOf();
  const { status, body } = await client.post('/token', { ...SECRET, scope: 'read' });
  expect(status).toBe(200);
  const token = String(body['access_token']);
  expect(token).not.toContain('.');
  const known = { active: true, clientId: 'post', scope: 'read' };
  expect(await client.server.introspect(token)).toEqual(known);
  const asked = await client.post('/token/introspection', { ...SECRET, token });
  expect(asked.body).toMatchObject({ active: true, client_id: 'post', scope: 'read' });
});

test('a revoked token is no longer active', async () => {
  await using client = await clientOf();
  const { body } = await client.post('/token', SECRET);
  const token = String(body['access_token']);
  expect(await client.server.introspect(token)).toMatchObject({ active: true });
  const dispatcher = new Agent({ connect: { ca: client.server.ca } });
  await fetch(`${client.server.url}/token/revocation`, {
    method: 'POST',
    body: new URLSearchParams({ ...SECRET, token }),
    dispatcher,
  });
  await dispatcher.close();
  expect(await client.server.introspect(token)).toEqual({ active: false });
});

test('a token for a resource is signed for it', async () => {
  await using client = await clientOf();
  const form = { ...SECRET, resource: FHIR, scope: 'system/Patient.read' };
  const { body } = await client.post('/token', form);
  expect(await client.server.introspect(String(body['access_token']))).toEqual({
    active: true,
    clientId: 'post',
    scope: 'system/Patient.read',
    audience: FHIR,
  });
});

test('a resource that is not known is refused', async () => {
  await using client = await clientOf();
  expect(await client.post('/token', { ...SECRET, resource: 'https://x.example' })).toMatchObject({
    status: 400,
    body: { error: 'invalid_target' },
  });
});

test('a certificate of its own authority signs a client in, and its tokens are bound to it', async () => {
  await using client = await clientOf();
  const { certificate: cert, key } = client.server.clientCertificate('hub.hospital.example');
  const form = { client_id: 'tls', resource: FHIR, scope: 'system/Patient.read' };
  const { body } = await client.post('/token', form, { cert, key });
  const [, claims = ''] = String(body['access_token']).split('.');
  expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toHaveProperty([
    'cnf',
    'x5t#S256',
  ]);
});

test.for([
  ['no certificate', undefined],
  ['a certificate of another name', 'x.hospital.example'],
])('%s does not sign that client in', async ([, name]) => {
  await using client = await clientOf();
  const own = name === undefined ? undefined : client.server.clientCertificate(name);
  const tls = own === undefined ? {} : { cert: own.certificate, key: own.key };
  expect(await client.post('/token', { client_id: 'tls' }, tls)).toMatchObject({
    status: 401,
    body: { error: 'invalid_client' },
  });
});

test('a certificate of another authority does not sign a client in', async () => {
  await using client = await clientOf();
  await using other = await clientOf();
  const { certificate: cert, key } = other.server.clientCertificate('hub.hospital.example');
  expect(await client.post('/token', { client_id: 'tls' }, { cert, key })).toMatchObject({
    status: 401,
  });
});

test('a changed registration counts from the next request', async () => {
  await using client = await clientOf();
  await client.server.register({ clientId: 'post', secret: 'next', secretIn: 'body' });
  expect(await client.post('/token', SECRET)).toMatchObject({ status: 401 });
  const form = { ...SECRET, client_secret: 'next' };
  expect(await client.post('/token', form)).toMatchObject({ status: 200 });
  expect(client.server.tokenRequests).toBe(2);
});

test('a fault meets the next request for a token', async () => {
  await using client = await clientOf();
  client.server.faults.next({ kind: 'throttle', retryAfter: 3 });
  expect(await client.post('/token', SECRET)).toMatchObject({
    status: 429,
    body: { error: 'temporarily_unavailable' },
  });
  expect(await client.post('/token', SECRET)).toMatchObject({ status: 200 });
});

test('nothing is left open', async () => {
  const resources = openResources();
  {
    await using client = await clientOf();
    expect(await client.post('/token', SECRET)).toMatchObject({ status: 200 });
  }
  await resources.expectNothingNew();
});
