import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { freePort } from '../../sandbox/free-port.ts';
import { auditLog } from '../../src/access/audit/audit-log.ts';
import { metaDatabase } from '../../src/access/meta/open-meta.ts';
import { PERMISSIONS, type Permission } from '../../src/access/rights/principal.ts';
import { apiTokens } from '../../src/access/sign-in/api-tokens.ts';
import type { MessagePage } from '../../src/api/contract/message.ts';
import { connectBroker } from '../../src/broker/broker.ts';
import { runProduction } from '../../src/cli/run-production.ts';
import { serveRelayed } from '../../src/control/relay-server.ts';
import { silentLogger } from '../../src/log/logger.ts';
import { actedOn } from '../support/acted-on.ts';
import { addLocalUser } from '../support/local-user.ts';
import { startNats } from '../support/nats.ts';
import { type Operated, operated, WARD } from '../support/operator.ts';
import { productionFolder } from '../support/production.ts';
import { FREE, ROUTES, type Row } from '../support/route-table.ts';
import { type Visitor, visitor } from '../support/visitor.ts';

/* One NATS with the productions `hub`, `lab` and `ward`. The console of `hub` shows `lab` and `ward`, and has the users. */

const PASSWORD = 'three rivers meet here';
let stack: AsyncDisposableStack;
let hub: Operated;
let lab: Operated;
let ward: Operated;
/** Of things in `ward`, which somebody with a role in `lab` alone tries to reach. */
let ids: Readonly<Record<string, number>>;

const named = (name: string): string =>
  WARD.replace('production: ward', `production: ${name}`).replace('A ward', `The ${name}`);

