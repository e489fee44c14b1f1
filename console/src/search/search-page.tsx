import { useMutation } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import {
  Bookmark,
  CalendarRange,
  Columns2,
  Columns3,
  Download,
  Radio,
  RefreshCw,
  Repeat2,
} from 'lucide-react';
import { type ReactElement, Suspense, useCallback, useEffect, useRef, useState } from 'react';
import type { Message, MessageCount, SearchCriteria } from '../../../src/api/contract/message.ts';
import { ask } from '../api/client.ts';
import { lazyPart } from '../api/part.ts';
import { Button, buttonStyle } from '../element/button.tsx';
import { CopyButton } from '../element/copy-button.tsx';
import { indexingText } from '../element/indexing-text.ts';
import { Nothing, Problem, Waiting, Warning } from '../element/notice.tsx';
import { Page } from '../element/page.tsx';
import { listAt, TEXTS_LIMIT } from '../element/pasted-list.ts';
import { count, moment } from '../element/time-text.ts';
import { t } from '../language/translate.ts';
import { useHotKeys } from '../shell/hot-keys.ts';
import { useMay } from '../shell/me.ts';
import { usePreferences } from '../shell/preferences.ts';
import { columnsOf, fieldsOf } from './columns.tsx';
import { FilterBar } from './filter-bar.tsx';
import { keepFound } from './last-found.ts';
import { MessageGrid } from './message-grid.tsx';
import { rangeOf, type SearchState } from './search-state.ts';
import { type MessageSearch, useMessageSearch } from './use-message-search.ts';

const SavedSearches = lazyPart(() => import('./saved-searches.tsx'), 'SavedSearches');
const ColumnDialog = lazyPart(() => import('./column-dialog.tsx'), 'ColumnDialog');

/** Finds messages. The address holds the whole state: filters, live, and the selected row. */
export function SearchPage(): ReactElement {
  const state = useSearch({ from: '/messages' });
  const navigate = useNavigate();
  const first = useRef<HTMLInputElement>(null);
  const [{ columns: chosen }] = usePreferences();
  const columns = columnsOf(chosen);
  const search = useMessageSearch(state, fieldsOf(columns));
  const marks = useMarks(search);
  useEffect(() => {
    const { at: _at, ...asked } = state;
    if (!search.isPending) keepFound(asked, search.rows);
  }, [state, search.isPending, search.rows]);
  const change = useCallback(
    (next: Partial<Record<keyof SearchState, string | undefined>>, replace = false) =>
      void navigate({ to: '/messages', search: (before) => ({ ...before, ...next }), replace }),
    [navigate],
  );
  const open = (message: Message): void =>
    void navigate({
      to: '/sessions/$id',
      // of a very large session only what is around the message is shown
      params: { id: message.id },
      search: { step: `${message.id}` },
    });
  const toggleLive = (): void => change({ live: state.live === '1' ? undefined : '1' }, true);
  const onKey = (key: string, message: Message): boolean => {
    if (key === 'o') void navigate({ to: '/messages/$id', params: { id: message.id } });
    else if (key === 'x') marks.toggle(message.id);
    else return false;
    return true;
  };
  useHotKeys({
    '/': () => first.current?.select(),
    l: toggleLive,
    '.': search.showFresh,
    j: () => document.querySelector<HTMLElement>('[data-grid]')?.focus(),
  });
  return (
    <Page
      title={t('Messages')}
      fixed
      detail={<Found search={search} marks={marks} />}
      actions={<Actions state={state} search={search} marks={marks} toggleLive={toggleLive} />}
    >
      <FilterBar state={state} onChange={change} first={first} />
      <ListNotice list={state.list} missing={search.missing} />
      <IndexingNotice indexing={search.indexing} />
      <div className="relative flex min-h-0 flex-1 flex-col">
        {search.fresh.length > 0 && (
          <button
            type="button"
            onClick={search.showFresh}
            className="absolute top-1 left-1/2 z-20 -translate-x-1/2 rounded-full bg-accent px-3 py-1 text-xs font-medium text-accent-ink shadow-float"
          >
            ▲ {t('{count} new', { count: search.fresh.length })}
          </button>
        )}
        <p className="sr-only" role="status">
          {search.fresh.length > 0
            ? t('{count} new {count|message|messages}', { count: search.fresh.length })
            : ''}
        </p>
        {search.error !== null && (
          <div className="p-4">
            <Problem error={search.error} />
          </div>
        )}
        {search.isPending && search.error === null && <Waiting />}
        {!search.isPending && (search.error === null || search.rows.length > 0) && (
          <MessageGrid
            rows={search.rows}
            columns={columns}
            selected={state.at === undefined ? undefined : Number(state.at)}
            marked={marks.ids}
            onMarkAll={marks.mayMark ? marks.toggleAll : undefined}
            all={marks.all}
            onSelect={(id) => change({ at: `${id}` }, true)}
            onOpen={open}
            onKey={onKey}
            onEnd={() => {
              // a page that hit the time limit is continued by the user, who judges the part
              // searched so far
              if (
                search.hasMore &&
                !search.isFetchingMore &&
                search.rows.length > 0 &&
                search.rows.length % 100 === 0
              )
                search.more();
            }}
            foot={<Foot search={search} />}
          />
        )}
      </div>
    </Page>
  );
}

