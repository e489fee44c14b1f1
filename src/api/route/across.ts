import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AnswerRelayed } from '../../control/relay-server.ts';
import { abortSignal } from '../../web/abort-signal.ts';
import type { Api } from '../../web/api.ts';
import type { Static } from '../../web/type.ts';
import { type AskedAcross, askAcross } from '../across.ts';
import type { ApiContext } from '../context.ts';
import {
  Across,
  AcrossAlertsQuery,
  AcrossFailuresQuery,
  AcrossFindQuery,
  AcrossQuery,
  AcrossSearch,
} from '../contract/across.ts';

const tags = ['productions'];
const description =
  'One part for each production that the caller has a role in, by the rights they have there. A part that is missing says why; the others do not wait for it longer than `wait`.';
const response = { 200: Across };

/** The same of all productions at once. */
export function acrossRoutes(app: Api, context: ApiContext, answerOwn: AnswerRelayed): void {
  const ask: Ask = async (request, reply, asked) => ({
    parts: await askAcross({ context, answerOwn, request }, asked, abortSignal(reply)),
  });
  searchRoute(app, ask);
  messageLists(app, ask);
  workLists(app, ask);
}

type Ask = (
  request: FastifyRequest,
  reply: FastifyReply,
  asked: AskedAcross,
) => Promise<Static<typeof Across>>;

function searchRoute(app: Api, ask: Ask): void {
  app.post(
    '/across/messages/search',
    {
      schema: {
        tags,
        description,
        summary: 'Messages of all productions, newest first in each.',
        querystring: AcrossQuery,
        body: AcrossSearch,
        response,
      },
    },
    (request, reply) => {
      const { after, ...criteria } = request.body;
      const { wait } = request.query;
      const bodyFor = (production: string): object | undefined => {
        if (after === undefined) return criteria;
        const next = after.find((one) => one.production === production)?.next;
        return next === undefined ? undefined : { ...criteria, after: next };
      };
      const path = 'messages/search';
      return ask(request, reply, { method: 'POST', path, bodyFor, list: 'items', wait });
    },
  );
}

function messageLists(app: Api, ask: Ask): void {
  app.get(
    '/across/find',
    {
      schema: {
        tags,
        description,
        summary: 'What a pasted text may be, in any production.',
        querystring: AcrossFindQuery,
        response,
      },
    },
    (request, reply) => ask(request, reply, got('find', 'hits', request.query)),
  );

  app.get(
    '/across/failures',
    {
      schema: {
        tags,
        description,
        summary: 'Errors and suspended messages of all productions by host and cause.',
        querystring: AcrossFailuresQuery,
        response,
      },
    },
    (request, reply) => ask(request, reply, got('failures', 'groups', request.query)),
  );
}

function workLists(app: Api, ask: Ask): void {
  app.get(
    '/across/jobs',
    {
      schema: {
        tags,
        description,
        summary: 'Jobs of all productions, newest first in each.',
        querystring: AcrossQuery,
        response,
      },
    },
    (request, reply) => ask(request, reply, got('jobs', 'jobs', request.query)),
  );

  app.get(
    '/across/alerts',
    {
      schema: {
        tags,
        description,
        summary: 'Alerts of all productions, newest first in each.',
        querystring: AcrossAlertsQuery,
        response,
      },
    },
    (request, reply) => ask(request, reply, got('alerts', 'alerts', request.query)),
  );
}

interface Waiting {
  readonly wait?: number | undefined;
  readonly [name: string]: string | number | boolean | undefined;
}

function got(path: string, list: string, { wait, ...query }: Waiting): AskedAcross {
  const asked = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)]],
  );
  const text = new URLSearchParams(asked).toString();
  return { method: 'GET', path: text === '' ? path : `${path}?${text}`, list, wait };
}
