import type { FastifyRequest } from 'fastify';
import type { Principal } from '../../access/rights/principal.ts';
import {
  checkPermission,
  principalOf,
  requirePermission,
} from '../../access/rights/require-permission.ts';
import { keyIdOf } from '../../control/orders.ts';
import { timeOfId } from '../../message/id.ts';
import { masked } from '../../trace/masked.ts';
import type { Api } from '../../web/api.ts';
import { ApiError } from '../../web/api-error.ts';
import { Done } from '../../web/schema.ts';
import { audited, checkVisibleHost } from '../acting.ts';
import type { ApiContext } from '../context.ts';
import {
  BatchList,
  CloseBatchRequest,
  ClosedBatch,
  KeyIdParameters,
  RemoveStateRequest,
  SharedStates,
  SharedStateValue,
  StateQuery,
  SubscriberList,
  SubscriberQuery,
  TurnSubscriberRequest,
  Waits,
} from '../contract/kept.ts';

const tags = ['durable work'];
/** What belongs to a key and not to one message: who waits, what is collected, what messages share. */
export function keptRoutes(app: Api, context: ApiContext): void {
  waitRoutes(app, context);
  batchRoutes(app, context);
  stateRoutes(app, context);
  subscriberRoutes(app, context);
  stateActs(app, context);
}

function waitRoutes(app: Api, { engines }: ApiContext): void {
  app.get(
    '/waits',
    {
      schema: {
        tags,
        summary:
          'Messages that wait for others (`context.receive`), and those that came too early.',
        response: { 200: Waits },
      },
      onRequest: requirePermission('queue.view'),
    },
    async (request) => {
      const viewer = principalOf(request);
      const { items, cut } = await engines.waits();
      const waits = items
        .filter(({ host }) => isVisible(viewer, host))
        .map(({ key, message, ...wait }) => ({
          ...wait,
          ...shownKey(viewer, key),
          messageId: message,
          since: timeOfId(message),
        }));
      return { waits: waits.toSorted((one, other) => one.since - other.since), cut };
    },
  );
}

function batchRoutes(app: Api, context: ApiContext): void {
  const { engines } = context;
  app.get(
    '/batches',
    {
      schema: {
        tags,
        summary: 'What processes collect (`collect`), before a message is made of it.',
        response: { 200: BatchList },
      },
      onRequest: requirePermission('queue.view'),
    },
    async (request) => {
      const viewer = principalOf(request);
      const all = await engines.batches();
      const batches = all
        .filter(({ host }) => isVisible(viewer, host))
        .map(({ key, ...batch }) => ({ ...batch, ...shownKey(viewer, key) }));
      return { batches };
    },
  );

  app.post(
    '/batches/close',
    {
      schema: {
        tags,
        summary: 'Makes a message of what is collected now, or discards it.',
        body: CloseBatchRequest,
        response: { 200: ClosedBatch },
      },
      onRequest: requirePermission('queue.abort'),
    },
    async (request) => {
      const { host, keyId, discard = false, reason } = request.body;
      if (discard) checkPermission(principalOf(request), 'deadletter.discard');
      checkVisibleHost(request, host);
      const batch = (await engines.batches()).find(
        (one) => one.host === host && one.closed === undefined && keyIdOf(one.key) === keyId,
      );
      if (batch === undefined)
        throw new ApiError(404, 'NOT_FOUND', `${host} collects nothing under this key any more`);
      const detail = { keyId, parts: batch.parts, reason };
      const action = discard ? 'batch.discard' : 'batch.release';
      return audited(context, request, { action, object: `host ${host}`, detail }, () =>
        engines.closeBatch({ host, key: batch.key, discard, by: principalOf(request).name }),
      );
    },
  );
}

function stateRoutes(app: Api, { engines }: ApiContext): void {
  app.get(
    '/state',
    {
      schema: {
        tags,
        summary: 'What messages share (`context.state`), without the values.',
        querystring: StateQuery,
        response: { 200: SharedStates },
      },
      onRequest: requirePermission('queue.view'),
    },
    async (request) => {
      const viewer = principalOf(request);
      const { items, cut } = await engines.states({ key: request.query.key });
      const entries = items
        .filter(({ by }) => isVisible(viewer, by.host))
        .map(({ key, by: { host, message }, ...entry }) => ({
          ...entry,
          ...shownKey(viewer, key),
          host,
          messageId: message,
        }));
      return { entries, cut };
    },
  );
}

