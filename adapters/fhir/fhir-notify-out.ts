import {
  DisableError,
  inlineBody,
  type Lent,
  type Message,
  type OpenOutbound,
  outbound,
  RejectedError,
  type Reply,
  type SettingsFault,
  TemporaryError,
} from 'waybill/adapter';
import { exactJson } from 'waybill/document';
import { type HttpAnswer, HttpClient, placeOfUrl, retryAfterOf } from 'waybill/peer';
import { type NotifyValues, notifySettings } from './fhir-notify-settings.ts';
import { askedTypes } from './fhir-version.ts';
import type { Json } from './subscription/criteria.ts';
import type { Notification } from './subscription/events.ts';
import { noticeBundle } from './subscription/notice.ts';
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
  const subscriptions = new Subscriptions(records(settings.store), signal);
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
  return {
    send: (message, ending) => sent(message, { lent, subscriptions, clientFor, signal: ending }),
    async close() {
      await Promise.all([...clients.values()].map((client) => client.close()));
    },
  };
}

interface Notifying {
  readonly lent: LentHere;
  readonly subscriptions: Subscriptions;
  readonly clientFor: (address: string) => HttpClient | undefined;
  readonly signal: AbortSignal;
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
    const count = await subscriptions.counted(subscription.id);
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
      events: [given],
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

interface Posted {
  readonly method: 'POST' | 'PUT';
  readonly bundle: Json | undefined;
  readonly below?: string;
  readonly isHandshake?: boolean;
}

const isTaken = ({ code = '' }: Reply): boolean => code.startsWith('2');

async function posted(
  subscription: Subscription,
  { method, bundle, below, isHandshake = false }: Posted,
  notifying: Notifying,
): Promise<Reply> {
  const { clientFor, signal, lent } = notifying;
  const { endpoint } = subscription;
  const client = clientFor(endpoint);
  if (client === undefined) {
    await failed(subscription, 'The endpoint is not permitted any more.', notifying);
    throw new RejectedError(
      'The endpoint of the subscription is not among endpoints. List it there and resend the message, or leave it.',
    );
  }
  const { json } = askedTypes(lent.settings.version === 'R4' ? undefined : lent.settings.version);
  const url = new URL(endpoint);
  if (below !== undefined) url.pathname = `${url.pathname.replace(/\/$/, '')}/${below}`;
  let answer: HttpAnswer;
  try {
    answer = await client.ask({
      method,
      url,
      headers: bundle === undefined ? {} : { 'content-type': json },
      ...(bundle !== undefined && { body: inlineBody(Buffer.from(JSON.stringify(bundle))) }),
      signal,
    });
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof DisableError) throw error;
    if (await failed(subscription, 'The endpoint does not answer.', notifying)) throw given();
    // one endpoint that is away is no reason to connect anew to all of them
    throw new TemporaryError((error as Error).message, { cause: error });
  }
  const { status, headers } = answer;
  const reply: Reply = {
    body: new Uint8Array(),
    type: 'text/plain',
    code: String(status),
    text: `${placeOfUrl(url)} answered ${status}`,
    retryAfter: retryAfterOf(headers['retry-after']),
  };
  if (isTaken(reply)) await recovered(subscription, notifying);
  else await refused(subscription, { status, isHandshake }, notifying);
  return reply;
}

/** What may be taken later; any other refusal of a handshake, which is sent once, is the last word. */
const LATER = new Set([408, 425, 429]);

/** Throws if the subscription is in error by it. */
async function refused(
  subscription: Subscription,
  { status, isHandshake }: { readonly status: number; readonly isHandshake: boolean },
  notifying: Notifying,
): Promise<void> {
  const isForGood = status === 410 || (isHandshake && status < 500 && !LATER.has(status));
  const text = `The endpoint answers ${status}.`;
  if (await failed(subscription, text, notifying, isForGood)) throw given();
}

const given = (): RejectedError =>
  new RejectedError(
    'The endpoint has taken nothing for too long, is gone for good, or refused the handshake: the subscription is in error now. Resend the message once its owner has updated it.',
  );

/** Notes a failure; whether the subscription is in error by it. */
async function failed(
  { id, owner, endpoint }: Subscription,
  error: string,
  { subscriptions, lent }: Notifying,
  isForGood = false,
): Promise<boolean> {
  const now = Date.now();
  let isOver = false;
  await subscriptions.change(id, (before) => {
    const since = before.failing ?? now;
    isOver = isForGood || now - since >= lent.settings.errorAfter;
    if (before.status !== 'active' && before.status !== 'requested') return before;
    if (isOver) return { ...before, status: 'error', error, failing: since };
    return before.failing === undefined ? { ...before, failing: now } : before;
  });
  if (isOver) {
    const text = `Subscription ${id} of ${owner} is in error: ${placeOfUrl(new URL(endpoint))} took nothing.`;
    lent.event('warn', 'subscription-failed', text, owner);
  }
  return isOver;
}

async function recovered(
  { id, failing }: Subscription,
  { subscriptions }: Notifying,
): Promise<void> {
  if (failing === undefined) return;
  await subscriptions.change(id, (before) =>
    before.failing === undefined ? before : { ...before, failing: undefined },
  );
}
