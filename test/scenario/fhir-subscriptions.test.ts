import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { allAdapters } from '../../adapters/index.ts';
import { freePort } from '../../sandbox/free-port.ts';
import { readProduction } from '../../src/definition/read.ts';
import { subscribersOf, turnSubscriber } from '../../src/engine/kept-work.ts';
import { type FhirServer, fhirServer } from '../support/fhir-server.ts';
import { startNats } from '../support/nats.ts';
import { type Running, run } from '../support/running.ts';
import { type SeenRequest, type WebServer, webServer } from '../support/web-server.ts';

const FOLDER = join(import.meta.dirname, '../../productions/fhir-subscriptions');
const FHIR = 'application/fhir+json';
type Json = Record<string, unknown>;

let nats: Awaited<ReturnType<typeof startNats>>;
let behind: FhirServer;
let app: WebServer;
let running: Running;
let base: string;
let definition: Parameters<typeof run>[1];

beforeAll(async () => {
  nats = await startNats();
  behind = await fhirServer();
  app = await webServer();
  const port = await freePort();
  base = `http://127.0.0.1:${port}/fhir/r4`;
  const { definition: read, problems } = await readProduction(FOLDER, {
    adapters: await allAdapters(),
    environment: {
      LISTEN: `127.0.0.1:${port}`,
      FHIR_URL: behind.url,
      APP_URL: `${app.url}/notify/`,
      RETRY: '50ms',
      ERROR_AFTER: '400ms',
    },
  });
  if (read === undefined) throw new Error(JSON.stringify(problems));
  definition = read;
  running = await run(nats, definition);
});

afterAll(async () => {
  await running[Symbol.asyncDispose]();
  await Promise.all([nats, behind, app].map((one) => one[Symbol.asyncDispose]()));
});

beforeEach(async () => {
  app.answer(() => ({ status: 200 }));
  for (const key of ['try-me', 'try-me-too']) {
    const { entry = [] } = (await asked('GET', '/Subscription', { key })).body as {
      entry?: { resource: Json }[];
    };
    for (const { resource } of entry) {
      await asked('DELETE', `/Subscription/${String(resource['id'])}`, { key });
    }
  }
  app.requests.length = 0;
});