function subscriberRoutes(app: Api, context: ApiContext): void {
  const { engines } = context;
  app.get(
    '/subscribers',
    {
      schema: {
        tags,
        summary: 'Who is told of something: subscriptions of FHIR, those in trouble first.',
        querystring: SubscriberQuery,
        response: { 200: SubscriberList },
      },
      onRequest: requirePermission('queue.view'),
    },
    async (request) => {
      const viewer = principalOf(request);
      const { items, cut, next } = await engines.subscribers({
        ...request.query,
        hosts: viewer.visibleHosts,
      });
      const subscribers = items
        .filter(({ host }) => isVisible(viewer, host))
        .map((one) => ({ ...one, about: viewer.unmasked ? one.about : masked(one.about) }));
      return { subscribers, cut, next };
    },
  );

  app.post(
    '/subscribers/turn',
    {
      schema: {
        tags,
        summary: 'Switches a subscriber off, which its owner cannot undo, or on again.',
        body: TurnSubscriberRequest,
        response: { 200: Done },
      },
      onRequest: requirePermission('host.control'),
    },
    async (request) => {
      const { reason, ...order } = request.body;
      checkVisibleHost(request, order.host);
      const action = order.on ? 'subscriber.on' : 'subscriber.off';
      const act = { action, object: `host ${order.host}`, detail: { id: order.id, reason } };
      return audited(context, request, act, async () => {
        await engines.turnSubscriber({ ...order, by: principalOf(request).name });
        return { done: true as const };
      });
    },
  );
}

function stateActs(app: Api, context: ApiContext): void {
  const { engines } = context;
  app.get(
    '/state/:keyId',
    {
      schema: {
        tags,
        summary: 'One value that messages share; a view of content, and recorded as such.',
        params: KeyIdParameters,
        response: { 200: SharedStateValue },
      },
      onRequest: requirePermission('queue.view', 'message.content'),
    },
    async (request) => {
      const { keyId } = request.params;
      const { key } = await stateOf(context, request, keyId);
      const { unmasked } = principalOf(request);
      const detail = { keyId, masked: !unmasked };
      const act = { action: 'state.view', object: 'state', detail };
      return audited(context, request, act, async () => {
        const { value } = await engines.stateValue(key);
        if (value === undefined) throw noState();
        const text = JSON.stringify(unmasked ? value : maskedJson(value), undefined, 2);
        return { value: text, masked: !unmasked };
      });
    },
  );

  app.post(
    '/state/:keyId/remove',
    {
      schema: {
        tags,
        summary: 'Removes what messages share under a key: the next message finds nothing.',
        params: KeyIdParameters,
        body: RemoveStateRequest,
        response: { 200: Done },
      },
      onRequest: requirePermission('queue.abort'),
    },
    async (request) => {
      const { keyId } = request.params;
      const { key } = await stateOf(context, request, keyId);
      const detail = { keyId, reason: request.body.reason };
      const act = { action: 'state.remove', object: 'state', detail };
      return audited(context, request, act, async () => {
        const by = principalOf(request).name;
        const { removed } = await engines.removeState({ key, by });
        if (!removed) throw noState();
        return { done: true as const };
      });
    },
  );
}

/** The entry that an id stands for. */
async function stateOf({ engines }: ApiContext, request: FastifyRequest, keyId: string) {
  const viewer = principalOf(request);
  const { items } = await engines.states({ keyId });
  const found = items.find(({ by }) => isVisible(viewer, by.host));
  if (found === undefined) throw noState();
  return found;
}

const noState = (): ApiError =>
  new ApiError(404, 'NOT_FOUND', 'messages share nothing under this key any more');

const isVisible = ({ visibleHosts }: Principal, host: string): boolean =>
  visibleHosts?.includes(host) ?? true;

const shownKey = ({ unmasked }: Principal, key: string) => ({
  keyId: keyIdOf(key),
  key: unmasked ? key : masked(key),
});

/** Values with their letters and digits hidden; names of fields stay unless they look like an id. */
function maskedJson(value: unknown): unknown {
  if (typeof value === 'string') return masked(value);
  if (typeof value === 'number') return masked(String(value));
  if (Array.isArray(value)) return value.map(maskedJson);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [
      /\d/.test(name) ? masked(name) : name,
      maskedJson(one),
    ]),
  );
}
