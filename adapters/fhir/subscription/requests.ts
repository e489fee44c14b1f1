import type { Lent, Reply } from 'waybill/adapter';
import type { SubscriptionsValues, subscriptionsSettings } from '../fhir-subscriptions-settings.ts';
import { maySubscribe } from '../smart-scope.ts';
import type { Json } from './criteria.ts';
import { type Given, readGiven, type Topic } from './given.ts';
import { noticeBundle, statusOf } from './notice.ts';
import type { Subscription, Subscriptions } from './subscriptions.ts';

const FHIR_TYPE = 'application/fhir+json';

interface Serving {
  readonly settings: SubscriptionsValues;
  readonly topics: readonly Topic[];
  readonly subscriptions: Subscriptions;
  readonly event: Lent<typeof subscriptionsSettings>['event'];
}

/** The answer to a request of `fhir-in` about subscriptions and topics. */
export async function answerRequest(document: Json, serving: Serving): Promise<Reply> {
  const { type, interaction } = document;
  if (type === 'SubscriptionTopic') return topicsFor(document, serving);
  const serve = SERVED[String(interaction)];
  return serve === undefined
    ? refusal(405, 'Subscriptions do not have this.')
    : serve(document, serving);
}

type Serve = (document: Json, serving: Serving) => Promise<Reply>;

const SERVED: Readonly<Record<string, Serve>> = {
  create,
  update,
  read: async (document, serving) => {
    const found = await own(document, serving);
    return found === undefined ? missing() : reply(shown(found));
  },
  search,
  delete: async (document, { subscriptions, ...serving }) => {
    const found = await own(document, { subscriptions, ...serving });
    if (found === undefined) return missing();
    await subscriptions.remove(found.id);
    serving.event(
      'info',
      'subscription-ended',
      `${found.owner} has deleted subscription ${found.id}.`,
      found.owner,
    );
    return { body: new Uint8Array(), type: FHIR_TYPE, code: '204' };
  },
  operation: (document, serving) => {
    const serve = { status: statusFor, events: eventsFor }[String(document['operation'])];
    return (
      serve?.(document, serving) ??
      Promise.resolve(refusal(404, 'There is no such operation.', 'not-found'))
    );
  },
};

async function create(document: Json, serving: Serving): Promise<Reply> {
  const { settings, subscriptions, event } = serving;
  const owner = ownerOf(document);
  const given = await givenBy(document, serving);
  if ('body' in given) return given;
  const all = await withRoom(owner, serving);
  const theirs = all.filter((one) => one.owner === owner);
  const same = theirs.find((one) => one.status !== 'off' && isSame(one, given));
  // a client that subscribes each time it starts is not told everything as often as it was started
  if (same !== undefined) {
    return reply(shown(await renewed(same, { given, proof: proofOf(document) }, serving)), '200');
  }
  if (all.length >= settings.most || theirs.length >= settings.mostEach) {
    return refusal(422, 'There are too many subscriptions already.', 'too-costly');
  }
  const made = await subscriptions.add({
    ...fieldsOf(given, settings),
    owner,
    proof: proofOf(document),
  });
  event('info', 'subscription-made', `${owner} has made subscription ${made.id}.`, owner);
  return reply(shown(made), '201');
}

/** All of them; where there are as many as may be, without those that are over, which make place. */
async function withRoom(
  owner: string,
  { subscriptions, settings: { most, mostEach } }: Serving,
): Promise<readonly Subscription[]> {
  const all = [...(await subscriptions.all()).values()];
  const theirs = all.filter((one) => one.owner === owner);
  if (all.length < most && theirs.length < mostEach) return all;
  const now = Date.now();
  const over = new Set(all.filter((one) => one.end <= now));
  for (const { id } of over) await subscriptions.remove(id);
  return all.filter((one) => !over.has(one));
}

async function update(document: Json, serving: Serving): Promise<Reply> {
  const found = await own(document, serving);
  if (found === undefined) return missing();
  const { ifMatch } = document;
  if (typeof ifMatch === 'string' && ifMatch !== String(found.versionId)) {
    return refusal(412, 'The subscription has changed meanwhile.', 'conflict');
  }
  const given = await givenBy(document, serving);
  if ('body' in given) return given;
  return reply(shown(await renewed(found, { given, proof: proofOf(document) }, serving)));
}

/** As it is given now, and tried again if it was in error. */
async function renewed(
  { id }: Subscription,
  { given, proof }: { readonly given: Given; readonly proof: Subscription['proof'] },
  { subscriptions, settings }: Serving,
): Promise<Subscription> {
  const after = await subscriptions.change(id, (before) => {
    const fields = { ...fieldsOf(given, settings), proof };
    if (before.held === true) return { ...before, ...fields, status: 'off' };
    const isProven = before.status === 'active' && before.endpoint === given.endpoint;
    const status = isProven && fields.status === 'requested' ? 'active' : fields.status;
    return { ...before, ...fields, status, error: undefined, failing: undefined };
  });
  if (after === undefined) throw new Error('the subscription was deleted meanwhile');
  return after;
}

