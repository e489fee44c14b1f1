import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { EngineError } from '../error/engine-error.ts';
import { type AuditLog, auditLog } from '../operator/audit/audit-log.ts';
import { type MetaPlaceFlags, metaPlace, metaPlaceOptions } from './meta-place.ts';
import { print, say, table } from './output.ts';

interface AuditFlags extends MetaPlaceFlags {
  readonly actor?: string;
  readonly action?: string;
  readonly object?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit?: string;
  readonly head?: string;
  readonly json?: boolean;
}

/** `waybill audit list|verify|export`: who did what in the console and at the command line. */
export function auditCommand(): Command {
  const command = new Command('audit').description('Reads and proves the audit log.');
  const sub = (name: string, description: string): Command =>
    metaPlaceOptions(command.command(name).description(description));

  times(sub('list', 'Lists acts, newest first.'))
    .option('--actor <name>', 'of one person or machine')
    .option('--action <action>', 'or its beginning, such as message.')
    .option('--object <object>', 'such as "message 123"')
    .option('--limit <count>', 'at most', '100')
    .option('--json', 'for programs')
    .action(list);
  sub('verify', 'Proves that every act is still as it was written.')
    .option(
      '--head <hash>',
      'a hash that an earlier verify printed: shows that nothing was cut off',
    )
    .action(verify);
  times(sub('export', 'Prints acts, oldest first, as JSON lines.')).action(exportAll);
  return command;
}

async function list(flags: AuditFlags): Promise<void> {
  await using audit = await openAudit(flags);
  const { actor, action, object } = flags;
  const rows = await audit.list({
    ...range(flags),
    actor,
    action,
    object,
    limit: Number(flags.limit),
  });
  if (flags.json === true) print(JSON.stringify(rows));
  else {
    const cells = rows.map((row) => [
      new Date(row.at).toISOString(),
      row.actor,
      row.action,
      row.object,
      row.outcome,
    ]);
    print(table(cells));
  }
}

async function verify(flags: AuditFlags): Promise<void> {
  await using audit = await openAudit(flags);
  const { rows, broken, head } = await audit.verify();
  const { head: known } = flags;
  if (broken !== undefined) {
    throw new EngineError(
      'STORE_UNAVAILABLE',
      `row ${broken} of the audit log is not as it was written`,
    );
  }
  if (known !== undefined && !(await holds(audit, known))) {
    throw new EngineError(
      'STORE_UNAVAILABLE',
      'the act of --head is no longer in the audit log: acts were cut off',
    );
  }
  print(head);
  say(
    `${rows} acts are as they were written. Keep this hash elsewhere to show later that none was cut off.`,
  );
}

async function holds(audit: AuditLog, known: string): Promise<boolean> {
  for await (const { hash } of audit.rows({})) if (hash === known) return true;
  return false;
}

async function exportAll(flags: AuditFlags): Promise<void> {
  await using audit = await openAudit(flags);
  for await (const row of audit.rows(range(flags))) print(JSON.stringify(row));
}

async function openAudit(flags: AuditFlags): Promise<AuditLog> {
  const { data, trace } = flags;
  if (trace !== undefined || existsSync(join(data, 'audit.db'))) return auditLog(metaPlace(flags));
  throw new EngineError(
    'NOT_FOUND',
    `there is no audit log in ${data}; name the folder with --data`,
  );
}

function range({ from, to }: AuditFlags): { from?: number; to?: number } {
  return {
    ...(from === undefined ? {} : { from: timeOf(from) }),
    ...(to === undefined ? {} : { to: timeOf(to) }),
  };
}

function timeOf(text: string): number {
  const time = Date.parse(text);
  if (!Number.isNaN(time)) return time;
  throw new EngineError('QUERY_INVALID', `${text} is no time such as 2026-01-31T08:00`);
}

const times = (of: Command): Command =>
  of.option('--from <time>', 'ISO 8601').option('--to <time>', 'ISO 8601');
