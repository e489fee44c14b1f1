import { Readable } from 'node:stream';
import type { Api } from '../../web/api.ts';
import { csvValue } from '../../web/csv.ts';
import { closed, list, maybe, Time } from '../../web/schema.ts';
import { Type } from '../../web/type.ts';
import { principalOf, requirePermission } from '../rights/require-permission.ts';
import { whileAllowed } from '../rights/still-allowed.ts';
import type { AuditLog, AuditQuery, AuditRow } from './audit-log.ts';
import { ACT } from './audit-routes.ts';

const tags = ['audit'];

const Of = {
  patient: Type.String({ minLength: 1, maxLength: 200, description: 'As it stands in messages.' }),
  from: maybe(Time),
  to: maybe(Time),
};

const Access = Type.Object({
  ...ACT,
  /** Why, if it was asked. */
  reason: maybe(Type.String()),
});

const Report = Type.Object({
  people: list(
    Type.Object({
      actor: Type.String(),
      via: Type.String(),
      acts: Type.Integer(),
      first: Time,
      last: Time,
    }),
    { description: 'Who, the latest first; of the whole period.' },
  ),
  rows: list(Access, { description: 'What, newest first.' }),
});

/** Acts on messages: what shows a patient or searches for one. */
const SHOWING = 'message.';
const ROWS = 200;
const PAGE = 1_000;

/**
 * Who saw a patient, for auditors: all acts on messages whose body names that patient, and searches for it. The id is
 * compared by its keyed hash and stands in no address.
 */
// oxlint-disable-next-line max-lines-per-function -- one table of routes
export function accessReportRoutes(api: Api, audit: AuditLog): void {
  const looked = async (
    request: Parameters<typeof principalOf>[0],
    action: string,
    { patient, from, to }: Pick<AuditQuery, 'from' | 'to'> & { readonly patient: string },
  ): Promise<void> => {
    const { name, via } = principalOf(request);
    const entry = { actor: { name, via }, ip: request.ip, object: 'audit' };
    const detail = { from, to, search: { patient } };
    await audit.record({ ...entry, action, outcome: 'done', detail });
  };

  api.post(
    '/audit/access',
    {
      schema: {
        tags,
        summary: 'Who saw a patient or searched for one, and what.',
        body: closed({
          ...Of,
          before: maybe(Type.Integer({ minimum: 1 })),
          limit: maybe(Type.Integer({ minimum: 1, maximum: 1_000 })),
        }),
        response: { 200: Report },
      },
      onRequest: requirePermission('audit.view'),
    },
    async (request) => {
      const { patient, before, limit = ROWS, ...period } = request.body;
      await looked(request, 'audit.access', { patient, ...period });
      const query = { ...period, searched: patient, action: SHOWING };
      const [people, rows] = await Promise.all([
        audit.people(query),
        audit.list({ ...query, before, limit }),
      ]);
      return { people, rows: rows.map(accessOf) };
    },
  );

  api.post(
    '/audit/access/export',
    {
      schema: {
        tags,
        summary: 'The same as CSV, all of it, newest first.',
        body: closed(Of),
        response: { 200: { content: { 'text/csv': { schema: Type.String() } } } },
      },
      onRequest: requirePermission('audit.view'),
    },
    async (request, reply) => {
      const { patient, ...period } = request.body;
      await looked(request, 'audit.access_export', request.body);
      const rows = everyRow(audit, { ...period, searched: patient, action: SHOWING });
      return reply
        .type('text/csv; charset=utf-8')
        .header('content-disposition', 'attachment; filename="access.csv"')
        .send(Readable.from(whileAllowed(request, linesOf(rows))) as unknown as string);
    },
  );
}

function accessOf({ detail, hash: _, seal: _seal, ...row }: AuditRow) {
  const { reason } = JSON.parse(detail) as { readonly reason?: unknown };
  return { ...row, reason: typeof reason === 'string' ? reason : undefined };
}

async function* everyRow(audit: AuditLog, query: AuditQuery): AsyncGenerator<AuditRow> {
  for (let before: number | undefined; ; ) {
    const rows = await audit.list({ ...query, before, limit: PAGE });
    yield* rows;
    before = rows.at(-1)?.seq;
    if (before === undefined || rows.length < PAGE) return;
  }
}

const COLUMNS = ['time', 'who', 'via', 'from', 'did', 'to what', 'outcome', 'reason'];

async function* linesOf(rows: AsyncIterable<AuditRow>): AsyncGenerator<string> {
  yield `${COLUMNS.join(',')}\r\n`;
  for await (const row of rows) {
    const { at, actor, via, ip, action, object, outcome, reason = '' } = accessOf(row);
    const values = [new Date(at).toISOString(), actor, via, ip, action, object, outcome, reason];
    yield `${values.map(csvValue).join(',')}\r\n`;
  }
}
