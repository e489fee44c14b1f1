import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { jetstream } from '@nats-io/jetstream';
import { type KV, Kvm } from '@nats-io/kv';
import { Agent, type Dispatcher } from 'undici';
import fhirNotifyOut from '../../adapters/fhir/fhir-notify-out.ts';
import fhirOut from '../../adapters/fhir/fhir-out.ts';
import fhirSubscriptionsOut from '../../adapters/fhir/fhir-subscriptions-out.ts';
import {
  type Subscription,
  Subscriptions,
} from '../../adapters/fhir/subscription/subscriptions.ts';
import type { Records } from '../../src/adapter/records.ts';
import { connectBroker } from '../../src/broker/broker.ts';
import { ensureKeyed, keyed } from '../../src/broker/keyed.ts';
import { records } from '../../src/broker/records.ts';
import { exactJson } from '../../src/document/json/exact-json.ts';
import { startNats } from '../../test/support/nats.ts';
import { type Subjects, sender, timed } from './subject.ts';

const nobody = { kind: 'basic', user: '', password: '' } as const;
const FHIR = 'application/fhir+json';
const TOPIC = 'https://hub.example/topic/results';
const RESOURCE = {
  resourceType: 'Observation',
  id: '7',
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: '2345-7', display: 'Glucose' }] },
  subject: { reference: 'Patient/4711' },
  effectiveDateTime: '2026-01-31T15:30:00Z',
  valueQuantity: { value: 11.5, unit: 'mmol/l', system: 'http://unitsofmeasure.org' },
};
const { id: _, ...NEW } = RESOURCE;
const BODY = Buffer.from(JSON.stringify(NEW));
const EVENT = Buffer.from(JSON.stringify(RESOURCE));
const QUERY = 'Observation?status=final';
/** Bytes of an answer. */
const LARGEST = 16_000_000;

/**
 * Resources that are created and searched at a server of another process, beside undici, where a message may
 * be given up and an answer has a limit; and what subscribers are told, beside
 * undici and the client of NATS, in which the adapters keep subscriptions and how far each has been told.
 */
