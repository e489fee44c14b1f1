import type { FastifyRequest } from 'fastify';
import type { Principal } from '../../access/rights/principal.ts';
import {
  checkSeesAll,
  principalOf,
  requirePermission,
} from '../../access/rights/require-permission.ts';
import { isWorkShown, type Maintenance } from '../../operator/alert/maintenance.ts';
import { endWork, planWork, workOn } from '../../operator/alert/plan-work.ts';
import type { Api } from '../../web/api.ts';
import { ApiError } from '../../web/api-error.ts';
import { audited, checkVisibleHost } from '../acting.ts';
import type { ApiContext } from '../context.ts';
import {
  AlertParameters,
  MaintenanceEnd,
  MaintenanceList,
  MaintenanceQuery,
  MaintenanceRequest,
  Maintenance as Shown,
} from '../contract/alert.ts';
import { shownWithText } from '../shown.ts';

const tags = ['alerts'];
/** How much of what is over is listed. */
const PAST = 100;

/** Planned work on hosts or on the whole production, during which nobody is told of what it causes. */
export function maintenanceRoutes(app: Api, context: ApiContext): void {
  listRoute(app, context);
  planRoute(app, context);
  endRoute(app, context);
}

function listRoute(app: Api, { alerting: { maintenance } }: ApiContext): void {
  app.get(
    '/maintenance',
    {
      schema: {
        tags,
        summary:
          'Work that is planned or under way, during which nobody is told of what it causes.',
        querystring: MaintenanceQuery,
        response: { 200: MaintenanceList },
      },
      onRequest: requirePermission('dashboard.view'),
    },
    async (request) => {
      const principal = principalOf(request);
      const now = Date.now();
      const found =
        request.query.over === true
          ? await maintenance.before(now, PAST)
          : await maintenance.after(now);
      return { maintenance: found.flatMap((one) => visiblePart(principal, one)) };
    },
  );
}

function planRoute(app: Api, context: ApiContext): void {
  const parts = { maintenance: context.alerting.maintenance, engines: context.engines };
  app.post(
    '/maintenance',
    {
      schema: {
        tags,
        summary:
          'Plans work on hosts or on the whole production: until it ends, nobody is told of what it causes. It ends by itself.',
        body: MaintenanceRequest,
        response: { 200: Shown },
      },
      onRequest: requirePermission('alert.manage'),
    },
    (request) => {
      const principal = principalOf(request);
      const { hosts } = request.body;
      checkWork(request, hosts);
      const act = { action: 'maintenance.plan', object: workOn(hosts), detail: request.body };
      return audited(context, request, act, () =>
        planWork(parts, { ...request.body, by: principal.name }),
      );
    },
  );
}

function endRoute(app: Api, context: ApiContext): void {
  const parts = { maintenance: context.alerting.maintenance };
  app.post(
    '/maintenance/:id/until',
    {
      schema: {
        tags,
        summary: 'Changes when planned work ends; a time that is past ends it now.',
        params: AlertParameters,
        body: MaintenanceEnd,
        response: { 200: Shown },
      },
      onRequest: requirePermission('alert.manage'),
    },
    async (request) => {
      const { id } = request.params;
      const { to } = request.body;
      const principal = principalOf(request);
      const known = await parts.maintenance.find(id);
      const [shown] = known === undefined ? [] : visiblePart(principal, known);
      if (known === undefined || shown === undefined)
        throw new ApiError(404, 'NOT_FOUND', `there is no planned work ${id}`);
      const { hosts } = known;
      // without the names of those that are not theirs
      if (shown.hosts.length < hosts.length)
        checkSeesAll(principal, 'change planned work that is about other hosts too');
      checkWork(request, hosts);
      const detail = { hosts, from: known.from, before: known.to, to };
      const act = { action: 'maintenance.until', object: workOn(hosts), detail };
      return audited(context, request, act, () => endWork(parts, id, to));
    },
  );
}

/** Throws unless all that planned work is about is the caller's. */
function checkWork(request: FastifyRequest, hosts: readonly string[]): void {
  if (hosts.length === 0) checkSeesAll(principalOf(request), 'plan work on the whole production');
  for (const host of hosts) checkVisibleHost(request, host);
}

/** As somebody may see it: with the hosts that are theirs. */
function visiblePart(principal: Principal, work: Maintenance): Maintenance[] {
  const { visibleHosts } = principal;
  if (!isWorkShown(work, visibleHosts)) return [];
  const hosts = work.hosts.filter((one) => visibleHosts?.includes(one) ?? true);
  const { text: reason } = shownWithText(principal, { text: work.reason });
  return [{ ...work, hosts, reason }];
}
