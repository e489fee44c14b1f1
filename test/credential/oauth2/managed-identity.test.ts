import { expect, test } from 'vitest';
import type { CredentialError } from '../../../src/credential/credential-error.ts';
import { credentialSet } from '../../support/credential-set.ts';
import { type Answering, webServer } from '../../support/web-server.ts';

const STORAGE = 'https://storage.azure.com';

const identity = (change: object = {}) => ({
  storage: {
    kind: 'oauth2',
    provider: 'azure-identity',
    scope: `${STORAGE}/.default`,
    ...change,
  },
});

const json = (body: object, status = 200) => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

/** What the metadata service of a virtual machine answers: numbers are text. */
const machine: Answering = ({ headers }) =>
  headers['metadata'] === 'true'
    ? json({ access_token: 'of the machine', expires_in: '3599', token_type: 'Bearer' })
    : json(
        { error: 'bad_request_102', error_description: 'Required metadata header not specified' },
        400,
      );

test('a virtual machine has it from its metadata service', async () => {
  await using service = await webServer(machine);
  const environment = { AZURE_POD_IDENTITY_AUTHORITY_HOST: service.url };
  await using set = credentialSet(identity({ clientId: 'assigned' }), { environment });
  expect(await set.token('storage')).toBe('of the machine');
  expect(await set.token('storage')).toBe('of the machine');
  expect(service.requests).toHaveLength(1);
  const asked = new URL(service.requests[0]?.path ?? '', service.url);
  expect(asked.pathname).toBe('/metadata/identity/oauth2/token');
  expect(Object.fromEntries(asked.searchParams)).toEqual({
    resource: STORAGE,
    client_id: 'assigned',
    'api-version': '2018-02-01',
  });
});

test('App Service gives it for a header, with the moment at which it ends', async () => {
  await using service = await webServer(({ headers }) =>
    headers['x-identity-header'] === 'proof'
      ? json({
          access_token: 'of the app',
          expires_on: String(Math.floor(Date.now() / 1_000) + 86_400),
        })
      : json({}, 403),
  );
  const environment = { IDENTITY_ENDPOINT: `${service.url}/msi/token`, IDENTITY_HEADER: 'proof' };
  await using set = credentialSet(identity(), { environment });
  expect(await set.token('storage')).toBe('of the app');
  expect(service.requests[0]?.path).not.toContain('client_id');
  expect(set.lines.join()).not.toContain('of the app');
});

const refused = (environment: Readonly<Record<string, string>>): Promise<CredentialError> => {
  const set = credentialSet(identity(), { environment });
  return set.token('storage').then(
    () => expect.fail('a token was given'),
    (error: CredentialError) => error,
  );
};

test.for([
  ['/etc/shadow'],
  ['/var/opt/azcmagent/tokens/../../../../etc/a.key'],
  ['/var/opt/azcmagent/tokens/x'],
])('the agent of Arc is not told %s', async ([file]) => {
  await using agent = await webServer(() => ({
    status: 401,
    headers: { 'www-authenticate': `Basic realm=${file}` },
  }));
  const error = await refused({ IDENTITY_ENDPOINT: agent.url, IMDS_ENDPOINT: agent.url });
  expect(error.message).toMatch(/asked for a file outside its own folder/);
  expect(agent.requests).toHaveLength(1);
});

test('a machine without an identity, and one that is not in Azure, are told apart', async () => {
  await using service = await webServer(() =>
    json({ error: 'invalid_request', error_description: 'Identity not found' }, 400),
  );
  const none = await refused({ AZURE_POD_IDENTITY_AUTHORITY_HOST: service.url });
  expect(none).toMatchObject({ code: 'CREDENTIAL_REFUSED', retryable: false });
  expect(none.message).toContain('Identity not found');
  await service.stop();
  const nobody = await refused({ AZURE_POD_IDENTITY_AUTHORITY_HOST: service.url });
  expect(nobody).toMatchObject({ code: 'CREDENTIAL_UNAVAILABLE', retryable: true });
});

test.for([
  [{ tenant: 'hospital.example' }, /tenant.*entra only/s],
  [{ authentication: { secret: 'x' } }, /authentication.*needs none/s],
  [{ scope: 'Mail.Send' }, /scope.*\/\.default/s],
  [{ provider: 'entra', tenant: 'hospital.example' }, /clientId.*is required/s],
] as const)('%o does not go with it', async ([change, said]) => {
  await using set = credentialSet(identity(change));
  await expect(set.token('storage')).rejects.toThrow(said);
});
