import { join } from 'node:path';
import { Client } from 'fhir-kit-client';
import { expect, test } from 'vitest';
import { allAdapters } from '../../adapters/index.ts';
import { freePort } from '../../sandbox/free-port.ts';
import { readProduction } from '../../src/definition/read.ts';
import { fhirServer, json, outcome } from '../support/fhir-server.ts';
import { startNats } from '../support/nats.ts';
import { run } from '../support/running.ts';

const FOLDER = join(import.meta.dirname, '../../productions/fhir-facade');

test('an application works with a FHIR server behind the example of a facade', async () => {
  await using behind = await fhirServer();
  behind.gate = ({ path, headers }) => {
    if (path.startsWith('/token'))
      return json(200, { access_token: 't', token_type: 'bearer', expires_in: 600 });
    return headers['authorization'] === 'Bearer t' ? undefined : outcome(401, 'login', 'no token');
  };
  const port = await freePort();
  const { definition, problems } = await readProduction(FOLDER, {
    adapters: await allAdapters(),
    environment: {
      LISTEN: `127.0.0.1:${port}`,
      FHIR_URL: behind.url,
      FHIR_TOKEN_URL: `${behind.web.url}/token`,
      FHIR_SECRET: 's',
    },
  });
  if (definition === undefined) throw new Error(JSON.stringify(problems));
  await using nats = await startNats();
  await using _ = await run(nats, definition);
  const base = `http://127.0.0.1:${port}/fhir/r4`;
  const client = new Client({ baseUrl: base, customHeaders: { 'x-api-key': 'try-me' } });
  const observation = { resourceType: 'Observation', status: 'final', code: { text: 'x' } };
  for (let at = 1; at <= 3; at++) {
    const body = { ...observation, identifier: [{ system: 'urn:x', value: `${at}` }] };
    expect(await client.create({ resourceType: 'Observation', body: body })).toMatchObject({
      id: `${at}`,
    });
  }
  const page = await client.search({ resourceType: 'Observation', searchParams: {} });
  expect(page).toMatchObject({
    total: 3,
    link: [{ relation: 'next', url: expect.stringContaining(`${base}/Observation?`) }],
  });
  expect(await client.nextPage({ bundle: page as never })).toMatchObject({
    entry: [{ resource: { id: '3' } }],
  });
  await client.create({
    resourceType: 'Observation',
    body: { ...observation, identifier: [{ system: 'urn:x', value: '1' }] },
    options: { headers: { 'If-None-Exist': 'identifier=urn:x|1' } },
  });
  expect(behind.resources.size).toBe(3);
  await expect(
    client.update({
      resourceType: 'Observation',
      id: '1',
      body: { ...observation, id: '1' },
      options: { headers: { 'If-Match': 'W/"9"' } },
    }),
  ).rejects.toMatchObject({
    response: { status: 412, data: { issue: [{ diagnostics: 'another version' }] } },
  });
  await expect(
    client.create({
      resourceType: 'Observation',
      body: { ...observation, status: 'done' },
    }),
  ).rejects.toMatchObject({ response: { status: 422 } });
  const transaction = {
    resourceType: 'Bundle',
    type: 'transaction',
    entry: [{ resource: observation, request: { method: 'POST', url: 'Observation' } }],
  };
  expect(await client.transaction({ body: transaction })).toMatchObject({
    type: 'transaction-response',
  });
  expect(behind.resources.size).toBe(4);
});
