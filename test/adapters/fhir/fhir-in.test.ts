import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import fhirIn from '../../../adapters/fhir/fhir-in.ts';
import { readGiven } from '../../support/open-adapter.ts';
import {
  documents,
  FHIR,
  issues,
  type Json,
  patient,
  reply,
  type Server,
  sent,
  server,
} from './serving.ts';

const bundle = (type: string): Json => ({ resourceType: 'Bundle', type });

describe('requests', () => {
  let one: Server;
  beforeAll(async () => {
    const interactions = [
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
    ];
    one = await server({ interactions, resources: ['Patient', 'Observation'] });
    one.opened.answer(() => ({ reply: reply(patient({ id: '1' })) }));
  });
  afterAll(() => one.opened.close());

  test.each([
    ['/Patient/1', {}, { interaction: 'read', type: 'Patient', id: '1' }],
    ['/Patient/1/_history/3', {}, { interaction: 'vread', id: '1', version: '3' }],
    ['/Patient/1/_history', {}, { interaction: 'history', id: '1' }],
    ['/Patient/_history', {}, { interaction: 'history', type: 'Patient' }],
    ['/_history', {}, { interaction: 'history' }],
    [
      '/Patient?name=M%C3%BCller&given=a&given=b&_format=json',
      {},
      {
        interaction: 'search',
        type: 'Patient',
        query: { name: 'Müller', given: ['a', 'b'] },
        search: 'name=M%C3%BCller&given=a&given=b',
      },
    ],
    [
      '/Patient/_search?active=true',
      {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: 'name=x',
      },
      { interaction: 'search', query: { active: 'true', name: 'x' } },
    ],
    [
      '?_getpages=abc&_offset=2',
      {},
      { interaction: 'search', query: { _getpages: 'abc', _offset: '2' } },
    ],
    [
      '/Patient',
      { ...sent(patient()), headers: { ...FHIR, 'if-none-exist': 'identifier=a|b' } },
      {
        interaction: 'create',
        type: 'Patient',
        ifNoneExist: 'identifier=a|b',
        resource: { resourceType: 'Patient' },
      },
    ],
    [
      '/Patient/1',
      { ...sent(patient({ id: '1' })), method: 'PUT', headers: { ...FHIR, 'if-match': 'W/"3"' } },
      { interaction: 'update', id: '1', ifMatch: '3' },
    ],
    [
      '/Patient?identifier=a',
      { ...sent(patient()), method: 'PUT' },
      { interaction: 'update', query: { identifier: 'a' } },
    ],
    [
      '/Patient/1',
      {
        ...sent([{ op: 'remove', path: '/name' }]),
        method: 'PATCH',
        headers: { 'content-type': 'application/json-patch+json' },
      },
      { interaction: 'patch', id: '1', resource: [{ op: 'remove' }] },
    ],
    ['/Patient/1', { method: 'DELETE' }, { interaction: 'delete', id: '1' }],
    [
      '',
      sent(bundle('transaction')),
      { interaction: 'transaction', resource: { type: 'transaction' } },
    ],
    ['/', sent(bundle('batch')), { interaction: 'batch' }],
    [
      '/Patient/1/$everything?start=2026',
      {},
      { interaction: 'operation', operation: 'everything', id: '1', query: { start: '2026' } },
    ],
    [
      '/$reindex',
      sent({ resourceType: 'Parameters', parameter: [{ name: 'a', valueString: 'b' }] }),
      { interaction: 'operation', operation: 'reindex', resource: { resourceType: 'Parameters' } },
    ],
  ] as const)('%s is delivered as what it asks for', async (path, calling, expected) => {
    const answer = await one.call(path, calling);
    expect(answer.status, answer.body).toBeLessThan(300);
    expect(documents(one).at(-1)).toMatchObject(expected);
    expect(one.opened.delivered.at(-1)).toMatchObject({ type: 'application/json' });
  });

  test.each([
    ['an unknown address', '/patients', {}, 404, 'error not-found This address does not exist.'],
    [
      'an unknown type',
      '/Patients',
      {},
      404,
      'error not-supported This server has no resources of this type.',
    ],
    ['a type that is not served', '/Encounter/1', {}, 404, 'not-supported'],
    ['a type of which all are made', '/Resource', {}, 404, 'not-supported'],
    ['an id that is none', '/Patient/a_b', {}, 404, 'not-found'],
    ['a step upward', '/Patient/..%2f..%2fadmin', {}, 404, 'not-found'],
    ['a wrong escape', '/Patient/%zz', {}, 400, 'error invalid'],
    [
      'a method',
      '/Patient/1',
      { method: 'POST', headers: FHIR, body: '{}' },
      405,
      'error not-supported',
    ],
    ['XML that is wanted', '/Patient/1?_format=xml', {}, 406, 'error not-supported'],
    [
      'XML that is accepted',
      '/Patient/1',
      { headers: { accept: 'application/fhir+xml' } },
      406,
      'error not-supported',
    ],
    [
      'XML that is sent',
      '/Patient',
      { method: 'POST', headers: { 'content-type': 'application/fhir+xml' }, body: '<Patient/>' },
      415,
      'error not-supported',
    ],
    [
      'no JSON',
      '/Patient',
      { method: 'POST', headers: FHIR, body: '{"SECRET' },
      400,
      'error structure The body is not JSON in UTF-8.',
    ],
    [
      'no UTF-8',
      '/Patient',
      { method: 'POST', headers: FHIR, body: Buffer.from([0x22, 0xff, 0x22]) },
      400,
      'error structure',
    ],
    [
      'no resource',
      '/Patient',
      sent({ a: 1 }),
      400,
      'error structure The body is not a FHIR resource',
    ],
    [
      'another resource',
      '/Patient',
      sent({ resourceType: 'Observation', status: 'final', code: { text: 'x' } }),
      400,
      'error invalid The body is not a Patient',
    ],
    [
      'another id',
      '/Patient/1',
      { ...sent(patient({ id: '2' })), method: 'PUT' },
      400,
      'error invalid The id of the resource',
    ],
    [
      'a Bundle of another type',
      '',
      sent(bundle('collection')),
      400,
      'error invalid Only a Bundle',
    ],
    [
      'a wrong resource',
      '/Patient',
      sent(patient({ birthDate: 'SECRET', nmae: 1 })),
      422,
      'error value Patient.birthDate is not date',
    ],
    [
      'a compressed body',
      '/Patient',
      { ...sent(patient()), headers: { ...FHIR, 'content-encoding': 'gzip' } },
      415,
      'error not-supported',
    ],
  ] as const)(
    '%s is refused with an OperationOutcome',
    async (...[, path, calling, status, expected]) => {
      const before = one.opened.delivered.length;
      const answer = await one.call(path, calling);
      expect(answer.status, answer.body).toBe(status);
      expect(answer.headers['content-type']).toContain('application/fhir+json');
      expect(issues(answer.body).join('\n')).toContain(expected);
      expect(answer.body).not.toContain('SECRET');
      expect(one.opened.delivered).toHaveLength(before);
    },
  );

  test('a resource too large is 413', async () => {
    await using small = await server({ limit: '1KB' });
    const answer = await small.call('/Patient', sent(patient({ id: 'x'.repeat(2_000) })));
    expect(answer.status).toBe(413);
    expect(issues(answer.body)).toEqual([expect.stringContaining('error too-long')]);
  });
});

