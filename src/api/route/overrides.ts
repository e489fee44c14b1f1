import { principalOf, requirePermission } from '../../access/rights/require-permission.ts';
import type { Api } from '../../web/api.ts';
import { ApiError } from '../../web/api-error.ts';
import { Done } from '../../web/schema.ts';
import { audited, checkVisibleHost } from '../acting.ts';
import type { ApiContext } from '../context.ts';
import { OverrideParameters, OverrideRequest } from '../contract/host.ts';

const tags = ['hosts'];
const onRequest = requirePermission('host.settings.override');

/**
 * Settings that a person makes for a host for a limited time: they expire by themselves and are
 * visible to everybody on the host.
 */
export function overrideRoutes(app: Api, context: ApiContext): void {
  const { engines } = context;

  app.put(
    '/hosts/:host/overrides/:kind',
    {
      schema: {
        tags,
        summary: 'Holds a host, changes its log level or sets it to test mode, for a while.',
        params: OverrideParameters,
        body: OverrideRequest,
        response: { 200: Done },
      },
      onRequest,
    },
    (request) => {
      const { host, kind } = request.params;
      const { level, for: time, reason } = request.body;
      checkVisibleHost(request, host);
      if ((kind === 'log-level') !== (level !== undefined)) {
        throw new ApiError(400, 'REQUEST_INVALID', 'level is for log-level, which needs it');
      }
      const act = { action: 'host.override', object: `host ${host}`, detail: request.body };
      return audited(context, request, { ...act, detail: { kind, ...act.detail } }, async () => {
        const at = Date.now();
        const { name: by } = principalOf(request);
        await engines.override({
          host,
          kind,
          set: { host, kind, level, by, reason, at, until: at + time },
        });
        return { done: true as const };
      });
    },
  );

  app.delete(
    '/hosts/:host/overrides/:kind',
    {
      schema: {
        tags,
        summary: 'Ends an override now.',
        params: OverrideParameters,
        response: { 200: Done },
      },
      onRequest,
    },
    (request) => {
      const { host, kind } = request.params;
      checkVisibleHost(request, host);
      const act = { action: 'host.override_end', object: `host ${host}`, detail: { kind } };
      return audited(context, request, act, async () => {
        await engines.override({ host, kind });
        return { done: true as const };
      });
    },
  );
}
