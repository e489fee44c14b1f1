import {
  background,
  callerOf,
  DisableError,
  isTold,
  type Lent,
  type Message,
  type OpenOutbound,
  outbound,
  RejectedError,
  type Reply,
  type SettingsFault,
} from 'waybill/adapter';
import { inTurns, jsonToKeep } from 'waybill/document';
import { type SubscriptionsValues, subscriptionsSettings } from './fhir-subscriptions-settings.ts';
import { type Json, readCriteria } from './subscription/criteria.ts';
import {
  type Concerned,
  findingConcerned,
  focusOf,
  type Notification,
  resourcesIn,
} from './subscription/events.ts';
import type { Topic } from './subscription/given.ts';
import { answerRequest } from './subscription/requests.ts';
import { subscribersIn } from './subscription/subscribers.ts';
import { type Subscription, Subscriptions } from './subscription/subscriptions.ts';

export default outbound({
  type: 'fhir-subscriptions-out',
  title: 'FHIR, subscriptions',
  summary:
    'Keeps the subscriptions of callers of fhir-in, and finds who is to be notified of a resource.',
  settings: subscriptionsSettings,
  replies: {
    '2xx': 'complete',
    // what a caller asked for in vain is answered all the same
    '4xx': 'complete',
    '503': ['retry', 'fail'],
    none: ['retry', 'fail'],
    other: 'fail',
  },
  check: (settings) => Promise.resolve(faultsOf(settings)),
  subscribers: ({ settings, records, signal }) => subscribersIn(records(settings.store), signal),
  // who has subscribed meanwhile is told as well
  answersAnew: true,
  open: (lent) => Promise.resolve(opened(lent)),
});

function faultsOf({ topics, version }: SubscriptionsValues): SettingsFault[] {
  return topics.flatMap((topic, at): SettingsFault[] => {
    if (topic === undefined) return [];
    const path = ['topics', String(at), 'criteria'];
    if (topic.criteria.length === 0) {
      return [{ path, what: 'it is about nothing', remedy: 'Write criteria, such as Encounter.' }];
    }
    return topic.criteria.flatMap((text) => {
      const read = readCriteria(text, version);
      return typeof read === 'string'
        ? [{ path, what: 'it cannot be looked for', remedy: read }]
        : [];
    });
  });
}

function topicsOf({ topics, version }: SubscriptionsValues): readonly Topic[] {
  return topics.flatMap((topic) =>
    topic === undefined
      ? []
      : [
          {
            url: topic.url,
            criteria: topic.criteria.flatMap((text) => {
              const read = readCriteria(text, version);
              return typeof read === 'string' ? [] : [read];
            }),
          },
        ],
  );
}

function opened(lent: Lent<typeof subscriptionsSettings>): OpenOutbound {
  const { settings, records, signal, event } = lent;
  if (records === undefined) throw new DisableError('Nothing is kept: no engine runs here.');
  const subscriptions = new Subscriptions(records(settings.store), signal, settings.keepEvents);
  const serving = { settings, subscriptions, topics: topicsOf(settings), event };
  background(endUnowned(settings, subscriptions), 'ending subscriptions of others', isTold);
  return {
    async send(message) {
      const { value, exact } = await contentOf(message);
      const { interaction, type, resourceType } = value;
      if (resourceType === 'Subscription') {
        throw new RejectedError(
          'A Subscription came without its request, so nobody knows whose it is. Set deliver: request for fhir-in.',
        );
      }
      const isAsked =
        resourceType === undefined &&
        typeof interaction === 'string' &&
        (type === 'Subscription' || type === 'SubscriptionTopic');
      if (isAsked) return answerRequest(provenRequest(message, value), serving);
      return notified(message, { value, exact }, serving);
    },
    close: () => Promise.resolve(),
  };
}

/** Of whom owners was about, and is not any more: heartbeats and what is on its way end, too. */
async function endUnowned(
  { owners }: SubscriptionsValues,
  subscriptions: Subscriptions,
): Promise<void> {
  if (owners.length === 0) return;
  for (const { id, owner, status } of (await subscriptions.all()).values()) {
    if (status === 'off' || owners.includes(owner)) continue;
    const error = 'Its owner may no longer have it.';
    await subscriptions.change(id, (before) => ({ ...before, status: 'off', error }));
  }
}

