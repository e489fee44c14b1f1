import { describe, expect, test } from 'vitest';
import type { OpenOptions } from '../../support/open-adapter.ts';
import { documents, FHIR, issues, patient, reply, sent, server } from './serving.ts';

describe('answers', () => {
  test.each([
    [
      'a resource that is read',
      '/Patient/1',
      {},
      reply(patient({ id: '1', meta: { versionId: '3', lastUpdated: '2026-01-01T00:00:00Z' } })),
      { status: 200, headers: { etag: 'W/"3"', 'last-modified': 'Thu, 01 Jan 2026 00:00:00 GMT' } },
    ],
    [
      'one that the caller has',
      '/Patient/1',
      { headers: { 'if-none-match': 'W/"3"' } },
      reply(patient({ id: '1', meta: { versionId: '3' } })),
      { status: 304, body: '' },
    ],
    [
      'one that is created',
      '/Patient',
      sent(patient()),
      reply(patient({ id: '7', meta: { versionId: '1' } })),
      {
        status: 201,
        headers: { location: expect.stringMatching(/\/fhir\/Patient\/7\/_history\/1$/) },
      },
    ],
    [
      'one that was there',
      '/Patient',
      sent(patient()),
      reply(patient({ id: '7' }), '200'),
      { status: 201 },
    ],
    [
      'nothing of a create',
      '/Patient',
      sent(patient()),
      reply(undefined, '201'),
      { status: 201, body: '' },
    ],
    [
      'a deletion',
      '/Patient/1',
      { method: 'DELETE' },
      reply(undefined, '204'),
      { status: 204, body: '' },
    ],
    ['nothing to read', '/Patient/1', {}, reply(undefined), { status: 404 }],
    [
      'refused by the target',
      '/Patient/1',
      {},
      reply(
        {
          resourceType: 'OperationOutcome',
          issue: [{ severity: 'error', code: 'deleted', diagnostics: 'gone' }],
        },
        '410',
      ),
      { status: 410, body: expect.stringContaining('"gone"') },
    ],
    [
      'refused in other words',
      '/Patient/1',
      {},
      reply({ message: 'SECRET' }, '409'),
      { status: 409, body: expect.stringMatching(/conflict.*did not accept/) },
    ],
    [
      'an acknowledgement of HL7',
      '/Patient',
      sent(patient()),
      { body: Buffer.from('MSH|…'), type: 'HL7v2:ACK', code: 'AA' },
      { status: 201, body: '' },
    ],
    [
      'a negative one',
      '/Patient',
      sent(patient()),
      { body: Buffer.from('MSH|…'), type: 'HL7v2:ACK', code: 'AE' },
      { status: 422 },
    ],
    [
      'a list of resources',
      '/Patient?name=x',
      {},
      reply([patient({ id: '1' })]),
      { status: 200, body: expect.stringMatching(/searchset.*"total":1/) },
    ],
    [
      'one resource for a search',
      '/Patient?name=x',
      {},
      reply(patient({ id: '1' })),
      { status: 200, body: expect.stringContaining('searchset') },
    ],
    [
      'nothing for a search',
      '/Patient?name=x',
      {},
      reply(undefined),
      { status: 200, body: expect.stringContaining('"total":0') },
    ],
  ] as const)('%s', async (...[, path, calling, given, expected]) => {
    await using one = await server({
      interactions: ['read', 'search', 'create', 'delete'],
    });
    one.opened.answer(() => ({ reply: given, outcome: { status: 'completed' } }));
    const answer = await one.call(path, calling);
    expect(answer).toMatchObject(expected);
    expect(answer.body).not.toContain('SECRET');
  });

  test.each([
    [{}, 504, 'timeout'],
    [{ outcome: { status: 'error' } }, 502, 'exception'],
    [{ outcome: { status: 'suspended' } }, 502, 'exception'],
    [{ outcome: { status: 'suspended' }, reply: reply(patient({ id: '1' })) }, 502, 'exception'],
  ] as const)('a target that did not answer: %j', async (given, status, code) => {
    await using one = await server();
    one.opened.answer(() => given);
    const answer = await one.call('/Patient/1');
    expect(answer.status).toBe(status);
    expect(issues(answer.body)).toEqual([expect.stringContaining(`error ${code}`)]);
  });

  test('a write that waits for a person is not taken for done', async () => {
    await using one = await server();
    one.opened.answer(() => ({ outcome: { status: 'suspended' } }));
    const answer = await one.call('/Patient', sent(patient()));
    expect(answer.status).toBe(202);
    expect(issues(answer.body)).toEqual([expect.stringContaining('warning incomplete')]);
  });

  test('what cannot be stored is 503, and says to try again', async () => {
    await using one = await server();
    one.opened.refuse();
    const answer = await one.call('/Patient', sent(patient()));
    expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '5' } });
    expect(issues(answer.body)).toEqual([expect.stringContaining('error transient')]);
  });

  test('answer: stored answers what writes at once', async () => {
    await using one = await server({ answer: 'stored', deliver: 'resource' });
    expect(await one.call('/Patient', sent(patient({ active: true })))).toMatchObject({
      status: 202,
    });
    expect(one.opened.delivered).toMatchObject([
      { type: 'application/fhir+json', name: 'create Patient' },
    ]);
    expect(documents(one)).toEqual([{ resourceType: 'Patient', active: true }]);
  });

  test('Prefer and _pretty decide what an answer contains', async () => {
    await using one = await server();
    one.opened.answer(() => ({ reply: reply(patient({ id: '1' })) }));
    const headers = { ...FHIR, prefer: 'return=minimal' };
    expect(await one.call('/Patient', { ...sent(patient()), headers })).toMatchObject({ body: '' });
    expect((await one.call('/Patient/1?_pretty=true')).body).toContain('\n  "id"');
  });

  test('links of the server behind become ours', async () => {
    await using one = await server({ upstream: 'https://behind.example/r4' });
    one.opened.answer(() => ({
      reply: reply({
        resourceType: 'Bundle',
        type: 'searchset',
        link: [
          { relation: 'next', url: 'https://behind.example/r4?_getpages=1' },
          { relation: 'other', url: 'https://behind.example/r4evil' },
        ],
        entry: [{ fullUrl: 'https://behind.example/r4/Patient/1', resource: patient({ id: '1' }) }],
      }),
    }));
    const { body } = await one.call('/Patient?name=x');
    expect(JSON.parse(body)).toMatchObject({
      link: [{ url: `${one.base}?_getpages=1` }, { url: 'https://behind.example/r4evil' }],
      entry: [{ fullUrl: `${one.base}/Patient/1` }],
    });
  });
});

