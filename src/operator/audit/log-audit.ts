import type { Logger } from '../../log/logger.ts';
import type { Audit } from './audit.ts';

/** Records acts in the log, without their details, which may name patients. */
export function logAudit(log: Logger): Audit {
  return {
    async record({ actor, ip, action, object, outcome }) {
      log.info({ event: 'audit', actor: actor.name, ip, action, object, outcome }, 'audit');
    },
  };
}
