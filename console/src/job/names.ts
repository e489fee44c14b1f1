import type { Job, JobItems } from '../../../src/api/contract/job.ts';
import { t } from '../language/translate.ts';

type ItemState = JobItems['items'][number]['state'];

const ACTS = {
  resend: t('resend'),
  discard: t('discard'),
  abort: t('abort'),
  'set-aside': t('set aside'),
} as const satisfies Record<Job['type'], string>;

export const JOB_STATES = {
  running: t('running'),
  finished: t('finished'),
  cancelled: t('cancelled'),
  stopped: t('stopped'),
} as const satisfies Record<Job['state'], string>;

export const ITEM_STATES = {
  waiting: t('waiting'),
  doing: t('doing'),
  done: t('done'),
  failed: t('failed'),
  uncertain: t('uncertain'),
  cancelled: t('cancelled'),
} as const satisfies Record<ItemState, string>;

/** What a job does: `resend to ward`. */
export function actOf({ type, target }: Job): string {
  const act = ACTS[type];
  return target === undefined ? act : t('{act} to {target}', { act, target });
}
