import { array, assert, asyncProperty, constantFrom, record } from 'fast-check';
import { Client } from 'fhir-kit-client';
import { describe, expect, test } from 'vitest';
import { examples } from '../../support/examples.ts';
import type { Calling } from '../http/calling.ts';
import { documents, FHIR, issues, type Json, reply, type Server, server } from './serving.ts';

/** Tokens say what they are for: `SCOPES#PATIENT`. The real checking of tokens is tested with jwt-key. */
const VERIFIER = {
  verify: (token: string) => {
    const [scope = '', patient] = Buffer.from(token, 'base64url').toString().split('#');
    return Promise.resolve({ sub: 'app', scope, ...(patient !== undefined && { patient }) });
  },
};
const token = (scopes: string, patient?: string): Record<string, string> => ({
  authorization: `Bearer ${Buffer.from(patient === undefined ? scopes : `${scopes}#${patient}`).toString('base64url')}`,
});

const SMART = {
  tokenEndpoint: 'https://sso.example/token',
  authorizationEndpoint: 'https://sso.example/authorize',
  issuer: 'https://sso.example',
};
const facade = (given: Json = {}): Promise<Server> =>
  server(
    {
      callers: [{ kind: 'bearer', verifier: 'sso' }],
      interactions: [
        'read',
        'vread',
        'search',
        'history',
        'create',
        'update',
        'patch',
        'delete',
        'transaction',
        'batch',
        'operation',
      ],
      validate: 'none',
      smart: SMART,
      ...given,
    },
    { verifiers: { sso: VERIFIER } },
  );

/** Posted with a token. */
const posted = (value: Json, more: Readonly<Record<string, string>>): Calling => ({
  method: 'POST',
  body: JSON.stringify(value),
  headers: { ...FHIR, ...more },
});

const batch = (
  scopes: string,
  requests: readonly (readonly [method: string, url: string])[],
): Calling => {
  const entry = requests.map(([method, url]) => ({ request: { method, url } }));
  return posted({ resourceType: 'Bundle', type: 'batch', entry }, token(scopes, 'a'));
};

const observation = (id: string, patient: string, more: Json = {}): Json => ({
  resourceType: 'Observation',
  id,
  subject: { reference: `Patient/${patient}` },
  ...more,
});
const answering = (one: Server, value: unknown): void =>
  one.opened.answer(() => ({ reply: reply(value), outcome: { status: 'completed' } }));

test('applications find the authorization server without a sign-in, also in the CapabilityStatement', async () => {
  await using one = await facade({ cors: { origins: ['https://app.example'] } });
  const origin = { headers: { origin: 'https://app.example' } };
  const found = await one.call('/.well-known/smart-configuration', origin);
  expect(found).toMatchObject({
    status: 200,
    headers: { 'access-control-allow-origin': 'https://app.example' },
  });
  expect(JSON.parse(found.body)).toMatchObject({
    issuer: 'https://sso.example',
    authorization_endpoint: SMART.authorizationEndpoint,
    token_endpoint: SMART.tokenEndpoint,
    code_challenge_methods_supported: ['S256'],
    capabilities: expect.arrayContaining(['launch-standalone', 'permission-v2', 'permission-v1']),
  });
  const { rest } = JSON.parse((await one.call('/metadata')).body) as { rest: Json[] };
  expect(rest[0]?.['security']).toMatchObject({
    service: [{ coding: [{ code: 'SMART-on-FHIR' }] }],
    extension: [
      { extension: [{ url: 'token', valueUri: SMART.tokenEndpoint }, { url: 'authorize' }] },
    ],
  });
  await using plain = await server();
  expect((await plain.call('/.well-known/smart-configuration')).status).toBe(404);
});

