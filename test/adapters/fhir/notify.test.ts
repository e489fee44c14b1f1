import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import fhirNotifyOut from '../../../adapters/fhir/fhir-notify-out.ts';
import { Contacts } from '../../../adapters/fhir/subscription/contacts.ts';
import {
  type Subscription,
  Subscriptions,
} from '../../../adapters/fhir/subscription/subscriptions.ts';
import { type Broker, connectBroker } from '../../../src/broker/broker.ts';
import { ensureKeyed, keyed } from '../../../src/broker/keyed.ts';
import { records } from '../../../src/broker/records.ts';
import { BODY_MARKER, SECRET_MARKER } from '../../contract/marker.ts';
import { describeOutbound, type OutboundPeer } from '../../contract/outbound.contract.ts';
import { startNats } from '../../support/nats.ts';
import { type OpenedOutbound, openOutbound } from '../../support/open-adapter.ts';
import { type WebServer, webServer } from '../../support/web-server.ts';
import { FHIR, server } from './serving.ts';

let nats: Awaited<ReturnType<typeof startNats>>;
let broker: Broker;
let app: WebServer;
let kept: Subscriptions;
let notifying: OpenedOutbound;
let open: (store?: string) => Promise<OpenedOutbound>;
let storeOf: (name: string) => Subscriptions;
const signal = new AbortController();

const token = (value: string) => ({ kind: 'bearer', token: () => Promise.resolve(value) }) as const;

beforeAll(async () => {
  nats = await startNats();
  app = await webServer();
  broker = await connectBroker({ ...nats, production: 'p', role: 'engine' });
  await ensureKeyed(broker);
  const of = keyed(broker);
  storeOf = (name) => new Subscriptions(records(of, name), signal.signal);
  kept = storeOf('subscriptions');
  open = (store = 'subscriptions') =>
    openOutbound(
      fhirNotifyOut,
      {
        store,
        endpoints: [
          { url: `${app.url}/`, credential: 'for-all' },
          { url: `${app.url}/app/`, credential: 'for-app' },
        ],
      },
      {
        records: (realm) => records(of, realm),
        credentials: { 'for-all': token('all'), 'for-app': token('app') },
      },
    );
  notifying = await open();
});
afterAll(async () => {
  await notifying.close();
  await broker.close();
  await Promise.all([nats, app].map((one) => one[Symbol.asyncDispose]()));
});

const made = (more: Partial<Subscription>, store = kept): Promise<Subscription> =>
  store.add({
    owner: 'a',
    status: 'active',
    resource: {},
    criteria: [],
    endpoint: `${app.url}/other/`,
    content: 'full-resource',
    end: Date.now() + 60_000,
    ...more,
  });

/** The subscription of the endpoint that the contract has at the moment. */
let subscribed: Subscription;
const resource = (id: string): object => ({
  resourceType: 'Patient',
  id,
  name: [{ family: BODY_MARKER }],
});

/** The endpoint of a subscriber. */
async function subscriber(): Promise<OutboundPeer> {
  const endpoint = await webServer();
  let free = Promise.withResolvers<void>();
  free.resolve();
  let status = 200;
  endpoint.answer(async () => {
    await free.promise;
    return { status };
  });
  subscribed = await made({ endpoint: `${endpoint.url}/` });
  return {
    given: { endpoints: [{ url: `${endpoint.url}/`, credential: 'for-all' }], timeout: '5s' },
    options: {
      records: (realm) => records(keyed(broker), realm),
      credentials: { 'for-all': token(SECRET_MARKER) },
    },
    received: () =>
      endpoint.requests.filter(({ method }) => method === 'PUT').map(({ body }) => body),
    hold() {
      free = Promise.withResolvers();
    },
    release: () => free.resolve(),
    refuse(how) {
      status = how === 'final' ? 422 : 503;
    },
    breakDown: () => endpoint.stop(),
    repair: () => endpoint.start(),
    async [Symbol.asyncDispose]() {
      free.resolve();
      await endpoint[Symbol.asyncDispose]();
    },
  };
}

describeOutbound(fhirNotifyOut, {
  peer: subscriber,
  body: (id) =>
    Buffer.from(
      JSON.stringify({
        notification: { subscription: subscribed.id, number: 1, focus: 'Patient/1' },
        resource: resource(id),
      }),
    ),
  arrives: (body) =>
    Buffer.from(
      JSON.stringify((JSON.parse(body.toString()) as Record<'resource', object>).resource),
    ),
  refusals: { temporary: { code: '503' }, final: { code: '422' } },
  gaps: { large: 'its body of random bytes is no notification' },
});

const sent = (body: object) => notifying.send(Buffer.from(JSON.stringify(body)));
const bodyFor = ({ id }: Subscription): Buffer =>
  Buffer.from(
    JSON.stringify({
      notification: { subscription: id, number: 1, at: '2026-01-01T00:00:00Z', focus: 'Patient/1' },
      resource: { resourceType: 'Patient', id: '1' },
    }),
  );
const told = (subscription: Subscription) => notifying.send(bodyFor(subscription));

