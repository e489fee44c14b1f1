import { expect, test } from 'vitest';
import { forwarded } from '../../../adapters/fhir/forwarded.ts';
import { messageOf } from '../../support/open-adapter.ts';

const url = new URL('https://fhir.example/r4/');

async function asked(document: object) {
  const {
    method,
    url: to,
    headers,
    body,
  } = await forwarded(messageOf(Buffer.from(JSON.stringify(document))), { url });
  const sent = body === undefined ? undefined : Buffer.from(await body.bytes()).toString();
  return [`${method} ${to.href}`, headers, sent] as const;
}

test.each([
  [
    { interaction: 'read', type: 'Patient', id: '1', ifNoneMatch: '3' },
    'GET https://fhir.example/r4/Patient/1',
    { 'if-none-match': 'W/"3"' },
  ],
  [
    { interaction: 'vread', type: 'Patient', id: '1', version: '2' },
    'GET https://fhir.example/r4/Patient/1/_history/2',
    {},
  ],
  [{ interaction: 'history', type: 'Patient' }, 'GET https://fhir.example/r4/Patient/_history', {}],
  [
    { interaction: 'search', type: 'Patient', search: 'name=a%26b' },
    'GET https://fhir.example/r4/Patient?name=a%26b',
    {},
  ],
  [{ interaction: 'search', search: '_getpages=1' }, 'GET https://fhir.example/r4?_getpages=1', {}],
  [
    { interaction: 'create', type: 'Patient', resource: {}, ifNoneExist: 'identifier=a' },
    'POST https://fhir.example/r4/Patient',
    { 'if-none-exist': 'identifier=a' },
  ],
  [
    { interaction: 'update', type: 'Patient', id: '1', resource: {}, ifMatch: '2' },
    'PUT https://fhir.example/r4/Patient/1',
    { 'if-match': 'W/"2"' },
  ],
  [
    { interaction: 'patch', type: 'Patient', id: '1', resource: [] },
    'PATCH https://fhir.example/r4/Patient/1',
    { 'content-type': 'application/json-patch+json' },
  ],
  [
    { interaction: 'delete', type: 'Patient', id: '1' },
    'DELETE https://fhir.example/r4/Patient/1',
    {},
  ],
  [
    { interaction: 'transaction', resource: {} },
    'POST https://fhir.example/r4',
    { 'content-type': 'application/fhir+json; charset=utf-8' },
  ],
  [
    { interaction: 'operation', type: 'Patient', operation: 'match', resource: {} },
    'POST https://fhir.example/r4/Patient/$match',
    {},
  ],
  [
    { interaction: 'operation', operation: 'versions' },
    'GET https://fhir.example/r4/$versions',
    {},
  ],
])('%j', async (document, line, headers) => {
  const [found, sent] = await asked(document);
  expect(found).toBe(line);
  expect(sent).toMatchObject(headers);
});

test.each([
  ['no JSON', 'x'],
  ['no request', '{"resourceType":"Patient"}'],
  ['a step upward', '{"interaction":"read","type":"Patient","id":".."}'],
  ['another address', '{"interaction":"read","type":"Patient/../x","id":"1"}'],
  ['a query in an id', '{"interaction":"read","type":"Patient","id":"1?x=1"}'],
  ['an object', '{"interaction":"read","type":{"a":1}}'],
])('%s is refused', async (_, text) => {
  await expect(forwarded(messageOf(Buffer.from(text)), { url })).rejects.toMatchObject({
    retryable: false,
  });
});

test('a header has nothing in it that would end it', async () => {
  const [, headers] = await asked({
    interaction: 'create',
    type: 'Patient',
    resource: {},
    ifNoneExist: 'a\r\nx: y',
  });
  expect(headers).not.toHaveProperty('if-none-exist');
});

test('a quantity keeps the digits with which it is written', async () => {
  const resource = '{"resourceType":"Observation","valueQuantity":{"value":1.50}}';
  const document = `{"interaction":"create","type":"Observation","resource":${resource}}`;
  const { body } = await forwarded(messageOf(Buffer.from(document)), { url });
  expect(Buffer.from((await body?.bytes()) ?? []).toString()).toBe(resource);
});