describe('scopes', () => {
  test.each([
    ['user/Observation.read', 'GET', '/Observation/1', 200],
    ['user/Observation.r', 'GET', '/Observation/1', 200],
    ['user/Observation.s', 'GET', '/Observation/1', 403],
    ['user/Observation.rs', 'GET', '/Observation?code=1', 200],
    ['user/Observation.r', 'GET', '/Observation?code=1', 403],
    ['user/*.read', 'GET', '/Patient/1/_history', 200],
    ['user/*.r', 'GET', '/Patient/_history', 403],
    ['system/*.cruds', 'DELETE', '/Patient/1', 200],
    ['system/*.write', 'DELETE', '/Patient/1', 200],
    ['system/*.*', 'DELETE', '/Patient/1', 200],
    ['system/*.read', 'DELETE', '/Patient/1', 403],
    ['user/Patient.cruds', 'GET', '/Observation/1', 403],
    ['user/*.cruds', 'GET', '/Patient/1/$everything', 200],
    ['user/Patient.rs', 'GET', '/Patient/1/$everything', 403],
    ['user/Observation.rs', 'GET', '/?page=2', 403],
    // what is limited to a search, written wrongly or of no level grants nothing
    ['user/Observation.rs?category=laboratory', 'GET', '/Observation/1', 403],
    ['user/Observation.sr', 'GET', '/Observation/1', 403],
    ['user/Observation.', 'GET', '/Observation/1', 403],
    ['openid fhirUser launch', 'GET', '/Observation/1', 403],
    // nobody's patient
    ['patient/*.rs', 'GET', '/Observation/1', 403],
  ])('%s: %s %s is %i', async (scopes, method, path, status) => {
    await using one = await facade();
    answering(one, observation('1', 'a'));
    const answer = await one.call(path, { method, headers: token(scopes) });
    expect(answer.status).toBe(status);
    if (status !== 403) return;
    expect(answer.headers['www-authenticate']).toContain('insufficient_scope');
    expect(one.opened.delivered).toEqual([]);
  });

  test.each([
    ['user/Observation.cruds', 'POST', '/Patient', '{'],
    ['user/Observation.cruds', 'POST', '/Patient', '{"resourceType":"Observation"}'],
    ['patient/*.cruds', 'PUT', '/Patient/a', '{"resourceType":"Patient","id":"b"}'],
    ['user/*.rs', 'PATCH', '/Patient/a', 'nonsense'],
    ['patient/*.cruds', 'POST', '', '{'],
    ['openid', 'POST', '', '{"resourceType":"Bundle","type":"batch","entry":[]}'],
  ])('%s: %s %s is 403 whatever is wrong with the body', async (scopes, method, path, body) => {
    await using one = await facade();
    const headers = { ...FHIR, ...token(scopes, 'a') };
    const answer = await one.call(path, { method, body, headers });
    expect(answer.status).toBe(403);
    expect(answer.headers['www-authenticate']).toContain('insufficient_scope');
    expect(one.opened.delivered).toEqual([]);
  });

  test('each entry of a Bundle needs its own', async () => {
    await using one = await facade();
    answering(one, { resourceType: 'Bundle', type: 'batch-response' });
    const post = async (
      scopes: string,
      ...requests: Parameters<typeof batch>[1]
    ): Promise<number> => (await one.call('', batch(scopes, requests))).status;
    expect(await post('user/*.rs', ['GET', 'Observation/1'])).toBe(200);
    expect(await post('user/*.rs', ['GET', 'Observation/1'], ['PUT', 'Observation/1'])).toBe(403);
    expect(await post('user/*.rs', ['GET', 'Observation/1'], ['POST', ''])).toBe(400);
    expect(await post('patient/*.cruds', ['GET', 'Observation/1'])).toBe(403);
  });
});

