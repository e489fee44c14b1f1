import {
  DisableError,
  type Lent,
  type Message,
  type OpenOutbound,
  outbound,
  RejectedError,
  type Reply,
  type SettingsFault,
  type Step,
} from 'waybill/adapter';
import { exactJson } from 'waybill/document';
import { UnderWay } from 'waybill/peer/basics';
import { HttpClient, placeOfUrl, tryHttp } from 'waybill/peer/http';
import { type NotifyValues, notifySettings } from './fhir-notify-settings.ts';
import { Contacts } from './subscription/contacts.ts';
import type { Json } from './subscription/criteria.ts';
import type { Notification } from './subscription/events.ts';
import { Keeper } from './subscription/keeper.ts';
import { noticeBundle } from './subscription/notice.ts';
import { OwnMark } from './subscription/own-mark.ts';
import { isTaken, type Notifying, posted } from './subscription/posting.ts';
import { isAllowed, type Subscription, Subscriptions } from './subscription/subscriptions.ts';

export default outbound({
  type: 'fhir-notify-out',
  title: 'FHIR, notifying',
  summary:
    'Notifies the subscribers that fhir-subscriptions-out has found, at their own addresses.',
  settings: notifySettings,
  replies: {
    '2xx': 'complete',
    '408': ['retry', 'fail'],
    '425': ['retry', 'fail'],
    '429': ['retry', 'fail'],
    '4xx': 'fail',
    '5xx': ['retry', 'fail'],
    none: ['retry', 'fail'],
    other: 'fail',
  },
  check: (settings) => Promise.resolve(faultsOf(settings)),
  open: (lent) => openNotifying(lent),
  test: (lent, step) => tryEndpoints(lent, step),
});

function faultsOf({ endpoints }: NotifyValues): SettingsFault[] {
  return endpoints.some((one) => one !== undefined)
    ? []
    : [
        {
          path: ['endpoints'],
          what: 'nobody may be notified',
          remedy: 'List the addresses of subscribers.',
        },
      ];
}

type LentHere = Lent<typeof notifySettings>;

async function openNotifying(lent: LentHere): Promise<OpenOutbound> {
  const { settings, records, signal } = lent;
  if (records === undefined) throw new DisableError('Nothing is kept: no engine runs here.');
  const kept = records(settings.store);
  const subscriptions = new Subscriptions(kept, signal);
  const contacts = new Contacts(kept);
  const endpoints = settings.endpoints
    .filter((one) => one !== undefined)
    // of two that an address begins with, the credential is that of the longer one
    .toSorted((one, two) => two.url.href.length - one.url.href.length);
  await subscriptions.allow(endpoints.map(({ url }) => url.href));
  const clients = new Map<string | undefined, HttpClient>();
  for (const { credential } of endpoints) {
    if (clients.has(credential)) continue;
    const values = { ...settings, credential, redirects: 'never' } as const;
    clients.set(
      credential,
      await HttpClient.open({ ...lent, connection: () => undefined }, values),
    );
  }
  const clientFor = (address: string): HttpClient | undefined => {
    const found = endpoints.find(({ url }) => isAllowed(address, [url.href]));
    return found && clients.get(found.credential);
  };
  const mark = await new OwnMark(records).made();
  const notifying = { lent, subscriptions, contacts, clientFor, mark };
  const keeper = new Keeper(kept, notifying);
  keeper.start();
  const sending = new UnderWay();
  return {
    send: (message, ending) => sending.run(sent(message, { ...notifying, signal: ending })),
    async close() {
      await sending.ended();
      // last, since it writes what became of those
      await keeper.stop();
      await Promise.all([...clients.values()].map((client) => client.close()));
    },
  };
}

/** Whether each place of subscribers can be reached; nobody is notified. */
async function tryEndpoints(lent: Lent<typeof notifySettings>, step: Step): Promise<void> {
  for (const endpoint of lent.settings.endpoints) {
    if (endpoint === undefined) continue;
    const { url, credential } = endpoint;
    await step('endpoint', (detail) => detail(placeOfUrl(url)));
    const values = { ...lent.settings, credential, redirects: 'never' } as const;
    await tryHttp(lent, step, { values, trial: { url, method: 'OPTIONS', exact: false } });
  }
}

async function sent(message: Message, notifying: Notifying): Promise<Reply> {
  const given = await read(message);
  const isHandshake = 'resourceType' in given;
  const id = isHandshake ? String(given['id']) : given.notification.subscription;
  const subscription = await notifying.subscriptions.find(id);
  if (subscription === undefined) return nothing('The subscription was deleted.');
  if (isHandshake) return handshake(subscription, notifying);
  if (subscription.status === 'off') return nothing('The subscription is over.');
  if (subscription.status === 'error') {
    throw new RejectedError(
      'The subscription is in error: its endpoint took nothing. Resend the message once its owner has updated it.',
    );
  }
  return told(subscription, given, notifying);
}

const nothing = (text: string): Reply => ({
  body: new Uint8Array(),
  type: 'text/plain',
  code: '200',
  text,
});

async function read(
  message: Message,
): Promise<Notification | { readonly resourceType: 'Subscription'; readonly id: unknown }> {
  try {
    const value = exactJson(Buffer.from(await message.body.bytes()).toString('utf8')) as Json;
    if (value['resourceType'] === 'Subscription')
      return value as { resourceType: 'Subscription'; id: unknown };
    const { subscription, number } = Object(value['notification']) as Json;
    if (typeof subscription === 'string' && typeof number === 'number')
      return value as unknown as Notification;
  } catch {
    // the parser's error is dropped: it quotes the body
  }
  throw new RejectedError(
    'The message is no notification. Send here what fhir-subscriptions-out answers, each element of its list by itself.',
  );
}

/** Asks the endpoint of a new subscription whether it is there; a subscription by criteria has no such question. */
async function handshake(subscription: Subscription, notifying: Notifying): Promise<Reply> {
  const { subscriptions, lent } = notifying;
  if (subscription.status !== 'requested') return nothing('The subscription needs no handshake.');
  let reply = nothing('The subscription is active.');
  if (subscription.topic !== undefined) {
    const { version } = lent.settings;
    const count = await subscriptions.counts.counted(subscription.id);
    const active = { ...subscription, status: 'active' } as const;
    const bundle = noticeBundle(active, { type: 'handshake', version, count });
    reply = await posted(subscription, { method: 'POST', bundle, isHandshake: true }, notifying);
    if (!isTaken(reply)) return reply;
  }
  await subscriptions.change(subscription.id, (before) =>
    before.status === 'requested' ? { ...before, status: 'active', failing: undefined } : before,
  );
  return reply;
}

async function told(
  subscription: Subscription,
  given: Notification,
  notifying: Notifying,
): Promise<Reply> {
  const { version } = notifying.lent.settings;
  if (subscription.topic !== undefined) {
    const count = given.notification.number;
    const bundle = noticeBundle(subscription, {
      type: 'event-notification',
      version,
      count,
      event: given,
    });
    return posted(subscription, { method: 'POST', bundle }, notifying);
  }
  const { resource, notification } = given;
  const { focus } = notification;
  // as R4 says: a resource is put below the endpoint, or nothing is posted
  return resource !== undefined && focus !== undefined
    ? posted(subscription, { method: 'PUT', bundle: resource, below: focus }, notifying)
    : posted(subscription, { method: 'POST', bundle: resource }, notifying);
}
