import { createHash, createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { masterKeyFrom, SCRYPT_COST } from '../../credential/secret/master-key.ts';
import { keepOwner } from '../../database/private-files.ts';
import { background } from '../../error/background.ts';
import { isSystemError, tolerate } from '../../error/foreseen.ts';
import type { Logger } from '../../log/logger.ts';
import { pause } from '../../time/pause.ts';
import type { MetaPlace } from '../meta/meta-database.ts';
import type { AuditLog } from './audit-log.ts';

/**
 * Seals rows of the audit log with a key that is not in it: write access to the database is not
 * enough to make sealed rows.
 */
export interface Seal {
  of(hash: string): string;
  /** Undefined if there is no seal, or if it was made with another key because the master key has changed. */
  check(hash: string, seal: string | null): boolean | undefined;
}

/** The seal made with the secret store's master key; undefined if there is none. */
export async function auditSeal(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Seal | undefined> {
  const { WAYBILL_MASTER_KEY: text = '', WAYBILL_MASTER_KEY_FILE: file = '' } = environment;
  if (text === '' && file === '') return undefined;
  const master = await masterKeyFrom(environment);
  const salt = createHash('sha256').update('waybill audit log').digest();
  const key = await master.keyFor(salt, SCRYPT_COST);
  const id = createHash('sha256').update(key).digest('hex').slice(0, 8);
  const of = (hash: string): string =>
    `${id}:${createHmac('sha256', key).update(hash).digest('hex')}`;
  return {
    of,
    check(hash, seal) {
      if (seal === null || !seal.startsWith(`${id}:`)) return undefined;
      const right = Buffer.from(of(hash));
      const given = Buffer.from(seal);
      return right.length === given.length && timingSafeEqual(right, given);
    },
  };
}

/** A row of the audit log, identified by its number and hash. */
export interface Mark {
  readonly seq: number;
  readonly hash: string;
}

/** The last row written, kept outside the log: if the end of the log is cut off, the next act reveals it. */
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
        // two processes may write at once and leave the older row here, which is in the log as well
        await using handle = await open(made, 'wx', 0o600);
        keepOwner(handle.fd, data);
        await handle.writeFile(`${seq}:${hash}\n`);
        await rename(made, file);
      } catch (error) {
        // the act is recorded even if the disk refuses the mark
        tolerate(error, isUnwritable, 'writing the mark of the audit log');
        await rm(made, { force: true });
      }
    },
  };
}

/** A different database is a different log. */
function nameOf({ url, production }: NonNullable<MetaPlace['shared']>): string {
  const { host, pathname } = new URL(url);
  const database = createHash('sha256').update(`${host}${pathname}`).digest('hex').slice(0, 8);
  return `audit-${production}-${database}.mark`;
}

/** The later of two marks. */
export function laterMark(one: Mark | undefined, other: Mark | undefined): Mark | undefined {
  return (other?.seq ?? 0) > (one?.seq ?? 0) ? other : one;
}

const isAbsent = (error: unknown): boolean => isSystemError(error, 'ENOENT');
const isUnwritable = (error: unknown): boolean =>
  isSystemError(error, 'ENOENT', 'EACCES', 'EROFS', 'ENOSPC', 'EDQUOT');

const EVERY = 3_600_000;
/** The log may span years, so all of it is read only once a day. */
const PROVED_EVERY = 24;

/**
 * Verifies the audit log now and once a day, and writes its last hash to the process log every hour. That log
 * is kept elsewhere, so that even rewriting the whole audit log is detected.
 */
export function proveRegularly(audit: Audited, log: Logger): Disposable {
  const stopping = new AbortController();
  background(prove(audit, log, stopping.signal), 'proving the audit log');
  return { [Symbol.dispose]: () => stopping.abort() };
}

type Audited = Pick<AuditLog, 'verify' | 'anchor'>;

async function prove(audit: Audited, log: Logger, signal: AbortSignal): Promise<void> {
  for (let hour = 0; !signal.aborted; hour += 1) {
    try {
      if (hour % PROVED_EVERY === 0) await proveOnce(audit, log);
      else {
        const { seq, hash } = (await audit.anchor()) ?? {};
        log.info({ event: 'audit-anchor', row: seq, head: hash }, 'audit-anchor');
      }
    } catch (error) {
      if (!signal.aborted) log.error({ event: 'audit-unread', err: error }, 'audit-unread');
    }
    await pause(EVERY, signal, { ref: false });
  }
}

async function proveOnce(audit: Audited, log: Logger): Promise<void> {
  const { rows, broken, head, sealed } = await audit.verify();
  if (broken === undefined) log.info({ event: 'audit-proved', rows, head, sealed }, 'audit-proved');
  else log.error({ event: 'audit-broken', row: broken, head }, 'audit-broken');
}
