import type { Job, JobItems } from '../../../src/api/contract/job.ts';
import { t } from '../language/translate.ts';

type ItemState = JobItems['items'][number]['state'];

const ACTS = {
  resend: t('resend'),
  reprocess: t('process again'),
  discard: t('discard'),
  abort: t('abort'),
  'set-aside': t('set aside'),
} as const satisfies Record<Job['type'], string>;

const JOB_STATES = {
  running: t('running'),
  paused: t('paused'),
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

export type Outcome = NonNullable<JobItems['items'][number]['outcome']>['state'];

/** In the order in which an operator looks for them. */
export const OUTCOMES = {
  refused: t('refused again'),
  'under-way': t('under way'),
  delivered: t('delivered'),
  discarded: t('discarded ## of messages'),
  gone: t('no longer in the trace'),
  'not-followed': t('still open after 7 days'),
} as const satisfies Record<Outcome, string>;

export const OUTCOME_NAMES = Object.keys(OUTCOMES) as readonly Outcome[];

export const OUTCOME_LOOKS = {
  refused: 'text-bad',
  'under-way': 'text-info',
  delivered: 'text-good',
  discarded: 'text-idle',
  gone: 'text-ink-2',
  'not-followed': 'text-warn',
} as const satisfies Record<Outcome, string>;

/** Whether everything a job had to do succeeded, is still open, or did not. */
export function verdictOf({ state, failed, became }: Job): 'open' | 'good' | 'bad' {
  const made = (one: Outcome): number => became?.[one] ?? 0;
  if (failed + made('refused') > 0) return 'bad';
  if (state === 'running' || state === 'paused' || made('under-way') > 0) return 'open';
  return state === 'finished' && made('gone') + made('not-followed') === 0 ? 'good' : 'bad';
}

/** The state of a job in words; the end of the job does not mean that its messages have arrived. */
export function stateOf(job: Job): string {
  const refused = job.became?.refused ?? 0;
  const open = job.became?.['under-way'] ?? 0;
  if (job.state !== 'finished' && job.state !== 'running') return JOB_STATES[job.state];
  if (refused > 0) return t('{count} refused again', { count: refused });
  if (job.state === 'running') return job.why === undefined ? JOB_STATES.running : t('waiting');
  if (open > 0) return t('sent; {count} under way', { count: open });
  return job.failed > 0 ? t('{count} failed', { count: job.failed }) : JOB_STATES.finished;
}

/** What a job does: `resend to ward`. */
export function actOf({ type, target }: Job): string {
  const act = ACTS[type];
  return target === undefined ? act : t('{act} to {target}', { act, target });
}
