import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import httpIn from '../../../adapters/http/http-in.ts';
import type { Credential, TokenVerifier } from '../../../src/adapter/index.ts';
import { problemsOf, sampleOut } from '../../support/production.ts';
import { type TemporaryFolder, temporaryFolder } from '../../support/temporary-folder.ts';
import { type Called, type Service, service } from './calling.ts';

/** As a spec-first tool writes it. */
const DOCUMENT = {
  swagger: '2.0',
  info: { title: 'Budget', version: '1' },
  host: 'localhost:52773',
  basePath: '/budget',
  schemes: ['http'],
  consumes: ['application/json'],
  security: [{ key: [] }, { bearer: ['read'] }],
  parameters: {
    Id: { name: 'id', in: 'path', required: true, type: 'integer', minimum: 1 },
    Entry: { name: 'entry', in: 'body', required: true, schema: { $ref: '#/definitions/Entry' } },
  },
  paths: {
    '/entries': {
      get: {
        parameters: [
          { name: 'year', in: 'query', required: true, type: 'integer', minimum: 2000 },
          { name: 'kind', in: 'query', type: 'string', enum: ['in', 'out'] },
        ],
        responses: { 200: { description: 'all', schema: { $ref: '#/definitions/Entry' } } },
      },
      post: {
        parameters: [{ $ref: '#/parameters/Entry' }],
        security: [{ bearer: ['write'] }],
        responses: { 201: { description: 'made' } },
      },
    },
    '/entries/{id}': {
      parameters: [{ $ref: '#/parameters/Id' }],
      delete: { security: [{ basic: [] }], responses: { 204: { description: 'gone' } } },
    },
    '/receipts': {
      post: {
        consumes: ['multipart/form-data'],
        parameters: [{ name: 'scan', in: 'formData', type: 'file', required: true }],
        responses: { 200: { description: 'kept' } },
      },
    },
    '/health': { get: { security: [], responses: { 200: { description: 'well' } } } },
  },
  definitions: {
    Entry: {
      type: 'object',
      required: ['amount'],
      additionalProperties: false,
      properties: {
        amount: { type: 'number', minimum: 0, exclusiveMinimum: true },
        note: { type: 'string', 'x-nullable': true, maxLength: 10 },
        parts: { type: 'array', items: { $ref: '#/definitions/Entry' } },
      },
    },
  },
  securityDefinitions: {
    key: { type: 'apiKey', in: 'query', name: 'token' },
    basic: { type: 'basic' },
    bearer: {
      type: 'oauth2',
      flow: 'application',
      tokenUrl: 'https://sso.example/token',
      scopes: { read: 'read', write: 'write' },
    },
  },
};

const credentials: Readonly<Record<string, Credential>> = {
  app: { kind: 'bearer', token: async () => 'good-key' },
  anna: { kind: 'basic', user: 'anna', password: 'pass' },
};
const sso: TokenVerifier = { verify: async (token) => ({ sub: 'bot', scope: token }) };