async function token(user: string, permissions: readonly Permission[]): Promise<string> {
  await using database = await metaDatabase({ data: join(hub.folder.path, 'data') });
  const more = { label: 'x', permissions, expires: Date.now() + 600_000 };
  return (await apiTokens(database).add({ user, ...more })).token;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

async function ask(
  production: string,
  { operation, query = '', body }: Pick<Row, 'operation' | 'query' | 'body'>,
  bearer: string,
): Promise<Answer> {
  const [method = '', pattern = ''] = operation.split(' ');
  const of = pattern.includes('{id}') ? /^\/([\w-]+)/.exec(pattern)?.[1] : 'messages';
  const id = ids[of ?? ''] ?? 0;
  const filled = (text: string): string =>
    text
      .replaceAll('"{id}"', `${id}`)
      .replaceAll('{id}', `${id}`)
      .replaceAll('{host}', 'hl7-out')
      .replaceAll('{kind}', 'log-level')
      .replaceAll('{name}', 'victim');
  const ending = new AbortController();
  const response = await fetch(
    new URL(filled(`api/v1/productions/${production}${pattern}${query}`), hub.url),
    {
      method,
      signal: ending.signal,
      headers: {
        authorization: `Bearer ${bearer}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: filled(JSON.stringify(body)) }),
    },
  );
  const streams = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
  const text = streams ? '' : await response.text();
  ending.abort();
  return { status: response.status, text };
}

/** Rows for what belongs to the console, which no other console answers. */
const OF_THE_CONSOLE = /^\w+ \/(?:users|roles|tokens|sign-in|productions|across)/;

beforeAll(async () => {
  stack = new AsyncDisposableStack();
  const nats = stack.use(await startNats());
  const started = async (name: string, settings = ''): Promise<Operated> =>
    stack.use(
      await operated({
        production: named(name),
        administrator: false,
        nats,
        files: { 'data/console.yaml': settings },
      }),
    );
  hub = await started('hub', 'productions: [lab, ward, dark]\n');
  [lab, ward] = await Promise.all([started('lab'), started('ward')]);
  const dark = stack.use(await productionFolder({ 'production.yaml': named('dark') }));
  const engine = await runProduction({
    folder: dark.path,
    data: join(dark.path, 'data'),
    nats,
    log: silentLogger,
    environment: {
      LISTEN: `127.0.0.1:${await freePort()}`,
      CONNECT: `127.0.0.1:${await freePort()}`,
    },
  });
  stack.defer(() => engine.stop());
  await Promise.all([hub, lab, ward].map((one) => one.send(`E-${one.plane.broker.production}`)));
  const data = join(hub.folder.path, 'data');
  for (const [name, roles, scope] of [
    ['root', ['administrator'], ['*']],
    ['lena', ['administrator@lab'], ['*']],
    ['part', ['administrator'], ['host:elsewhere']],
    ['victim', [], ['*']],
  ] as const)
    await addLocalUser(data, { name, password: PASSWORD, roles, scope });
  const root = await signedIn('root');
  const message = await vi.waitFor(async () => {
    const path = '/api/v1/productions/ward/messages/search';
    const search = { status: ['completed'], source: 'hl7-in' };
    const { body } = await root.ask<MessagePage>('POST', path, search);
    return body.items[0]?.id ?? Promise.reject(new Error('it is not traced yet'));
  });
  ids = await actedOn(join(ward.folder.path, 'data'), message);
});
afterAll(async () => stack.disposeAsync());

const problem = (text: string) => JSON.parse(text) as Record<string, unknown>;

async function signedIn(name: string): Promise<Visitor> {
  const somebody = visitor(hub.url);
  expect((await somebody.signIn(name, PASSWORD)).status).toBe(200);
  return somebody;
}

describe('somebody with a role in one production only', () => {
  test('sees that one alone, and may do there what the role allows', async () => {
    const lena = await signedIn('lena');
    const list = await lena.ask('GET', '/api/v1/productions');
    expect(list.body).toEqual({ own: 'hub', productions: ['lab'] });
    const there = await lena.ask<{ permissions: string[] }>('GET', '/api/v1/productions/lab/me');
    expect(there.body).toMatchObject({ name: 'lena', via: 'local@hub' });
    expect(there.body.permissions).toEqual(
      PERMISSIONS.filter((one) => one !== 'user.manage' && one !== 'token.manage'),
    );
    expect((await lena.ask('GET', '/api/v1/productions/lab/hosts')).status).toBe(200);
    expect((await lena.me()).body.permissions).toEqual([]);
  });

  test('another one does not exist for them, in any operation: as if nobody had that name', async () => {
    const all = await token('lena', PERMISSIONS);
    const rows = [...ROUTES, ...[...FREE].map((operation) => ({ operation }))];
    for (const row of rows) {
      const [there, nowhere] = [await ask('ward', row, all), await ask('nowhere', row, all)];
      expect([row.operation, there.status]).toEqual([row.operation, 404]);
      expect(problem(there.text)['detail']).toBe('there is no production ward');
      expect({ ...problem(there.text), request: '', detail: '' }).toEqual({
        ...problem(nowhere.text),
        request: '',
        detail: '',
      });
    }
    // nothing of what was tried got there
    await using audit = await auditLog({ data: join(ward.folder.path, 'data') });
    expect(await audit.list({ actor: 'lena', limit: 10 })).toEqual([]);
  });

  test('no way of writing the address leads anywhere else', async () => {
    const all = await token('lena', PERMISSIONS);
    for (const path of [
      'lab/../ward/hosts',
      'lab/%2e%2e/ward/hosts',
      'lab%2f..%2fward/hosts',
      'lab//hosts',
      'WARD/hosts',
      'ward%00/hosts',
      'lab/productions/ward/hosts',
      'lab/../../users',
      'lab/%2e%2e/%2e%2e/users',
      'lab/users',
      '%6Cab/users',
      '*/hosts',
      '>/hosts',
      'lab.o/hosts',
    ]) {
      const answer = await fetch(
        new URL(`api/v1/productions/x`, hub.url).href.replace(/x$/, path),
        {
          headers: { authorization: `Bearer ${all}` },
        },
      );
      const text = await answer.text();
      expect([path, answer.status]).toEqual([path, expect.toBeOneOf([400, 403, 404])]);
      expect(text).not.toMatch(/hl7-(?:in|out)/);
    }
  });

  test('in their own production’s console they are a stranger, and a token of theirs is none', async () => {
    const all = await token('lena', PERMISSIONS);
    const answer = await fetch(new URL('api/v1/hosts', lab.url), {
      headers: { authorization: `Bearer ${all}` },
    });
    expect(answer.status).toBe(401);
    const made = await fetch(new URL('api/v1/hosts', lab.url), {
      headers: { 'x-waybill-caller': 'made-up' },
    });
    expect(made.status).toBe(401);
  });
});

describe('every operation of another production', () => {
  test('asks for each permission there', async () => {
    for (const row of ROUTES.filter(({ operation }) => !OF_THE_CONSOLE.test(operation)))
      for (const missing of row.needs) {
        const others = PERMISSIONS.filter((one) => one !== missing);
        const answer = await ask('ward', row, await token('root', others));
        expect([row.operation, answer.status]).toEqual([row.operation, 403]);
        expect(answer.text).toContain(missing);
      }
  });

  test('tells nothing of hosts outside the scope', async () => {
    const all = await token('part', PERMISSIONS);
    for (const row of ROUTES.filter(({ operation }) => !OF_THE_CONSOLE.test(operation))) {
      const answer = await ask('ward', row, all);
      // a token has no emergencies, wherever it is used
      expect([row.operation, answer.status]).toEqual([row.operation, row.elsewhere]);
      const isAudit = row.operation.startsWith('GET /audit');
      const told = isAudit ? '' : answer.text.replace('there is no host hl7-out', '');
      expect(told).not.toMatch(/hl7-(?:in|out)/);
    }
  });

  test('is done for who may, except what belongs to the console that has the users', async () => {
    const reads = ROUTES.filter(({ operation }) => /^GET|^POST \/messages\/[^{]/.test(operation));
    for (const row of reads) {
      const needed = row.needs.filter((one) => one !== 'user.manage' && one !== 'token.manage');
      const answer = await ask(
        'ward',
        row,
        await token('root', needed.length > 0 ? needed : ['dashboard.view']),
      );
      const allowed = OF_THE_CONSOLE.test(row.operation) ? [404] : (row.allowed ?? [200]);
      expect([row.operation, answer.status, answer.text]).toEqual([
        row.operation,
        expect.toBeOneOf([...allowed]),
        expect.any(String),
      ]);
    }
    for (const operation of FREE) {
      if (/^\w+ \/me(?:\/preferences)?$/.test(operation)) continue;
      const answer = await ask('ward', { operation }, await token('root', PERMISSIONS));
      expect([operation, answer.status]).toEqual([operation, expect.toBeOneOf([400, 404])]);
    }
  });
});

test('what is done in another production is in its audit log, with who and from which console', async () => {
  const root = await signedIn('root');
  const path = '/api/v1/productions/ward/hosts/hl7-out/stop';
  expect((await root.ask('POST', path, { reason: 'works' })).status).toBe(200);
  await root.ask('POST', path.replace('stop', 'start'), {});
  await using audit = await auditLog({ data: join(ward.folder.path, 'data') });
  const [stopped] = await audit.list({ action: 'host.stop', actor: 'root', limit: 10 });
  expect(stopped).toMatchObject({ via: 'local@hub', ip: '127.0.0.1', outcome: 'done' });
  // an act without the token of the session is none, here as there
  const forged = visitor(hub.url);
  for (const [name, value] of root.cookies) forged.cookies.set(name, value);
  expect((await forged.ask('POST', path, {})).status).toBe(403);
});

test('live events of another production end once the reader loses the role there', async () => {
  await addLocalUser(join(hub.folder.path, 'data'), {
    name: 'otto',
    password: PASSWORD,
    roles: ['viewer@ward'],
  });
  const otto = await signedIn('otto');
  const cookie = [...otto.cookies].map(([key, value]) => `${key}=${value}`).join('; ');
  const response = await fetch(new URL('/api/v1/productions/ward/stream', hub.url), {
    headers: { cookie },
  });
  expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
  const reader = response.body?.getReader();
  const first = await reader?.read();
  expect(Buffer.from(first?.value ?? []).toString()).toContain('event: hello');
  const ended = (async () => {
    while ((await reader?.read())?.done === false);
  })();
  const settled = vi.fn<() => void>();
  void ended.then(settled, settled);
  await using database = await metaDatabase({ data: join(hub.folder.path, 'data') });
  // the role alone: the session stays
  await database.run(`UPDATE "user" SET roles = '["viewer@lab"]' WHERE name = 'otto'`);
  await vi.waitFor(() => expect(settled).toHaveBeenCalled(), { timeout: 8_000 });
  expect((await otto.ask('GET', '/api/v1/productions/ward/hosts')).status).toBe(404);
});

test('a production that the console does not show, or that was never there, is not found; its own is redirected to', async () => {
  const root = await signedIn('root');
  const lists = async () => (await root.ask('GET', '/api/v1/productions')).body;
  expect(await lists()).toEqual({ own: 'hub', productions: ['hub', 'dark', 'lab', 'ward'] });
  expect((await root.ask('GET', '/api/v1/productions/other/hosts')).status).toBe(404);
  const own = await root.ask('GET', '/api/v1/productions/hub/hosts/hl7-in?x=1');
  expect([own.status, own.headers.get('location')]).toEqual([307, '../../../hosts/hl7-in?x=1']);
  // a console that names no others shows none, however many there are
  await addLocalUser(join(lab.folder.path, 'data'), { name: 'root', password: PASSWORD });
  const there = visitor(lab.url);
  await there.signIn('root', PASSWORD);
  expect((await there.ask('GET', '/api/v1/productions')).body).toEqual({
    own: 'lab',
    productions: ['lab'],
  });
  expect((await there.ask('GET', '/api/v1/productions/ward/hosts')).status).toBe(404);
});

test('where no operator plane runs, that is told with what the engines say', async () => {
  const root = await signedIn('root');
  const status = await root.ask('GET', '/api/v1/productions/dark/status');
  expect(status.status).toBe(503);
  expect(status.body).toMatchObject({ code: 'BROKER_UNAVAILABLE', retryable: true });
  const brief = await root.ask('GET', '/api/v1/productions/dark');
  expect(brief.body).toMatchObject({
    production: 'dark',
    title: 'The dark',
    hosts: { total: 2 },
  });
});

interface Parts {
  readonly parts: readonly {
    readonly production: string;
    readonly answer?: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>;
    readonly missing?: { readonly code: string; readonly text: string };
  }[];
}

const across = async (by: Visitor, path: string, body?: object) =>
  (await by.ask<Parts>(body === undefined ? 'GET' : 'POST', `/api/v1/across/${path}`, body)).body
    .parts;

const acrossAs = async (name: string, path: string, body?: object) =>
  across(await signedIn(name), path, body);

describe('all productions at once', () => {
  const LISTS = [
    ['GET', 'find?text=4711', 'hits'],
    ['GET', 'failures', 'groups'],
    ['GET', 'jobs', 'jobs'],
    ['GET', 'alerts?ended=true', 'alerts'],
    ['POST', 'messages/search', 'items'],
  ] as const;
  test('answer with a part for each in which somebody has a role; one that is away says so', async () => {
    const root = await signedIn('root');
    for (const [method, path, list] of LISTS) {
      const parts = await vi.waitFor(async () => {
        const all = await across(root, path, method === 'POST' ? {} : undefined);
        expect(all.map(({ production }) => production)).toEqual(['hub', 'dark', 'lab', 'ward']);
        // on a busy machine one that is there may be late, and is named as away
        const there = all.map(({ answer }) => Array.isArray(answer?.[list]));
        expect(there).toEqual([true, false, true, true]);
        return all;
      });
      expect(parts[1]?.missing).toMatchObject({ code: 'BROKER_UNAVAILABLE' });
      const alone = `/api/v1/productions/ward/${path}`;
      const { body } = await (method === 'POST'
        ? root.ask(method, alone, {})
        : root.ask(method, alone));
      expect([path, parts[3]?.answer?.[list]?.length]).toEqual([
        path,
        (body[list] as unknown[]).length,
      ]);
    }
    await using audit = await auditLog({ data: join(ward.folder.path, 'data') });
    const [searched] = await audit.list({ action: 'message.find', actor: 'root', limit: 10 });
    expect(searched).toMatchObject({ via: 'local@hub' });
  });

  test('show each what they may see in each, row by row', async () => {
    for (const [method, path] of LISTS) {
      const body = method === 'POST' ? {} : undefined;
      const lena = await acrossAs('lena', path, body);
      expect([path, lena.map(({ production }) => production)]).toEqual([path, ['lab']]);
      expect(await acrossAs('victim', path, body)).toEqual([]);
      const elsewhere = JSON.stringify(await acrossAs('part', path, body));
      expect(elsewhere).not.toMatch(/hl7-(?:in|out)/);
      const bearer = await token('root', ['dashboard.view']);
      const answer = await fetch(new URL(`api/v1/across/${path}`, hub.url), {
        method,
        headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const { parts } = (await answer.json()) as Parts;
      const may = path.startsWith('alerts');
      for (const { production, missing } of parts.filter((one) => one.production !== 'dark'))
        expect([path, production, missing?.code]).toEqual([
          path,
          production,
          may ? undefined : 'FORBIDDEN',
        ]);
    }
  });

  test('are read on page by page, each from where it was', async () => {
    const root = await signedIn('root');
    const search = { target: 'hl7-out', limit: 1 };
    await Promise.all([lab, ward].map((one) => one.send('E-more')));
    const seen = await vi.waitFor(async () => {
      const parts = await across(root, 'messages/search', search);
      const newest = parts.map(({ answer }) => answer?.['items']?.[0]?.['id']);
      expect(newest.slice(2).every((id) => Number(id) > (ids['messages'] ?? 0))).toBe(true);
      return parts;
    });
    const after = seen.flatMap(({ production, answer }) =>
      typeof answer?.['next'] === 'string' ? [{ production, next: answer['next'] }] : [],
    );
    const more = await across(root, 'messages/search', { ...search, after });
    expect(more.map(({ production }) => production)).toEqual(['hub', 'lab', 'ward']);
    const [here, ...others] = more;
    expect(here?.answer?.['items']).toEqual([]);
    for (const { production, answer } of others) {
      const first = seen.find((one) => one.production === production)?.answer?.['items']?.[0];
      expect(answer?.['items']).toHaveLength(1);
      expect(answer?.['items']?.[0]?.['id']).not.toBe(first?.['id']);
    }
    const of = async (production: string) =>
      across(root, 'messages/search', {
        ...search,
        after: after.filter((one) => one.production === production),
      });
    expect((await of('ward')).map(({ production }) => production)).toEqual(['ward']);
    // who names a production without a role in it is told nothing of it
    const lena = await signedIn('lena');
    expect(await across(lena, 'messages/search', { ...search, after })).toMatchObject([
      { production: 'lab' },
    ]);
  });

  test('hear of one that answers as no version known here does, or not in time', async () => {
    const root = await signedIn('root');
    const nats = hub.running.access;
    await using broker = await connectBroker({ ...nats, production: 'dark', role: 'test' });
    const told = async (wait = 5_000) =>
      (await across(root, `jobs?wait=${wait}`)).find(({ production }) => production === 'dark')
        ?.missing;
    const answers = (status: number, text: string) =>
      serveRelayed(broker, async () => ({
        status,
        headers: {},
        body: Readable.from([Buffer.from(text)]),
      }));
    for (const [status, text, expected] of [
      [200, '{"rows":[]}', 'is of a version'],
      [200, 'null', 'is of a version'],
      [500, '<html>', 'is of a version'],
      [
        404,
        '{"code":"NOT_FOUND","detail":"there is no GET /jobs","retryable":false}',
        'there is no',
      ],
    ] as const) {
      const server = answers(status, text);
      await broker.connection.flush();
      expect((await told())?.text).toContain(expected);
      server.close();
      await broker.connection.flush();
    }
    const ending = Promise.withResolvers<void>();
    const slow = serveRelayed(broker, async (_request, _body, signal) => {
      signal.addEventListener('abort', () => ending.resolve());
      await ending.promise;
      return { status: 200, headers: {}, body: Readable.from([]) };
    });
    await broker.connection.flush();
    expect(await told(300)).toMatchObject({
      code: 'BROKER_UNAVAILABLE',
      text: 'dark has not answered within 300ms',
    });
    // nor is it left to work on for nobody
    await ending.promise;
    slow.close();
  });
});
