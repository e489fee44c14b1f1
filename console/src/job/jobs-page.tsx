import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import type { Job } from '../../../src/api/contract/job.ts';
import { jobs as jobsQuery } from '../api/queries.ts';
import { ListTable } from '../element/list-table.tsx';
import { Nothing, Pending } from '../element/notice.tsx';
import { Page } from '../element/page.tsx';
import { count } from '../element/time-text.ts';
import { When } from '../element/when.tsx';
import { rich, t } from '../language/translate.ts';
import { actOf, OUTCOME_LOOKS, OUTCOME_NAMES, OUTCOMES, stateOf, verdictOf } from './names.ts';

/** Acts on many messages, newest first. */
export function JobsPage(): ReactElement {
  const { data, error } = useQuery(jobsQuery);
  return (
    <Page title={t('Jobs')} detail={t('acts on many messages, with a result for each')}>
      <Pending answer={data} error={error} />
      {data?.jobs.length === 0 && (
        <Nothing>
          {t(
            'No job has run yet. Mark messages in a search with x, or all that it found, or act on a whole group of suspended ones.',
          )}
        </Nothing>
      )}
      {data !== undefined && data.jobs.length > 0 && (
        <ListTable
          label={t('Jobs')}
          look="min-w-[44rem]"
          columns={[
            t('Job'),
            t('What'),
            t('State'),
            t('Progress'),
            t('By'),
            t('Reason'),
            t('Begun'),
          ]}
        >
          {data.jobs.map((job) => (
            <tr key={job.id} className="border-t border-line hover:bg-hover">
              <th scope="row" className="px-3 py-1.5 font-normal">
                <Link
                  to="/jobs/$id"
                  params={{ id: job.id }}
                  className="font-mono text-accent hover:underline"
                >
                  {job.id}
                </Link>
              </th>
              <td className="px-3 py-1.5">{actOf(job)}</td>
              <td className={`px-3 py-1.5 ${VERDICT_LOOKS[verdictOf(job)]}`}>{stateOf(job)}</td>
              <td className="w-52 px-3 py-1.5">
                <Progress job={job} />
              </td>
              <td className="px-3 py-1.5 text-xs">{job.by}</td>
              <td className="max-w-64 truncate px-3 py-1.5 text-xs text-ink-2" title={job.reason}>
                {job.reason}
              </td>
              <td className="px-3 py-1.5 font-mono text-xs">
                <When at={job.created} as="second" />
              </td>
            </tr>
          ))}
        </ListTable>
      )}
    </Page>
  );
}

const VERDICT_LOOKS = { open: 'text-info', good: '', bad: 'font-medium text-bad' } as const;

/** How many of a job's messages are done, and what happened to them. */
export function Progress({
  job,
}: {
  readonly job: Pick<Job, 'total' | 'done' | 'failed' | 'became'>;
}): ReactElement {
  const { total, done, failed, became } = job;
  const refused = became?.refused ?? 0;
  const open = became?.['under-way'] ?? 0;
  const parts = [
    ['bg-good', done - refused - open],
    ['bg-info', open],
    ['bg-bad', failed + refused],
  ] as const;
  return (
    <span className="flex flex-wrap items-center gap-x-2 text-xs">
      <span
        className="flex h-1.5 min-w-20 flex-1 overflow-hidden rounded-full bg-idle-soft"
        aria-hidden="true"
      >
        {parts.map(([look, many]) => (
          <span
            key={look}
            className={look}
            style={{ width: `${(many / Math.max(1, total)) * 100}%` }}
          />
        ))}
      </span>
      <span className="whitespace-nowrap">
        {failed === 0
          ? t('{done} of {total}', { done, total })
          : rich('{done} of {total}<bad>, {failed} failed</bad>', {
              done,
              total,
              failed,
              bad: (text) => <span className="text-bad">{text}</span>,
            })}
      </span>
      {became !== undefined && (
        <span className="flex w-full flex-wrap gap-x-2">
          {OUTCOME_NAMES.filter((one) => became[one] > 0).map((one) => (
            <span key={one} className={`whitespace-nowrap ${OUTCOME_LOOKS[one]}`}>
              {count(became[one])} {OUTCOMES[one]}
            </span>
          ))}
        </span>
      )}
    </span>
  );
}
