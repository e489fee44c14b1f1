import { expect, test } from 'vitest';
import httpIn from '../../../adapters/http/http-in.ts';
import { problemsOf, sampleOut } from '../../support/production.ts';

const CALLERS = 'callers: [{ kind: api-key, credentials: [lab] }]';

/** The problems of a production whose service is described by this document. */
const problems = (document: string, settings = CALLERS, path = '/v1/*'): Promise<string[]> =>
  problemsOf(
    `production: p
services:
  orders:
    adapter: http-in
    settings:
      listen: 127.0.0.1:8080
      path: ${path}
      openapi: api.yaml
      ${settings}
    to: [out]
operations:
  out: { adapter: sample-out, settings: { connect: a:1 } }
credentials: { lab: { kind: bearer, token: 'sixteen letters' } }
`,
    { adapters: [httpIn, sampleOut], files: { 'api.yaml': document } },
  );

const GOOD = `openapi: 3.0.3
security: [{ key: [] }]
servers: [{ url: https://hub.example/v1 }]
paths:
  /orders/{id}:
    parameters: [{ name: id, in: path, required: true, schema: { $ref: '#/components/schemas/Id' } }]
    put:
      requestBody:
        content:
          application/json: { schema: { $ref: '#/components/schemas/Order' } }
      responses: { default: { description: done } }
components:
  securitySchemes:
    key: { type: apiKey, in: header, name: HTTP-API-KEY }
  schemas:
    Id: { type: integer, minimum: 0, exclusiveMinimum: true }
    Order: { type: object, properties: { $ref: { type: string }, nullable: { type: boolean } } }
`;

test('a good document has no problems', async () => {
  expect(await problems(GOOD)).toEqual([]);
});

test.for([
  [
    'a schema that is not there',
    ["'#/components/schemas/Order'", "'#/components/schemas/Ordr'"],
    'api.yaml:10:41 services.orders.settings.openapi: the reference #/components/schemas/Ordr leads nowhere in the document. Correct it.',
  ],
  [
    'a schema in another file',
    ["'#/components/schemas/Order'", 'common.yaml#/Order'],
    'api.yaml:10:41 services.orders.settings.openapi: the reference common.yaml#/Order leads out of the document. Other files are not followed: bundle them into one.',
  ],
  [
    'a security scheme that is not declared',
    ['security: [{ key: [] }]', 'security: [{ kee: [] }]'],
    'api.yaml:2:14 services.orders.settings.openapi: the security scheme kee is not declared. Declare it under components.securitySchemes; there are key.',
  ],
  [
    'a security entry that names nothing and would let everybody in',
    ['security: [{ key: [] }]', 'security: [key]'],
    'api.yaml:2:12 services.orders.settings.openapi: an entry of security must name its schemes. Write it as name: [scopes].',
  ],
  [
    'a security scheme of an unknown kind',
    ['type: apiKey, in: header', 'type: apiKey, in: body'],
    'api.yaml:14:5 services.orders.settings.openapi: the security scheme key has a kind that cannot be enforced. Supported: apiKey, http basic, http bearer, oauth2, openIdConnect and mutualTLS.',
  ],
  [
    'a security scheme that no caller serves',
    ['type: apiKey, in: header, name: HTTP-API-KEY', 'type: http, scheme: bearer'],
    'api.yaml:2:14 services.orders.settings.openapi: the security scheme key has no entry under callers. Add one of kind bearer with its verifier.',
  ],
  [
    'a path that cannot be served',
    ['/orders/{id}:', '/orders/{id}.pdf:'],
    'api.yaml:5:3 services.orders.settings.openapi: the path /orders/{id}.pdf may have a parameter only as a whole segment, such as /patients/{id}. It cannot be served: change it.',
  ],
  [
    'a parameter without a place in its path',
    ['/orders/{id}:', '/orders/{number}:'],
    'api.yaml:6:18 services.orders.settings.openapi: the parameter id does not occur in the path /orders/{number}. Write it as {id}, or correct its name.',
  ],
  [
    'two paths that are one',
    ['components:', '  /orders/{number}: { put: {} }\ncomponents:'],
    'api.yaml:12:23 services.orders.settings.openapi: PUT /v1/orders/{number} has the same address as /v1/orders/{id}. It would never be reached: remove one of them.',
  ],
  [
    'a type that does not exist, with which anything would pass',
    ['Order: { type: object', 'Order: { type: objekt'],
    'api.yaml:17:14 services.orders.settings.openapi: type must be one of string, number, integer, boolean, object, array, null, or a list of them. Correct the schema.',
  ],
  [
    'a pattern that takes no bounded time',
    ["{ $ref: '#/components/schemas/Order' }", String.raw`{ type: string, pattern: '(a+)\1' }`],
    String.raw`api.yaml:10:55 services.orders.settings.openapi: pattern cannot be used: a regular expression looks around ((?=…), (?<=…)), refers back (\1) or repeats too often, which has no time limit. Correct the schema; write several conditions as patterns of an allOf, and what is forbidden below not.`,
  ],
  [
    'a pattern that is none',
    ["{ $ref: '#/components/schemas/Order' }", "{ type: string, pattern: '(' }"],
    'api.yaml:10:55 services.orders.settings.openapi: pattern cannot be used: a regular expression is not valid. Correct the schema; write several conditions as patterns of an allOf, and what is forbidden below not.',
  ],
  [
    'YAML that is none',
    ['paths:', 'paths: {'],
    expect.stringMatching(
      /^api\.yaml:\d+:\d+ services\.orders\.settings\.openapi: .*is neither YAML nor JSON\. Correct the file\.$/,
    ),
  ],
  [
    'a document of another kind',
    ['openapi: 3.0.3', 'swagger: "1.2"'],
    expect.stringContaining('is neither OpenAPI 3 nor Swagger 2.0'),
  ],
] as const)('%s is found when the production is checked', async ([, [part, instead], problem]) => {
  expect(GOOD).toContain(part);
  const found = await problems(GOOD.replace(part, instead));
  expect(found).toEqual([problem]);
});