/** The body says who asks; it counts only from a service that has proven it. */
function provenRequest(message: Message, request: Json): Json {
  const { name } = Object(request['caller']) as Json;
  if (name === callerOf(message)?.name) return request;
  throw new RejectedError(
    'The request names another caller than the one who sent it. Send requests about subscriptions here from fhir-in only.',
  );
}

interface Content {
  readonly value: Json;
  /** The same with numbers as they are written. */
  readonly exact: Json;
}

async function contentOf(message: Message): Promise<Content> {
  try {
    const { value, exact } = jsonToKeep(Buffer.from(await message.body.bytes()).toString('utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return { value: value as Json, exact: exact as Json };
    }
  } catch {
    // the parser's error is dropped: it quotes the body
  }
  throw new RejectedError(
    'The message is neither a FHIR resource in JSON nor a request of fhir-in. Check the transform.',
  );
}

/** One notification for each subscriber and resource, as a list; nothing if nobody is to be told. */
async function notified(
  message: Message,
  { value, exact }: Content,
  {
    settings,
    subscriptions,
    event,
  }: {
    readonly settings: SubscriptionsValues;
    readonly subscriptions: Subscriptions;
    readonly event: Lent<typeof subscriptionsSettings>['event'];
  },
): Promise<Reply> {
  const resources = resourcesIn(value);
  const written = resourcesIn(exact);
  const at = new Date(message.created).toISOString();
  const now = Date.now();
  const active =
    resources.length === 0
      ? []
      : [...(await subscriptions.all()).values()].filter((one) => counts(one, settings));
  for (const { id, owner, end } of active) {
    if (end > now || !(await subscriptions.over(id))) continue;
    event('info', 'subscription-ended', `Subscription ${id} of ${owner} is over.`, owner);
  }
  const lasting = active.filter((one) => one.end > now);
  const told = await inTurns(findingConcerned(lasting, resources));
  checkLength(told, written);
  const all: Notification[] = [];
  for (const { subscription, places } of told) {
    const { id, content, status } = subscription;
    const focuses = places.map((place) => focusOf(resources[place] ?? {}));
    const first = await subscriptions.counts.count(id, { message: message.id, at, focuses });
    // whoever takes nothing is told nothing; by the number and $events they find out later
    if (status === 'error') continue;
    for (const [index, place] of places.entries()) {
      all.push({
        notification: { subscription: id, number: first + index, at, focus: focuses[index] },
        ...(content === 'full-resource' && { resource: written[place] ?? {} }),
      });
    }
  }
  return {
    body: all.length === 0 ? new Uint8Array() : Buffer.from(JSON.stringify(all)),
    type: 'application/json',
    code: '200',
    text: `${all.length} notifications`,
  };
}

/** Bytes of the list: no process reads a larger one, and once it is refused there all of it is counted, and told to nobody. */
const LONGEST = 32_000_000;
/** Bytes of a notification without its resource, at most. */
const AROUND = 300;

function checkLength(told: readonly Concerned[], written: readonly Json[]): void {
  const lengths = new Map<number, number>();
  let all = 0;
  for (const { subscription, places } of told) {
    if (subscription.status === 'error') continue;
    all += places.length * AROUND;
    for (const place of subscription.content === 'full-resource' ? places : []) {
      const length = lengths.get(place) ?? Buffer.byteLength(JSON.stringify(written[place]));
      lengths.set(place, length);
      all += length;
    }
    if (all > LONGEST) {
      throw new RejectedError(
        'The notifications would have more than 32 MB: too many subscribers want such large resources whole. Split the message, or have them ask for id-only, then resend it.',
      );
    }
  }
}

/** Whether its events are counted: also of one whose endpoint is in error, for when it is back. */
const counts = ({ status, owner }: Subscription, { owners }: SubscriptionsValues): boolean =>
  (status === 'active' || status === 'error') && (owners.length === 0 || owners.includes(owner));
