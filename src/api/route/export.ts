import { Readable } from 'node:stream';
import { principalOf, requirePermission } from '../../access/rights/require-permission.ts';
import { whileAllowed } from '../../access/rights/still-allowed.ts';
import { abortSignal } from '../../web/abort-signal.ts';
import type { Api } from '../../web/api.ts';
import { turnstile } from '../../web/turnstile.ts';
import { Type } from '../../web/type.ts';
import { audited } from '../acting.ts';
import type { ApiContext } from '../context.ts';
import { ExportRequest } from '../contract/message.ts';
import { exported } from '../exported.ts';
import { withFields } from '../field-values.ts';
import { checkSearch, listedRecorder } from '../searching.ts';
import { shownMessage } from '../shown.ts';
import { shownTo } from '../shown-to.ts';

const ROWS = 100_000;
const TYPES = { csv: 'text/csv; charset=utf-8', ndjson: 'application/x-ndjson' } as const;

export function exportRoutes(app: Api, context: ApiContext): void {
  const exports = turnstile('exports', 1);
  const listed = listedRecorder(context);

  app.post(
    '/messages/export',
    {
      schema: {
        tags: ['messages'],
        summary: 'The results of a search as CSV or NDJSON, streamed; one at a time per person.',
        body: ExportRequest,
        response: {
          200: {
            content: {
              'text/csv': { schema: Type.String() },
              'application/x-ndjson': { schema: Type.String() },
            },
          },
        },
      },
      onRequest: requirePermission('message.search', 'message.export'),
    },
    async (request, reply) => {
      const { criteria, format, limit = ROWS, fields = [] } = request.body;
      const principal = principalOf(request);
      const { name, visibleHosts: visible } = principal;
      checkSearch(principal, criteria);
      const leave = exports.enter(name);
      reply.raw.once('close', leave);
      const act = {
        action: 'message.export',
        object: 'messages',
        detail: { criteria, format, fields },
      };
      const lines = await audited(context, request, act, async () =>
        exported(
          context.trace,
          { ...criteria, visible },
          {
            format,
            limit,
            fields,
            find: { signal: abortSignal(reply), shown: shownTo(context, principal) },
            show: async (messages) => {
              const shown = messages.map((one) => shownMessage(principal, one));
              const rows = await withFields(context, principal, shown, fields);
              await listed(request, 'message.exported', rows);
              return rows;
            },
          },
        ),
      );
      return reply
        .type(TYPES[format])
        .header('content-disposition', `attachment; filename="messages.${format}"`)
        .send(Readable.from(whileAllowed(request, lines)) as unknown as string);
    },
  );
}
