import { Readable } from 'node:stream';
import type { Api } from '../../web/api.ts';
import { closed, list, maybe, Time, word } from '../../web/schema.ts';
import { Type } from '../../web/type.ts';
import { principalOf, requirePermission } from '../rights/require-permission.ts';
import { whileAllowed } from '../rights/still-allowed.ts';
import type { AuditLog, AuditRow } from './audit-log.ts';

const tags = ['audit'];
const Text = Type.String({ maxLength: 200 });

/** What is said of every act. */
export const ACT = {
  seq: Type.Integer(),
  at: Time,
  actor: Type.String(),
  via: Type.String(),
  ip: Type.String(),
  action: Type.String(),
  object: Type.String(),
  outcome: word('done', 'refused', 'failed'),
};

const Row = Type.Object({
  ...ACT,
  detail: Type.String({ description: 'JSON; values that were searched for are hashed.' }),
  hash: Type.String(),
});

const Query = closed({
  from: maybe(Time),
  to: maybe(Time),
  actor: maybe(Text),
  action: maybe(Text),
  object: maybe(Text),
  before: maybe(Type.Integer({ minimum: 1 })),
  limit: maybe(Type.Integer({ minimum: 1, maximum: 1_000 })),
  searched: maybe(Type.String({ maxLength: 200, description: 'Who searched for this value?' })),
});

/** Routes of the audit log. Reading it is itself recorded in it. */
// oxlint-disable-next-line max-lines-per-function -- one table of routes
export function auditRoutes(api: Api, audit: AuditLog): void {
  const looked = async (
    request: Parameters<typeof principalOf>[0],
    action: string,
    detail: object = {},
  ): Promise<void> => {
    const { name, via } = principalOf(request);
    const entry = { actor: { name, via }, ip: request.ip, object: 'audit', detail: { ...detail } };
    await audit.record({ ...entry, action, outcome: 'done' });
  };

  api.get(
    '/audit',
    {
      schema: {
        tags,
        summary: 'Who did what, newest first.',
        querystring: Query,
        response: { 200: Type.Object({ rows: list(Row) }) },
      },
      onRequest: requirePermission('audit.view'),
    },
    async (request) => {
      const { searched, ...query } = request.query;
      await looked(request, 'audit.view', { ...query, search: { searched } });
      return { rows: await audit.list({ ...query, searched }) };
    },
  );

  api.get(
    '/audit/verify',
    {
      schema: {
        tags,
        summary: 'Whether every row is still as it was written.',
        response: {
          200: Type.Object({
            rows: Type.Integer(),
            broken: maybe(Type.Integer()),
            head: Type.String(),
            sealed: Type.Integer({ description: 'The last row that is sealed by the master key.' }),
          }),
        },
      },
      onRequest: requirePermission('audit.view'),
    },
    async (request) => {
      await looked(request, 'audit.verify');
      return audit.verify();
    },
  );

  api.get(
    '/audit/export',
    {
      schema: {
        tags,
        summary: 'All rows of a period, oldest first, as JSON lines.',
        querystring: closed({ from: maybe(Time), to: maybe(Time) }),
        response: { 200: { content: { 'application/jsonl': { schema: Type.String() } } } },
      },
      onRequest: requirePermission('audit.view'),
    },
    async (request, reply) => {
      await looked(request, 'audit.export', request.query);
      return reply
        .type('application/jsonl')
        .header('content-disposition', 'attachment; filename="audit.jsonl"')
        .send(
          Readable.from(
            whileAllowed(request, linesOf(audit.rows(request.query))),
          ) as unknown as string,
        );
    },
  );
}

async function* linesOf(rows: AsyncIterable<AuditRow>): AsyncGenerator<string> {
  for await (const row of rows) yield `${JSON.stringify(row)}\n`;
}
