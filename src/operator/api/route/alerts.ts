import { isShown, type Alert as StoredAlert } from '../../alert/alert-store.ts';
import type { Principal } from '../../rights/principal.ts';
import { principalOf, requirePermission } from '../../rights/require-permission.ts';
import { audited } from '../acting.ts';
import type { Api } from '../api.ts';
import { ApiError } from '../api-error.ts';
import type { ApiContext } from '../context.ts';
import {
  AcknowledgeRequest,
  Alert,
  AlertParameters,
  AlertQuery,
  Alerts,
  SnoozeRequest,
} from '../contract/alert.ts';
import { shownWithText } from '../shown.ts';

const tags = ['alerts'];
const ALERTS = 200;

export function alertRoutes(app: Api, context: ApiContext): void {
  alertList(app, context);
  acknowledgeRoute(app, context);
  snoozeRoute(app, context);
}

function alertList(app: Api, context: ApiContext): void {
  const { alerts } = context;

  app.get(
    '/alerts',
    {
      schema: {
        tags,
        summary: 'What is not as it should be, newest first.',
        querystring: AlertQuery,
        response: { 200: Alerts },
      },
      preHandler: requirePermission('dashboard.view'),
    },
    async (request) => {
      const { ended = false, limit = ALERTS } = request.query;
      const principal = principalOf(request);
      const found = alerts.list({ ended, limit });
      return {
        alerts: found
          .filter((alert) => isShown(alert, principal.visibleHosts))
          .map((alert) => shownWithText(principal, alert)),
      };
    },
  );
}

function acknowledgeRoute(app: Api, context: ApiContext): void {
  const { alerts } = context;

  app.post(
    '/alerts/:id/acknowledge',
    {
      schema: {
        tags,
        summary: 'Takes an alert on: it is no longer counted as open.',
        params: AlertParameters,
        body: AcknowledgeRequest,
        response: { 200: Alert },
      },
      preHandler: requirePermission('alert.ack'),
    },
    (request) => {
      const { id } = request.params;
      const principal = principalOf(request);
      const { name } = principal;
      shownAlert(context, id, principal);
      const act = { action: 'alert.acknowledge', object: `alert ${id}` };
      return audited(context, request, act, async () => {
        alerts.acknowledge(id, name, request.body.note);
        return changedAlert(context, id, principal);
      });
    },
  );
}

function snoozeRoute(app: Api, context: ApiContext): void {
  const { alerts } = context;

  app.post(
    '/alerts/:id/snooze',
    {
      schema: {
        tags,
        summary: 'Puts an alert off until a time.',
        params: AlertParameters,
        body: SnoozeRequest,
        response: { 200: Alert },
      },
      preHandler: requirePermission('alert.ack'),
    },
    (request) => {
      const { id } = request.params;
      const { until } = request.body;
      const principal = principalOf(request);
      const { name } = principal;
      shownAlert(context, id, principal);
      const act = { action: 'alert.snooze', object: `alert ${id}`, detail: { until } };
      return audited(context, request, act, async () => {
        alerts.snooze(id, until, name);
        return changedAlert(context, id, principal);
      });
    },
  );
}

/** An alert that the asker may see; else 404. */
function shownAlert({ alerts }: ApiContext, id: number, principal: Principal): StoredAlert {
  const alert = alerts.find(id);
  if (alert === undefined || !isShown(alert, principal.visibleHosts)) {
    throw new ApiError(404, 'NOT_FOUND', `there is no alert ${id}`);
  }
  return shownWithText(principal, alert);
}

/** The alert after what was done, told to everybody who follows. */
function changedAlert(context: ApiContext, id: number, principal: Principal): StoredAlert {
  const alert = shownAlert(context, id, principal);
  context.live.tell({ alerts: [{ id, state: alert.state, host: alert.host }] });
  return alert;
}
