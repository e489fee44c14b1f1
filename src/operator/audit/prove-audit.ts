import { background } from '../../error/background.ts';
import type { Logger } from '../../log/logger.ts';
import { pause } from '../../time/pause.ts';
import type { AuditLog } from './audit-log.ts';

const EVERY = 24 * 3_600_000;

/**
 * Proves the audit log now and once a day. The log then has the last hash: it lies elsewhere than the file, so
 * that whoever writes all of that anew is found out too.
 */
export function proveRegularly(audit: Pick<AuditLog, 'verify'>, log: Logger): Disposable {
  const stopping = new AbortController();
  background(prove(audit, log, stopping.signal), 'proving the audit log');
  return { [Symbol.dispose]: () => stopping.abort() };
}

async function prove(
  audit: Pick<AuditLog, 'verify'>,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const { rows, broken, head } = await audit.verify();
      if (broken === undefined) log.info({ event: 'audit-proved', rows, head }, 'audit-proved');
      else log.error({ event: 'audit-broken', row: broken, head }, 'audit-broken');
    } catch (error) {
      if (!signal.aborted) log.error({ event: 'audit-unread', err: error }, 'audit-unread');
    }
    await pause(EVERY, signal, { ref: false });
  }
}
