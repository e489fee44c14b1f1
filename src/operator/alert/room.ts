import type { HostReport, StatusReport } from '../../control/engine-report.ts';
import { describeDuration } from '../../time/duration.ts';
import { describeSize } from '../../time/size.ts';
import type { AlertCondition, Disk, Seen } from './condition.ts';

/* What has no room left for messages, and who refuses them for that. */

const GIGABYTE = 1024 ** 3;

/** Below 10 % (at most 20 GB) people are told, of a queue below 20 %; below 5 % (at most 5 GB) it is an error. */
export function diskConditions({
  description,
  reports,
  disks = [],
}: Pick<Seen, 'description' | 'reports' | 'disks'>): AlertCondition[] {
  const engines = reports.flatMap(({ engine, disk }): Disk[] =>
    disk === undefined ? [] : [{ name: `the disk of engine ${engine}`, ...disk }],
  );
  // nobody sends to a host that was taken out, whatever is left in its queue
  const isUsed = ({ host }: Disk): boolean =>
    host === undefined || description.hosts.some(({ name }) => name === host);
  const all = [...engines, ...disks.filter(isUsed)];
  return all.flatMap((disk, n) => {
    const { name, id, host, free, total } = disk;
    // a file system that several write to is reported once
    if (all.findIndex((one) => one.id === id) < n) return [];
    const isError = free < Math.min(total / 20, 5 * GIGABYTE);
    // some file systems have as many inodes left as they have room for
    if (isOutOfFiles(disk) && !isError) return [outOfFiles(disk)];
    const isQueue = host !== undefined;
    if (free >= (isQueue ? total / 5 : Math.min(total / 10, 20 * GIGABYTE))) return [];
    const level = isError ? 'error' : 'warn';
    const [left, of] = [describeSize(Math.max(0, free)), describeSize(total)];
    const text = isQueue
      ? `${name} has ${left} of ${of} left: once it is full, senders are refused. Start or repair ${host}, or raise settings.queueLimit`
      : `${name} has ${left} of ${of} left: what is full takes no more messages`;
    return [{ rule: 'disk', object: name, host, level, text }];
  });
}

/** What a file system may hold is numbered when it is made: one with room can be full. */
const isOutOfFiles = ({ files }: Disk): boolean =>
  files !== undefined && files.free < files.total / 20;

function outOfFiles({
  name,
  files: { free, total } = { free: 0, total: 0 },
}: Disk): AlertCondition {
  const level = free < total / 100 ? 'error' : 'warn';
  const text = `${name} has inodes for ${free} of ${total} files left: what is full takes no more messages, however much room it has. Remove files that nobody needs (df -i tells them)`;
  return { rule: 'disk', object: name, host: undefined, level, text };
}

/** Codes of what is refused because it could not be stored: the sender can do nothing about it. */
const UNSTORED: ReadonlySet<string> = new Set(['QUEUE_FULL', 'QUEUE_UNAVAILABLE']);
/** Milliseconds after which a refusal is over even if nothing came since, and during which what is accepted beside it says nothing. */
const [REFUSAL, BESIDE] = [900_000, 60_000];

const refusalOf = ({ lastError, lastActivity = 0 }: HostReport, now: number) => {
  if (lastError === undefined || !UNSTORED.has(lastError.code)) return undefined;
  const since = now - lastError.at;
  return since < BESIDE || (since < REFUSAL && lastActivity < lastError.at) ? lastError : undefined;
};

/** Hosts whose latest message could not be stored. */
export const refusingHosts = (reports: readonly StatusReport[], now: number): string[] => [
  ...new Set(
    reports
      .flatMap(({ hosts }) => hosts)
      .filter((one) => refusalOf(one, now) !== undefined)
      .map(({ host }) => host),
  ),
];

/** Again and again for a minute: a sender that is told to try again once is nothing. */
export function refusedCondition(
  name: string,
  { refusing, reports, now }: Pick<Seen, 'refusing' | 'reports' | 'now'>,
): AlertCondition[] {
  const since = refusing?.get(name);
  const last = reports
    .flatMap(({ hosts }) => hosts)
    .flatMap((one) => (one.host === name ? (refusalOf(one, now) ?? []) : []))
    .toSorted((a, b) => b.at - a.at)[0];
  if (since === undefined || last === undefined || last.at - since < BESIDE) return [];
  const text = `${name} has refused messages for ${describeDuration(now - since)}: ${last.text}`;
  return [{ rule: 'refused', object: name, host: name, level: 'error', text }];
}
