import type { Records, Subscriber, Subscribers } from 'waybill/adapter';
import { placeOfUrl } from 'waybill/peer/http';
import type { Contact } from './contacts.ts';
import { type Subscription, Subscriptions } from './subscriptions.ts';

/** The subscriptions that are kept under a name, as operators see and switch them. */
export function subscribersIn(records: Records, signal: AbortSignal): Subscribers {
  return {
    async list() {
      const found = new Map<string, Subscription>();
      const counts = new Map<string, number>();
      const contacts = new Map<string, Contact>();
      for await (const { key, value } of records.all('', signal)) {
        const [kind = '', id = ''] = key.split('/');
        if (kind === 'one') found.set(id, value as Subscription);
        else if (kind === 'count') counts.set(id, (value as { number: number }).number);
        else if (kind === 'contact') contacts.set(id, value as Contact);
      }
      return [...found.values()]
        .filter(({ format }) => format === 1)
        .map((one) => told(one, counts.get(one.id) ?? 0, contacts.get(one.id)));
    },
    async turn(id, on) {
      const after = await new Subscriptions(records, signal).change(id, (before) =>
        on
          ? // its endpoint was permitted when it was made, and is looked at again with each notification
            { ...before, held: undefined, status: 'active', error: undefined, failing: undefined }
          : { ...before, held: true, status: 'off', error: HELD },
      );
      return after !== undefined;
    },
  };
}

function told(one: Subscription, events: number, contact: Contact | undefined): Subscriber {
  const { id, owner, status: state, held = false, error, criteria, topic, endpoint, end } = one;
  const about = criteria.map(({ type, filters }) => {
    const query = filters.map(({ name, values }) => `${name}=${values.join(',')}`).join('&');
    return query === '' ? type : `${type}?${query}`;
  });
  return {
    id,
    owner,
    about: [...(topic === undefined ? [] : [topic]), about.join(' or ')].join(': ').slice(0, 300),
    place: placeOfUrl(new URL(endpoint)),
    state,
    held,
    error,
    events,
    taken: contact?.taken,
    failures: contact?.failures ?? 0,
    end,
  };
}

const HELD = 'The operators of this server have switched it off.';
