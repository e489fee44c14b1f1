import type { Permission, Principal } from '../../access/rights/principal.ts';
import { principalOf, requirePermission } from '../../access/rights/require-permission.ts';
import { isStillAllowed } from '../../access/rights/still-allowed.ts';
import { eventStream } from '../../operator/live/event-stream.ts';
import { liveSession, TOPICS, type Topic } from '../../operator/live/live-session.ts';
import type { Api } from '../../web/api.ts';
import { closed, Id, maybe } from '../../web/schema.ts';
import { turnstile } from '../../web/turnstile.ts';
import { Type } from '../../web/type.ts';
import type { ApiContext } from '../context.ts';
import { readHosts } from '../hosts-of.ts';

/** The most open streams of one person, one per tab. */
const STREAMS = 50;

const StreamQuery = closed({
  topics: maybe(Type.String({ description: `Some of ${TOPICS.join(', ')}, separated by commas.` })),
  hosts: maybe(Type.String({ maxLength: 20_000 })),
  session: maybe(Id),
  brief: maybe(
    Type.Boolean({ description: '`hosts` only says that they changed, without their states.' }),
  ),
  lastEventId: maybe(
    Type.String({ maxLength: 40, description: 'For clients that cannot set the header.' }),
  ),
});

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  // a buffering proxy would hold events back
  'x-accel-buffering': 'no',
};

export function streamRoutes(app: Api, context: ApiContext): void {
  const { broker, live, engines, log } = context;
  const streams = turnstile('event streams', STREAMS);

  app.get(
    '/stream',
    {
      schema: {
        tags: ['live'],
        summary: 'Live events, as server-sent events; `Last-Event-ID` continues without a gap.',
        description:
          'Events: hello, reset (read everything again), messages {items, more}, events, alerts, jobs, hosts.',
        querystring: StreamQuery,
        response: {
          200: { content: { 'text/event-stream': { schema: Type.String() } } },
        },
      },
      onRequest: requirePermission('dashboard.view'),
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const leave = streams.enter(principal.name);
      const { topics, hosts, session, brief = false, lastEventId } = request.query;
      const header = request.headers['last-event-id'];
      reply.hijack();
      reply.raw.writeHead(200, HEADERS);
      const out = eventStream(reply.raw);
      try {
        await liveSession(broker, live, out, {
          topics: topicsOf(topics, principal),
          hosts: hosts?.split(','),
          visible: principal.visibleHosts,
          unmasked: principal.unmasked,
          session,
          brief,
          after: typeof header === 'string' ? header : lastEventId,
          readHosts: () => readHosts(engines, principal),
          isAllowed: () => isStillAllowed(request, principal),
        });
      } catch (error) {
        log.warn({ event: 'live-ended', err: error }, 'live-ended');
        out.end();
      } finally {
        leave();
      }
    },
  );
}

/** Live events need the same permission as their list. */
const NEEDED: Readonly<Record<Topic, Permission>> = {
  messages: 'message.search',
  events: 'event.view',
  alerts: 'dashboard.view',
  jobs: 'message.bulk',
  hosts: 'dashboard.view',
};

function topicsOf(text: string | undefined, { permissions }: Principal): ReadonlySet<Topic> {
  const wanted = text?.split(',');
  return new Set(
    TOPICS.filter((topic) => permissions.has(NEEDED[topic]) && (wanted?.includes(topic) ?? true)),
  );
}