test('a handshake that is refused is told as an error, one that may be taken later is not', async () => {
  const topic = 'https://hub.example/topic';
  const statuses: unknown[] = [];
  for (const status of [404, 401, 307, 429, 503]) {
    app.answer(() => ({ status }));
    const { id } = await made({ topic, status: 'requested' });
    await sent({ resourceType: 'Subscription', id }).catch((error: unknown) => error);
    const after = await kept.find(id);
    statuses.push([after?.status, after?.error]);
  }
  expect(statuses).toEqual([
    ['error', 'The endpoint answers 404.'],
    ['error', 'The endpoint answers 401.'],
    ['error', 'The endpoint answers 307.'],
    ['requested', undefined],
    ['requested', undefined],
  ]);
});

test('a resource is put below the path of an endpoint, with the credential of the nearest one', async () => {
  app.answer(() => ({ status: 200 }));
  app.requests.length = 0;
  await told(await made({ endpoint: `${app.url}/app/x?of=1` }));
  await told(await made({ endpoint: `${app.url}/other/` }));
  expect(app.requests.map(({ path, headers }) => [path, headers['authorization']])).toEqual([
    ['/app/x/Patient/1?of=1', 'Bearer app'],
    ['/other/Patient/1', 'Bearer all'],
  ]);
});

/** Opens it for other endpoints. */
const notifyingAt = (url: string): Promise<OpenedOutbound> =>
  openOutbound(
    fhirNotifyOut,
    { endpoints: [{ url }] },
    { records: (realm) => records(keyed(broker), realm) },
  );

test('a subscription that leads back to its own production is in error at once, and nothing is written', async () => {
  const lent = { records: (realm: string) => records(keyed(broker), realm) };
  await using api = await server({}, lent);
  await using own = await notifyingAt(api.base);
  const subscription = await made({ endpoint: api.base });
  const notification = bodyFor(subscription);
  await expect(own.send(notification)).rejects.toMatchObject({ code: 'ADAPTER_REJECTED' });
  expect(await kept.find(subscription.id)).toMatchObject({
    status: 'error',
    error: 'The endpoint leads back here: each notification would make another one.',
  });
  expect(own.events.map(({ text }) => text)).toEqual([
    expect.stringMatching(/^Subscription .* of a is in error: 127\.0\.0\.1:\d+ leads back here\.$/),
  ]);
  expect(api.opened.delivered).toEqual([]);
  // of another production, whose mark is another one
  const put = { method: 'PUT', headers: { ...FHIR, 'x-waybill-notifier': 'another' } };
  await api.call('/Patient/1', { ...put, body: '{"resourceType":"Patient","id":"1"}' });
  expect(api.opened.delivered).toHaveLength(1);
});

test('who heard nothing for its time hears a heartbeat, of one engine; who is over or was never answered ends', async () => {
  app.answer(({ path }) => ({ status: path === '/away' ? 503 : 200 }));
  app.requests.length = 0;
  const store = storeOf('beating');
  const topic = 'https://hub.example/topic';
  const heartbeat = 60_000;
  const well = await made({ topic, heartbeat }, store);
  const away = await made({ topic, heartbeat, endpoint: `${app.url}/away` }, store);
  await made({ topic, heartbeat, status: 'error' }, store);
  await made({ topic }, store);
  const over = await made({ topic, heartbeat, end: Date.now() - 1 }, store);
  const failing = Date.now() - 600_000;
  const unanswered = await made({ topic, status: 'requested', failing }, store);
  const asked = await made({ topic, status: 'requested' }, store);
  await store.counts.count(well.id, { message: 1, at: '', focuses: [undefined, undefined] });
  const engines = await Promise.all([open('beating'), open('beating')]);
  await vi.waitFor(async () => {
    expect(app.requests).toHaveLength(2);
    expect((await store.find(away.id))?.failing).toBeDefined();
    expect((await store.find(unanswered.id))?.status).toBe('error');
  });
  const text = String(app.requests.find(({ path }) => path === '/other/')?.body);
  expect(text).toContain('{"name":"type","valueCode":"heartbeat"}');
  expect(text).toContain('{"name":"events-since-subscription-start","valueString":"2"}');
  expect((await store.find(over.id))?.status).toBe('off');
  expect((await store.find(asked.id))?.status).toBe('requested');
  await Promise.all(engines.map((one) => one.close()));
  // whoever is open next knows when they last heard something
  const next = await open('beating');
  await next.close();
  expect(app.requests).toHaveLength(2);
});

test('what is taken while it is closed is noted, so that no heartbeat follows it at once', async () => {
  const subscription = await made({}, storeOf('closing'));
  const free = Promise.withResolvers<void>();
  app.requests.length = 0;
  app.answer(async () => {
    await free.promise;
    return { status: 200 };
  });
  const closing = await open('closing');
  const sending = closing.send(bodyFor(subscription));
  await vi.waitFor(() => expect(app.requests).toHaveLength(1));
  const closed = closing.close();
  free.resolve();
  expect(await sending).toMatchObject({ code: '200' });
  await closed;
  const noted = await new Contacts(records(keyed(broker), 'closing')).of(subscription.id);
  expect(noted).toMatchObject({ failures: 0, taken: expect.any(Number) });
});