function fieldsOf(
  { criteria, topic, endpoint, content, end, isOff, heartbeat, resource }: Given,
  { longest }: SubscriptionsValues,
): Omit<Subscription, 'format' | 'id' | 'versionId' | 'changed' | 'owner' | 'proof'> {
  const latest = Date.now() + longest;
  return {
    status: isOff ? 'off' : 'requested',
    criteria,
    topic,
    endpoint,
    content,
    heartbeat,
    end: Math.min(end ?? latest, latest),
    resource,
  };
}

const isSame = (one: Subscription, given: Given): boolean =>
  one.endpoint === given.endpoint &&
  one.content === given.content &&
  one.topic === given.topic &&
  JSON.stringify(one.criteria) === JSON.stringify(given.criteria);

/** What a request asks for, or its refusal. */
async function givenBy(
  document: Json,
  { settings, topics, subscriptions }: Serving,
): Promise<Given | Reply> {
  const { resource } = document;
  if ((Object(resource) as Json)['resourceType'] !== 'Subscription') {
    return refusal(400, 'The body is not a Subscription.', 'invalid');
  }
  if (settings.owners.length > 0 && !settings.owners.includes(ownerOf(document))) {
    return refusal(403, 'The caller may not subscribe.', 'forbidden');
  }
  const endpoints = await subscriptions.endpoints();
  if (endpoints === undefined) {
    return refusal(503, 'No operation that notifies has run yet.', 'transient');
  }
  const { version, heartbeats: shortest } = settings;
  const given = readGiven(resource as Json, { version, topics, endpoints, shortest });
  if (typeof given === 'string') return refusal(422, given);
  const lacking = given.criteria.find(({ type }) => !mayRead(document, type));
  if (lacking !== undefined) {
    return refusal(403, `The caller may not read and search ${lacking.type}.`, 'forbidden');
  }
  return given;
}

/** With scopes of SMART only what could be read and searched of all patients is subscribed to. */
function mayRead({ caller }: Json, type: string): boolean {
  const { scopes, patient } = Object(caller) as Json;
  if (patient !== undefined && patient !== null) return false;
  const all = Array.isArray(scopes) ? (scopes as unknown[]).map(String) : [];
  return maySubscribe(all, type);
}

/** How the service that took the request knows its caller. */
function proofOf({ caller }: Json): Subscription['proof'] {
  const { by } = Object(caller) as Json;
  const { service, kind, grant, at: given } = Object(by) as Json;
  if (typeof service !== 'string' || typeof kind !== 'string') return undefined;
  const { id, client, lasts } = Object(grant) as Json;
  const at = typeof given === 'number' ? given : undefined;
  return typeof id === 'string' && typeof client === 'string'
    ? { service, kind, at, grant: { id, client, lasts: lasts === 'long' ? 'long' : 'short' } }
    : { service, kind, at };
}

function ownerOf({ caller }: Json): string {
  const { name } = Object(caller) as Json;
  return typeof name === 'string' ? name : '';
}

/** The subscription that is asked for, if it is the caller's: of others nobody learns that they are there. */
async function own(
  document: Json,
  { subscriptions }: Pick<Serving, 'subscriptions'>,
): Promise<Subscription | undefined> {
  const { id } = document;
  const found = typeof id === 'string' ? await subscriptions.find(id) : undefined;
  return found?.owner === ownerOf(document) ? found : undefined;
}

async function search(document: Json, { subscriptions }: Serving): Promise<Reply> {
  const owner = ownerOf(document);
  const query = Object(document['query']) as Json;
  const wanted = (name: string, value: string | undefined): boolean =>
    query[name] === undefined ||
    [query[name]]
      .flat()
      .some((one) => typeof one === 'string' && one.split(',').includes(value ?? ''));
  const found = [...(await subscriptions.all()).values()].filter(
    (one) =>
      one.owner === owner &&
      wanted('_id', one.id) &&
      wanted('status', one.status) &&
      wanted('url', one.endpoint) &&
      wanted('topic', one.topic),
  );
  return reply(found.map((one) => shown(one)));
}