describe('one patient', () => {
  test('a search is limited to the patient, whatever was asked; rules see whose it is', async () => {
    await using one = await facade();
    const headers = token('patient/*.rs', 'a');
    const searched = async (path: string): Promise<unknown> => {
      answering(one, []);
      const { status } = await one.call(path, { headers });
      const last = documents(one).at(-1);
      return status === 200 ? last?.['search'] : status;
    };
    expect(await searched('/Observation?code=1')).toBe('code=1&patient=a');
    expect(await searched('/Observation?patient=Patient/a')).toBe('patient=a');
    expect(await searched('/Observation?patient=b')).toBe(403);
    expect(await searched('/Observation?patient=a&patient=b')).toBe(403);
    expect(await searched('/Patient?name=x')).toBe('name=x&_id=a');
    expect(await searched('/Patient?_id=b')).toBe(403);
    expect(await searched('/Observation?_elements=code')).toBe(403);
    expect(await searched('/Practitioner?name=x')).toBe('name=x');
    expect(await searched('/AuditEvent?date=1')).toBe(403);
    expect(documents(one)[0]).toMatchObject({ caller: { name: 'app', patient: 'a' } });
  });

  test('a posted search too', async () => {
    await using one = await facade();
    answering(one, []);
    const form = {
      'content-type': 'application/x-www-form-urlencoded',
      ...token('patient/*.rs', 'a'),
    };
    const calling = { method: 'POST', headers: form };
    await one.call('/Observation/_search?status=final', { ...calling, body: 'code=1' });
    expect(documents(one)[0]?.['search']).toBe('status=final&code=1&patient=a');
    expect((await one.call('/Observation/_search', { ...calling, body: 'patient=b' })).status).toBe(
      403,
    );
  });

  test.each([
    ['their own', observation('1', 'a'), 200],
    ["another's", observation('1', 'b'), 404],
    [
      'one of another server',
      observation('1', 'x', { subject: { reference: 'https://other.example/Patient/a' } }),
      404,
    ],
    ['one that does not say whose', { resourceType: 'Observation', id: '1' }, 404],
    [
      'a logical reference',
      { resourceType: 'Observation', subject: { identifier: { value: 'a' } } },
      404,
    ],
    ['what belongs to nobody', { resourceType: 'Practitioner', id: '1' }, 200],
    ['what may be about anybody', { resourceType: 'AuditEvent', id: '1' }, 404],
    [
      'a Bundle of others',
      { resourceType: 'Bundle', entry: [{ resource: observation('1', 'b') }] },
      200,
    ],
    [
      'an appointment of several',
      {
        resourceType: 'Appointment',
        participant: [
          { actor: { reference: 'Patient/b' } },
          { actor: { reference: 'Patient/a/_history/2' } },
        ],
      },
      200,
    ],
  ])('reading %s', async (_, resource, status) => {
    await using one = await facade();
    answering(one, resource);
    const answer = await one.call('/Observation/1', {
      headers: { ...token('patient/*.rs', 'a'), 'if-none-match': 'W/"1"' },
    });
    expect(answer.status).toBe(status);
    expect(answer.body).not.toContain('Patient/b"}}]');
    expect(documents(one)[0]?.['ifNoneMatch']).toBeUndefined();
  });

  test('creating is for the patient alone; changing is not, as what is changed may be of another', async () => {
    await using one = await facade();
    const post = async (value: Json, more: Record<string, string> = {}): Promise<number> => {
      answering(one, value);
      const calling = posted(value, { ...token('patient/*.cruds', 'a'), ...more });
      return (await one.call(`/${String(value['resourceType'])}`, calling)).status;
    };
    expect(await post(observation('1', 'a'))).toBe(201);
    expect(await post(observation('1', 'b'))).toBe(403);
    expect(await post({ resourceType: 'Patient', id: 'a' })).toBe(403);
    expect(await post(observation('1', 'a'), { 'if-none-exist': 'identifier=1' })).toBe(403);
    const change = posted(observation('1', 'a'), token('patient/*.cruds', 'a'));
    expect((await one.call('/Observation/1', { ...change, method: 'PUT' })).status).toBe(403);
    const headers = token('patient/*.cruds', 'a');
    expect((await one.call('/Observation/1', { method: 'DELETE', headers })).status).toBe(403);
    expect(one.opened.delivered).toHaveLength(1);
  });

  test('a user who also has a patient sees what user/ permits', async () => {
    await using one = await facade();
    answering(one, observation('1', 'b'));
    const headers = token('patient/*.rs user/Observation.rs', 'a');
    expect((await one.call('/Observation/1', { headers })).status).toBe(200);
    answering(one, { resourceType: 'Condition', id: '1', subject: { reference: 'Patient/b' } });
    expect((await one.call('/Condition/1', { headers })).status).toBe(404);
  });

  test('nothing of another patient is ever in an answer, whatever the target answers', async () => {
    await using one = await facade();
    const patients = constantFrom('a', 'b', 'c', 'A', 'a/', 'a/_history/1', '../Patient/a');
    const type = constantFrom(
      'Observation',
      'Condition',
      'Coverage',
      'Appointment',
      'Patient',
      'Immunization',
      'Binary',
      'Provenance',
      'Group',
    );
    const element = constantFrom('subject', 'patient', 'beneficiary', 'participant');
    const resource = record({ type, element, patient: patients, id: constantFrom('a', 'b') });
    const path = constantFrom(
      '/Observation?code=1',
      '/Observation/1',
      '/Patient/a',
      '/Patient?name=x',
      '/Patient/_history',
      '/Condition/1/_history',
      '/Observation?_include=*',
    );
    await assert(
      asyncProperty(array(resource, { maxLength: 6 }), path, async (all, where) => {
        const made = all.map(resourceOf);
        const entry = made.map((each) => ({ resource: each }));
        const set = { resourceType: 'Bundle', total: 99, entry };
        answering(one, made.length === 1 ? made[0] : set);
        const { body, status } = await one.call(where, { headers: token('patient/*.rs', 'a') });
        const answer = JSON.parse(body) as { entry?: unknown[]; total?: number };
        expect([200, 403, 404]).toContain(status);
        expect(body).not.toContain('"secret of b"');
        expect(answer.total === 99 && answer.entry?.length !== entry.length).toBe(false);
      }),
      { numRuns: examples(150) },
    );
  });
});

/** A resource that carries a secret unless it is really of patient a. */
function resourceOf({
  type,
  element,
  patient,
  id,
}: Record<'type' | 'element' | 'patient' | 'id', string>): Json {
  const reference = { reference: `Patient/${patient}` };
  const owners: Readonly<Record<string, string>> = {
    Coverage: 'beneficiary',
    Immunization: 'patient',
    Appointment: 'participant',
    Observation: 'subject',
    Condition: 'subject',
  };
  const isOwn =
    type === 'Patient'
      ? id === 'a'
      : owners[type] === element && /^a(?:\/_history\/1)?$/.test(patient);
  return {
    resourceType: type,
    id,
    [element]: element === 'participant' ? [{ actor: reference }] : reference,
    note: isOwn ? 'own' : 'secret of b',
  };
}

test('fhir-kit-client finds the authorization server', async () => {
  await using one = await facade();
  const client = new Client({ baseUrl: one.base });
  expect(await client.smartAuthMetadata()).toMatchObject({
    authorizeUrl: new URL(SMART.authorizationEndpoint),
    tokenUrl: new URL(SMART.tokenEndpoint),
  });
});

test('who shows no token is told so', async () => {
  await using one = await facade();
  expect(issues((await one.call('/Patient/1')).body)).toEqual([expect.stringContaining('login')]);
});
