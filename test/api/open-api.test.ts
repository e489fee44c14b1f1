import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { apiDocuments } from '../../src/api/api-document.ts';
import { OPERATIONS, operationTypes } from '../../src/build/operations.ts';
import { ROUTES } from '../support/route-table.ts';

interface Described {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

interface Operation {
  readonly summary?: string;
  readonly 'x-permissions'?: readonly string[];
  readonly responses: Readonly<Record<string, unknown>>;
}

const { json: document } = await apiDocuments();

test('the checked-in document is what the routes say: run npm run build after a wanted change', () => {
  expect(readFileSync('docs/openapi.json', 'utf8')).toBe(document);
});

test('the types of requests and answers that the console uses are those of the document', async () => {
  expect(readFileSync(OPERATIONS, 'utf8')).toBe(await operationTypes(document, '.'));
});

test('the document names the permissions that each request needs', () => {
  const { paths } = JSON.parse(document) as Described;
  const told = ROUTES.map(({ operation, needs }) => {
    const [method = '', path = ''] = operation.split(' ');
    const described = paths[`/api/v1${path}`]?.[method.toLowerCase()]?.['x-permissions'];
    return { operation, needs: new Set<string>(needs), told: described ?? [] };
  });
  // what a request contains may need more
  const wrong = told.filter(({ needs, told: named }) => !named.every((one) => needs.has(one)));
  expect(wrong).toEqual([]);
  // this one depends on what somebody may do in that production
  const silent = told.filter(({ told: named }) => named.length === 0);
  expect(silent.map(({ operation }) => operation)).toEqual(['GET /productions/{production}']);
});

test('every request is described, with what it answers and the problem it may answer', () => {
  const { openapi, paths } = JSON.parse(document) as Described;
  expect(openapi).toBe('3.1.0');
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      name: `${method} ${path}`,
      operation,
    })),
  );
  expect(operations.length).toBeGreaterThan(40);
  const bare = operations.filter(
    ({ operation: { summary, responses } }) =>
      summary === undefined || responses['200'] === undefined || responses['default'] === undefined,
  );
  expect(bare.map(({ name }) => name)).toEqual([]);
});
