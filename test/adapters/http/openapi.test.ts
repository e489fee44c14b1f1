import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import httpIn from '../../../adapters/http/http-in.ts';
import type { Credential } from '../../../src/adapter/index.ts';
import { testSteps } from '../../support/open-adapter.ts';
import { type TemporaryFolder, temporaryFolder } from '../../support/temporary-folder.ts';
import { type Service, service } from './calling.ts';

const DOCUMENT = {
  openapi: '3.0.3',
  security: [{ key: [] }],
  paths: {
    '/orders': {
      post: {
        requestBody: {
          required: true,
          content: { 'application/json': { schema: { $ref: '#/components/schemas/Order' } } },
        },
      },
    },
    '/orders/{id}': {
      parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'integer' } }],
      get: {
        parameters: [
          {
            name: 'detail',
            in: 'query',
            required: true,
            schema: { type: 'string', enum: ['full', 'short'] },
          },
        ],
      },
      delete: { security: [{ key: [], operator: [] }] },
    },
    '/health': { get: { security: [] } },
  },
  components: {
    securitySchemes: {
      key: { type: 'apiKey', in: 'header', name: 'HTTP-API-KEY' },
      operator: { type: 'http', scheme: 'basic' },
    },
    schemas: {
      Order: {
        type: 'object',
        required: ['mrn'],
        additionalProperties: false,
        properties: { mrn: { type: 'string' }, ward: { $ref: '#/components/schemas/Ward' } },
      },
      Ward: { type: 'string', nullable: true, maxLength: 4 },
    },
  },
};

const credentials: Readonly<Record<string, Credential>> = {
  lab: { kind: 'bearer', token: async () => 'good' },
  anna: { kind: 'basic', user: 'anna', password: 'pass' },
};

const CALLERS = [
  { kind: 'api-key', credentials: ['lab'] },
  { kind: 'basic', credentials: ['anna'], scheme: 'operator' },
];

async function served(
  folder: TemporaryFolder,
  document: object = DOCUMENT,
  given: Readonly<Record<string, unknown>> = {},
): Promise<Service> {
  await writeFile(join(folder.path, 'api.yaml'), stringify(document));
  const all = { openapi: 'api.yaml', path: '/v1/*', callers: CALLERS, ...given };
  return service(all, { credentials, folder: folder.path });
}

test('the security of the document is enforced without code: no key and a wrong one 401, a good one is taken', async () => {
  await using folder = await temporaryFolder('openapi');
  await using one = await served(folder);
  const post = async (key?: string): Promise<number> =>
    (
      await one.call('/v1/orders', {
        body: '{"mrn":"1","ward":null}',
        headers: { 'content-type': 'application/json', ...(key && { 'http-api-key': key }) },
      })
    ).status;
  expect(await post()).toBe(401);
  expect(await post('bad')).toBe(401);
  expect(await post('good')).toBe(202);
  expect((await one.call('/v1/health', { method: 'GET' })).status).toBe(202);
});

test('schemes that are named together are all needed', async () => {
  await using folder = await temporaryFolder('openapi');
  await using one = await served(folder);
  const basic = { authorization: `Basic ${Buffer.from('anna:pass').toString('base64')}` };
  const remove = async (headers: Record<string, string>): Promise<number> =>
    (await one.call('/v1/orders/7', { method: 'DELETE', headers })).status;
  expect(await remove({ 'http-api-key': 'good' })).toBe(401);
  expect(await remove(basic)).toBe(401);
  expect(await remove({ ...basic, 'http-api-key': 'good' })).toBe(202);
});

test('bodies, parameters, methods and media types are those of the document', async () => {
  await using folder = await temporaryFolder('openapi');
  await using one = await served(folder);
  const headers = { 'http-api-key': 'good', 'content-type': 'application/json' };
  const wrong = await one.call('/v1/orders', { headers, body: '{"ward":"SECRET","more":1}' });
  expect(wrong.status).toBe(422);
  const { errors } = JSON.parse(wrong.body) as { errors: { at: string }[] };
  expect(errors.map(({ at }) => at).toSorted()).toEqual(['/', '/', '/ward']);
  expect(wrong.body).not.toContain('SECRET');
  const status = async (path: string, options: object): Promise<number> =>
    (await one.call(path, { headers, ...options })).status;
  expect(await status('/v1/orders', {})).toBe(400);
  expect(
    await status('/v1/orders', {
      body: '<a/>',
      headers: { ...headers, 'content-type': 'text/xml' },
    }),
  ).toBe(415);
  expect(await status('/v1/orders', { method: 'GET' })).toBe(405);
  expect(await status('/v1/orders/7', { method: 'GET' })).toBe(400);
  expect(await status('/v1/orders/seven?detail=full', { method: 'GET' })).toBe(400);
  expect(await status('/v1/orders/7?detail=full', { method: 'GET' })).toBe(202);
  expect(await status('/orders', { body: '{}' })).toBe(404);
});

test('a parameter may have its schema elsewhere, and the words of OpenAPI 3.0 hold', async () => {
  await using folder = await temporaryFolder('openapi');
  const schema = { $ref: '#/components/schemas/Number' };
  await using one = await served(
    folder,
    {
      openapi: '3.0.3',
      paths: {
        '/rooms/{number}': {
          parameters: [{ name: 'number', in: 'path', required: true, schema }],
          get: {},
        },
      },
      components: { schemas: { Number: { type: 'integer', minimum: 0, exclusiveMinimum: true } } },
    },
    { callers: [] },
  );
  const status = async (number: string): Promise<number> =>
    (await one.call(`/v1/rooms/${number}`, { method: 'GET' })).status;
  expect([await status('7'), await status('0'), await status('a')]).toEqual([202, 400, 400]);
});

test.for([
  [
    'a scheme without an entry under callers',
    DOCUMENT,
    { callers: [] },
    'the security scheme key has no entry under callers',
  ],
  [
    'a reference that leads nowhere',
    { ...DOCUMENT, paths: { '/a': { $ref: '#/paths/~1b' } } },
    {},
    'leads nowhere',
  ],
  ['an old document', { swagger: '1.2' }, {}, 'is neither OpenAPI 3 nor Swagger 2.0'],
] as const)('%s is told before anything is listened to', async ([, document, given, problem]) => {
  await using folder = await temporaryFolder('openapi');
  await expect(served(folder, document, given)).rejects.toThrow(problem);
  const all = { listen: '127.0.0.1:0', openapi: 'api.yaml', callers: CALLERS, ...given };
  const steps = await testSteps(httpIn, all, { credentials, folder: folder.path });
  expect(steps.at(-1)).toMatchObject({
    name: 'path',
    result: 'failed',
    cause: expect.stringContaining(problem),
  });
});
