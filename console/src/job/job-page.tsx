import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import type { Job, JobItems, JobResults } from '../../../src/api/contract/job.ts';
import { ask } from '../api/client.ts';
import { type ItemFilter, jobItems, job as jobQuery, jobResults } from '../api/queries.ts';
import { Button } from '../element/button.tsx';
import { ConfirmedButton } from '../element/confirmed-button.tsx';
import { Choice } from '../element/field.tsx';
import { ListTable } from '../element/list-table.tsx';
import { Pending, Problem } from '../element/notice.tsx';
import { Page, Panel } from '../element/page.tsx';
import { count, moment } from '../element/time-text.ts';
import { serverText } from '../language/server-text.ts';
import { t } from '../language/translate.ts';
import { Progress } from './jobs-page.tsx';
import {
  actOf,
  ITEM_STATES,
  OUTCOME_LOOKS,
  OUTCOME_NAMES,
  OUTCOMES,
  stateOf,
  verdictOf,
} from './names.ts';

/** One job: what happened to its messages and to those it made. */
export function JobPage(): ReactElement {
  const { id } = useParams({ from: '/jobs/$id' });
  const client = useQueryClient();
  const { data: job, error } = useQuery(jobQuery(id));
  const steer = useMutation({
    mutationFn: (verb: 'pause' | 'resume') => ask(`POST /jobs/{id}/${verb}`, { path: { id } }),
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
          time: moment(job.created),
        })
      }
      actions={
        job !== undefined &&
        job.ended === undefined && (
          <>
            <Button
              disabled={steer.isPending}
              onClick={() => steer.mutate(job.state === 'paused' ? 'resume' : 'pause')}
            >
              {job.state === 'paused' ? t('Continue') : t('Pause')}
            </Button>
            <ConfirmedButton
              look="danger"
              asks={{
                title: t('Stop job {id}', { id: `${id}` }),
                children: t(
                  'What it has not done yet is not done: {count} {count|message|messages}. It cannot go on after this; to go on later, pause it.',
                  { count: job.total - job.done - job.failed },
                ),
                act: t('Stop it for good'),
                order: () => ask('POST /jobs/{id}/cancel', { path: { id } }),
              }}
            >
              {t('Stop')}
            </ConfirmedButton>
          </>
        )
      }
    >
      <Pending answer={job} error={error} />
      {job !== undefined && (
        <div className="flex flex-col gap-3">
          {steer.isError && <Problem error={steer.error} />}
          <div className="max-w-xl" role="status">
            <p className="mb-1">
              <span className={verdictOf(job) === 'bad' ? 'font-medium text-bad' : ''}>
                {stateOf(job)}
              </span>
              {job.reason === undefined ? '' : `: ${job.reason}`}
            </p>
            <Progress job={job} />
            {job.why !== undefined && (
              <p className={`mt-1 ${job.ended === undefined ? 'text-warn' : 'text-bad'}`}>
                {job.state === 'running'
                  ? t('It waits and tries again by itself: {why}', { why: serverText(job.why) })
                  : serverText(job.why)}
              </p>
            )}
          </div>
          {job.became !== undefined && <Results id={id} />}
          <Items job={job} />
        </div>
      )}
    </Page>
  );
}

/** What happened to the new messages and why, grouped by cause. */
function Results({ id }: { readonly id: number }): ReactElement | null {
  const { data } = useQuery(jobResults(id));
  if (data === undefined || data.groups.length === 0) return null;
  return (
    <Panel title={t('What happened to the new messages')} flush>
      <ul>
        {data.groups.map((group) => (
          <Group key={JSON.stringify(group)} group={group} />
        ))}
      </ul>
    </Panel>
  );
}