/** `Subscription/7/$status`, and `$status` of all of the caller's. */
async function statusFor(document: Json, { subscriptions, settings }: Serving): Promise<Reply> {
  const one = document['id'] === undefined ? undefined : await own(document, { subscriptions });
  if (document['id'] !== undefined && one === undefined) return missing();
  const owner = ownerOf(document);
  const [ids, statuses] = ['id', 'status'].map((name) => argumentsOf(document, name));
  const all =
    one === undefined
      ? [...(await subscriptions.all()).values()].filter(
          ({ owner: whose, id, status }) =>
            whose === owner &&
            (ids?.length === 0 || ids?.includes(id)) &&
            (statuses?.length === 0 || statuses?.includes(status)),
        )
      : [one];
  const entry: Json[] = [];
  for (const each of all) {
    const count = await subscriptions.counts.counted(each.id);
    const { version } = settings;
    entry.push({
      resource: statusOf(each, { type: 'query-status', version, count }),
      search: { mode: 'match' },
    });
  }
  return reply({
    resourceType: 'Bundle',
    type: 'searchset',
    total: entry.length,
    ...(entry.length > 0 && { entry }),
  });
}

/** `Subscription/7/$events`: what a subscriber has missed, as far as it is remembered; resources are read by themselves. */
async function eventsFor(document: Json, { subscriptions, settings }: Serving): Promise<Reply> {
  const found = await own(document, { subscriptions });
  if (found === undefined) return missing();
  const lacking = found.criteria.find(({ type }) => !mayRead(document, type));
  if (lacking !== undefined) {
    return refusal(403, `The caller may not read and search ${lacking.type}.`, 'forbidden');
  }
  const numbers = numbersAsked(document);
  if (numbers === undefined) {
    return refusal(400, 'The numbers of events are whole numbers.', 'invalid');
  }
  const [since, until] = numbers;
  const count = await subscriptions.counts.counted(found.id);
  const events = await subscriptions.counts.between(found.id, since, until);
  const oldest = events[0]?.number ?? count + 1;
  const isMissing = since < oldest && since <= Math.min(count, until);
  const fault = isMissing
    ? `Events before number ${oldest} are not remembered any more.`
    : undefined;
  const { version } = settings;
  return reply(noticeBundle(found, { type: 'query-event', version, count, events, fault }));
}

/** The first and the last number that are asked for, both included; undefined if they are none. */
function numbersAsked(document: Json): readonly [number, number] | undefined {
  const [since = '1', until = String(Number.MAX_SAFE_INTEGER)] = [
    argumentsOf(document, 'eventsSinceNumber')[0],
    argumentsOf(document, 'eventsUntilNumber')[0],
  ];
  const isWhole = [since, until].every((one) => /^\d{1,16}$/.test(one));
  return isWhole ? [Math.max(Number(since), 1), Number(until)] : undefined;
}

/** The values of a parameter of an operation: in the address, or in Parameters. */
function argumentsOf({ query, resource }: Json, name: string): readonly string[] {
  const inAddress = (Object(query) as Json)[name];
  const { parameter } = Object(resource) as Json;
  const inBody = (Array.isArray(parameter) ? (parameter as unknown[]) : []).flatMap((one) => {
    const { name: given, ...values } = Object(one) as Json;
    return given === name ? Object.values(values) : [];
  });
  return [inAddress, ...inBody].flat().flatMap((value) => {
    if (typeof value === 'string') return value.split(',');
    return typeof value === 'number' ? [String(value)] : [];
  });
}

function topicsFor({ interaction, query }: Json, { topics }: Serving): Promise<Reply> {
  if (interaction !== 'search') {
    return Promise.resolve(refusal(405, 'Topics are only searched for.', 'not-supported'));
  }
  const { url } = Object(query) as Json;
  const found = topics.filter((topic) => url === undefined || url === topic.url);
  return Promise.resolve(
    reply(
      found.map((topic) => ({
        resourceType: 'SubscriptionTopic',
        url: topic.url,
        status: 'active',
        resourceTrigger: topic.criteria.map(({ type, filters }) => ({
          description: [
            type,
            ...filters.map(({ name, values }) => `${name}=${values.join(',')}`),
          ].join(' '),
          resource: type,
        })),
      })),
    ),
  );
}

/** A subscription as its owner sees it. */
function shown({
  id,
  versionId,
  changed,
  status: current,
  end,
  error,
  resource,
}: Subscription): Json {
  return {
    ...resource,
    id,
    meta: { versionId: String(versionId), lastUpdated: changed },
    status: current,
    end: new Date(end).toISOString(),
    ...(error !== undefined && resource['criteria'] !== undefined && { error }),
  };
}

const reply = (value: unknown, code = '200'): Reply => ({
  body: Buffer.from(JSON.stringify(value)),
  type: FHIR_TYPE,
  code,
});

const missing = (): Reply => refusal(404, 'There is no such resource.', 'not-found');

function refusal(status: number, diagnostics: string, code = 'processing'): Reply {
  const issue = [{ severity: 'error', code, diagnostics }];
  return {
    ...reply({ resourceType: 'OperationOutcome', issue }, String(status)),
    text: diagnostics,
  };
}