describe('callers', () => {
  const options: OpenOptions = {
    credentials: { key: { kind: 'bearer', token: async () => 'k-1' } },
  };
  const given = {
    callers: [{ kind: 'api-key', credentials: ['key'], grants: ['fhir.read'] }],
    scopes: ['read: fhir.read', 'search: fhir.read', '*: fhir.write'],
  };

  test('sign in, and need the scope of what they do; the capabilities are for everybody', async () => {
    await using one = await server(given, options);
    one.opened.answer(() => ({ reply: reply(patient({ id: '1' })) }));
    const headers = { ...FHIR, 'x-api-key': 'k-1' };
    expect((await one.call('/metadata')).status).toBe(200);
    const unknown = await one.call('/Patient/1');
    expect(unknown.status).toBe(401);
    expect(issues(unknown.body)).toEqual([expect.stringContaining('error login')]);
    expect((await one.call('/Patient/1', { headers })).status).toBe(200);
    const forbidden = await one.call('/Patient', { ...sent(patient()), headers });
    expect(forbidden.status).toBe(403);
    expect(issues(forbidden.body)).toEqual([expect.stringContaining('error forbidden')]);
    expect(documents(one)).toMatchObject([{ caller: { scopes: ['fhir.read'] } }]);
    expect(JSON.stringify(documents(one))).not.toContain('k-1');
  });

  test('of a page in a browser are told what they may do', async () => {
    await using one = await server({ cors: { origins: ['https://app.example'] } });
    const answer = await one.call('/Patient/1', {
      method: 'OPTIONS',
      headers: { origin: 'https://app.example', 'access-control-request-method': 'PUT' },
    });
    expect(answer).toMatchObject({
      status: 204,
      headers: { 'access-control-allow-origin': 'https://app.example' },
    });
  });
});
