import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { type ComponentProps, type FormEvent, type ReactElement, useState } from 'react';
import type { FoundMessage } from '../../../src/api/contract/message.ts';
import { addressIn } from '../api/client.ts';
import { serverNow } from '../clock/server-clock.ts';
import { Button, buttonStyle } from '../element/button.tsx';
import { Choice, Field } from '../element/field.tsx';
import { ListTable } from '../element/list-table.tsx';
import { STATUS_NAMES } from '../element/names.ts';
import { Nothing } from '../element/notice.tsx';
import { shortType } from '../element/short-type.ts';
import { StatusBadge } from '../element/status-badge.tsx';
import { When } from '../element/when.tsx';
import { t } from '../language/translate.ts';
import { Outcome } from '../search/outcome.tsx';
import {
  criteriaOf,
  findOf,
  RANGE_NAMES,
  RANGES,
  rangeOf,
  type SearchState,
  STATUSES,
} from '../search/search-state.ts';
import { LinkIn, Missing, useGathered } from './gathered.tsx';
import { merged, type Of } from './merged.ts';
import { fieldsOf, messagesOf } from './queries.ts';

/** Messages of each production at first, and at most: the search of one goes on in it. */
const FIRST = 50;
const MOST = 1_000;

/** Messages by criteria in all productions, as one list by time. */
export function SearchInAll({ names }: { readonly names: readonly string[] }): ReactElement {
  const { view: _view, find: _find, by, ...rest } = useSearch({ from: '/productions' });
  const state: SearchState = { ...rest, find: by };
  const key = JSON.stringify(state);
  const [asked, setAsked] = useState({ key, at: serverNow(), limit: FIRST });
  if (asked.key !== key) setAsked({ key, at: serverNow(), limit: FIRST });
  const { limit } = asked;
  const criteria = criteriaOf(state, asked.at);
  const found = useGathered(
    names,
    (name) => messagesOf(name, criteria, limit),
    (page) => [page],
  );
  const parts = found.items.map(({ production, item: { items, next, searchedBackTo } }) => ({
    production,
    items,
    back: next === undefined ? undefined : searchedBackTo,
  }));
  const without = useWithoutField(names, findOf(state)?.field);
  const { rows, held } = merged(parts, ({ created }) => created);
  const more = parts.some(({ back }) => back !== undefined);
  return (
    <>
      <Criteria key={key} state={state} />
      <p role="status" className="text-xs text-ink-2">
        {found.open > 0
          ? t('{count} found; {open} still {open|searches|search}', {
              count: rows.length,
              open: found.open,
            })
          : t('{count} found', { count: rows.length })}
      </p>
      <Missing missing={[...found.missing, ...without]} />
      {rows.length === 0 && held === 0 && found.open === 0 && (
        <Nothing>{t('No message matches in the productions that answer.')}</Nothing>
      )}
      {rows.length > 0 && (
        <Link
          to="/productions/act"
          search={{ ...rest, by }}
          className={`self-start ${buttonStyle()}`}
        >
          {t('Act on all found')}
        </Link>
      )}
      {rows.length > 0 && <Rows rows={rows} />}
      {more && limit < MOST && (
        <Button
          className="self-start"
          onClick={() => setAsked({ ...asked, limit: Math.min(MOST, limit * 4) })}
        >
          {t('Show older')}
        </Button>
      )}
      {more && limit === MOST && (
        <p className="text-xs text-ink-2">
          {t('There are more: narrow the search, or search in one production.')}
        </p>
      )}
    </>
  );
}

/** Productions that cannot find anything by this search field, since they have none of that name. */
function useWithoutField(
  names: readonly string[],
  field: string | undefined,
): ComponentProps<typeof Missing>['missing'] {
  const { items } = useGathered(field === undefined ? [] : names, fieldsOf, ({ fields }) => [
    fields,
  ]);
  if (field === undefined) return [];
  const why = new Error(t('has no search field {field}', { field }));
  return items.flatMap(({ production, item }) =>
    item.includes(field) ? [] : [{ production, why }],
  );
}

/** What all productions have in common; hosts and search fields are of each. */
function Criteria({ state }: { readonly state: SearchState }): ReactElement {
  const navigate = useNavigate();
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string): string | undefined =>
      ((form.get(name) as string | null) ?? '').trim() || undefined;
    void navigate({
      to: '/productions',
      search: {
        view: 'search',
        last: text('last'),
        status: text('status'),
        by: text('by'),
        type: text('type'),
        error: text('error'),
      },
    });
  };
  return (
    <form onSubmit={submit} className="flex flex-wrap items-end gap-2">
      <Choice label={t('Since')} name="last" defaultValue={rangeOf(state)} className="w-32">
        {Object.keys(RANGES).map((range) => (
          <option key={range} value={range}>
            {RANGE_NAMES[range as keyof typeof RANGES]}
          </option>
        ))}
      </Choice>
      <Choice label={t('Status')} name="status" defaultValue={state.status ?? ''} className="w-36">
        <option value="">{t('any ## status')}</option>
        {STATUSES.map((status) => (
          <option key={status} value={status}>
            {STATUS_NAMES[status]}
          </option>
        ))}
      </Choice>
      <Field
        label={t('Search field, as mrn:4711')}
        name="by"
        defaultValue={state.find ?? ''}
        autoComplete="off"
        spellCheck={false}
        className="w-52 max-sm:w-full"
      />
      <Field
        label={t('Type')}
        name="type"
        defaultValue={state.type ?? ''}
        spellCheck={false}
        className="w-36 max-sm:w-full"
      />
      <Field
        label={t('Error code or text')}
        name="error"
        defaultValue={state.error ?? ''}
        spellCheck={false}
        className="w-52 max-sm:w-full"
      />
      <Button type="submit" look="primary">
        {t('Search in all')}
      </Button>
    </form>
  );
}

function Rows({ rows }: { readonly rows: readonly Of<FoundMessage>[] }): ReactElement {
  return (
    <ListTable
      label={t('Messages')}
      look="min-w-[56rem]"
      columns={[
        t('Production'),
        t('Time ## of a message'),
        t('Status'),
        t('From'),
        t('To'),
        t('Type'),
        t('Outcome'),
      ]}
    >
      {rows.map(({ production, item }) => (
        <tr
          key={`${production} ${item.id} ${item.target}`}
          className="border-t border-line hover:bg-hover"
        >
          <th scope="row" className="px-3 py-1.5 font-normal">
            <LinkIn production={production}>{production}</LinkIn>
          </th>
          <td className="px-3 py-1.5 text-xs">
            <a
              href={addressIn(production, `sessions/${item.sessionId}?step=${item.id}`)}
              className="text-accent hover:underline"
            >
              <When at={item.created} as="second" />
            </a>
          </td>
          <td className="px-3 py-1.5">
            <StatusBadge status={item.status} />
          </td>
          <td className="px-3 py-1.5 text-xs">{item.source}</td>
          <td className="px-3 py-1.5 text-xs">
            <span aria-hidden="true" className="text-ink-3 md:hidden">
              →{' '}
            </span>
            {item.target}
          </td>
          <td className="px-3 py-1.5 font-mono text-xs">{shortType(item.type)}</td>
          <td className="max-w-80 px-3 py-1.5 text-xs">
            <span className="flex min-w-0 gap-2">
              <Outcome message={item} />
            </span>
          </td>
        </tr>
      ))}
    </ListTable>
  );
}