function Found({
  search,
  marks,
}: {
  readonly search: MessageSearch;
  readonly marks: Marks;
}): ReactElement {
  const { rows, hasMore, criteria } = search;
  if (rows.length === 0) return <span />;
  return (
    <span className="inline-flex flex-wrap items-center gap-1">
      {hasMore ? (
        <Total key={JSON.stringify(criteria)} criteria={criteria} atLeast={rows.length} />
      ) : (
        t('{count} found', { count: rows.length })
      )}
      {marks.mayMark && (
        <Button look="quiet" aria-pressed={marks.all} onClick={marks.toggleAll}>
          {marks.all ? t('Mark none') : t('Mark all found')}
        </Button>
      )}
    </span>
  );
}

interface ActionProps {
  readonly state: SearchState;
  readonly search: MessageSearch;
  readonly marks: Marks;
  readonly toggleLive: () => void;
}

function Actions({ state, search, marks, toggleLive }: ActionProps): ReactElement {
  const may = useMay();
  const navigate = useNavigate();
  const live = state.live === '1';
  const [dialog, setDialog] = useState<'saved' | 'columns' | undefined>(undefined);
  const [{ columns }, prefer] = usePreferences();
  const close = (): void => setDialog(undefined);
  const [newer, older, ...others] = [...marks.ids].toSorted((a, b) => b - a);
  return (
    <>
      {marks.mayMark && marks.ids.size > 0 && (
        <Button
          look="primary"
          onClick={() =>
            void navigate({
              to: '/jobs/new',
              search: marks.all
                ? { ...state, live: undefined, at: undefined }
                : { ids: [...marks.ids].join(',') },
            })
          }
        >
          <Repeat2 size={14} aria-hidden="true" />{' '}
          {marks.all
            ? t('Act on all found')
            : t('Act on {count} marked', { count: marks.ids.size })}
        </Button>
      )}
      {newer !== undefined &&
        older !== undefined &&
        others.length === 0 &&
        may('message.content') && (
          <Link
            to="/messages/$id/diff"
            params={{ id: newer }}
            search={{ against: `${older}` }}
            className={buttonStyle()}
          >
            <Columns2 size={14} aria-hidden="true" /> {t('Compare the two')}
          </Link>
        )}
      <Button onClick={() => setDialog('saved')}>
        <Bookmark size={14} aria-hidden="true" /> {t('Saved ## searches')}
      </Button>
      <Button
        className="max-sm:hidden"
        onClick={() => setDialog('columns')}
        aria-label={t('Columns')}
        title={t('Columns')}
      >
        <Columns3 size={14} aria-hidden="true" />
      </Button>
      {state.find !== undefined && (
        <Link
          to="/timeline"
          search={{ find: state.find, last: rangeOf(state) }}
          className={buttonStyle()}
        >
          <CalendarRange size={14} aria-hidden="true" /> {t('Timeline')}
        </Link>
      )}
      {may('message.export') && (
        <Button
          onClick={() =>
            void navigate({ to: '/export', search: { ...state, live: undefined, at: undefined } })
          }
        >
          <Download size={14} aria-hidden="true" /> {t('Export')}
        </Button>
      )}
      <Button onClick={search.again} aria-label={t('Search again')} title={t('Search again')}>
        <RefreshCw size={14} aria-hidden="true" />
      </Button>
      <Button
        aria-pressed={live}
        onClick={toggleLive}
        disabled={rangeOf(state) === undefined}
        className={live ? '!border-accent !bg-accent-soft' : ''}
      >
        <Radio size={14} aria-hidden="true" className={live ? 'animate-pulse text-accent' : ''} />{' '}
        {t('Live')}
      </Button>
      <Suspense>
        {dialog === 'saved' && <SavedSearches state={state} onClose={close} />}
        {dialog === 'columns' && (
          <ColumnDialog
            chosen={columnsOf(columns)}
            onChoose={(next) => prefer({ columns: next })}
            onClose={close}
          />
        )}
      </Suspense>
    </>
  );
}

/** An empty list is no proof while a search field is new. */
function IndexingNotice({ indexing }: Pick<MessageSearch, 'indexing'>): ReactElement | null {
  if (indexing === undefined) return null;
  return (
    <div className="px-4 pt-2">
      <Warning>{indexingText(indexing)}</Warning>
    </div>
  );
}

