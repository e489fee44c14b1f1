import { useMutation, useQueries, useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { type ComponentProps, type ReactElement, useEffect, useState } from 'react';
import type { Job, JobAnswer, JobRequest } from '../../../src/api/contract/job.ts';
import type { SearchCriteria } from '../../../src/api/contract/message.ts';
import { newKey } from '../api/client.ts';
import { productions } from '../api/productions.ts';
import { serverNow } from '../clock/server-clock.ts';
import { Button } from '../element/button.tsx';
import { ListTable } from '../element/list-table.tsx';
import { Pending } from '../element/notice.tsx';
import { Page } from '../element/page.tsx';
import { count } from '../element/time-text.ts';
import { type Act, SENDS, SentTwice, StatusCounts } from '../job/acts.tsx';
import { OrderForm, useOrder } from '../job/order-form.tsx';
import { t } from '../language/translate.ts';
import { criteriaOf, type SearchState } from '../search/search-state.ts';
import { LinkIn, Missing, reasonOf } from './gathered.tsx';
import { JobsInAll, jobsNamed } from './jobs-in-all.tsx';
import { listOf, orderIn } from './queries.ts';

/** One act on messages of several productions: first what it would be, then what became of it. */
export function ActInAllPage(): ReactElement {
  const { data, error } = useQuery(productions);
  const { jobs, order, by, ...rest } = useSearch({ from: '/productions/act' });
  const named = jobs === undefined ? [] : jobsNamed(jobs);
  return (
    <Page
      title={
        named.length > 0 ? t('Jobs in several productions') : t('Act on many, in all productions')
      }
    >
      <Pending answer={data} error={data === undefined ? error : null} />
      {data !== undefined && (
        <div className="flex flex-col gap-3">
          {named.length > 0 ? (
            <JobsInAll jobs={named} />
          ) : (
            <ActInAll names={data.productions} order={order} state={{ ...rest, find: by }} />
          )}
        </div>
      )}
    </Page>
  );
}

/** An order that can be given again after a page was loaded again, or no answer came: its time and a name. */
const newOrder = (): string => `${serverNow()}.${newKey()}`;

const timeOfOrder = (order: string): number => Number(/^\d{1,16}(?=\.)/.exec(order)?.[0] ?? 0);

/** What an address says of what was ordered: `hub.12,lab.5`. */
const addressOfJobs = (jobs: readonly Made[]): string =>
  jobs.map(({ production, id }) => `${production}.${id}`).join(',');

interface Row {
  readonly production: string;
  readonly list: JobAnswer | undefined;
  readonly error: Error | null;
}

/** How many of a production's messages the order takes. */
function chosenOf({ list }: Row, most: number): number {
  return list === undefined ? 0 : Math.min(most, list.total, list.most);
}

/** How many messages of a status there are in all productions. */
const inAll = (rows: readonly Row[], status: keyof NonNullable<JobAnswer['statuses']>): number =>
  rows.reduce((sum, { list }) => sum + (list?.statuses?.[status] ?? 0), 0);

/**
 * Before many messages of several productions are touched: how many in each, and why. Each gets an order of its own,
 * with the rights and the audit log that it has, for exactly the list that is shown.
 */
function ActInAll({
  names,
  order,
  state,
}: {
  readonly names: readonly string[];
  readonly order: string | undefined;
  readonly state: SearchState;
}): ReactElement {
  const form = useOrder('resend');
  const { act: type, most, reason } = form;
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  const begun = useOrderName(order);
  const criteria = criteriaOf(state, timeOfOrder(begun));
  const rows = useLists(names, { type, order: begun, criteria });
  const wanted = rows.filter((row) => !left.has(row.production) && chosenOf(row, most) > 0);
  const total = wanted.reduce((sum, row) => sum + chosenOf(row, most), 0);
  const start = useOrders(
    wanted.map((row) => ({
      production: row.production,
      order: { type, list: row.list?.list, limit: chosenOf(row, most), reason: reason.trim() },
    })),
  );
  const searching = rows.some(({ list, error }) => list === undefined && error === null);
  return (
    <div className="grid items-start gap-4 lg:grid-cols-[20rem_minmax(0,1fr)]">
      <OrderForm
        order={form}
        // what one may is decided by each production
        may={() => true}
        atMost={{ label: t('At most in each'), hint: t('the oldest of each go first') }}
        kept={t('kept with each job and in each audit log')}
        count={total}
        isBlocked={searching || start.isPending}
        onOrder={start.order}
        problem={<Refused refused={start.refused} made={start.made} onShow={start.show} />}
      />
      <div className="flex flex-col gap-3">
        {SENDS.has(type) && (
          <SentTwice
            statuses={{
              completed: inAll(wanted, 'completed'),
              queued: inAll(wanted, 'queued'),
              retrying: inAll(wanted, 'retrying'),
            }}
          />
        )}
        <Lists
          rows={rows}
          most={most}
          left={left}
          onLeave={(production) => setLeft(toggled(left, production))}
        />
      </div>
    </div>
  );
}

/** The name of the order, which the address keeps. */
function useOrderName(order: string | undefined): string {
  const navigate = useNavigate();
  const [begun] = useState(order ?? newOrder());
  useEffect(() => {
    if (order !== undefined) return;
    void navigate({
      to: '/productions/act',
      search: (before) => ({ ...before, order: begun }),
      replace: true,
    });
  }, [order, begun, navigate]);
  return begun;
}

interface Made {
  readonly production: string;
  readonly id: number;
}

interface Orders {
  readonly order: () => void;
  readonly isPending: boolean;
  readonly made: readonly Made[];
  readonly refused: ComponentProps<typeof Missing>['missing'];
  readonly show: (made: readonly Made[]) => void;
}

/** Orders a job in each production, and shows all of them if none was refused. */
function useOrders(
  wanted: readonly { readonly production: string; readonly order: JobRequest }[],
): Orders {
  const navigate = useNavigate();
  const show = (jobs: readonly Made[]): void =>
    void navigate({
      to: '/productions/act',
      search: { jobs: addressOfJobs(jobs) },
      replace: true,
    });
  const start = useMutation({
    mutationFn: () => Promise.all(wanted.map((one) => ordered(one.production, one.order))),
    onSuccess: (results) => {
      if (results.every(({ job }) => job !== undefined)) show(madeOf(results));
    },
  });
  const results = start.data ?? [];
  return {
    order: () => start.mutate(),
    isPending: start.isPending,
    made: madeOf(results),
    refused: results.flatMap(({ production, job, why }) =>
      job === undefined ? [{ production, why }] : [],
    ),
    show,
  };
}

const madeOf = (results: readonly Ordered[]): readonly Made[] =>
  results.flatMap(({ production, job }) => (job === undefined ? [] : [{ production, id: job.id }]));

/** Which productions have not taken the order, and what may be done about it. */
function Refused({
  refused,
  made,
  onShow,
}: Pick<Orders, 'refused' | 'made'> & {
  readonly onShow: Orders['show'];
}): ReactElement | null {
  if (refused.length === 0) return null;
  return (
    <>
      <Missing missing={refused} />
      <p className="text-xs text-ink-2">
        {t('Order again: what was ordered already is not ordered twice.')}
      </p>
      {made.length > 0 && (
        <Button onClick={() => onShow(made)}>{t('Show what was ordered')}</Button>
      )}
    </>
  );
}

function toggled(names: ReadonlySet<string>, name: string): ReadonlySet<string> {
  const next = new Set(names);
  if (!next.delete(name)) next.add(name);
  return next;
}

function useLists(
  names: readonly string[],
  asked: { readonly type: Act; readonly order: string; readonly criteria: SearchCriteria },
): readonly Row[] {
  const found = useQueries({ queries: names.map((name) => listOf(name, asked)) });
  return names.map((production, n) => ({
    production,
    list: found[n]?.data,
    error: found[n]?.error ?? null,
  }));
}

interface Ordered {
  readonly production: string;
  readonly job?: Job | undefined;
  readonly why?: unknown;
}

async function ordered(production: string, order: JobRequest): Promise<Ordered> {
  try {
    const { job } = await orderIn(production, order);
    return { production, job };
  } catch (why) {
    return { production, why };
  }
}

/** What was found in each, and whether it is part of the order. */
function Lists({
  rows,
  most,
  left,
  onLeave,
}: {
  readonly rows: readonly Row[];
  readonly most: number;
  readonly left: ReadonlySet<string>;
  readonly onLeave: (production: string) => void;
}): ReactElement {
  return (
    <ListTable
      label={t('Which, in each production')}
      look="min-w-[36rem]"
      columns={[t('Production'), t('Found'), t('Of these'), t('Status')]}
    >
      {rows.map((row) => (
        <tr key={row.production} className="border-t border-line">
          <th scope="row" className="px-3 py-1.5 font-normal">
            <label className="inline-flex min-h-6 items-center gap-2">
              <input
                type="checkbox"
                className="size-4 accent-accent"
                checked={!left.has(row.production) && chosenOf(row, most) > 0}
                disabled={chosenOf(row, Number.POSITIVE_INFINITY) === 0}
                onChange={() => onLeave(row.production)}
                aria-label={t('Act in {production}', { production: row.production })}
              />
              <LinkIn production={row.production}>{row.production}</LinkIn>
            </label>
          </th>
          <Found row={row} chosen={left.has(row.production) ? 0 : chosenOf(row, most)} />
        </tr>
      ))}
    </ListTable>
  );
}

function Found({
  row: { list, error },
  chosen,
}: {
  readonly row: Row;
  readonly chosen: number;
}): ReactElement {
  if (list === undefined)
    return (
      <td
        colSpan={3}
        className={`px-3 py-1.5 text-xs ${error === null ? 'text-ink-2' : 'text-warn'}`}
      >
        {error === null ? t('Loading…') : reasonOf(error)}
      </td>
    );
  const { total, complete, most, statuses = {}, leftOut = 0 } = list;
  return (
    <>
      <td className="px-3 py-1.5" data-name={t('Found')}>
        {complete ? count(total) : t('the newest {count}', { count: total })}
      </td>
      <td className="px-3 py-1.5" data-name={t('Of these')}>
        {count(chosen)}
        {total > most && (
          <span className="block text-xs text-ink-2">
            {t('you may act on {most} at once', { most })}
          </span>
        )}
        {leftOut > 0 && (
          <span className="block text-xs text-warn">
            {t('left out, since they hold others too: {count}', { count: leftOut })}
          </span>
        )}
      </td>
      <td className="px-3 py-1.5 text-xs">
        <span className="flex flex-wrap gap-x-3 gap-y-1">
          <StatusCounts statuses={statuses} />
        </span>
      </td>
    </>
  );
}
