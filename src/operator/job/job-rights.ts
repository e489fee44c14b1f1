import type { RightsNow } from '../../access/rights/orderer.ts';
import type { Permission } from '../../access/rights/principal.ts';
import type { Job, JobType } from './job-store.ts';

/** What each type needs besides `message.bulk`. */
export const JOB_PERMISSION: Readonly<Record<JobType, Permission>> = {
  resend: 'message.resend',
  reprocess: 'message.resend',
  discard: 'deadletter.discard',
  abort: 'queue.abort',
  'set-aside': 'queue.abort',
};

/** Whether a job may continue: what its orderer may see now, or why it is stopped. */
export type JobRights = (
  job: Job,
) => Promise<{ readonly visible: readonly string[] | undefined } | { readonly stop: string }>;

/**
 * A job may do what its orderer could do by hand: it stops if the orderer lost the permission or no longer
 * exists.
 */
export function jobRights(rightsNow: RightsNow): JobRights {
  return async ({ orderer, type, target }) => {
    const now = await rightsNow(orderer);
    if (typeof now === 'string') return { stop: now };
    const { permissions, visibleHosts: visible } = now;
    const needed: readonly Permission[] = ['message.bulk', JOB_PERMISSION[type]];
    const lacking = needed.filter((one) => !permissions.has(one));
    if (lacking.length > 0) return { stop: `${orderer.name} now lacks ${lacking.join(', ')}` };
    if (target !== undefined && visible?.includes(target) === false)
      return { stop: `${orderer.name} can no longer see ${target}` };
    return { visible };
  };
}
