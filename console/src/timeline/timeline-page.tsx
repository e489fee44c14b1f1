import { useInfiniteQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { type ReactElement, useMemo } from 'react';
import { ask } from '../api/client.ts';
import { serverNow } from '../clock/server-clock.ts';
import { Button, buttonStyle } from '../element/button.tsx';
import { INPUT } from '../element/field.tsx';
import { STATUS_NAMES } from '../element/names.ts';
import { Nothing, Pending } from '../element/notice.tsx';
import { Page } from '../element/page.tsx';
import { StatusBadge } from '../element/status-badge.tsx';
import { STATUS_TONES } from '../element/status-tone.ts';
import { clock, day, duration, moment, preciseClock, zone } from '../element/time-text.ts';
import { When } from '../element/when.tsx';
import { t } from '../language/translate.ts';
import { criteriaOf, findOf, RANGE_NAMES, RANGES } from '../search/search-state.ts';
import { familyOf, type ToldSession, toldSessions } from './told-sessions.ts';

const PAGE = 500;
/** From this gap on, the list says how long nothing arrived. */
const GAP = 3_600_000;

/** Everything that arrived for one patient, order or visit, in order. */
export function TimelinePage(): ReactElement {
  const { find, last = 'all' } = useSearch({ from: '/timeline' });
  const navigate = useNavigate();
  const { data, error, hasNextPage, isFetchingNextPage, fetchNextPage } = useInfiniteQuery({
    queryKey: ['messages', 'timeline', find, last],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      ask('POST /messages/search', {
        body: {
          ...criteriaOf({ find, last }, serverNow()),
          limit: PAGE,
          ...(pageParam === undefined ? {} : { after: pageParam }),
        },
        signal,
      }),
    getNextPageParam: ({ next }) => next,
    enabled: findOf({ find }) !== undefined,
    refetchOnWindowFocus: false,
  });
  const sessions = useMemo(
    () => toldSessions(data?.pages.flatMap(({ items }) => items) ?? []),
    [data],
  );
  const wanted = findOf({ find });
  const searchedBackTo = data?.pages.at(-1)?.searchedBackTo;
  return (
    <Page
      title={t('Timeline')}
      detail={
        wanted !== undefined && (
          <span>
            {wanted.field} <strong className="font-mono">{wanted.value}</strong>
            {data !== undefined &&
              ` · ${t('{count} {count|session|sessions}', { count: sessions.length })}`}
          </span>
        )
      }
      actions={
        <>
          <select
            aria-label={t('Time')}
            value={last}
            onChange={({ target }) =>
              void navigate({ to: '/timeline', search: { find, last: target.value } })
            }
            className={`${INPUT} !w-32`}
          >
            {Object.keys(RANGES).map((name) => (
              <option key={name} value={name}>
                {RANGE_NAMES[name as keyof typeof RANGES]}
              </option>
            ))}
          </select>
          <Link to="/messages" search={{ find, last }} className={buttonStyle()}>
            {t('Messages')}
          </Link>
        </>
      }
    >
      {wanted === undefined ? (
        <Nothing>
          {t(
            'Whose timeline? Find an MRN, a visit or an order with Ctrl K, and open its timeline.',
          )}
        </Nothing>
      ) : (
        <Pending answer={data} error={error} />
      )}
      {data !== undefined && sessions.length === 0 && !hasNextPage && (
        <Nothing>{t('Nothing arrived for it in this time.')}</Nothing>
      )}
      {sessions.length > 0 && (
        <div className="flex flex-col gap-4">
          <TimeAxis sessions={sessions} />
          <Told sessions={sessions} />
        </div>
      )}
      {hasNextPage && (
        <p className="mt-3 flex items-center gap-3 text-xs text-ink-2">
          {searchedBackTo !== undefined &&
            t('Searched back to {time}.', { time: moment(searchedBackTo) })}
          <Button disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
            {isFetchingNextPage ? t('Searching…') : t('Continue')}
          </Button>
        </p>
      )}
    </Page>
  );
}

function Told({ sessions }: { readonly sessions: readonly ToldSession[] }): ReactElement {
  return (
    <ol className="overflow-hidden rounded-lg border border-line bg-surface">
      {sessions.map((session, index) => {
        const { id, at, type, source, targets, status, failure } = session;
        const before = sessions[index - 1]?.at;
        const isNewDay = before === undefined || day(before) !== day(at);
        const gap = before === undefined ? 0 : at - before;
        return (
          <li key={id}>
            {(isNewDay || gap > GAP) && (
              <p className="flex gap-3 border-b border-line bg-sunken px-3 py-1 text-xs text-ink-2">
                {isNewDay && (
                  <strong className="font-medium text-ink">
                    {day(at)}, {zone(at)}
                  </strong>
                )}
                {gap > GAP && <em>{t('{duration} later', { duration: duration(gap) })}</em>}
              </p>
            )}
            <Link
              to="/sessions/$id"
              params={{ id }}
              className="flex flex-wrap items-center gap-x-3 gap-y-0.5 border-b border-line px-3 py-1.5 hover:bg-hover"
            >
              <span className="font-mono text-xs">
                <When at={at} as="clock" />
              </span>
              <span className="w-24 truncate font-mono text-xs font-semibold">{type}</span>
              <StatusBadge status={status} />
              <span className="min-w-0 text-xs text-ink-2">
                {source} → {targets.join(', ')}
              </span>
              {failure !== undefined && (
                <span className="min-w-0 truncate text-xs text-bad">{failure}</span>
              )}
            </Link>
          </li>
        );
      })}
    </ol>
  );
}

const HOURS_36 = 36 * 3_600_000;

/** All sessions on one axis, with a lane for each kind of message. The list below says the same as text. */
function TimeAxis({ sessions }: { readonly sessions: readonly ToldSession[] }): ReactElement {
  const from = sessions[0]?.at ?? 0;
  const length = Math.max(1, (sessions.at(-1)?.at ?? from) - from);
  const lanes = Map.groupBy(sessions, familyOf);
  const label = (at: number): string =>
    length > HOURS_36 ? day(at) : (length < 10_000 ? preciseClock : clock)(at);
  return (
    <div className="rounded-lg border border-line bg-surface px-3 py-2" aria-hidden="true">
      {[...lanes].map(([family, own]) => (
        <div key={family} className="grid grid-cols-[3.5rem_minmax(0,1fr)] items-center">
          <span className="truncate font-mono text-xs text-ink-2">{family}</span>
          <span className="relative mx-2 block h-7 border-b border-line">
            {own.map(({ id, at, status, type }) => (
              <Link
                key={id}
                to="/sessions/$id"
                params={{ id }}
                tabIndex={-1}
                title={`${day(at)} ${preciseClock(at)} ${type}, ${STATUS_NAMES[status]}`}
                className={`absolute top-1/2 size-3 -translate-1/2 rounded-full border-2 border-surface ${STATUS_TONES[status]}`}
                style={{ left: `${((at - from) / length) * 100}%` }}
              />
            ))}
          </span>
        </div>
      ))}
      <div className="mt-1 ml-14 flex justify-between px-2 text-2xs text-ink-2">
        {[0, 0.5, 1].map((part) => (
          <span key={part}>{label(from + length * part)}</span>
        ))}
      </div>
    </div>
  );
}