function Group({
  group: { count: many, state, host, code, cause, messageId },
}: {
  readonly group: JobResults['groups'][number];
}): ReactElement {
  return (
    <li className="flex flex-wrap items-baseline gap-x-3 gap-y-0.5 border-t border-line px-3 py-1.5 text-xs first:border-0">
      <span className="min-w-10 text-right text-sm font-semibold">{count(many)}</span>
      <span className={OUTCOME_LOOKS[state]}>{OUTCOMES[state]}</span>
      {host !== undefined && (
        <Link to="/hosts/$host" params={{ host }} className="text-accent hover:underline">
          {host}
        </Link>
      )}
      {code !== undefined && <span className="font-mono text-ink-2">{code}</span>}
      {cause !== undefined && (
        <span className="min-w-0 flex-[1_1_14rem] break-words">{serverText(cause)}</span>
      )}
      {messageId !== undefined && state !== 'delivered' && (
        <Link
          to="/messages/$id"
          params={{ id: messageId }}
          className="ml-auto text-accent hover:underline"
        >
          {t('one of them')}
        </Link>
      )}
    </li>
  );
}

const STATES = ['failed', 'uncertain', 'done', 'waiting'] as const;

/** What happened to each message. */
function Items({ job: { id, became } }: { readonly job: Job }): ReactElement {
  const { state, outcome } = useSearch({ from: '/jobs/$id' });
  const navigate = useNavigate();
  const pages = useInfiniteQuery(jobItems(id, { state, outcome } as ItemFilter));
  const items = pages.data?.pages.flatMap((page) => page.items) ?? [];
  const shown = outcome === undefined ? (state ?? '') : `=${outcome}`;
  return (
    <>
      <Choice
        label={t('Show')}
        className="w-56"
        value={shown}
        onChange={({ target: { value } }) => {
          const byOutcome = value.startsWith('=') ? { outcome: value.slice(1) } : { state: value };
          void navigate({
            to: '/jobs/$id',
            params: { id },
            search: value === '' ? {} : byOutcome,
          });
        }}
      >
        <option value="">{t('every message')}</option>
        {became !== undefined &&
          OUTCOME_NAMES.filter((one) => became[one] > 0 || one === outcome).map((one) => (
            <option key={one} value={`=${one}`}>
              {OUTCOMES[one]}
            </option>
          ))}
        {STATES.map((one) => (
          <option key={one} value={one}>
            {t('order: {state}', { state: ITEM_STATES[one] })}
          </option>
        ))}
      </Choice>
      <ListTable
        label={t('Results')}
        look="min-w-[36rem] text-xs"
        columns={['#', t('Message'), t('Result'), t('Became'), t('Why')]}
      >
        {items.map((item) => (
          <Item key={item.n} item={item} />
        ))}
      </ListTable>
      {pages.isError && <Problem error={pages.error} />}
      {pages.hasNextPage && (
        <p className="flex flex-wrap items-center gap-3 text-xs text-ink-2">
          {t('The first {count} of them.', { count: items.length })}
          <Button disabled={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
            {t('Show more')}
          </Button>
        </p>
      )}
    </>
  );
}

function Item({
  item: { n, messageId, state, resultId, code, text, outcome },
}: {
  readonly item: JobItems['items'][number];
}): ReactElement {
  const isBad = state === 'failed' || state === 'uncertain';
  return (
    <tr className="border-t border-line hover:bg-hover">
      <td className="px-3 py-1 text-ink-2">{n}</td>
      <td className="px-3 py-1 font-mono">
        <MessageLink id={messageId} />
      </td>
      <td
        className={`px-3 py-1 ${outcome === undefined ? (isBad ? 'text-bad' : '') : OUTCOME_LOOKS[outcome.state]}`}
      >
        {outcome === undefined ? ITEM_STATES[state] : OUTCOMES[outcome.state]}
      </td>
      <td className="px-3 py-1 font-mono">
        {resultId !== undefined && <MessageLink id={resultId} />}
      </td>
      <td className="px-3 py-1">
        {outcome === undefined
          ? serverText(text ?? '')
          : [outcome.host, serverText(outcome.cause ?? '')].filter(Boolean).join(': ')}{' '}
        <span className="font-mono text-ink-2">{outcome === undefined ? code : outcome.code}</span>
      </td>
    </tr>
  );
}

function MessageLink({ id }: { readonly id: number }): ReactElement {
  return (
    <Link to="/messages/$id" params={{ id }} className="text-accent hover:underline">
      {id}
    </Link>
  );
}
