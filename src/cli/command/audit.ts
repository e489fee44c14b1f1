import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Command } from 'commander';
import { type AuditLog, auditLog } from '../../access/audit/audit-log.ts';
import { EngineError } from '../../error/engine-error.ts';
import { type MetaPlaceFlags, metaPlace, metaPlaceOptions } from '../meta-place.ts';
import { print, say, table } from '../output.ts';

interface AuditFlags extends MetaPlaceFlags {
  readonly actor?: string;
  readonly action?: string;
  readonly object?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit?: string;
  readonly anchor?: string;
  readonly head?: string;
  readonly json?: boolean;
}

/** `waybill audit list|verify|export`: who did what in the console and at the command line. */
export function auditCommand(): Command {
  const command = new Command('audit').description('Reads and verifies the audit log.');
  const sub = (name: string, description: string): Command =>
    metaPlaceOptions(command.command(name).description(description));

  times(sub('list', 'Lists acts, newest first.'))
    .option('--actor <name>', 'by one person or machine')
    .option('--action <action>', 'or its beginning, such as message.')
    .option('--object <object>', 'such as "message 123"')
    .option('--limit <count>', 'at most', '100')
    .option('--json', 'for programs')
    .action(list);
  sub('verify', 'Verifies that every act is still as it was written.')
    .option(
      '--anchor <hash or file>',
      'a hash that was kept elsewhere, or a file with hashes (an export, the log of the process): shows that nothing was cut off or rewritten',
    )
    .option('--head <hash>', 'the same')
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
  const { rows, broken, head, sealed } = await audit.verify();
  const known = flags.anchor ?? flags.head;
  if (broken !== undefined) {
    throw new EngineError(
      'STORE_UNAVAILABLE',
      `row ${broken} of the audit log was changed, or acts were cut off there`,
    );
  }
  if (known !== undefined) await checkAnchor(audit, known);
  print(head);
  say(
    `${rows} acts are unchanged${sealedText(rows, sealed)}. Keep this hash elsewhere to prove later that none was cut off.`,
  );
}

function sealedText(rows: number, sealed: number): string {
  if (sealed === 0) return ', by their chain only: no seal by a master key known here';
  return sealed === rows
    ? ', sealed by the master key'
    : `, sealed by the master key up to ${sealed}`;
}

/** Throws STORE_UNAVAILABLE if an act that was recorded elsewhere is not in the log. */
async function checkAnchor(audit: AuditLog, given: string): Promise<void> {
  const missing = new Set(await anchorsOf(given));
  if (missing.size === 0)
    throw new EngineError('QUERY_INVALID', '--anchor is neither a hash nor a file with one');
  for await (const { hash } of audit.rows({})) missing.delete(hash);
  if (missing.size === 0) return;
  throw new EngineError(
    'STORE_UNAVAILABLE',
    `${missing.size} of the acts of --anchor are no longer in the audit log: acts were cut off or rewritten`,
  );
}

const HASH = /^[\da-f]{64}$/i;

/** From an export, or from a process log that recorded them. */
async function anchorsOf(given: string): Promise<readonly string[]> {
  if (HASH.test(given)) return [given.toLowerCase()];
  if (!existsSync(given)) return [];
  const found: string[] = [];
  for await (const line of createInterface({ input: createReadStream(given) })) {
    if (HASH.test(line)) found.push(line.toLowerCase());
    for (const [, hash = ''] of line.matchAll(/"(?:hash|head)":"([\da-f]{64})"/g)) found.push(hash);
  }
  return found;
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
  throw new EngineError('QUERY_INVALID', `${text} is not a time such as 2026-01-31T08:00`);
}

const times = (of: Command): Command =>
  of.option('--from <time>', 'ISO 8601').option('--to <time>', 'ISO 8601');
