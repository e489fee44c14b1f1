import type { ProductionDescription } from '../../../production/describe-production.ts';
import { principalOf, requirePermission } from '../../rights/require-permission.ts';
import { audited } from '../acting.ts';
import type { Api } from '../api.ts';
import type { ApiContext } from '../context.ts';
import { Done } from '../contract/host.ts';
import { IdParameters } from '../contract/schema.ts';
import { Certificates, HoldRequest, PurgeReport, Storage } from '../contract/storage.ts';
import { holdList } from '../hold-list.ts';

const tags = ['storage'];

export function storageRoutes(app: Api, context: ApiContext): void {
  usageRoutes(app, context);
  holdRoutes(app, context);
  certificateRoute(app, context);
}

function usageRoutes(app: Api, context: ApiContext): void {
  const { keep, usage } = context;
  const holds = holdList(context.meta.database);

  app.get(
    '/storage',
    {
      schema: { tags, summary: 'What the trace takes and keeps.', response: { 200: Storage } },
      preHandler: requirePermission('dashboard.view'),
    },
    async () => ({ keep: keep(), ...(await usage()), holds: holds.list(Date.now()) }),
  );

  app.post(
    '/storage/purge',
    {
      schema: {
        tags,
        summary: 'Removes now what is settled and past its time, and says what stayed and why.',
        response: { 200: PurgeReport },
      },
      preHandler: requirePermission('purge.manage'),
    },
    (request) =>
      audited(context, request, { action: 'storage.purge', object: 'trace' }, context.purge),
  );
}

function holdRoutes(app: Api, context: ApiContext): void {
  const { trace } = context;
  const holds = holdList(context.meta.database);

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
      preHandler: requirePermission('purge.manage'),
    },
    (request) => {
      const { id } = request.params;
      const hold = { ...request.body, by: principalOf(request).name };
      const act = { action: 'storage.hold', object: `session ${id}`, detail: hold };
      return audited(context, request, act, async () => {
        await trace.hold(id, hold);
        holds.add({ sessionId: id, at: Date.now(), ...hold });
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
      preHandler: requirePermission('purge.manage'),
    },
    (request) => {
      const { id } = request.params;
      const act = { action: 'storage.release', object: `session ${id}` };
      return audited(context, request, act, async () => {
        await trace.release(id);
        holds.remove(id);
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
        summary: 'Certificates of the production, with who uses them.',
        response: { 200: Certificates },
      },
      preHandler: requirePermission('production.view'),
    },
    async () => {
      const [certificates, description] = await Promise.all([
        engines.certificates(),
        engines.describe(),
      ]);
      return {
        certificates: certificates.map(({ chain, problem, credential }) => ({
          credential,
          problem,
          chain: chain.map((one) => ({
            ...one,
            notBefore: Date.parse(one.notBefore),
            notAfter: Date.parse(one.notAfter),
          })),
          usedBy: usersOf(credential, description),
        })),
      };
    },
  );
}

/** Hosts with a setting of kind credential that names it. */
function usersOf(credential: string, { hosts, adapters }: ProductionDescription): string[] {
  return hosts
    .filter(({ adapter, settings }) =>
      settings.some(
        ({ of, path, value }) =>
          of === 'adapter' &&
          value === credential &&
          adapters[adapter ?? '']?.settings[path]?.kind === 'credential',
      ),
    )
    .map(({ name }) => name);
}
