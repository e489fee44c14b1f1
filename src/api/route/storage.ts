import {
  checkSeesAll,
  principalOf,
  requirePermission,
} from '../../access/rights/require-permission.ts';
import type { Ending } from '../../control/certificate-report.ts';
import type { Api } from '../../web/api.ts';
import { Done, IdParameters } from '../../web/schema.ts';
import { audited } from '../acting.ts';
import { visibleCertificates } from '../certificate-users.ts';
import type { ApiContext } from '../context.ts';
import { Certificates, HoldRequest, PurgeReport, Storage } from '../contract/storage.ts';
import { holdList } from '../hold-list.ts';
import { sessionFor } from '../session-for.ts';

const tags = ['storage'];

export function storageRoutes(app: Api, context: ApiContext): void {
  usageRoutes(app, context);
  holdRoutes(app, context);
  certificateRoute(app, context);
}

function usageRoutes(app: Api, context: ApiContext): void {
  const { keep, usage } = context;
  const holds = holdList(context.meta);

  app.get(
    '/storage',
    {
      schema: {
        tags,
        summary: 'The size of the trace, and what it keeps.',
        response: { 200: Storage },
      },
      onRequest: requirePermission('dashboard.view'),
    },
    async (request) => {
      const { visibleHosts: visible } = principalOf(request);
      // a reason may name a patient of any host
      const shown = visible === undefined ? await holds.list(Date.now()) : [];
      const jobs = await context.jobs.store.size();
      return { keep: keep(), ...(await usage()), holds: shown, jobs };
    },
  );

  app.post(
    '/storage/purge',
    {
      schema: {
        tags,
        summary:
          'Removes now what is settled and past its retention, and reports what stayed and why.',
        response: { 200: PurgeReport },
      },
      onRequest: requirePermission('purge.manage'),
    },
    (request) => {
      checkSeesAll(principalOf(request), 'purge the trace');
      return audited(context, request, { action: 'storage.purge', object: 'trace' }, context.purge);
    },
  );
}

function holdRoutes(app: Api, context: ApiContext): void {
  const { trace } = context;
  const holds = holdList(context.meta);

  app.put(
    '/storage/holds/:id',
    {
      schema: {
        tags,
        summary: 'Keeps a session from being purged.',
        params: IdParameters,
        body: HoldRequest,
        response: { 200: Done },
      },
      onRequest: requirePermission('purge.manage'),
    },
    async (request) => {
      const { id } = request.params;
      await sessionFor(trace, id, principalOf(request).visibleHosts);
      const hold = { ...request.body, by: principalOf(request).name };
      const act = { action: 'storage.hold', object: `session ${id}`, detail: hold };
      return audited(context, request, act, async () => {
        await trace.hold(id, hold);
        await holds.add({ sessionId: id, at: Date.now(), ...hold });
        return { done: true as const };
      });
    },
  );

  app.delete(
    '/storage/holds/:id',
    {
      schema: {
        tags,
        summary: 'Lets a session be purged again.',
        params: IdParameters,
        response: { 200: Done },
      },
      onRequest: requirePermission('purge.manage'),
    },
    async (request) => {
      const { id } = request.params;
      const { visibleHosts: visible } = principalOf(request);
      if (visible !== undefined) await sessionFor(trace, id, visible);
      const act = { action: 'storage.release', object: `session ${id}` };
      return audited(context, request, act, async () => {
        await trace.release(id);
        await holds.remove(id);
        return { done: true as const };
      });
    },
  );
}

function certificateRoute(app: Api, context: ApiContext): void {
  const { engines } = context;

  app.get(
    '/certificates',
    {
      schema: {
        tags,
        summary:
          'What expires: our certificates, those of authorities and peers, revocation lists.',
        response: { 200: Certificates },
      },
      onRequest: requirePermission('production.view'),
    },
    async (request) => {
      const { visibleHosts: visible } = principalOf(request);
      const [certificates, description] = await Promise.all([
        engines.certificates(),
        engines.describe(),
      ]);
      const now = Date.now();
      return {
        certificates: visibleCertificates(certificates, description, visible).map(
          ({ hosts: usedBy, ends, ...report }) => ({
            ...report,
            ends: ends && { subject: ends.subject, at: ends.at, state: stateOf(ends, now) },
            usedBy,
          }),
        ),
      };
    },
  );
}

function stateOf({ at, warn, urgent }: Ending, now: number): 'good' | 'soon' | 'urgent' | 'ended' {
  if (at <= now) return 'ended';
  if (urgent <= now) return 'urgent';
  return warn <= now ? 'soon' : 'good';
}
