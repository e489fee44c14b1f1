import type { FastifyRequest } from 'fastify';
import type { Principal } from '../../access/rights/principal.ts';
import { principalOf, requirePermission } from '../../access/rights/require-permission.ts';
import { isShown, type Alert as StoredAlert } from '../../operator/alert/alert-store.ts';
import type { AlertDelivery } from '../../operator/alert/delivery-store.ts';
import { type Planned, plannedNow } from '../../operator/alert/maintenance.ts';
import type { Api } from '../../web/api.ts';
import { ApiError } from '../../web/api-error.ts';
import { type Act, audited } from '../acting.ts';
import type { ApiContext } from '../context.ts';
import {
  AcknowledgeRequest,
  Alert,
  AlertParameters,
  AlertQuery,
  Alerts,
  AssignRequest,
  CommentRequest,
  SnoozeRequest,
} from '../contract/alert.ts';
import { shownWithText } from '../shown.ts';

const tags = ['alerts'];
const ALERTS = 200;

export function alertRoutes(app: Api, context: ApiContext): void {
  alertList(app, context);
  actRoutes(app, context);
}

function alertList(app: Api, context: ApiContext): void {
  const { alerts, alerting } = context;

  app.get(
    '/alerts',
    {
      schema: {
        tags,
        summary: 'Alerts, newest first.',
        querystring: AlertQuery,
        response: { 200: Alerts },
      },
      onRequest: requirePermission('dashboard.view'),
    },
    async (request) => {
      const { ended = false, limit = ALERTS } = request.query;
      const principal = principalOf(request);
      const found = (await alerts.list({ ended, limit })).filter((alert) =>
        isShown(alert, principal.visibleHosts),
      );
      const planned = await plannedNow(alerting.maintenance, Date.now());
      const told = Map.groupBy(
        await alerting.deliveries.of(found.map(({ id }) => id)),
        ({ alert }) => alert,
      );
      return {
        alerts: found.map((alert) => ({
          ...asShown(principal, alert),
          planned: ended ? undefined : plannedOf(planned, alert),
          told: (told.get(alert.id) ?? []).flatMap((one) => toldOf(principal, one)),
        })),
      };
    },
  );
}

// oxlint-disable-next-line max-lines-per-function -- one table of routes
function actRoutes(app: Api, context: ApiContext): void {
  const { alerts } = context;
  const params = AlertParameters;
  const response = { 200: Alert };
  const onRequest = requirePermission('alert.ack');

  app.post(
    '/alerts/:id/acknowledge',
    {
      schema: {
        tags,
        summary: 'Takes on an alert: it no longer counts as open. A note becomes a comment.',
        params,
        body: AcknowledgeRequest,
        response,
      },
      onRequest,
    },
    (request) =>
      done(context, request, { action: 'alert.acknowledge' }, async (id, by, via) => {
        const { note } = request.body;
        if (!(await alerts.take(id, by))) await refuse(context, id);
        if (note !== undefined) await alerts.comment(id, { at: Date.now(), by, via, text: note });
      }),
  );

  app.post(
    '/alerts/:id/snooze',
    {
      schema: {
        tags,
        summary: 'Snoozes an alert until a time.',
        params,
        body: SnoozeRequest,
        response,
      },
      onRequest,
    },
    (request) => {
      const { until } = request.body;
      const act = { action: 'alert.snooze', detail: { until } };
      return done(context, request, act, async (id, by) => {
        if (!(await alerts.snooze(id, until, by))) await refuse(context, id);
      });
    },
  );

  app.post(
    '/alerts/:id/comment',
    {
      schema: {
        tags,
        summary: 'Comments on an alert.',
        params,
        body: CommentRequest,
        response,
      },
      onRequest,
    },
    (request) =>
      done(context, request, { action: 'alert.comment' }, (id, by, via) =>
        alerts.comment(id, { at: Date.now(), by, via, text: request.body.text }),
      ),
  );

  app.post(
    '/alerts/:id/assign',
    {
      schema: {
        tags,
        summary: 'Assigns an alert to somebody.',
        params,
        body: AssignRequest,
        response,
      },
      onRequest: requirePermission('alert.manage'),
    },
    (request) => {
      const { to } = request.body;
      const act = { action: 'alert.assign', detail: { to } };
      return done(context, request, act, async (id) => {
        if (!(await alerts.assign(id, to))) await refuse(context, id);
      });
    },
  );
}

/** Why an alert was not changed: a page that is open elsewhere, or has not heard of it yet, may offer what is over. */
async function refuse({ alerts }: ApiContext, id: number): Promise<never> {
  const { ended, owner } = (await alerts.find(id)) ?? {};
  const isTaken = ended === undefined && owner !== undefined;
  const why = isTaken ? `${owner} has taken alert ${id} on meanwhile` : `alert ${id} is over`;
  throw new ApiError(409, 'CONFLICT', why);
}

type AlertRequest = FastifyRequest & { readonly params: { readonly id: number } };

/** Does something with an alert that the caller may see, records it, and notifies all followers. */
async function done(
  context: ApiContext,
  request: AlertRequest,
  { action, detail }: Pick<Act, 'action' | 'detail'>,
  change: (id: number, by: string, via: string) => Promise<void>,
): Promise<StoredAlert> {
  const { id } = request.params;
  const principal = principalOf(request);
  await shownAlert(context, id, principal);
  return audited(context, request, { action, object: `alert ${id}`, detail }, async () => {
    await change(id, principal.name, principal.via);
    const alert = await shownAlert(context, id, principal);
    context.live.tell({ alerts: [{ id, state: alert.state, host: alert.host }] });
    return alert;
  });
}

/** An alert that the caller may see; otherwise 404. */
async function shownAlert(
  { alerts }: ApiContext,
  id: number,
  principal: Principal,
): Promise<StoredAlert> {
  const alert = await alerts.find(id);
  if (alert === undefined || !isShown(alert, principal.visibleHosts)) {
    throw new ApiError(404, 'NOT_FOUND', `there is no alert ${id}`);
  }
  return asShown(principal, alert);
}

function plannedOf(planned: Planned, alert: StoredAlert): Alert['planned'] {
  const work = planned(alert);
  return work === undefined ? undefined : { id: work.id, to: work.to };
}

type ToldOf = NonNullable<Alert['told']>[number];

function toldOf(
  principal: Principal,
  { at, news, recipient, channel, state, messageId, text }: AlertDelivery,
): ToldOf[] {
  if (news === 'test') return [];
  const one = { at, news, to: recipient, channel, state, message: messageId, text };
  return [shownWithText(principal, one)];
}

/** An alert with its text and comments, as somebody may see it. */
function asShown(principal: Principal, alert: StoredAlert): StoredAlert {
  const comments = alert.comments.map((one) => shownWithText(principal, one));
  return { ...shownWithText(principal, alert), comments };
}
