import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import type { Job } from '../../../src/api/contract/job.ts';
import { jobs as jobsQuery } from '../api/queries.ts';
import { ListTable } from '../element/list-table.tsx';
import { Nothing, Pending } from '../element/notice.tsx';
import { Page } from '../element/page.tsx';
import { When } from '../element/when.tsx';
import { rich, t } from '../language/translate.ts';
import { actOf, JOB_STATES } from './names.ts';

/** Acts on many messages, newest first. */
export function JobsPage(): ReactElement {
  const { data, error } = useQuery(jobsQuery);
  return (
    <Page title={t('Jobs')} detail={t('acts on many messages, with a result for each')}>
      <Pending answer={data} error={error} />
      {data?.jobs.length === 0 && (
        <Nothing>
          {t(
            'No job has run yet. Mark messages in a search with x, or act on a whole group of suspended ones.',
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
              <td className="px-3 py-1.5">{JOB_STATES[job.state]}</td>
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

/** How many of a job's messages are through, and how many failed. */
export function Progress({ job: { total, done, failed } }: { readonly job: Job }): ReactElement {
  return (
    <span className="flex items-center gap-2 text-xs">
      <span
        className="flex h-1.5 flex-1 overflow-hidden rounded-full bg-idle-soft"
        aria-hidden="true"
      >
        <span
          className="bg-good"
          style={{ width: `${((done - failed) / Math.max(1, total)) * 100}%` }}
        />
        <span className="bg-bad" style={{ width: `${(failed / Math.max(1, total)) * 100}%` }} />
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
    </span>
  );
}