test.each([
  [{ path: '/fhir' }, 'path', /base address/],
  [{ path: '/{tenant}/*' }, 'path', /base address/],
  [{ resources: ['Patients'] }, 'resources', /no resource Patients/],
  [{ scopes: ['read: a'] }, 'scopes', /no effect without callers/],
  [{ callers: [{ kind: 'certificate' }] }, 'callers', /client certificate/],
  [{ smart: { tokenEndpoint: 'https://sso.example/token' } }, 'smart', /no caller has a token/],
])('%j is a mistake', async (given, setting, what) => {
  const problems = await faults(given);
  expect(problems).toMatchObject([{ path: [setting], what: expect.stringMatching(what) }]);
});

/** What check says of settings. */
function faults(given: Json): Promise<readonly unknown[]> {
  const settings = readGiven(fhirIn.settings, { listen: '127.0.0.1:0', ...given });
  return fhirIn.check?.(settings) ?? Promise.resolve([]);
}

test.each(['none', 'full'])(
  'a quantity keeps its digits on both ways, with validate: %s',
  async (validate) => {
    const resource = `{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":1.50}}`;
    const answer = { body: Buffer.from(resource), type: 'application/fhir+json', code: '200' };
    await using one = await server({ validate, answer: 'target' });
    one.opened.answer(() => ({ reply: answer, outcome: { status: 'completed' } }));
    const told = await one.call('/Observation', { method: 'POST', headers: FHIR, body: resource });
    expect(told.body).toContain('"value":1.50');
    const [message] = one.opened.delivered;
    expect(Buffer.from(message?.body as Uint8Array).toString()).toContain(`"resource":${resource}`);
  },
);
