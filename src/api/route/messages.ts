import { principalOf, requirePermission } from '../../access/rights/require-permission.ts';
import { traceIdOf } from '../../trace/span-id.ts';
import { abortSignal } from '../../web/abort-signal.ts';
import type { Api } from '../../web/api.ts';
import { closed, IdParameters, maybe, Time } from '../../web/schema.ts';
import { type Turnstile, turnstile } from '../../web/turnstile.ts';
import { audited, visibleMessage } from '../acting.ts';
import type { ApiContext } from '../context.ts';
import {
  Failures,
  FindQuery,
  Message,
  MessageCount,
  MessagePage,
  QuickHits,
  SearchFields,
  SearchRequest,
  Session,
} from '../contract/message.ts';
import { failuresOf } from '../failures-of.ts';
import { withFields } from '../field-values.ts';
import {
  checkSearch,
  countMessages,
  listedRecorder,
  type SearchRecorder,
  viewRecorder,
} from '../searching.ts';
import { sessionFor } from '../session-for.ts';
import { shownMessage, shownSession } from '../shown.ts';
import { shownTo } from '../shown-to.ts';
import { toldHits } from '../told-hits.ts';

const tags = ['messages'];

/** Searches that one person may run at once; more would only slow each other down. */
const SEARCHES = 10;

export function messageRoutes(app: Api, context: ApiContext, recorded: SearchRecorder): void {
  searchRoutes(app, context, recorded);
  findRoutes(app, context);
  messageViews(app, context);
}

function searchRoutes(app: Api, context: ApiContext, recorded: SearchRecorder): void {
  const { trace } = context;
  const searches = turnstile('searches', SEARCHES);
  const listed = listedRecorder(context);

  app.post(
    '/messages/search',
    {
      schema: {
        tags,
        summary: 'Messages, newest first, bounded in time; close the request to cancel it.',
        body: SearchRequest,
        response: { 200: MessagePage },
      },
      onRequest: requirePermission('message.search'),
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const { name, visibleHosts: visible } = principal;
      checkSearch(principal, request.body);
      const signal = abortSignal(reply);
      const { after: _after, limit: _limit, timeBudget: _time, ...criteria } = request.body;
      const page = await recorded(request, criteria, () =>
        searches.pass(name, () =>
          trace.find({ ...request.body, visible }, { signal, shown: shownTo(context, principal) }),
        ),
      );
      const items = page.items.map((one) => shownMessage(principal, one));
      const { fields = [] } = request.body;
      const shown = await withFields(context, principal, items, fields);
      await listed(request, 'message.listed', shown);
      return { ...page, items: shown };
    },
  );
  countRoute(app, context, { recorded, searches });
}

function countRoute(
  app: Api,
  context: ApiContext,
  { recorded, searches }: { readonly recorded: SearchRecorder; readonly searches: Turnstile },
): void {
  const { trace } = context;

  app.post(
    '/messages/count',
    {
      schema: {
        tags,
        summary: 'How many messages match, as far as the time limit allows.',
        body: SearchRequest,
        response: { 200: MessageCount },
      },
      onRequest: requirePermission('message.search'),
    },
    (request, reply) => {
      const principal = principalOf(request);
      const { name, visibleHosts: visible } = principal;
      checkSearch(principal, request.body);
      const query = { ...request.body, visible };
      const { after: _after, limit: _limit, timeBudget: _time, ...criteria } = request.body;
      return recorded(request, criteria, () =>
        searches.pass(name, () =>
          countMessages(trace, query, {
            signal: abortSignal(reply),
            shown: shownTo(context, principal),
          }),
        ),
      );
    },
  );
}

function findRoutes(app: Api, context: ApiContext): void {
  const { trace } = context;

  app.get(
    '/messages/fields',
    {
      schema: {
        tags,
        summary: 'Names of the search fields.',
        response: { 200: SearchFields },
      },
      onRequest: requirePermission('message.search'),
    },
    async () => ({ fields: await trace.fields() }),
  );

  app.get(
    '/find',
    {
      schema: {
        tags,
        summary: 'What a pasted text may be: a message, a session, or the value of a search field.',
        querystring: FindQuery,
        response: { 200: QuickHits },
      },
      onRequest: requirePermission('message.search'),
    },
    (request) => {
      const { text, limit } = request.query;
      const principal = principalOf(request);
      const { visibleHosts: visible } = principal;
      const shown = shownTo(context, principal);
      const act = { action: 'message.find', object: 'messages', detail: { search: { text } } };
      return audited(context, request, act, async () => ({
        hits: await toldHits(
          trace,
          await trace.quickFind(text.trim(), { visible, shown, limit }),
          visible,
        ),
        indexing: await trace.indexing(),
      }));
    },
  );
}

/** Address of the session in another system, if one is configured. */
function traceUrlOf(
  { traceUrl, production }: ApiContext,
  { messages: [first] }: Pick<Session, 'messages'>,
): string | undefined {
  if (first === undefined) return undefined;
  return traceUrl?.replaceAll('{traceId}', traceIdOf(production, first));
}

// oxlint-disable-next-line max-lines-per-function -- one table of routes
function messageViews(app: Api, context: ApiContext): void {
  const { trace } = context;
  const viewed = viewRecorder(context);

  app.get(
    '/messages/:id',
    {
      schema: {
        tags,
        summary: 'Everything the trace knows about one message, without its body.',
        params: IdParameters,
        response: { 200: Message },
      },
      onRequest: requirePermission('message.search'),
    },
    async (request) => {
      const { id } = request.params;
      const look = { action: 'message.metadata', object: `message ${id}` };
      const message = await viewed(request, look, () => visibleMessage(context, request, id));
      return shownMessage(principalOf(request), message);
    },
  );

  app.get(
    '/sessions/:id',
    {
      schema: {
        tags,
        summary: 'A session by its id or that of any of its messages.',
        params: IdParameters,
        response: { 200: Session },
      },
      onRequest: requirePermission('message.search'),
    },
    async (request) => {
      const principal = principalOf(request);
      const { id } = request.params;
      const look = { action: 'message.trace', object: `session ${id}` };
      const session = await viewed(request, look, () =>
        sessionFor(trace, id, principal.visibleHosts),
      );
      return { ...shownSession(principal, session), traceUrl: traceUrlOf(context, session) };
    },
  );

  app.get(
    '/failures',
    {
      schema: {
        tags,
        summary: 'Errors and suspended messages by host and cause, most frequent first.',
        querystring: closed({ from: maybe(Time), to: maybe(Time) }),
        response: { 200: Failures },
      },
      onRequest: requirePermission('message.search'),
    },
    async (request) => {
      const principal = principalOf(request);
      const { visibleHosts: visible } = principal;
      const query = { ...request.query, visible, byCause: true };
      const look = { action: 'message.failures', object: 'messages' };
      const groups = await viewed(request, look, () => failuresOf(context, query, principal));
      return { groups };
    },
  );
}
