import type { ReactElement } from 'react';
import type { JobAnswer, JobRequest } from '../../../src/api/contract/job.ts';
import { Choice } from '../element/field.tsx';
import { StatusBadge } from '../element/status-badge.tsx';
import { count as amount } from '../element/time-text.ts';
import { t } from '../language/translate.ts';
import { STATUSES } from '../search/search-state.ts';
import type { Permission } from '../shell/me.ts';

export type Act = JobRequest['type'];

/** Acts that make new messages. */
export const SENDS: ReadonlySet<Act> = new Set<Act>(['resend', 'reprocess']);

export const ORDERS: Readonly<Record<Act, (count: number) => string>> = {
  resend: (count) => t('Resend {count} {count|message|messages}', { count }),
  reprocess: (count) => t('Process {count} {count|message|messages} again', { count }),
  discard: (count) => t('Discard {count} {count|message|messages}', { count }),
  abort: (count) => t('Abort {count} {count|message|messages}', { count }),
  'set-aside': (count) => t('Set aside {count} {count|message|messages}', { count }),
};

/** As many as are typed; all where nothing is, and none where it is no number. */
export function wantedOf(typed: string): number {
  if (typed.trim() === '') return Number.POSITIVE_INFINITY;
  return /^\d{1,9}$/.test(typed.trim()) ? Number(typed) : 0;
}

/** What to do with many messages: only what one may. */
export function ActChoice({
  act,
  onChange,
  may,
}: {
  readonly act: Act;
  readonly onChange: (act: Act) => void;
  readonly may: (permission: Permission) => boolean;
}): ReactElement {
  return (
    <Choice label={t('What')} value={act} onChange={({ target }) => onChange(target.value as Act)}>
      {may('message.resend') && <option value="resend">{t('resend')}</option>}
      {may('message.resend') && (
        <option value="reprocess">{t('process again from the original')}</option>
      )}
      {may('deadletter.discard') && (
        <option value="discard">{t('discard (suspended ones)')}</option>
      )}
      {may('queue.abort') && <option value="abort">{t('abort (queued or retrying)')}</option>}
      {may('queue.abort') && (
        <option value="set-aside">{t('set aside (queued or retrying)')}</option>
      )}
    </Choice>
  );
}

type Statuses = NonNullable<JobAnswer['statuses']>;

/** How many have which status. */
export function StatusCounts({ statuses }: { readonly statuses: Statuses }): ReactElement {
  return (
    <>
      {STATUSES.map(
        (status) =>
          statuses[status] !== undefined && (
            <span key={status} className="inline-flex items-center gap-1.5">
              <StatusBadge status={status} /> {amount(statuses[status])}
            </span>
          ),
      )}
    </>
  );
}

/** What was found and is not acted on. */
export function LeftOut({
  count = 0,
}: {
  readonly count: number | undefined;
}): ReactElement | null {
  if (count === 0) return null;
  return (
    <p role="status" className="border-b border-line bg-warn-soft px-3 py-2 text-warn">
      {t(
        'Left out, since they hold more than what was searched for, such as other patients: {count}. Act on them one by one, or mark them in the list.',
        { count },
      )}
    </p>
  );
}

/** Warnings where messages would be sent that had been delivered, or will be without this. */
export function SentTwice({ statuses }: { readonly statuses: Statuses }): ReactElement {
  const { completed = 0, queued = 0, retrying = 0 } = statuses;
  const waiting = queued + retrying;
  const style = 'border-b border-line bg-warn-soft px-3 py-2 text-warn';
  return (
    <>
      {completed > 0 && (
        <p role="status" className={style}>
          {t(
            'Messages among these that were delivered already: {count}. They are sent once more; choose a status in the search to leave them out.',
            { count: completed },
          )}
        </p>
      )}
      {waiting > 0 && (
        <p role="status" className={style}>
          {t(
            'Messages among these that still wait in a queue: {count}. They are sent from there, and by this a second time; choose a status in the search to leave them out.',
            { count: waiting },
          )}
        </p>
      )}
    </>
  );
}