let folder: TemporaryFolder;
let one: Service;
beforeAll(async () => {
  folder = await temporaryFolder('swagger');
  await writeFile(join(folder.path, 'budget.json'), JSON.stringify(DOCUMENT));
  one = await service(
    {
      path: '/budget/*',
      openapi: 'budget.json',
      callers: [
        { kind: 'api-key', credentials: ['app'] },
        { kind: 'basic', credentials: ['anna'] },
        { kind: 'bearer', verifier: 'sso' },
      ],
    },
    { credentials, verifiers: { sso }, folder: folder.path },
  );
});
afterAll(async () => {
  await one[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

type Row = readonly [
  string,
  'GET' | 'POST' | 'DELETE',
  string,
  {
    readonly token?: string;
    readonly basic?: string;
    readonly body?: unknown;
    readonly type?: string;
  },
  number,
  string,
];

const ROWS: readonly Row[] = [
  ['without a key', 'GET', '/entries?year=2026', {}, 401, 'sign-in'],
  ['with a wrong key', 'GET', '/entries?year=2026&token=bad', {}, 401, 'the key is unknown'],
  ['with the key in the query', 'GET', '/entries?year=2026&token=good-key', {}, 202, ''],
  ['with a token that may read', 'GET', '/entries?year=2026', { token: 'read' }, 202, ''],
  [
    'with a token that may not write',
    'POST',
    '/entries',
    { token: 'read', body: { amount: 1 } },
    403,
    'write',
  ],
  [
    'with a token that may write',
    'POST',
    '/entries',
    { token: 'write', body: { amount: 1, note: null } },
    202,
    '',
  ],
  [
    'with the key where only a token is allowed',
    'POST',
    '/entries?token=good-key',
    { body: { amount: 1 } },
    401,
    '',
  ],
  ['without a parameter', 'GET', '/entries?token=good-key', {}, 400, 'query year'],
  [
    'with a parameter out of its range',
    'GET',
    '/entries?year=1999&token=good-key',
    {},
    400,
    'query year',
  ],
  [
    'with a parameter outside its list',
    'GET',
    '/entries?year=2026&kind=x&token=good-key',
    {},
    400,
    'query kind',
  ],
  [
    'with a body that does not fit',
    'POST',
    '/entries',
    { token: 'write', body: { amount: 0 } },
    422,
    '/amount',
  ],
  [
    'with a part that does not fit',
    'POST',
    '/entries',
    { token: 'write', body: { amount: 1, parts: [{}] } },
    422,
    '/parts/0',
  ],
  ['without its body', 'POST', '/entries', { token: 'write' }, 400, 'body is missing'],
  [
    'with another media type',
    'POST',
    '/entries',
    { token: 'write', body: 'a', type: 'text/plain' },
    415,
    'application/json',
  ],
  ['by its number', 'DELETE', '/entries/7', { basic: 'anna:pass' }, 202, ''],
  ['by what is no number', 'DELETE', '/entries/seven', { basic: 'anna:pass' }, 400, 'path id'],
  [
    'as a form',
    'POST',
    '/receipts',
    { token: 'read', body: '--x--', type: 'multipart/form-data; boundary=x' },
    202,
    '',
  ],
  ['where everybody may', 'GET', '/health', {}, 202, ''],
  ['where there is nothing', 'GET', '/other', {}, 404, ''],
];

test.for(ROWS)(
  'a service by a Swagger 2.0 document is called %s',
  async ([, method, path, sent, status, text]) => {
    const { token, basic, body, type = 'application/json' } = sent;
    const answer: Called = await one.call(`/budget${path}`, {
      method,
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(basic !== undefined && {
          authorization: `Basic ${Buffer.from(basic).toString('base64')}`,
        }),
        ...(body !== undefined && { 'content-type': type }),
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    expect([answer.status, answer.body]).toEqual([status, expect.stringContaining(text)]);
  },
);

const problems = (document: object, path = '/budget/*'): Promise<string[]> =>
  problemsOf(
    `production: p
services:
  budget:
    adapter: http-in
    settings:
      listen: 127.0.0.1:8080
      path: ${path}
      openapi: api.yaml
      callers:
        - { kind: api-key, credentials: [app] }
        - { kind: basic, credentials: [anna] }
        - { kind: bearer, verifier: sso }
    to: [out]
operations:
  out: { adapter: sample-out, settings: { connect: a:1 } }
credentials:
  app: { kind: bearer, token: sixteen letters }
  anna: { kind: basic, user: anna, password: x }
  sso: { kind: jwt-key, algorithm: HS256, secret: 'more than thirty-two bytes are needed here' }
`,
    {
      adapters: [httpIn, sampleOut],
      files: { 'api.yaml': stringify(document, { aliasDuplicateObjects: false }) },
    },
  );

test('a good document has no problems but that forms are not looked into', async () => {
  expect(await problems(DOCUMENT)).toEqual([
    expect.stringContaining('the fields of a form are not checked'),
  ]);
  expect((await problems(DOCUMENT, '/*')).join()).toContain('its paths begin below /budget');
});

test.for([
  [{ definitions: {} }, 'leads nowhere in the document'],
  [{ parameters: {} }, 'leads nowhere in the document'],
  [
    { securityDefinitions: { key: DOCUMENT.securityDefinitions.key } },
    'Declare it under securityDefinitions',
  ],
  [{ swagger: '1.2' }, 'neither OpenAPI 3 nor Swagger 2.0'],
] as const)('what is wrong with it is told at its line: %s', async ([part, text]) => {
  const found = await problems({ ...DOCUMENT, ...part });
  expect(found.join('\n')).toContain(text);
  expect(found.join('\n')).toMatch(/api\.yaml:\d+:\d+/);
});
