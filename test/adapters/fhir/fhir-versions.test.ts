import { expect, test } from 'vitest';
import fhirOut from '../../../adapters/fhir/fhir-out.ts';
import { type FhirServer, fhirServer } from '../../support/fhir-server.ts';
import { type OpenedOutbound, openOutbound } from '../../support/open-adapter.ts';

const open = (
  server: FhirServer,
  given: Readonly<Record<string, unknown>> = {},
): Promise<OpenedOutbound> => openOutbound(fhirOut, { url: server.url, ...given });

const PATIENT = Buffer.from(JSON.stringify({ resourceType: 'Patient', id: 'p-7' }));

test('an update of another version than the one that is there is refused by the server', async () => {
  await using server = await fhirServer();
  await using opened = await open(server, { ifMatch: '{name}' });
  expect(await opened.send(PATIENT)).toMatchObject({
    code: '200',
    text: `${server.url}/Patient/p-7/_history/1\nETag W/"1"`,
  });
  expect(await opened.send(PATIENT, { name: '1' })).toMatchObject({ code: '200' });
  expect(await opened.send(PATIENT, { name: '1' })).toMatchObject({ code: '412' });
  expect(server.web.requests.map(({ headers }) => headers['if-match'])).toEqual([
    undefined,
    'W/"1"',
    'W/"1"',
  ]);
  await expect(opened.send(PATIENT, { name: '1"\r\nx: y' })).rejects.toMatchObject({
    code: 'ADAPTER_REJECTED',
  });
});

test('a search that is posted leaves nothing in the address', async () => {
  await using server = await fhirServer();
  for (const id of ['1', '2', '3']) {
    server.resources.set(`Patient/${id}`, { resourceType: 'Patient', id, identifier: ['M 1&x'] });
  }
  await using opened = await open(server, {
    action: 'search',
    searchBy: 'form',
    query: 'Patient?identifier=urn:mrn|{name}',
  });
  const reply = await opened.send(Buffer.alloc(0), { name: 'M 1&x' });
  const { entry } = JSON.parse(String(Buffer.from(reply?.body ?? []))) as { entry: unknown[] };
  expect(entry).toHaveLength(3);
  const [first] = server.web.requests;
  expect(first).toMatchObject({ method: 'POST', path: '/r4/Patient/_search' });
  expect(String(first?.body)).toBe('identifier=urn:mrn|M%201%26x');
  expect(first?.headers['content-type']).toBe('application/x-www-form-urlencoded');
});

test.for([
  [
    'application/fhir+xml',
    '<Patient xmlns="http://hl7.org/fhir"><id value="p-9"/></Patient>',
    'PUT /r4/Patient/p-9',
  ],
  [
    'application/xml',
    '<?xml version="1.0"?><Patient xmlns="http://hl7.org/fhir"/>',
    'POST /r4/Patient',
  ],
  ['text/xml', '<Bundle xmlns="http://hl7.org/fhir"><type value="batch"/></Bundle>', 'POST /r4'],
] as const)(
  'a resource in XML (%s) goes where the same in JSON would',
  async ([type, xml, request]) => {
    await using server = await fhirServer();
    await using opened = await open(server);
    expect(await opened.send(Buffer.from(xml), { type })).toMatchObject({ code: '201' });
    const [seen] = server.web.requests;
    expect(`${seen?.method} ${seen?.path}`).toBe(request);
    expect(seen?.headers['content-type']).toBe('application/fhir+xml; charset=utf-8');
    expect(String(seen?.body)).toBe(xml);
  },
);

test.for(['<Patient', '<a:b xmlns:a="x"/>', '{"resourceType":"Patient"}'])(
  'what is no resource in XML (%s) is refused and not quoted',
  async (text) => {
    await using server = await fhirServer();
    await using opened = await open(server);
    const error: unknown = await opened
      .send(Buffer.from(text), { type: 'application/fhir+xml' })
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'ADAPTER_REJECTED' });
    expect((error as Error).message).not.toContain(text);
    expect(server.web.requests).toEqual([]);
  },
);
