import { randomUUID } from 'node:crypto';
import type { FhirVersion } from 'waybill/document';
import type { Json } from './criteria.ts';
import type { Notification } from './events.ts';
import type { Subscription } from './subscriptions.ts';

/** What a status says it is for. */
export type NoticeType = 'handshake' | 'event-notification' | 'query-status';

interface Noticed {
  readonly type: NoticeType;
  readonly version: FhirVersion;
  /** How many events there were so far. */
  readonly count: number;
  readonly events?: readonly Notification[];
}

/** The status of a subscription: SubscriptionStatus, in R4 Parameters of HL7's backport. */
export function statusOf(subscription: Subscription, noticed: Noticed): Json {
  const { id, status, topic, error } = subscription;
  const { type, version, count, events = [] } = noticed;
  const reference = `Subscription/${id}`;
  if (version !== 'R4') {
    return {
      resourceType: 'SubscriptionStatus',
      status,
      type,
      eventsSinceSubscriptionStart: String(count),
      ...(events.length > 0 && {
        notificationEvent: events.map(({ notification: { number, at, focus } }) => ({
          eventNumber: String(number),
          timestamp: at,
          ...(isTold(subscription, focus) && { focus: { reference: focus } }),
        })),
      }),
      subscription: { reference },
      ...(topic !== undefined && { topic }),
      ...(error !== undefined && { error: [{ text: error }] }),
    };
  }
  return {
    resourceType: 'Parameters',
    parameter: [
      { name: 'subscription', valueReference: { reference } },
      ...(topic === undefined ? [] : [{ name: 'topic', valueCanonical: topic }]),
      { name: 'status', valueCode: status },
      { name: 'type', valueCode: type },
      { name: 'events-since-subscription-start', valueString: String(count) },
      ...events.map(({ notification: { number, at, focus } }) => ({
        name: 'notification-event',
        part: [
          { name: 'event-number', valueString: String(number) },
          { name: 'timestamp', valueInstant: at },
          ...(isTold(subscription, focus)
            ? [{ name: 'focus', valueReference: { reference: focus } }]
            : []),
        ],
      })),
      ...(error === undefined ? [] : [{ name: 'error', valueCodeableConcept: { text: error } }]),
    ],
  };
}

const isTold = ({ content }: Subscription, focus: string | undefined): boolean =>
  content !== 'empty' && focus !== undefined;

/** The Bundle that a subscriber of a topic gets. */
export function noticeBundle(subscription: Subscription, noticed: Noticed): Json {
  const { version, events = [] } = noticed;
  const { id, content } = subscription;
  const isHistory = version !== 'R5';
  const status = {
    fullUrl: `urn:uuid:${randomUUID()}`,
    resource: statusOf(subscription, noticed),
    ...(isHistory && {
      request: { method: 'GET', url: `Subscription/${id}/$status` },
      response: { status: '200' },
    }),
  };
  const entries =
    content !== 'full-resource' ? [] : events.flatMap((event) => entryOf(event, isHistory));
  return {
    resourceType: 'Bundle',
    type: isHistory ? 'history' : 'subscription-notification',
    timestamp: new Date().toISOString(),
    entry: [status, ...entries],
  };
}

function entryOf({ notification: { focus }, resource }: Notification, isHistory: boolean): Json[] {
  if (resource === undefined) return [];
  const request = { method: 'PUT', url: focus ?? String(resource['resourceType']) };
  return [
    {
      fullUrl: `urn:uuid:${randomUUID()}`,
      resource,
      ...(isHistory && { request, response: { status: '200' } }),
    },
  ];
}
