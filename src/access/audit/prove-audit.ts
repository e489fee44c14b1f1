import { background } from '../../error/background.ts';
import type { Logger } from '../../log/logger.ts';
import { pause } from '../../time/pause.ts';
import type { AuditLog } from './audit-log.ts';

const EVERY = 3_600_000;
/** The whole log may be of years: it is read once a day. */
const PROVED_EVERY = 24;

/**
 * Proves the audit log now and once a day, and tells its last hash every hour. The process log then has it: it lies
 * elsewhere than the file, so that whoever writes all of that anew is found out too.
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
