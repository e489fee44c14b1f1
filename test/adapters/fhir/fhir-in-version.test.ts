import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import fhirIn from '../../../adapters/fhir/fhir-in.ts';
import fhirOut from '../../../adapters/fhir/fhir-out.ts';
import { fhirServer } from '../../support/fhir-server.ts';
import { openOutbound, readGiven } from '../../support/open-adapter.ts';
import { issues, type Json, patient, reply, type Server, server } from './serving.ts';

describe('a facade of R5', () => {
  let one: Server;
  beforeAll(async () => {
    one = await server({ version: 'R5', validate: 'full' });
    one.opened.answer(() => ({ reply: reply(patient({ id: '1' })) }));
  });
  afterAll(() => one.opened.close());

  const created = (type: string, resource: Json): ReturnType<Server['call']> =>
    one.call(`/${String(resource['resourceType'])}`, {
      method: 'POST',
      headers: { 'content-type': type },
      body: JSON.stringify(resource),
    });
  const ENCOUNTER = { resourceType: 'Encounter', status: 'completed' };

  test('says so, and serves its types', async () => {
    const { body, headers } = await one.call('/metadata');
    const statement = JSON.parse(body) as { fhirVersion: string; rest: { resource: Json[] }[] };
    expect(statement.fhirVersion).toBe('5.0.0');
    const types = statement.rest[0]?.resource.map(({ type }) => type);
    expect(types).toContain('Transport');
    expect(types).not.toContain('MedicinalProduct');
    expect(headers['content-type']).toBe('application/fhir+json; fhirVersion=5.0; charset=utf-8');
  });

  test('checks by its definitions', async () => {
    expect((await created('application/fhir+json', ENCOUNTER)).status).toBe(201);
    const refused = await created('application/fhir+json', { ...ENCOUNTER, status: 'finished' });
    expect(refused.status).toBe(422);
    expect(issues(refused.body)).toEqual([
      'error code-invalid Encounter.status is not a code of encounter-status',
    ]);
  });

  test.for([
    ['application/fhir+json; fhirVersion=5.0', 201],
    ['application/fhir+json; fhirVersion="5.0"', 201],
    ['application/fhir+json; fhirVersion=4.0', 415],
  ] as const)('what is sent as %s is answered with %i', async ([type, status]) => {
    expect((await created(type, ENCOUNTER)).status).toBe(status);
  });

  test.for([
    ['application/fhir+json; fhirVersion=5.0', 200],
    ['application/fhir+json; fhirVersion=4.0', 406],
    ['application/fhir+json; fhirVersion=4.0, application/fhir+json', 200],
    ['*/*', 200],
  ] as const)('who accepts %s is answered with %i', async ([accept, status]) => {
    expect((await one.call('/Patient/1', { headers: { accept } })).status).toBe(status);
  });
});

test('a type of another version is a mistake in the settings', async () => {
  const faults = await fhirIn.check?.(
    readGiven(fhirIn.settings, {
      listen: '127.0.0.1:0',
      version: 'R5',
      resources: ['MedicinalProduct'],
    }),
  );
  expect(JSON.stringify(faults)).toContain('FHIR R5 has no resource MedicinalProduct');
});

test('a server is asked in its version, and told if it has another one', async () => {
  await using remote = await fhirServer();
  await using opened = await openOutbound(fhirOut, { url: remote.url, version: 'R5' });
  await opened.send(Buffer.from(JSON.stringify(patient())));
  const [first] = remote.web.requests;
  expect(first?.headers['content-type']).toBe(
    'application/fhir+json; fhirVersion=5.0; charset=utf-8',
  );
  expect(first?.headers['accept']).toBe('application/fhir+json; fhirVersion=5.0');
});