test('every fault is told at once', async () => {
  const bad = GOOD.replace('{ key: [] }', '{ kee: [] }').replace('schemas/Id', 'schemas/Nr');
  expect(await problems(bad)).toHaveLength(2);
});

test('what is not enforced and what a gateway may change are warnings', async () => {
  const answers = GOOD.replace('{ description: done }', "{ $ref: 'common.yaml#/done' }");
  expect(await problems(answers)).toEqual([
    expect.stringMatching(/^api\.yaml:11:\d+ warning: .*leads out of the document/),
  ]);
  expect(await problems(GOOD, CALLERS, '/v2/*')).toEqual([
    expect.stringMatching(
      /^api\.yaml:3:1 warning: .*begin below \/v1, but this service answers them below \/v2/,
    ),
  ]);
});

test('a caller for a scheme that is not there is told at the setting', async () => {
  expect(
    await problems(GOOD, 'callers: [{ kind: api-key, credentials: [lab], scheme: kee }]'),
  ).toEqual([
    expect.stringMatching(/^api\.yaml:2:14 .*the security scheme key has no entry under callers/),
    'production.yaml:9:54 services.orders.settings.callers.0.scheme: the document declares no security scheme kee. It has key.',
  ]);
});

test('a JSON Schema that is missing or none is told with its place', async () => {
  const text = `production: p
services:
  in: { adapter: http-in, settings: { listen: 127.0.0.1:8080, schema: order.json }, to: [out] }
operations:
  out: { adapter: sample-out, settings: { connect: a:1 } }
`;
  const adapters = [httpIn, sampleOut];
  expect(await problemsOf(text, { adapters })).toEqual([
    expect.stringMatching(
      /^production\.yaml:3:63 services\.in\.settings\.schema: the file .* cannot be read \(ENOENT\)/,
    ),
  ]);
  const files = { 'order.json': '{\n  "required": "mrn"\n}' };
  expect(await problemsOf(text, { adapters, files })).toEqual([
    'order.json:2:3 services.in.settings.schema: required must be a list of names. Correct the schema.',
  ]);
});
