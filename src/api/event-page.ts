import type { EventQuery as TraceEventQuery } from '../trace/trace-query.ts';
import type { TraceReader } from '../trace/trace-store.ts';
import type { EventPage } from './contract/event.ts';

const EVENTS = 100;

/** A page of the event log. The cursor is the time of the last event and how many of that time were given. */
export async function eventPage(
  trace: Pick<TraceReader, 'events'>,
  { after, ...query }: TraceEventQuery & { readonly after?: string | undefined },
): Promise<EventPage> {
  const { limit = EVENTS } = query;
  const [at, given = 0] = after?.split('.').map(Number) ?? [];
  const to = at === undefined ? query.to : Math.min(at, query.to ?? at);
  const found = await trace.events({ ...query, to, limit: limit + given });
  const items = found.slice(given);
  const last = items.at(-1);
  if (last === undefined || items.length < limit) return { items, next: undefined };
  const same = found.filter((event) => event.at === last.at).length;
  return { items, next: `${last.at}.${same}` };
}