export async function fhirClientSubjects(): Promise<Subjects> {
  await using undo = new AsyncDisposableStack();
  const server = fork(fileURLToPath(import.meta.url), ['--serve']);
  undo.defer(() => ended(server));
  const [origin] = (await once(server, 'message')) as [string];
  const agent = new Agent({ connections: 16, headersTimeout: 30_000, bodyTimeout: 30_000 });
  undo.defer(() => agent.destroy());
  const nats = undo.use(await startNats());
  const broker = await connectBroker({ ...nats, production: 'bench', role: 'engine' });
  undo.defer(() => broker.close());
  await ensureKeyed(broker);
  const lending = { records: (realm: string) => records(keyed(broker), realm) };
  const subscription = await subscribed(lending.records('subscriptions'), origin);
  // read from the leader, as a copy may lag behind what was just written
  const own = await new Kvm(jetstream(broker.connection)).create('bare', { allow_direct: false });
  const bare = new Bare(agent, origin, { kept: own, subscription });
  await bare.open();
  const at = { url: `${origin}/fhir` };
  const creating = undo.use(closing(await sender(fhirOut, at, nobody)));
  const search = { ...at, action: 'search', query: QUERY };
  const searching = undo.use(closing(await sender(fhirOut, search, nobody)));
  const endpoints = [{ url: `${origin}/notify` }];
  const notifying = undo.use(closing(await sender(fhirNotifyOut, { endpoints }, nobody, lending)));
  const finding = undo.use(closing(await sender(fhirSubscriptionsOut, {}, nobody, lending)));
  const told = Buffer.from(
    JSON.stringify({ notification: noteOf(subscription), resource: RESOURCE }),
  );
  const all = undo.move();
  return {
    subjects: [
      {
        what: 'fhir-out, create',
        bare: (messages) => timed(messages, () => bare.create()),
        adapter: (messages) => timed(messages, () => creating.send(BODY)),
      },
      {
        what: 'fhir-out, search',
        bare: (messages) => timed(messages, () => bare.search()),
        adapter: (messages) => timed(messages, () => searching.send(BODY)),
      },
      {
        what: 'fhir-notify-out',
        bare: (messages) => timed(messages, () => bare.tell(told)),
        adapter: (messages) => timed(messages, () => notifying.send(told)),
      },
      {
        // one at a time: each is counted for the same subscriber
        what: 'fhir-subscriptions-out',
        bare: (messages) => timed(messages, () => bare.find(EVENT), 1),
        adapter: (messages) => timed(messages, () => finding.send(EVENT), 1),
      },
    ],
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

const closing = <One extends { close(): Promise<void> }>(one: One) =>
  Object.assign(one, { [Symbol.asyncDispose]: () => one.close() });

async function ended(child: ChildProcess): Promise<void> {
  child.kill();
  await once(child, 'exit');
}

const noteOf = ({ id }: Subscription) => ({
  subscription: id,
  number: 1,
  at: '2026-01-31T15:30:00Z',
  focus: 'Observation/7',
});

/** Somebody who wants to be told of each result, whole. */
async function subscribed(kept: Records, origin: string): Promise<Subscription> {
  const subscriptions = new Subscriptions(kept, new AbortController().signal);
  await subscriptions.allow([`${origin}/notify`]);
  return await subscriptions.add({
    owner: 'portal',
    status: 'active',
    resource: {},
    criteria: [{ type: 'Observation', filters: [{ name: 'status', values: ['final'] }] }],
    topic: TOPIC,
    endpoint: `${origin}/notify`,
    content: 'full-resource',
    end: Date.now() + 86_400_000,
  });
}

interface Counted {
  readonly number: number;
  /** Those that were counted last: one that is repeated is not counted again. */
  readonly messages: readonly (readonly [number, number])[];
  /** For who asks later what they have missed. */
  readonly notes: readonly object[];
}

interface Keeping {
  readonly kept: KV;
  readonly subscription: Subscription;
}

/** What a user of undici and of the client of NATS writes. */
class Bare {
  readonly #agent: Agent;
  readonly #origin: string;
  readonly #kept: KV;
  readonly #subscription: Subscription;
  readonly #until = new AbortController();
  #message = 0;

  constructor(agent: Agent, origin: string, { kept, subscription }: Keeping) {
    this.#agent = agent;
    this.#origin = origin;
    this.#kept = kept;
    this.#subscription = subscription;
  }

  async open(): Promise<void> {
    await this.#kept.put('one', JSON.stringify(this.#subscription));
    await this.#kept.put('changed', '1');
    await this.#kept.put('count', JSON.stringify({ number: 0, messages: [], notes: [] }));
  }

  /** The answer is a resource, or says what is wrong. */
  async create(): Promise<unknown> {
    const { resourceType } = JSON.parse(BODY.toString('utf8')) as { resourceType?: string };
    if (resourceType === undefined) throw new Error('no resource');
    const accepted = { accept: FHIR, 'content-type': `${FHIR}; charset=utf-8` };
    const headers = { ...accepted, prefer: 'return=representation' };
    const answer = await this.#ask('POST', `/fhir/${resourceType}`, { headers, body: BODY });
    const resource = JSON.parse(answer.body.toString()) as Json;
    const outcome = resource['resourceType'] === 'OperationOutcome' ? resource['issue'] : undefined;
    const { location, etag } = answer.headers;
    return { ...answer, text: outcome ?? `${String(location)}\n${String(etag)}` };
  }

  async search(): Promise<Json> {
    const { body } = await this.#ask('GET', `/fhir/${QUERY}`, { headers: { accept: FHIR } });
    const bundle = JSON.parse(body.toString()) as Json;
    const links = (bundle['link'] ?? []) as Json[];
    if (links.some(({ relation }) => relation === 'next')) throw new Error('there is more');
    return bundle;
  }

  /** As long as the subscription is in force when it is told; numbers with the digits that they had. */
  async tell(body: Buffer): Promise<void> {
    const { notification, resource } = exactJson(body.toString('utf8')) as {
      notification: { number: number; at: string; focus: string };
      resource: object;
    };
    const found = await this.#kept.get('one');
    const subscription = found?.json<Subscription>();
    if (subscription?.status !== 'active') return;
    const { id, topic, endpoint } = subscription;
    const { pathname } = new URL(endpoint);
    const response = { status: '200' };
    const parameter = [
      { name: 'subscription', valueReference: { reference: `Subscription/${id}` } },
      { name: 'topic', valueCanonical: topic },
      { name: 'status', valueCode: subscription.status },
      { name: 'type', valueCode: 'event-notification' },
      { name: 'events-since-subscription-start', valueString: String(notification.number) },
      {
        name: 'notification-event',
        part: [
          { name: 'event-number', valueString: String(notification.number) },
          { name: 'timestamp', valueInstant: notification.at },
          { name: 'focus', valueReference: { reference: notification.focus } },
        ],
      },
    ];
    const entry = [
      {
        fullUrl: `urn:uuid:${randomUUID()}`,
        resource: { resourceType: 'Parameters', parameter },
        request: { method: 'GET', url: `Subscription/${id}/$status` },
        response,
      },
      {
        fullUrl: `urn:uuid:${randomUUID()}`,
        resource,
        request: { method: 'PUT', url: notification.focus },
        response,
      },
    ];
    const timestamp = new Date().toISOString();
    const bundle = { resourceType: 'Bundle', type: 'history', timestamp, entry };
    const headers = { 'content-type': FHIR };
    await this.#ask('POST', pathname, { headers, body: Buffer.from(JSON.stringify(bundle)) });
  }

  /** Counted durably before anybody is told, as the same message may come again. */
  async find(body: Buffer): Promise<string> {
    const resource = exactJson(body.toString('utf8')) as Json;
    const at = new Date().toISOString();
    // what another engine has changed counts at once
    await this.#kept.get('changed');
    const { criteria, id } = this.#subscription;
    const isMeant = criteria.some(
      ({ type, filters }) =>
        type === resource['resourceType'] &&
        filters.every(({ name, values }) => values.includes(String(resource[name]))),
    );
    if (!isMeant) return '[]';
    const entry = await this.#kept.get('count');
    if (entry === null) throw new Error('nothing is counted');
    const before = entry.json<Counted>();
    this.#message += 1;
    const number = before.number + 1;
    const focus = `${String(resource['resourceType'])}/${String(resource['id'])}`;
    const isFull = before.notes.length === 64;
    if (isFull) await this.#kept.put(`events.${number}`, JSON.stringify(before.notes));
    const after: Counted = {
      number,
      messages: [[this.#message, number] as const, ...before.messages].slice(0, 32),
      notes: [...(isFull ? [] : before.notes), { number, at, focus }],
    };
    await this.#kept.update('count', JSON.stringify(after), entry.revision);
    return JSON.stringify([{ notification: { subscription: id, number, at, focus }, resource }]);
  }

  async #ask(
    method: Dispatcher.HttpMethod,
    path: string,
    { headers, body }: { readonly headers: Record<string, string>; readonly body?: Buffer },
  ) {
    // as a message may be given up
    const { signal } = this.#until;
    const asked = { origin: this.#origin, path, method, headers, body: body ?? null, signal };
    const answer = await this.#agent.request(asked);
    const parts: Buffer[] = [];
    let size = 0;
    for await (const part of answer.body as AsyncIterable<Buffer>) {
      size += part.length;
      if (size > LARGEST) throw new Error('the answer is too large');
      parts.push(part);
    }
    const whole = Buffer.concat(parts, size);
    if (answer.statusCode >= 300) throw new Error(`${answer.statusCode} ${whole.toString()}`);
    return { status: answer.statusCode, headers: answer.headers, body: whole };
  }
}

type Json = Readonly<Record<string, unknown>>;

const STORED = JSON.stringify(RESOURCE);
const FOUND = JSON.stringify({
  resourceType: 'Bundle',
  type: 'searchset',
  total: 10,
  link: [{ relation: 'self', url: `http://fhir.example/${QUERY}` }],
  entry: Array.from({ length: 10 }, () => ({ resource: RESOURCE, search: { mode: 'match' } })),
});

async function serve(): Promise<void> {
  const server = createServer((request, response) => {
    request.resume().once('end', () => {
      response.setHeader('content-type', FHIR);
      if (request.url === '/notify') response.end();
      else if (request.method === 'GET') response.end(FOUND);
      else {
        response.writeHead(201, { location: 'http://fhir.example/Observation/7', etag: 'W/"1"' });
        response.end(STORED);
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

if (process.argv[2] === '--serve') await serve();
