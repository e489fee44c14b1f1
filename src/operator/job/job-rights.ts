import type { RightsNow } from '../../access/rights/orderer.ts';
import type { Permission, Principal } from '../../access/rights/principal.ts';
import type { Job, JobType } from './job-store.ts';

/** What each type needs besides `message.bulk`. */
export const JOB_PERMISSION: Readonly<Record<JobType, Permission>> = {
  resend: 'message.resend',
  reprocess: 'message.resend',
  discard: 'deadletter.discard',
  abort: 'queue.abort',
  'set-aside': 'queue.abort',
};

/** Whether a job may continue: the hosts its orderer may see now, or why it is stopped. */
export type JobRights = (
  job: Job,
) => Promise<{ readonly visible: readonly string[] | undefined } | { readonly stop: string }>;

/** How many messages somebody may act on at once; undefined for as many as one job takes. */
export function mostAtOnce(
  { permissions }: Pick<Principal, 'permissions'>,
  bulkLimit: number,
): number | undefined {
  return permissions.has('message.bulk_unlimited') ? undefined : bulkLimit;
}

/**
 * A job may do what its orderer could do by hand: it stops if the orderer lost the permission or no longer
 * exists.
 */
export function jobRights(rightsNow: RightsNow, bulkLimit: number): JobRights {
  return async ({ orderer, type, target, total }) => {
    const now = await rightsNow(orderer);
    if (typeof now === 'string') return { stop: now };
    const { permissions, visibleHosts: visible } = now;
    const needed: readonly Permission[] = ['message.bulk', JOB_PERMISSION[type]];
    const lacking = needed.filter((one) => !permissions.has(one));
    if (lacking.length > 0) return { stop: `${orderer.name} now lacks ${lacking.join(', ')}` };
    const most = mostAtOnce(now, bulkLimit);
    if (most !== undefined && total > most)
      return { stop: `${orderer.name} may now act on ${most} messages at once` };
    if (target !== undefined && visible?.includes(target) === false)
      return { stop: `${orderer.name} can no longer see ${target}` };
    return { visible };
  };
}
