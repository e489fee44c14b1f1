import { createHash, randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isSystemError, tolerate } from '../../error/foreseen.ts';
import type { MetaPlace } from '../meta/meta-database.ts';

/** A row of the audit log by its number and its hash. */
export interface Mark {
  readonly seq: number;
  readonly hash: string;
}

/** The last row that was written, kept beside the log and not in it: whoever cuts the log’s end is found by the next act. */
export interface AuditMark {
  read(): Promise<Mark | undefined>;
  write(mark: Mark): Promise<void>;
}

export function auditMark({ data, shared }: MetaPlace): AuditMark {
  const file = join(data, shared === undefined ? 'audit.mark' : nameOf(shared));
  return {
    async read() {
      const text = await readFile(file, 'utf8').catch((error: unknown) =>
        // the first act, or a command line on a machine without a data folder
        tolerate(error, isAbsent, 'reading the mark of the audit log'),
      );
      const [, seq, hash = ''] = /^(\d{1,15}):([0-9a-f]{64})\n?$/.exec(text ?? '') ?? [];
      return seq === undefined ? undefined : { seq: Number(seq), hash };
    },
    async write({ seq, hash }) {
      const made = `${file}.${randomUUID()}`;
      try {
        // two processes may write at once, and the older row may stand then: it is in the log as well
        await writeFile(made, `${seq}:${hash}\n`, { mode: 0o600, flag: 'wx' });
        await rename(made, file);
      } catch (error) {
        // the act is recorded: a disk that takes no mark makes it no less so
        tolerate(error, isUnwritable, 'writing the mark of the audit log');
        await rm(made, { force: true });
      }
    },
  };
}

/** Another database is another log. */
function nameOf({ url, production }: NonNullable<MetaPlace['shared']>): string {
  const { host, pathname } = new URL(url);
  const database = createHash('sha256').update(`${host}${pathname}`).digest('hex').slice(0, 8);
  return `audit-${production}-${database}.mark`;
}

/** The one that was written last. */
export function laterMark(one: Mark | undefined, other: Mark | undefined): Mark | undefined {
  return (other?.seq ?? 0) > (one?.seq ?? 0) ? other : one;
}

const isAbsent = (error: unknown): boolean => isSystemError(error, 'ENOENT');
const isUnwritable = (error: unknown): boolean =>
  isSystemError(error, 'ENOENT', 'EACCES', 'EROFS', 'ENOSPC', 'EDQUOT');
