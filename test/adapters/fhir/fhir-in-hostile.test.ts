import { describe, expect, test } from 'vitest';
import { processorTime } from '../../support/processor-time.ts';
import { documents, FHIR, issues, patient, reply, sent, server } from './serving.ts';

/** Callers that want to break the server, or do not know better. */

const entry = (at: number, reference: string): object => ({
  fullUrl: `urn:uuid:00000000-0000-4000-8000-${String(at).padStart(12, '0')}`,
  resource: {
    resourceType: 'Observation',
    status: 'final',
    code: { text: 'a test' },
    hasMember: [{ reference }],
  },
  request: { method: 'POST', url: 'Observation' },
});
const uuid = (at: number): string =>
  `urn:uuid:00000000-0000-4000-8000-${String(at).padStart(12, '0')}`;

describe('a transaction', () => {
  test('of ten thousand entries that refer to each other in a ring is one message', async () => {
    await using one = await server({ validate: 'full', limit: '64MB' });
    one.opened.answer(() => ({ reply: reply(undefined), outcome: { status: 'completed' } }));
    const all = Array.from({ length: 10_000 }, (_, at) => entry(at, uuid((at + 1) % 10_000)));
    const bundle = { resourceType: 'Bundle', type: 'transaction', entry: all };
    const before = processorTime();
    const answer = await one.call('', sent(bundle));
    expect(answer.status, answer.body.slice(0, 500)).toBe(200);
    expect(processorTime() - before).toBeLessThan(15_000);
    expect(documents(one)).toMatchObject([{ interaction: 'transaction' }]);
  });

  test('with a reference that leads to no entry is refused, and nothing of it is stored', async () => {
    await using one = await server({ validate: 'full' });
    const bundle = { resourceType: 'Bundle', type: 'transaction', entry: [entry(1, uuid(2))] };
    expect((await one.call('', sent(bundle))).status).toBe(422);
    expect(one.opened.delivered).toEqual([]);
  });
});

describe('an answer', () => {
  test('of a hundred thousand resources goes out whole, with links of this server and loops of references', async () => {
    const upstream = 'https://behind.example/r4';
    await using one = await server({ upstream });
    const found = Array.from({ length: 100_000 }, (_, at) => ({
      fullUrl: `${upstream}/Patient/${at}`,
      resource: patient({
        id: `${at}`,
        link: [{ other: { reference: `Patient/${at}` }, type: 'seealso' }],
      }),
      search: { mode: at % 2 === 0 ? 'match' : 'include' },
    }));
    const link = [
      { relation: 'self', url: `${upstream}/Patient?_include=Patient:link` },
      { relation: 'next', url: `${upstream}?_getpages=a&_getpagesoffset=100000` },
    ];
    const set = { resourceType: 'Bundle', type: 'searchset', total: 300_000, link, entry: found };
    one.opened.answer(() => ({ reply: reply(set), outcome: { status: 'completed' } }));
    const answer = await one.call('/Patient?_include=Patient:link&_include:iterate=Patient:link');
    expect(answer.status).toBe(200);
    const bundle = JSON.parse(answer.body) as typeof set;
    expect(bundle.entry).toHaveLength(100_000);
    expect(bundle.total).toBe(300_000);
    expect(bundle.entry.at(-1)?.fullUrl).toBe(`${one.base}/Patient/99999`);
    expect(bundle.link[1]?.url).toBe(`${one.base}?_getpages=a&_getpagesoffset=100000`);
    expect(answer.body).not.toContain('behind.example');
    // the further page comes back to the target as it was asked
    const next = await one.call('?_getpages=a&_getpagesoffset=100000');
    expect(next.status).toBe(200);
    expect(documents(one).at(-1)).toMatchObject({
      interaction: 'search',
      search: '_getpages=a&_getpagesoffset=100000',
    });
  });
});

