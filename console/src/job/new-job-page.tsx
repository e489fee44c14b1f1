import { useMutation, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { type ReactElement, useEffect, useState } from 'react';
import type { JobAnswer, JobRequest } from '../../../src/api/contract/job.ts';
import type { SearchCriteria } from '../../../src/api/contract/message.ts';
import { ask } from '../api/client.ts';
import { hosts as hostsQuery } from '../api/queries.ts';
import { serverNow } from '../clock/server-clock.ts';
import { buttonStyle } from '../element/button.tsx';
import { Choice, Field } from '../element/field.tsx';
import { localTime, timeOf } from '../element/local-time.ts';
import { Pending, Problem } from '../element/notice.tsx';
import { Page, Panel } from '../element/page.tsx';
import { shortType } from '../element/short-type.ts';
import { StatusBadge } from '../element/status-badge.tsx';
import { moment } from '../element/time-text.ts';
import { t } from '../language/translate.ts';
import { criteriaOf } from '../search/search-state.ts';
import { useMay } from '../shell/me.ts';
import { LeftOut, SENDS, SentTwice, StatusCounts } from './acts.tsx';
import { OrderForm, useOrder } from './order-form.tsx';

const NOTHING = { total: 0, most: 0 };

/** Before many messages are touched: how many, which, and why. The job acts on exactly the list shown. */
export function NewJobPage(): ReactElement {
  const { ids, act, ...state } = useSearch({ from: '/jobs/new' });
  const navigate = useNavigate();
  const may = useMay();
  const { data: known } = useQuery(hostsQuery);
  const form = useOrder(act === 'discard' || act === 'reprocess' ? act : 'resend');
  const { act: type, reason } = form;
  const [to, setTo] = useState('');
  const [now] = useState(serverNow);
  const since = useSince(state.from);
  const which = (list: string | undefined): Partial<JobRequest> => {
    if (list !== undefined) return { list };
    return ids === undefined
      ? { criteria: since.narrowed(criteriaOf(state, now)) }
      : { ids: ids.split(',').map(Number) };
  };
  const order = (list?: string, limit?: number): JobRequest => ({
    type,
    ...which(list),
    ...(to === '' || !SENDS.has(type) ? {} : { to }),
    reason: reason.trim(),
    dryRun: list === undefined,
    ...(limit === undefined ? {} : { limit }),
  });
  /** What the list that is shown was asked for: another one must not be ordered by it. */
  const asked = `${type} ${since.meant}`;
  const dry = useMutation({
    mutationFn: (_asked: string) => ask('POST /jobs', { body: order() }),
  });
  const start = useMutation({
    mutationFn: () => ask('POST /jobs', { body: order(dry.data?.list, chosen) }),
    onSuccess: ({ job }) =>
      job === undefined
        ? undefined
        : navigate({ to: '/jobs/$id', params: { id: job.id }, replace: true }),
  });
  const { mutate: look } = dry;
  useEffect(() => look(asked), [look, asked]);
  const { total, most } = dry.data ?? NOTHING;
  const chosen = Math.min(form.most, total, most);
  return (
    <Page title={t('Act on many messages')}>
      <div className="grid items-start gap-4 lg:grid-cols-[20rem_minmax(0,1fr)]">
        <OrderForm
          order={form}
          may={may}
          atMost={{
            label: t('At most'),
            hint:
              total > most
                ? t('you may act on {most} at once; the oldest go first', { most })
                : t('the oldest go first'),
            all: Math.min(total, most),
          }}
          kept={t('kept with the job and in the audit log')}
          count={chosen}
          isBlocked={start.isPending || !since.isMeant || dry.variables !== asked}
          onOrder={() => start.mutate()}
          trial={<TryFirst answer={dry.data} />}
          problem={start.isError && <Problem error={start.error} />}
        >
          {ids === undefined && since.field}
          {SENDS.has(type) && (
            <Choice
              label={t('To ## a host')}
              value={to}
              onChange={({ target }) => setTo(target.value)}
            >
              <option value="">{t('each to its own target')}</option>
              {known?.hosts
                .filter(({ kind }) => kind !== 'service')
                .map(({ name }) => (
                  <option key={name}>{name}</option>
                ))}
            </Choice>
          )}
        </OrderForm>
        <Sample answer={dry.data} error={dry.error} sends={SENDS.has(type)} />
      </div>
    </Page>
  );
}

/** Milliseconds: while a time is typed it passes through other values. */
const MEANT = 600;

interface Since {
  readonly field: ReactElement;
  /** As it was last typed, once nothing more was. */
  readonly meant: string;
  /** Whether the list that is shown is of what is typed. */
  readonly isMeant: boolean;
  narrowed(criteria: SearchCriteria): SearchCriteria;
}

/** From when on: what failed before that is not of the same outage, and stays. */
function useSince(from: string | undefined): Since {
  const [text, setText] = useState(() => localTime(timeOf(from)) ?? '');
  const [meant, setMeant] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setMeant(text), MEANT);
    return () => clearTimeout(timer);
  }, [text]);
  return {
    meant,
    isMeant: meant === text,
    narrowed: (criteria) => ({ ...criteria, from: timeOf(meant) ?? criteria.from }),
    field: (
      <Field
        label={t('Since')}
        type="datetime-local"
        step="1"
        value={text}
        onChange={({ target }) => setText(target.value)}
        hint={t('only what was made from then on')}
      />
    ),
  };
}

