import {
  checkPermission,
  checkSeesAll,
  principalOf,
  requirePermission,
} from '../../access/rights/require-permission.ts';
import type { Api } from '../../web/api.ts';
import { audited } from '../acting.ts';
import type { ApiContext } from '../context.ts';
import { ProductionMap, ReloadReport, ReloadRequest } from '../contract/host.ts';
import { Status } from '../contract/status.ts';
import { hostsOf, leftOf } from '../hosts-of.ts';
import { shownHost } from '../shown.ts';
import { statusOf } from '../status-of.ts';

export function productionRoutes(app: Api, context: ApiContext): void {
  statusRoute(app, context);
  mapRoute(app, context);
  reloadRoute(app, context);
}

function statusRoute(app: Api, context: ApiContext): void {
  app.get(
    '/status',
    {
      schema: {
        tags: ['production'],
        summary: 'The dashboard: hosts by state, rates, queues, errors, certificates, lag.',
        response: { 200: Status },
      },
      onRequest: requirePermission('dashboard.view'),
    },
    (request) => statusOf(context, principalOf(request).visibleHosts),
  );
}

function mapRoute(app: Api, context: ApiContext): void {
  const { engines } = context;

  app.get(
    '/production/map',
    {
      schema: {
        tags: ['production'],
        summary: 'Hosts and who sends to whom.',
        response: { 200: ProductionMap },
      },
      onRequest: requirePermission('production.view'),
    },
    async (request) => {
      const [description, reports] = await Promise.all([engines.describe(), engines.status()]);
      const { name, title, settings, alerts, edges } = description;
      const viewer = principalOf(request);
      const hosts = hostsOf(description, reports, viewer.visibleHosts).map((one) =>
        shownHost(viewer, one),
      );
      const shown = new Set(hosts.map((host) => host.name));
      return {
        name,
        title,
        hosts,
        edges: edges.filter(({ from, to }) => shown.has(from) && shown.has(to)),
        settings,
        // whom alerts go to may be addresses of people
        alerts: viewer.permissions.has('config.view') ? alerts : undefined,
        engines: reports.map(({ engine, started }) => ({ engine, started })),
        left: leftOf(reports, viewer.visibleHosts),
      };
    },
  );
}

function reloadRoute(app: Api, context: ApiContext): void {
  const { engines } = context;

  app.post(
    '/production/reload',
    {
      schema: {
        tags: ['production'],
        summary: 'Reads the files again; shows what would change, or applies it.',
        body: ReloadRequest,
        response: { 200: ReloadReport },
      },
      onRequest: requirePermission('config.view'),
    },
    async (request) => {
      const { dryRun, reason, leaveWaiting, version: expected } = request.body;
      const principal = principalOf(request);
      checkSeesAll(principal, 'read or change the configuration');
      const by = principal.name;
      if (dryRun) return { applied: false, ...(await engines.reload({ dryRun, by })) };
      checkPermission(principal, 'config.deploy');
      const act = { action: 'config.deploy', object: 'production', detail: { reason } };
      return audited(context, request, act, async () => ({
        applied: true,
        ...(await engines.reload({ dryRun, by, reason, leaveWaiting, expected })),
      }));
    },
  );
}
