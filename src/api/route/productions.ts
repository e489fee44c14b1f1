import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Principal } from '../../access/rights/principal.ts';
import { principalOf } from '../../access/rights/require-permission.ts';
import { hostsInScope } from '../../access/rights/scope.ts';
import type { Relayed } from '../../control/relay.ts';
import { background } from '../../error/background.ts';
import { isEngineError } from '../../error/engine-error.ts';
import { isTold, unless } from '../../error/foreseen.ts';
import { pause } from '../../time/pause.ts';
import type { Api } from '../../web/api.ts';
import { ApiError } from '../../web/api-error.ts';
import { closed } from '../../web/schema.ts';
import { Type } from '../../web/type.ts';
import type { ApiContext } from '../context.ts';
import { ProductionBrief, Productions } from '../contract/production.ts';
import { callerOf, grantedIn } from '../granted-in.ts';
import { hostsOf } from '../hosts-of.ts';
import { askedHeaders } from '../relayed.ts';
import { hostCounts, queuedOf } from '../status-of.ts';

const tags = ['productions'];
const Named = closed({ production: Type.String({ minLength: 1, maxLength: 63 }) });
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** One console for several productions: which there are, and everything of each. */
export function productionsRoutes(app: Api, context: ApiContext): void {
  listRoute(app, context);
  briefRoute(app, context);
  relayRoute(app, context);
}

function listRoute(app: Api, context: ApiContext): void {
  app.get(
    '/productions',
    {
      schema: {
        tags,
        summary: 'The productions that this console shows, running or not.',
        description:
          'Each operation of this document is also there for another production, under `/api/v1/productions/{production}/`: `/api/v1/productions/lab/hosts`. Except what belongs to the console itself: signing in, users, roles and tokens.',
        response: { 200: Productions },
      },
    },
    (request) => productionsFor(context, principalOf(request)),
  );
}

/** Those in which somebody has any right. */
export async function productionsFor(
  { production: own, others }: ApiContext,
  principal: Principal,
): Promise<Productions> {
  const named = [own, ...(await others.all())];
  return { own, productions: named.filter((one) => grantedIn(principal, own, one).size > 0) };
}

function briefRoute(app: Api, context: ApiContext): void {
  const { others } = context;

  app.get(
    '/productions/:production',
    {
      schema: {
        tags,
        summary: 'What the engines of another production say, even if its operator plane is away.',
        params: Named,
        response: { 200: ProductionBrief },
      },
      onRequest: (request) => checkShown(context, request),
    },
    async (request) => {
      const { production } = request.params;
      const { grants } = principalOf(request);
      if (grants?.permissionsIn(production).has('dashboard.view') !== true)
        throw new ApiError(403, 'FORBIDDEN', `dashboard.view is missing in ${production}`);
      const engines = others.engines(production);
      const [description, reports] = await Promise.all([
        engines.describe().catch(unless(isTold, 'asking the engines of another production')),
        engines.status(),
      ]);
      const running = reports.map(({ engine, started }) => ({ engine, started }));
      if (description === undefined) return { production, engines: running };
      const visible = hostsInScope(grants.scope, description.hosts);
      const hosts = hostsOf(description, reports, visible);
      const { title } = description;
      const counts = { hosts: hostCounts(hosts), queued: queuedOf(hosts) };
      return { production, title, engines: running, ...counts };
    },
  );
}

/** Hands every other request on to the operator plane of the production, whose routes decide and answer. */
function relayRoute(app: Api, context: ApiContext): void {
  app.route({
    method: [...METHODS],
    url: '/productions/:production/*',
    schema: { hide: true },
    onRequest: (request) => checkShown(context, request),
    handler: (request, reply) => handOn(context, request, reply),
  });
}

type Asking = FastifyRequest & {
  readonly params: { readonly production?: string; readonly '*'?: string };
};

/**
 * A production in which somebody has no right does not exist for them: the answer is the same as for
 * a name that nobody has.
 */
async function checkShown(context: ApiContext, request: FastifyRequest): Promise<void> {
  const { others, audit, production: own } = context;
  const principal = principalOf(request);
  const { production = '' } = (request as Asking).params;
  const isOwn = production === own;
  if (isOwn || (others.shows(production) && grantedIn(principal, own, production).size > 0)) return;
  const { name, via } = principal;
  await audit.record({
    actor: { name, via },
    ip: request.ip,
    action: 'request.refused',
    object: `production ${production}`,
    outcome: 'refused',
    detail: { cause: `${name} has no role there, or it is not shown here` },
  });
  throw new ApiError(404, 'NOT_FOUND', `there is no production ${production}`);
}

async function handOn(
  { others, production: own }: ApiContext,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { production = '' } = (request as Asking).params;
  const path = pathOf(request);
  // our own routes answer at their own address, which a proxy may have put anywhere
  if (production === own)
    return reply.redirect(
      `${'../'.repeat(path.split('?')[0]?.split('/').length ?? 1)}../${path}`,
      307,
    );
  const ending = new AbortController();
  reply.raw.once('close', () => ending.abort());
  const asking = {
    method: request.method,
    path,
    headers: askedHeaders(request.headers),
    caller: callerOf(request, own, production),
  };
  const answer = await others
    .ask(production, asking, { body: bodyOf(request), signal: ending.signal })
    .catch((error: unknown) => {
      if (!isEngineError(error) || error.code !== 'BROKER_UNAVAILABLE') throw error;
      // a page that watches a production which is away asks again and again: that is no fault here
      throw new ApiError(503, 'BROKER_UNAVAILABLE', error.message);
    });
  const { status, headers, body } = answer;
  if (headers['content-type']?.startsWith('text/event-stream') === true)
    background(endUnlessAllowed(request, production, answer), 'checking who follows a production');
  return reply.code(status).headers(headers).send(body);
}

/** As it was sent: nothing is decoded that the other production would read differently. */
function pathOf({ raw }: FastifyRequest): string {
  return /\/productions\/[^/?]+\/(.*)$/s.exec(raw.url ?? '')?.[1] ?? '';
}

function bodyOf({ body }: FastifyRequest): Uint8Array | undefined {
  return body === undefined || body === null ? undefined : Buffer.from(JSON.stringify(body));
}

/** Milliseconds that somebody who was signed out, or may now see less, still gets live events. */
const RIGHTS_EVERY = 3_000;

async function endUnlessAllowed(
  request: FastifyRequest,
  production: string,
  { body }: Relayed,
): Promise<void> {
  const before = rightsText(principalOf(request), production);
  const closing = new AbortController();
  body.once('close', () => closing.abort());
  while (!body.closed) {
    await pause(RIGHTS_EVERY, closing.signal, { ref: false });
    if (body.closed) return;
    const now = await request.signInAgain?.();
    if (now === undefined || rightsText(now, production) !== before) body.destroy();
  }
}

const rightsText = ({ grants }: Principal, production: string): string =>
  JSON.stringify([[...(grants?.permissionsIn(production) ?? [])], grants?.scope]);
