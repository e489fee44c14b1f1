import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { metaDatabase } from '../../src/access/meta/open-meta.ts';
import { PERMISSIONS } from '../../src/access/rights/principal.ts';
import { apiTokens } from '../../src/access/sign-in/api-tokens.ts';
import { users } from '../../src/access/sign-in/users.ts';
import type { MessagePage } from '../../src/api/contract/message.ts';
import { type Operated, operated } from '../support/operator.ts';
import { postgresPrograms, startPostgres } from '../support/postgres.ts';
import { type Random, random } from '../support/random.ts';
import { type Schema, type SchemaFuzz, schemaFuzz } from '../support/schema-fuzz.ts';

/** `FUZZ_REQUESTS=20000` for a long run; `FUZZ_SEED` repeats one that was told. */
const REQUESTS = Number(process.env['FUZZ_REQUESTS'] ?? 500);
const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_126);

/** Slow by their nature: a hash, a host that stops, a connection that is tried. Asked now and then. */
const SLOW =
  /password|\/sign-in$|\/auth\/token|\/restart|\/stop|\/start|\/test$|POST .*\/users$|reload|purge/;

interface Operation {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly {
    readonly name: string;
    readonly in: string;
    readonly schema: Schema;
  }[];
  readonly body: Schema | undefined;
}

function operations(): Operation[] {
  const { paths } = JSON.parse(readFileSync('docs/openapi.json', 'utf8')) as {
    readonly paths: Readonly<
      Record<
        string,
        Readonly<
          Record<
            string,
            {
              readonly parameters?: Operation['parameters'];
              readonly requestBody?: {
                readonly content: Readonly<Record<string, { schema: Schema }>>;
              };
            }
          >
        >
      >
    >;
  };
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { parameters = [], requestBody }]) => ({
      name: `${method.toUpperCase()} ${path}`,
      method: method.toUpperCase(),
      path,
      parameters,
      body: requestBody?.content['application/json']?.schema,
    })),
  );
}

/** A request of an operation, with ids that are there in half of the cases. */
function request(
  { path, method, parameters, body }: Operation,
  [chance, fuzz, id]: readonly [Random, SchemaFuzz, number],
): { readonly path: string; readonly method: string; readonly body: string | undefined } {
  let filled = path;
  const query = new URLSearchParams();
  for (const { name, in: where, schema } of parameters) {
    const known = name === 'host' ? 'hl7-out' : `${id}`;
    const text = where === 'path' && chance.below(2) === 0 ? known : fuzz.text(schema);
    if (where === 'path') filled = filled.replace(`{${name}}`, encodeURIComponent(text));
    if (where === 'query' && chance.below(2) === 0) query.append(name, text);
  }
  const sent = body === undefined ? undefined : JSON.stringify(fuzz.value(body));
  const search = query.toString();
  return { method, path: search === '' ? filled : `${filled}?${search}`, body: sent };
}

async function bearerOf(production: Operated): Promise<string> {
  await using database = await metaDatabase({ data: join(production.folder.path, 'data') });
  await users(database).add({
    name: 'root',
    roles: ['administrator'],
    scope: ['*'],
    password: '',
    mustChange: false,
  });
  const tokens = apiTokens(database);
  const token = { label: 'x', user: 'root', permissions: [], expires: Date.now() };
  // the ids that are guessed are those of others
  for (let n = 0; n < 60; n += 1) await tokens.add(token);
  return (
    await tokens.add({
      label: 'x',
      user: 'root',
      permissions: PERMISSIONS.filter((one) => one !== 'user.manage'),
      expires: Date.now() + 3_600_000,
    })
  ).token;
}

/** Characters: far below what any route refuses for its size. */
const LARGE = 100_000;

const isReset = (error: unknown): boolean =>
  error instanceof Error &&
  error.cause instanceof Error &&
  /^(?:ECONNRESET|EPIPE|UND_ERR_SOCKET)$/.test(String(Reflect.get(error.cause, 'code')));

/** What is wrong with the answer to a request, if anything. */
async function problemOf(
  production: Operated,
  { method, path, body = '' }: ReturnType<typeof request>,
  bearer: string,
): Promise<string | undefined> {
  const ending = new AbortController();
  const isLarge = body.length > LARGE;
  const response = await fetch(new URL(path, production.url), {
    method,
    redirect: 'manual',
    signal: ending.signal,
    headers: {
      authorization: `Bearer ${bearer}`,
      ...(body !== '' && { 'content-type': 'application/json' }),
      // a body that is too large is answered before it was read, and its connection ended: no other request may be on it
      ...(isLarge && { connection: 'close' }),
    },
    ...(body !== '' && { body }),
  }).catch((error: unknown) => {
    // the end of the connection may overtake the answer
    if (isLarge && isReset(error)) return undefined;
    throw new Error(`${method} ${path.slice(0, 200)} of ${body.length} characters`, {
      cause: error,
    });
  });
  if (response === undefined) return undefined;
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
  const text = isStream ? '' : await response.text();
  ending.abort();
  const stack = /\n\s+at \S+ \(|node_modules|node:internal|\.ts:\d+:\d+/.test(text);
  if (response.status < 500 && !stack) return undefined;
  const sent = `${method} ${path.slice(0, 200)} ${body.slice(0, 300)}`;
  return `${response.status} ${sent}: ${text.slice(0, 200)}`;
}

async function fuzzed(production: Operated): Promise<string[]> {
  await production.send('F1');
  const id = await vi.waitFor(async () => {
    const { body } = await production.ask<MessagePage>('POST', '/api/v1/messages/search', {});
    if (body.items[0]?.hasBody !== true) throw new Error('it is not traced yet');
    return body.items[0].id;
  }, 20_000);
  const bearer = await bearerOf(production);
  const chance = random(SEED);
  const fuzz = schemaFuzz(chance);
  const all = operations();
  const found = new Set<string>();
  for (let n = 0; n < REQUESTS; n += 1) {
    const operation = all[chance.below(all.length)];
    if (operation === undefined || (SLOW.test(operation.name) && chance.below(40) > 0)) continue;
    const one = request(operation, [chance, fuzz, id]);
    const wrong = await problemOf(production, one, bearer);
    if (wrong !== undefined) found.add(wrong);
  }
  return [...found];
}

test('no request that fits the document more or less makes an error of the server, or tells of its inside', async () => {
  await using production = await operated();
  expect(await fuzzed(production)).toEqual([]);
}, 900_000);

test('nor with the trace in PostgreSQL', async () => {
  const programs = await postgresPrograms();
  await using postgres = await startPostgres(programs ?? '');
  await using production = await operated({ trace: postgres.url });
  expect(await fuzzed(production)).toEqual([]);
}, 900_000);