function Foot({ search }: { readonly search: MessageSearch }): ReactElement {
  const { rows, hasMore, more, isFetchingMore, searchedBackTo, complete } = search;
  if (rows.length === 0 && !hasMore) {
    return (
      <Nothing>
        {t('Nothing matches. Widen the time or remove a filter; Back restores what you had.')}
      </Nothing>
    );
  }
  return (
    <div className="flex flex-wrap items-center gap-3 px-4 py-3 text-xs text-ink-2">
      {complete || searchedBackTo === undefined
        ? t('Everything in this time was searched.')
        : t('Searched back to {time}.', { time: moment(searchedBackTo) })}
      {hasMore && (
        <Button onClick={more} disabled={isFetchingMore}>
          {isFetchingMore ? t('Searching…') : t('Continue')}
        </Button>
      )}
    </div>
  );
}

interface TotalProps {
  readonly criteria: SearchCriteria;
  /** Found so far. */
  readonly atLeast: number;
}

/** How many messages match: counted on request, since it may take a while, and as far as the time limit allows. */
function Total({ criteria, atLeast }: TotalProps): ReactElement {
  const counting = useMutation({
    mutationFn: async (before: MessageCount | undefined): Promise<MessageCount> => {
      const after = before?.next;
      const page = await ask('POST /messages/count', {
        body: { ...criteria, ...(after === undefined ? {} : { after }) },
      });
      return { ...page, count: page.count + (before?.count ?? 0) };
    },
  });
  const { data } = counting;
  if (data?.complete === true) return <span>{t('{count} in all', { count: data.count })}</span>;
  return (
    <span className="inline-flex items-center gap-1">
      {data === undefined
        ? t('{count} found', { count: `${count(atLeast)}+` })
        : t('{count} since {time}', {
            count: data.count,
            time: moment(data.searchedBackTo),
          })}
      <Button
        look="quiet"
        disabled={counting.isPending}
        onClick={() => counting.mutate(counting.data)}
      >
        {counting.isPending ? t('Counting…') : data === undefined ? t('Count all') : t('Count on')}
      </Button>
      {counting.isError && <span className="text-bad">{counting.error.message}</span>}
    </span>
  );
}

/** Which of what was found is to be acted on: some rows, or all that match, also those that are not loaded. */
interface Marks {
  /** The marked ones among the rows. */
  readonly ids: ReadonlySet<number>;
  readonly all: boolean;
  /** Whether one may act on what is marked. */
  readonly mayMark: boolean;
  readonly toggle: (id: number) => void;
  readonly toggleAll: () => void;
}

/** Marks last as long as the search: those of another search would be acted on unseen. */
function useMarks({ rows, criteria }: Pick<MessageSearch, 'rows' | 'criteria'>): Marks {
  const may = useMay();
  const [kept, setKept] = useState<{
    readonly criteria: unknown;
    readonly marked: ReadonlySet<number> | 'all';
  }>({ criteria, marked: NONE });
  const marked = kept.criteria === criteria ? kept.marked : NONE;
  const all = marked === 'all';
  const ids = all ? new Set(rows.map(({ id }) => id)) : marked;
  const keep = (next: ReadonlySet<number> | 'all'): void => setKept({ criteria, marked: next });
  return {
    ids,
    all,
    mayMark: may('message.bulk'),
    toggle(id) {
      const after = new Set(ids);
      if (!after.delete(id)) after.add(id);
      keep(after);
    },
    toggleAll: () => keep(all ? NONE : 'all'),
  };
}

const NONE: ReadonlySet<number> = new Set();

/** How many of those that were not found are named. */
const NAMED = 5;

/** What a person must know of a pasted list: of whom nothing is known, and what was not looked for. */
function ListNotice({
  list,
  missing,
}: {
  readonly list: string | undefined;
  readonly missing: readonly string[];
}): ReactElement | null {
  if (list === undefined) return null;
  const texts = listAt(list);
  if (texts === undefined) {
    return (
      <div className="px-4 pt-2">
        <Warning>
          {t('This list is kept in the tab that it was pasted into. Paste it here once more.')}
        </Warning>
      </div>
    );
  }
  if (missing.length === 0 && texts.length <= TEXTS_LIMIT) return null;
  const named = missing.slice(0, NAMED).join(', ');
  return (
    <div className="flex flex-col gap-2 px-4 py-1.5">
      {texts.length > TEXTS_LIMIT && (
        <Warning>
          {t('Only the first {most} of {count} ids were looked for: paste the rest afterwards.', {
            most: TEXTS_LIMIT,
            count: texts.length,
          })}
        </Warning>
      )}
      {missing.length > 0 && (
        <div role="status" className="flex items-center gap-1 text-xs text-warn">
          <span className="min-w-0 truncate">
            {t('Not found, {count} of {total}:', {
              count: missing.length,
              total: Math.min(texts.length, TEXTS_LIMIT),
            })}{' '}
            <span className="font-mono">
              {named}
              {missing.length > NAMED ? ' …' : ''}
            </span>
          </span>
          <CopyButton text={missing.join('\n')} label={t('Copy those that were not found')} />
        </div>
      )}
    </div>
  );
}