async function asked(
  method: string,
  path: string,
  { key = 'try-me', body }: { readonly key?: string; readonly body?: Json } = {},
): Promise<{ readonly status: number; readonly body: Json }> {
  const answer = await fetch(`${base}${path}`, {
    method,
    headers: { 'x-api-key': key, 'content-type': FHIR },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, body: text === '' ? {} : (JSON.parse(text) as Json) };
}

const subscription = (criteria: string, channel: Json = {}, more: Json = {}): Json => ({
  resourceType: 'Subscription',
  status: 'requested',
  reason: 'test',
  criteria,
  channel: { type: 'rest-hook', endpoint: `${app.url}/notify/a`, payload: FHIR, ...channel },
  ...more,
});

const BACKPORT = 'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition';
const TOPIC = 'https://hub.example/topic/admission';
const byTopic = (content: string, more: Json = {}): Json =>
  subscription(
    TOPIC,
    {
      _payload: {
        extension: [{ url: `${BACKPORT}/backport-payload-content`, valueCode: content }],
      },
    },
    more,
  );

/** Subscribes, and waits until it is active. */
async function subscribed(body: Json, key?: string): Promise<string> {
  const made = await asked('POST', '/Subscription', { body, ...(key !== undefined && { key }) });
  expect(made, JSON.stringify(made)).toMatchObject({ status: 201 });
  const id = String(made.body['id']);
  await becomes(id, 'active', key);
  app.requests.length = 0;
  return id;
}

const becomes = (id: string, status: string, key?: string): Promise<void> =>
  vi.waitFor(
    async () => {
      const { body } = await asked('GET', `/Subscription/${id}`, key === undefined ? {} : { key });
      expect(body['status']).toBe(status);
    },
    { timeout: 10_000, interval: 50 },
  );

const observation = (status: string, patient = '1'): Json => ({
  resourceType: 'Observation',
  status,
  code: { text: 'x' },
  subject: { reference: `Patient/${patient}` },
});
const written = async (body: Json): Promise<Json> =>
  (await asked('POST', `/${String(body['resourceType'])}`, { body })).body;

const told = (count: number): Promise<readonly SeenRequest[]> =>
  vi.waitFor(
    () => {
      expect(app.requests.length).toBeGreaterThanOrEqual(count);
      return app.requests;
    },
    { timeout: 10_000, interval: 20 },
  );

const parametersOf = (request: SeenRequest | undefined): Json[] =>
  (JSON.parse(String(request?.body)) as { entry: { resource: { parameter: Json[] } }[] }).entry[0]
    ?.resource.parameter ?? [];

const problem = ({ status, body }: { status: number; body: Json }): string =>
  `${status} ${String((body['issue'] as Json[] | undefined)?.[0]?.['diagnostics'])}`;

const subscribedAt = (endpoint: string): Promise<string> =>
  asked('POST', '/Subscription', { body: subscription('Observation', { endpoint }) }).then(problem);

test('a resource that meets the criteria is put at the endpoint, in order, and others are not', async () => {
  await subscribed(subscription('Observation?status=final,amended&patient=Patient/1'));
  await written(observation('preliminary'));
  await written(observation('final', '2'));
  const first = await written(observation('final'));
  const second = await written(observation('amended'));
  const [one, two, ...more] = await told(2);
  expect(one).toMatchObject({
    method: 'PUT',
    path: `/notify/a/Observation/${String(first['id'])}`,
  });
  expect(JSON.parse(String(one?.body))).toMatchObject({ id: first['id'], status: 'final' });
  expect(one?.headers['authorization']).toBe('Bearer from-the-hub');
  expect(two?.path).toBe(`/notify/a/Observation/${String(second['id'])}`);
  expect(more).toEqual([]);
});

test('a subscriber of a topic is asked by a handshake, and told by a Bundle with what is wanted', async () => {
  const made = await asked('POST', '/Subscription', { body: byTopic('id-only') });
  const id = String(made.body['id']);
  const [handshake] = await told(1);
  expect(parametersOf(handshake)).toContainEqual({ name: 'type', valueCode: 'handshake' });
  await becomes(id, 'active');
  const encounter = await written({
    resourceType: 'Encounter',
    status: 'in-progress',
    class: { code: 'IMP' },
  });
  const [, event] = await told(2);
  expect(event?.method).toBe('POST');
  const parameters = parametersOf(event);
  expect(parameters).toContainEqual({ name: 'type', valueCode: 'event-notification' });
  expect(parameters).toContainEqual({ name: 'topic', valueCanonical: TOPIC });
  expect(JSON.stringify(parameters)).toContain(`Encounter/${String(encounter['id'])}`);
  expect(JSON.parse(String(event?.body))).toMatchObject({ type: 'history', entry: { length: 1 } });
  const { body } = await asked('GET', `/Subscription/${id}/$status`);
  expect(JSON.stringify(body)).toContain(
    '{"name":"events-since-subscription-start","valueString":"1"}',
  );
});

test('what would reach an address that nobody permitted is refused', async () => {
  for (const endpoint of [
    'http://169.254.169.254/latest/',
    `${app.url}/other`,
    `${app.url}/notify/../other`,
    `${app.url}/notify/%2e%2e/other`,
    `${app.url.replace('//', '//x@')}/notify/a`,
    `${app.url}/notifyx`,
    'file:///etc/passwd',
  ]) {
    expect(await subscribedAt(endpoint), endpoint).toMatch(/^422 The endpoint is not among/);
  }
});

test.for([
  [
    'criteria that are not understood',
    { criteria: 'Observation?value-quantity=1' },
    /^422 Observation is not looked at by value-quantity, only by/,
  ],
  [
    'a parameter that the type does not have',
    { criteria: 'Patient?code=x' },
    /^422 Patient is not looked at by code/,
  ],
  ['no type', { criteria: 'x' }, /^422 criteria must be/],
  [
    'a topic that is not there',
    { criteria: 'https://hub.example/topic/x' },
    /^422 There is no such topic/,
  ],
  ['an end that is over', { end: '2020-01-01T00:00:00Z' }, /^422 end is over/],
] as const)('%s is refused', async ([, more, expected]) => {
  const body = { ...subscription('Observation'), ...more };
  expect(problem(await asked('POST', '/Subscription', { body }))).toMatch(expected);
});

test('secrets of the endpoint are not kept', async () => {
  const body = subscription('Observation', { header: ['Authorization: Bearer SECRET'] });
  expect(problem(await asked('POST', '/Subscription', { body }))).toMatch(
    /^422 Headers and parameters/,
  );
});

test('nobody sees, changes or deletes what another has subscribed to', async () => {
  const id = await subscribed(subscription('Observation'));
  const key = 'try-me-too';
  expect((await asked('GET', `/Subscription/${id}`, { key })).status).toBe(404);
  expect((await asked('DELETE', `/Subscription/${id}`, { key })).status).toBe(404);
  const body = { ...subscription('Patient'), id };
  expect((await asked('PUT', `/Subscription/${id}`, { key, body })).status).toBe(404);
  expect((await asked('GET', '/Subscription', { key })).body['total']).toBe(0);
  expect((await asked('GET', '/Subscription')).body['total']).toBe(1);
});

test('who subscribes twice is told once', async () => {
  const id = await subscribed(subscription('Observation'));
  const again = await asked('POST', '/Subscription', { body: subscription('Observation') });
  expect(again).toMatchObject({ status: 201, body: { id, status: 'active' } });
  await written(observation('final'));
  await written({ resourceType: 'Patient' });
  await subscribed(subscription('Patient'));
  await written({ resourceType: 'Patient' });
  expect((await told(1)).map(({ path }) => path)).toHaveLength(1);
});

test('an endpoint that is away is in error after its time, holds up no other, and goes on when it is back', async () => {
  const lost = await subscribed(byTopic('full-resource'));
  const kept = await subscribed(
    subscription('Encounter', { endpoint: `${app.url}/notify/b` }),
    'try-me-too',
  );
  app.answer(({ path }) => ({ status: path === '/notify/a' ? 503 : 200 }));
  const encounter = { resourceType: 'Encounter', status: 'in-progress', class: { code: 'IMP' } };
  await written(encounter);
  await becomes(lost, 'error');
  await becomes(kept, 'active', 'try-me-too');
  await vi.waitFor(() =>
    expect(app.requests.some(({ path }) => path.startsWith('/notify/b/'))).toBe(true),
  );
  await written(encounter);
  app.answer(() => ({ status: 200 }));
  app.requests.length = 0;
  const { body } = await asked('GET', `/Subscription/${lost}`);
  expect(body['error']).toBe('The endpoint answers 503.');
  await asked('PUT', `/Subscription/${lost}`, { body: { ...byTopic('full-resource'), id: lost } });
  await becomes(lost, 'active');
  await written(encounter);
  // the number tells how many there were, and $events which
  await vi.waitFor(() =>
    expect(app.requests.map(({ body: sent }) => String(sent)).join()).toContain(
      '"name":"event-number","valueString":"3"',
    ),
  );
  const missed = await asked('GET', `/Subscription/${lost}/$events?eventsSinceNumber=2`);
  expect(JSON.stringify(missed.body).match(/"event-number","valueString":"\d"/g)).toEqual([
    '"event-number","valueString":"2"',
    '"event-number","valueString":"3"',
  ]);
});

test('redirects lead nowhere, and what is gone for good is not asked again', async () => {
  const redirected = await subscribed(subscription('Observation'));
  app.answer(({ path }) =>
    path.startsWith('/notify/a')
      ? { status: 307, headers: { location: `${app.url}/elsewhere` } }
      : { status: 410 },
  );
  await subscribed(subscription('Patient', { endpoint: `${app.url}/notify/gone` }));
  await written(observation('final'));
  await written({ resourceType: 'Patient' });
  await told(2);
  expect(app.requests.map(({ path }) => path)).not.toContain('/elsewhere');
  const { body } = await asked('GET', '/Subscription?status=error');
  await vi.waitFor(async () => {
    const { body: now } = await asked('GET', '/Subscription?status=error');
    expect(now['total'], JSON.stringify(body)).toBe(1);
  });
  await becomes(redirected, 'active');
});

test('subscriptions outlast an engine', async () => {
  const id = await subscribed(subscription('Observation'));
  await running[Symbol.asyncDispose]();
  running = await run(nats, definition);
  await becomes(id, 'active');
  await written(observation('final'));
  expect((await told(1))[0]?.method).toBe('PUT');
});

test('operators see who is told, and switch one off and on, whatever its owner says', async () => {
  const id = await subscribed(subscription('Observation?patient=Patient/1'));
  await written(observation('final'));
  await told(1);
  const engine = running.engine;
  const { items } = await subscribersOf(engine, definition);
  expect(items).toMatchObject([
    { host: 'subscriptions', id, owner: 'app-key', state: 'active', events: 1, failures: 0 },
  ]);
  expect(items[0]).toMatchObject({ about: 'Observation?patient=Patient/1', held: false });
  expect(items[0]?.place).not.toContain('/notify');
  const turn = (on: boolean, which = id): Promise<void> =>
    turnSubscriber(engine, definition, { host: 'subscriptions', id: which, on, by: 'anna' });
  // hears what the first one does not: until then it might still be under way
  const other = subscription('Observation', { endpoint: `${app.url}/notify/b` });
  await subscribed(other, 'try-me-too');
  await turn(false);
  const body = { ...subscription('Observation?patient=Patient/1'), id };
  expect((await asked('PUT', `/Subscription/${id}`, { body })).body['status']).toBe('off');
  await written(observation('final'));
  await told(1);
  await turn(true);
  await written(observation('amended'));
  const requests = await told(3);
  const heard = requests.filter(({ path }) => path.startsWith('/notify/a/'));
  expect(heard.map(({ body: sent }) => (JSON.parse(String(sent)) as Json)['status'])).toEqual([
    'amended',
  ]);
  await expect(turn(true, 'gone')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  const elsewhere = { host: 'subscribers', id, on: true, by: 'anna' };
  await expect(turnSubscriber(engine, definition, elsewhere)).rejects.toThrow(
    'no operation subscribers keeps subscribers',
  );
});

test('one that is deleted, switched off or over is told nothing', async () => {
  const off = await subscribed(subscription('Observation'));
  await asked('PUT', `/Subscription/${off}`, {
    body: subscription('Observation', {}, { status: 'off', id: off }),
  });
  const over = await subscribed(
    subscription(
      'Observation',
      { endpoint: `${app.url}/notify/over` },
      { end: new Date(Date.now() + 1_500).toISOString() },
    ),
  );
  const gone = await subscribed(
    subscription('Observation', { endpoint: `${app.url}/notify/gone` }),
  );
  expect((await asked('DELETE', `/Subscription/${gone}`)).status).toBe(204);
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  await subscribed(subscription('Observation', { endpoint: `${app.url}/notify/last` }));
  await written(observation('final'));
  const requests = await told(1);
  expect(requests.map(({ path }) => path.slice(0, 12))).toEqual(['/notify/last']);
  await becomes(over, 'off');
});