describe('a request', () => {
  test.each([
    ['..', 404],
    ['%2e%2e', 404],
    ['a%2Fb', 404],
    ['a%2F..%2FObservation%2F1', 404],
    ['a%00b', 404],
    ['a%5Cb', 404],
    ['a;b', 404],
    ['%', 400],
    ['x'.repeat(65), 404],
    ['$everything%0d%0ax', 404],
  ])('for the id %s never becomes a message', async (id, status) => {
    await using one = await server({ interactions: ['read', 'operation', 'search'] });
    const { request } = await import('node:http');
    const { port } = new URL(one.base);
    // a client of the web would tidy the path before it is sent
    const answered = await new Promise<number | undefined>((resolve, reject) => {
      const asked = request({ port, path: `/fhir/Patient/${id}` }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
      asked.on('error', reject);
      asked.end();
    });
    expect(answered).toBe(status);
    expect(one.opened.delivered).toEqual([]);
  });

  test.each([
    ['?_format=xml', {}, 406],
    ['?_format=application/fhir%2Bxml', {}, 406],
    ['', { accept: 'application/fhir+xml' }, 406],
    ['?_format=json', { accept: 'application/fhir+xml' }, 200],
    ['?_format=application/fhir%2Bjson', {}, 200],
  ])('for %s with %j is answered in JSON or refused', async (query, headers, status) => {
    await using one = await server();
    one.opened.answer(() => ({ reply: reply(patient()), outcome: { status: 'completed' } }));
    expect((await one.call(`/Patient/1${query}`, { headers })).status).toBe(status);
  });

  test('in XML is refused in words that say what to send', async () => {
    await using one = await server();
    const answer = await one.call('/Patient', {
      method: 'POST',
      headers: { 'content-type': 'application/fhir+xml' },
      body: '<Patient xmlns="http://hl7.org/fhir"/>',
    });
    expect(answer.status).toBe(415);
    expect(issues(answer.body)).toEqual(['error not-supported Send JSON: application/fhir+json.']);
  });

  test('of fifty megabytes is refused before it is read, and the next one is served', async () => {
    await using one = await server({ limit: '1MB' });
    const body = Buffer.alloc(50_000_000, 0x20);
    // the connection may end before all of it is written
    const status = await one
      .call('/Patient', { method: 'POST', headers: FHIR, body: body.toString('latin1') })
      .then(
        (answer) => answer.status,
        () => 'cut',
      );
    expect([413, 'cut']).toContain(status);
    expect(one.opened.delivered).toEqual([]);
    one.opened.answer(() => ({ reply: reply(patient()), outcome: { status: 'completed' } }));
    expect((await one.call('/Patient/1')).status).toBe(200);
  });

  test('of deeply nested JSON is refused, and the next one is served', async () => {
    await using one = await server();
    const depth = 20_000;
    const deep = `{"resourceType":"Patient","contained":${'[{"extension":'.repeat(depth)}1${'}]'.repeat(depth)}}`;
    const answer = await one.call('/Patient', { method: 'POST', headers: FHIR, body: deep });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect(one.opened.delivered).toEqual([]);
    one.opened.answer(() => ({ reply: reply(patient()), outcome: { status: 'completed' } }));
    expect((await one.call('/Patient/1')).status).toBe(200);
  });

  test('to create if none exists, twice at once, reaches the target twice with its condition', async () => {
    await using one = await server();
    one.opened.answer(() => ({
      reply: reply(patient({ id: '1' })),
      outcome: { status: 'completed' },
    }));
    const create = {
      ...sent(patient()),
      headers: { ...FHIR, 'if-none-exist': 'identifier=urn:mrn|1' },
    };
    const answers = await Promise.all([one.call('/Patient', create), one.call('/Patient', create)]);
    expect(answers.map(({ status }) => status)).toEqual([201, 201]);
    expect(documents(one).map(({ ifNoneExist }) => ifNoneExist)).toEqual([
      'identifier=urn:mrn|1',
      'identifier=urn:mrn|1',
    ]);
  });

  test('to delete whatever is found needs a condition', async () => {
    await using one = await server({ interactions: ['delete'] });
    one.opened.answer(() => ({ reply: reply(undefined, '204'), outcome: { status: 'completed' } }));
    for (const path of [
      '/Patient',
      '/Patient?',
      '/Patient?_format=json',
      '/Patient?_pretty=true',
    ]) {
      expect((await one.call(path, { method: 'DELETE' })).status, path).toBe(412);
    }
    expect(one.opened.delivered).toEqual([]);
    expect((await one.call('/Patient?identifier=a|b', { method: 'DELETE' })).status).toBe(204);
    expect(documents(one)).toMatchObject([{ interaction: 'delete', search: 'identifier=a%7Cb' }]);
  });
});

test('a Subscription is not accepted where nobody would notify', async () => {
  const subscription = {
    resourceType: 'Subscription',
    status: 'requested',
    reason: 'results',
    criteria: 'Observation?status=final',
    channel: {
      type: 'rest-hook',
      endpoint: 'http://169.254.169.254/',
      header: ['Authorization: Bearer x'],
    },
  };
  await using one = await server();
  const answer = await one.call('/Subscription', sent(subscription));
  expect(answer.status).toBe(404);
  expect(issues(answer.body).join()).toMatch(/resources/);
  const types = JSON.parse((await one.call('/metadata')).body) as {
    rest: { resource: { type: string }[] }[];
  };
  expect(types.rest[0]?.resource.map(({ type }) => type)).not.toContain('Subscription');
  const bundle = {
    resourceType: 'Bundle',
    type: 'transaction',
    entry: [{ resource: subscription, request: { method: 'POST', url: 'Subscription' } }],
  };
  expect((await one.call('', sent(bundle))).status).toBe(422);
  expect(one.opened.delivered).toEqual([]);

  // a server behind that has them
  await using behind = await server({ resources: ['Subscription'] });
  behind.opened.answer(() => ({
    reply: reply({ ...subscription, id: '1' }, '201'),
    outcome: { status: 'completed' },
  }));
  expect((await behind.call('/Subscription', sent(subscription))).status).toBe(201);
});
