import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { ask } from '../api/client.ts';
import { jobItems, job as jobQuery } from '../api/queries.ts';
import { Button } from '../element/button.tsx';
import { Choice } from '../element/field.tsx';
import { ListTable } from '../element/list-table.tsx';
import { Pending } from '../element/notice.tsx';
import { Page } from '../element/page.tsx';
import { moment } from '../element/time-text.ts';
import { t } from '../language/translate.ts';
import { Progress } from './jobs-page.tsx';
import { actOf, ITEM_STATES, JOB_STATES } from './names.ts';

/** One job with what became of each of its messages. */
export function JobPage(): ReactElement {
  const { id } = useParams({ from: '/jobs/$id' });
  const { state } = useSearch({ from: '/jobs/$id' });
  const navigate = useNavigate();
  const client = useQueryClient();
  const { data: job, error } = useQuery(jobQuery(id));
  const { data: items } = useQuery(jobItems(id, state));
  const cancel = useMutation({
    mutationFn: () => ask(`jobs/${id}/cancel`, { method: 'POST' }),
    onSettled: () => client.invalidateQueries({ queryKey: ['jobs'] }),
  });
  return (
    <Page
      title={t('Job {id}', { id: `${id}` })}
      detail={
        job !== undefined &&
        t('{act}, by {by}, {time}', {
          act: actOf(job),
          by: job.by,
          time: moment(job.created, false),
        })
      }
      actions={
        job !== undefined &&
        job.ended === undefined && (
          <Button look="danger" disabled={cancel.isPending} onClick={() => cancel.mutate()}>
            {t('Stop')}
          </Button>
        )
      }
    >
      <Pending answer={job} error={error} />
      {job !== undefined && (
        <div className="flex flex-col gap-3">
          <div className="max-w-md" role="status">
            <p className="mb-1">
              {JOB_STATES[job.state]}
              {job.reason === undefined ? '' : `: ${job.reason}`}
            </p>
            <Progress job={job} />
            {job.why !== undefined && <p className="mt-1 text-bad">{job.why}</p>}
          </div>
          <Choice
            label={t('Show')}
            className="w-40"
            value={state ?? ''}
            onChange={({ target }) =>
              void navigate({
                to: '/jobs/$id',
                params: { id },
                search: target.value === '' ? {} : { state: target.value },
              })
            }
          >
            <option value="">{t('every message')}</option>
            {(['failed', 'done', 'waiting'] as const).map((one) => (
              <option key={one} value={one}>
                {ITEM_STATES[one]}
              </option>
            ))}
          </Choice>
          <ListTable
            label={t('Results')}
            look="min-w-[36rem] text-xs"
            columns={['#', t('Message'), t('Result'), t('Became'), t('Why')]}
          >
            {items?.items.map(({ n, messageId, state: result, resultId, code, text }) => (
              <tr key={n} className="border-t border-line hover:bg-hover">
                <td className="px-3 py-1 text-ink-2">{n}</td>
                <td className="px-3 py-1 font-mono">
                  <Link
                    to="/messages/$id"
                    params={{ id: messageId }}
                    className="text-accent hover:underline"
                  >
                    {messageId}
                  </Link>
                </td>
                <td className={`px-3 py-1 ${result === 'failed' ? 'text-bad' : ''}`}>
                  {ITEM_STATES[result]}
                </td>
                <td className="px-3 py-1 font-mono">
                  {resultId !== undefined && (
                    <Link
                      to="/messages/$id"
                      params={{ id: resultId }}
                      className="text-accent hover:underline"
                    >
                      {resultId}
                    </Link>
                  )}
                </td>
                <td className="px-3 py-1">
                  {text} <span className="font-mono text-ink-2">{code}</span>
                </td>
              </tr>
            ))}
          </ListTable>
        </div>
      )}
    </Page>
  );
}
