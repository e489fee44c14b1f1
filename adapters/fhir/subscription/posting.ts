import {
  DisableError,
  inlineBody,
  type Lent,
  RejectedError,
  type Reply,
  TemporaryError,
} from 'waybill/adapter';
import { type HttpAnswer, type HttpClient, placeOfUrl, retryAfterOf } from 'waybill/peer/http';
import type { notifySettings } from '../fhir-notify-settings.ts';
import { askedTypes } from '../fhir-version.ts';
import type { Contacts } from './contacts.ts';
import type { Json } from './criteria.ts';
import { noticeBundle } from './notice.ts';
import { OwnMark } from './own-mark.ts';
import type { Subscription, Subscriptions } from './subscriptions.ts';

/** What is needed to reach subscribers. */
export interface Notifying {
  readonly lent: Lent<typeof notifySettings>;
  readonly subscriptions: Subscriptions;
  readonly contacts: Contacts;
  readonly clientFor: (address: string) => HttpClient | undefined;
  /** By which this production knows its own notifications. */
  readonly mark: string;
  readonly signal: AbortSignal;
}

export interface Posted {
  readonly method: 'POST' | 'PUT';
  readonly bundle: Json | undefined;
  readonly below?: string;
  readonly isHandshake?: boolean;
}

export const isTaken = ({ code = '' }: Reply): boolean => code.startsWith('2');

/** Posts something to the endpoint of a subscription, and notes what became of it. */
export async function posted(
  subscription: Subscription,
  { method, bundle, below, isHandshake = false }: Posted,
  notifying: Notifying,
): Promise<Reply> {
  const { clientFor, signal, lent, mark } = notifying;
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
      headers: { [OwnMark.header]: mark, ...(bundle !== undefined && { 'content-type': json }) },
      ...(bundle !== undefined && { body: inlineBody(Buffer.from(JSON.stringify(bundle))) }),
      signal,
    });
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof DisableError) throw error;
    notifying.contacts.note(subscription.id, false);
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
  notifying.contacts.note(subscription.id, isTaken(reply));
  if (isTaken(reply)) await recovered(subscription, notifying);
  else await refused(subscription, { status, isHandshake }, notifying);
  return reply;
}

/** Tells a subscriber that nothing has happened, but that it would be told. */
export async function beat(subscription: Subscription, notifying: Notifying): Promise<void> {
  const { subscriptions, lent } = notifying;
  const { version } = lent.settings;
  const count = await subscriptions.counts.counted(subscription.id);
  const bundle = noticeBundle(subscription, { type: 'heartbeat', version, count });
  await posted(subscription, { method: 'POST', bundle }, notifying);
}

/** What may be taken later; any other refusal of a handshake, which is sent once, is the last word. */
const LATER = new Set([408, 425, 429]);

/** Loop detected. */
const CIRCLE = 508;
const LEADS_BACK = 'The endpoint leads back here: each notification would make another one.';

/** Throws if the subscription is in error by it. */
async function refused(
  subscription: Subscription,
  { status, isHandshake }: { readonly status: number; readonly isHandshake: boolean },
  notifying: Notifying,
): Promise<void> {
  const isRefusal = isHandshake && status < 500 && !LATER.has(status);
  const isForGood = status === 410 || status === CIRCLE || isRefusal;
  const text = status === CIRCLE ? LEADS_BACK : `The endpoint answers ${status}.`;
  if (await failed(subscription, text, notifying, isForGood)) throw given();
}

const given = (): RejectedError =>
  new RejectedError(
    'The endpoint has taken nothing for too long, is gone for good, leads back here, or refused the handshake: the subscription is in error now. Resend the message once its owner has updated it.',
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
    const place = placeOfUrl(new URL(endpoint));
    const text =
      error === LEADS_BACK
        ? `Subscription ${id} of ${owner} is in error: ${place} leads back here.`
        : `Subscription ${id} of ${owner} is in error: ${place} took nothing.`;
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
