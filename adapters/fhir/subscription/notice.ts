import { randomUUID } from 'node:crypto';
import type { FhirVersion } from 'waybill/document';
import type { EventNote } from './counts.ts';
import type { Json } from './criteria.ts';
import type { Notification } from './events.ts';
import type { Subscription } from './subscriptions.ts';

/** What a status says it is for. */
export type NoticeType =
  | 'handshake'
  | 'heartbeat'
  | 'event-notification'
  | 'query-status'
  | 'query-event';

interface Noticed {
  readonly type: NoticeType;
  readonly version: FhirVersion;
  /** How many events there were so far. */
  readonly count: number;
  readonly events?: readonly EventNote[];
  /** What is wrong, beside the error of the subscription. */
  readonly fault?: string | undefined;
}

/** The status of a subscription: SubscriptionStatus, in R4 Parameters of HL7's backport. */
export function statusOf(subscription: Subscription, noticed: Noticed): Json {
  const { id, status, topic } = subscription;
  const { type, version, count, events = [] } = noticed;
  const errors = [subscription.error, noticed.fault].filter((one) => one !== undefined);
  const reference = `Subscription/${id}`;
  if (version !== 'R4') {
    return {
      resourceType: 'SubscriptionStatus',
      status,
      type,
      eventsSinceSubscriptionStart: String(count),
      ...(events.length > 0 && {
        notificationEvent: events.map(({ number, at, focus }) => ({
          eventNumber: String(number),
          timestamp: at,
          ...(isTold(subscription, focus) && { focus: { reference: focus } }),
        })),
      }),
      subscription: { reference },
      ...(topic !== undefined && { topic }),
      ...(errors.length > 0 && { error: errors.map((text) => ({ text })) }),
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
      ...events.map(({ number, at, focus }) => ({
        name: 'notification-event',
        part: [
          { name: 'event-number', valueString: String(number) },
          { name: 'timestamp', valueInstant: at },
          ...(isTold(subscription, focus)
            ? [{ name: 'focus', valueReference: { reference: focus } }]
            : []),
        ],
      })),
      ...errors.map((text) => ({ name: 'error', valueCodeableConcept: { text } })),
    ],
  };
}

const isTold = ({ content }: Subscription, focus: string | undefined): boolean =>
  content !== 'empty' && focus !== undefined;

/** The Bundle that a subscriber of a topic gets; `event` is the one that it tells of with its resource. */
export function noticeBundle(
  subscription: Subscription,
  { event, ...given }: Noticed & { readonly event?: Notification | undefined },
): Json {
  const noticed = event === undefined ? given : { ...given, events: [event.notification] };
  const { version } = noticed;
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
    event === undefined || content !== 'full-resource' ? [] : entryOf(event, isHistory);
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
