import { principalOf, requirePermission } from '../../access/rights/require-permission.ts';
import type { EventQuery as TraceEventQuery } from '../../trace/trace-query.ts';
import type { TraceReader } from '../../trace/trace-store.ts';
import type { Api } from '../../web/api.ts';
import { ApiError } from '../../web/api-error.ts';
import { visibleAmong } from '../acting.ts';
import type { ApiContext } from '../context.ts';
import { EventPage, EventQuery, Statistics, StatisticsQuery } from '../contract/event.ts';
import { shownWithText } from '../shown.ts';

/** The most intervals in one answer, over all hosts. */
const INTERVALS = 20_000;

export function eventRoutes(app: Api, { trace }: ApiContext): void {
  app.get(
    '/events',
    {
      schema: {
        tags: ['events'],
        summary: 'The event log of hosts, newest first.',
        querystring: EventQuery,
        response: { 200: EventPage },
      },
      onRequest: requirePermission('event.view'),
    },
    async (request) => {
      const principal = principalOf(request);
      const { hosts, ...query } = request.query;
      const visible = visibleAmong(request, hosts?.split(','));
      const page = await eventPage(trace, { ...query, hosts: visible });
      return { ...page, items: page.items.map((one) => shownWithText(principal, one)) };
    },
  );

  app.get(
    '/statistics',
    {
      schema: {
        tags: ['events'],
        summary: 'What passed through each host, by interval; empty intervals are left out.',
        querystring: StatisticsQuery,
        response: { 200: Statistics },
      },
      onRequest: requirePermission('dashboard.view'),
    },
    async (request) => {
      const { from, to, step, hosts } = request.query;
      if ((to - from) / step > INTERVALS) {
        throw new ApiError(400, 'QUERY_INVALID', 'too many intervals: use a longer step');
      }
      const visible = visibleAmong(request, hosts?.split(','));
      return { step, intervals: await trace.statistics({ from, to, step, hosts: visible }) };
    },
  );
}

const EVENTS = 100;

/** A page of the event log. The cursor is the time of the last event and how many events of that time were returned. */
async function eventPage(
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