/** The way to a trial of exactly these messages. */
function TryFirst({ answer }: { readonly answer: JobAnswer | undefined }): ReactElement | null {
  const may = useMay();
  if (answer === undefined || answer.total === 0) return null;
  if (!may('config.view') || !may('message.content')) return null;
  return (
    <Link to="/rehearsals" search={{ frozen: answer.list }} className={buttonStyle()}>
      {t('Try them with the files first')}
    </Link>
  );
}

/** The messages it would act on: how many, and the first of them. */
function Sample({
  answer,
  error,
  sends,
}: {
  readonly answer: JobAnswer | undefined;
  readonly error: unknown;
  readonly sends: boolean;
}): ReactElement {
  if (answer === undefined) {
    return (
      <Panel title={t('Which')}>
        <Pending answer={answer} error={error} />
      </Panel>
    );
  }
  const { total, complete, sample, statuses = {}, leftOut } = answer;
  const title = complete
    ? t('{count} {count|message|messages}; the first of them', { count: total })
    : t('the newest {count} messages, as many as one job takes; the first of them', {
        count: total,
      });
  return (
    <Panel title={title} flush>
      {!complete && (
        <p role="status" className="border-b border-line bg-warn-soft px-3 py-2 text-warn">
          {t(
            'More messages match than these. The job acts only on these; start another one for the rest when it has ended, or narrow the search.',
          )}
        </p>
      )}
      {total > 0 && (
        <p className="flex flex-wrap items-center gap-3 border-b border-line px-3 py-2 text-xs">
          <StatusCounts statuses={statuses} />
        </p>
      )}
      <LeftOut count={leftOut} />
      {sends && <SentTwice statuses={statuses} />}
      {total === 0 && (
        <p className="px-3 py-6 text-center text-ink-2">{t('No message matches.')}</p>
      )}
      <ul>
        {sample.map(({ id, created, status, source, target, type }) => (
          <li
            key={id}
            className="flex flex-wrap items-center gap-3 border-t border-line px-3 py-1 text-xs first:border-0"
          >
            <span className="font-mono">{moment(created)}</span>
            <StatusBadge status={status} />
            <span>
              {source} → {target}
            </span>
            <span className="font-mono text-ink-2">{shortType(type)}</span>
            <span className="ml-auto font-mono text-ink-2">{id}</span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
