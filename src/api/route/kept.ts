import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { masked } from '../../access/rights/mask/masked.ts';
import type { Principal } from '../../access/rights/principal.ts';
import {
  checkPermission,
  principalOf,
  requirePermission,
} from '../../access/rights/require-permission.ts';
import { type Keyed, type KeyedFound, keyed } from '../../broker/keyed.ts';
import type { Mailbox } from '../../flow/mailbox.ts';
import { current, type StoredState, statePlace } from '../../flow/shared-state.ts';
import { timeOfId } from '../../message/id.ts';
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
  Waits,
} from '../contract/kept.ts';

const tags = ['durable work'];
/** Entries of one list. */
const LISTED = 1_000;

/** What belongs to a key and not to one message: who waits, what is collected, what messages share. */
export function keptRoutes(app: Api, context: ApiContext): void {
  waitRoutes(app, context);
  batchRoutes(app, context);
  stateRoutes(app, context);
  stateActs(app, context);
}

function waitRoutes(app: Api, { broker }: ApiContext): void {
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
      const waits: Waits['waits'][number][] = [];
      for await (const { value, place } of keyed(broker).all<Mailbox>('mail')) {
        const { host, key } = place;
        if (!isVisible(viewer, host)) continue;
        const of = { host, ...shownKey(viewer, key) };
        for (const { message, when, until } of value.waiters)
          waits.push({ ...of, ...waiting(message, until), state: 'waits', when });
        for (const { id, until } of value.early)
          waits.push({ ...of, ...waiting(id, until), state: 'early' });
        if (waits.length > LISTED) return { waits: waits.slice(0, LISTED), cut: true };
      }
      return { waits: waits.toSorted((a, b) => a.since - b.since), cut: false };
    },
  );
}

const waiting = (messageId: number, until: number) => ({
  messageId,
  since: timeOfId(messageId),
  until,
});

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
        (one) => one.host === host && one.closed === undefined && idOf(one.key) === keyId,
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

function stateRoutes(app: Api, context: ApiContext): void {
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
      const entries: SharedStates['entries'][number][] = [];
      for await (const { value, place } of statesOf(context, request.query.key)) {
        const { at, until, by } = value;
        const shared = current(value);
        if (shared === undefined || !isVisible(viewer, by.host)) continue;
        if (entries.length === LISTED) return { entries, cut: true };
        entries.push({
          ...shownKey(viewer, place.key),
          bytes: Buffer.byteLength(JSON.stringify(shared)),
          at,
          until,
          host: by.host,
          messageId: by.message,
        });
      }
      return { entries, cut: false };
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
      const { value } = await stateOf(context, request, request.params.keyId);
      const { unmasked } = principalOf(request);
      const detail = { keyId: request.params.keyId, masked: !unmasked };
      return audited(context, request, { action: 'state.view', object: 'state', detail }, () => {
        const shared = current(value);
        const text = JSON.stringify(unmasked ? shared : maskedJson(shared), undefined, 2);
        return Promise.resolve({ value: text, masked: !unmasked });
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
      const { place } = await stateOf(context, request, keyId);
      const detail = { keyId, reason: request.body.reason };
      const act = { action: 'state.remove', object: 'state', detail };
      return audited(context, request, act, async () => {
        const by = principalOf(request).name;
        const { removed } = await engines.removeState({ key: place.key, by });
        if (!removed) throw noState();
        return { done: true as const };
      });
    },
  );
}

/** The entry under a key, or all of them. */
async function* statesOf(
  { broker }: ApiContext,
  key: string | undefined,
): AsyncGenerator<Pick<KeyedFound<StoredState>, 'value' | 'place'>> {
  const entries: Keyed = keyed(broker);
  if (key === undefined) {
    yield* entries.all<StoredState>('state');
    return;
  }
  const place = statePlace(key);
  const { value } = await entries.read<StoredState>(place);
  if (value !== undefined) yield { value, place };
}

async function stateOf(context: ApiContext, request: FastifyRequest, keyId: string) {
  const viewer = principalOf(request);
  for await (const { value, place } of statesOf(context, undefined)) {
    if (idOf(place.key) !== keyId || current(value) === undefined) continue;
    if (isVisible(viewer, value.by.host)) return { value, place };
  }
  throw noState();
}

const noState = (): ApiError =>
  new ApiError(404, 'NOT_FOUND', 'messages share nothing under this key any more');

const isVisible = ({ visibleHosts }: Principal, host: string): boolean =>
  visibleHosts?.includes(host) ?? true;

const idOf = (key: string): string => createHash('sha256').update(key).digest('base64url');

const shownKey = ({ unmasked }: Principal, key: string) => ({
  keyId: idOf(key),
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
