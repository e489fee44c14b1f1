import { useQuery } from '@tanstack/react-query';
import { ChevronDown, X } from 'lucide-react';
import {
  type ClipboardEvent,
  type FormEvent,
  type ReactElement,
  type RefObject,
  useState,
} from 'react';
import { hosts as hostsQuery, searchFields } from '../api/queries.ts';
import { serverNow } from '../clock/server-clock.ts';
import { Button } from '../element/button.tsx';
import { Choice, Field, INPUT } from '../element/field.tsx';
import { zonedTime } from '../element/local-time.ts';
import { STATUS_NAMES } from '../element/names.ts';
import {
  addressOf,
  listSearch,
  pastedList,
  searchedTexts,
  textsOf,
} from '../element/pasted-list.ts';
import type { Status } from '../element/status-badge.tsx';
import { TimeField } from '../element/time-field.tsx';
import { t } from '../language/translate.ts';
import {
  criterionCount,
  findOf,
  RANGE_NAMES,
  RANGES,
  rangeOf,
  type SearchState,
  statusesOf,
} from './search-state.ts';

interface FilterBarProps {
  readonly state: SearchState;
  readonly onChange: (change: Partial<Record<keyof SearchState, string | undefined>>) => void;
  readonly first: RefObject<HTMLInputElement | null>;
}

/** In the place of a search field: ids of messages, and values of any field. */
const ANY = '*';

const STATUSES: readonly Status[] = [
  'completed',
  'queued',
  'retrying',
  'suspended',
  'error',
  'discarded',
];

/** The search criteria. Every change goes into the address, so Back undoes it and a copied link repeats it. */
export function FilterBar({ state, onChange, first }: FilterBarProps): ReactElement {
  const [more, setMore] = useState(() =>
    [
      state.type,
      state.contains,
      state.error,
      state.cause,
      state.minDuration,
      state.maxDuration,
      state.minSize,
      state.maxSize,
      state.resendOf,
      state.source,
      state.target,
    ].some((one) => one !== undefined),
  );
  const chosen = statusesOf(state);
  const toggle = (status: Status): void => {
    const next = chosen.includes(status)
      ? chosen.filter((one) => one !== status)
      : [...chosen, status];
    onChange({ status: next.join(',') || undefined });
  };
  const count = criterionCount(state);
  return (
    <div className="border-b border-line bg-surface px-4 py-2">
      <div className="flex flex-wrap items-center gap-2">
        <FindBox key={state.list ?? state.find} state={state} onChange={onChange} first={first} />
        <HostChoice state={state} onChange={onChange} />
        <RangeChoice state={state} onChange={onChange} />
        <Button look="quiet" aria-expanded={more} onClick={() => setMore(!more)}>
          {t('More')}{' '}
          <ChevronDown size={13} aria-hidden="true" className={more ? 'rotate-180' : ''} />
        </Button>
        {count > 0 && (
          <Button look="quiet" onClick={() => onChange(EMPTY)}>
            <X size={13} aria-hidden="true" /> {t('Clear {count}', { count })}
          </Button>
        )}
      </div>
      <div className="mt-2 flex flex-wrap gap-1.5" role="group" aria-label={t('Status')}>
        {STATUSES.map((status) => (
          <button
            key={status}
            type="button"
            aria-pressed={chosen.includes(status)}
            onClick={() => toggle(status)}
            className={`h-6 rounded-full border px-2.5 text-xs ${chosen.includes(status) ? 'border-accent bg-accent-soft font-medium text-ink' : 'border-line-strong text-ink-2 hover:bg-hover'}`}
          >
            {STATUS_NAMES[status]}
          </button>
        ))}
      </div>
      {more && <MoreFilters state={state} onChange={onChange} />}
    </div>
  );
}

const EMPTY = {
  host: undefined,
  source: undefined,
  target: undefined,
  type: undefined,
  status: undefined,
  find: undefined,
  list: undefined,
  contains: undefined,
  error: undefined,
  cause: undefined,
  minDuration: undefined,
  maxDuration: undefined,
  minSize: undefined,
  maxSize: undefined,
  resendOf: undefined,
};

function FindBox({ state, onChange, first }: FilterBarProps): ReactElement {
  const { data } = useQuery(searchFields);
  const find = findOf(state);
  const names = data?.fields ?? [];
  const [field, setField] = useState(state.list === undefined ? find?.field : ANY);
  const by =
    field ??
    names.find((name) => name === 'mrn') ??
    names.find((name) => name !== 'control-id') ??
    names[0] ??
    '';
  const begins = find?.value.endsWith('*') === true;
  const searchList = (texts: readonly string[]): void =>
    onChange({ list: texts.length === 0 ? undefined : addressOf(texts), find: undefined });
  const paste = (event: ClipboardEvent<HTMLInputElement>): void => {
    const texts = pastedList(event.clipboardData.getData('text'));
    if (texts === undefined) return;
    event.preventDefault();
    onChange(listSearch(texts));
  };
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    if (by === ANY) return searchList(textsOf(form.get('value') as string));
    const value = (form.get('value') as string).trim().replace(/\*$/, '');
    const star = form.get('how') === 'begins' ? '*' : '';
    onChange({
      find: value === '' || by === '' ? undefined : `${by}:${value}${star}`,
      list: undefined,
    });
  };
  return (
    <form
      onSubmit={submit}
      className="flex min-w-64 flex-1 items-center max-sm:w-full max-sm:flex-wrap max-sm:gap-2"
    >
      <select
        aria-label={t('Search field')}
        value={by}
        onChange={({ target }) => setField(target.value)}
        className={`${INPUT} !w-auto max-w-36 min-w-24 shrink-0 rounded-r-none border-r-0 max-sm:rounded-md max-sm:border-r`}
      >
        {(names.includes(by) || by === '' || by === ANY ? names : [by, ...names]).map((name) => (
          <option key={name}>{name}</option>
        ))}
        <option value={ANY}>{t('any id')}</option>
      </select>
      <select
        name="how"
        aria-label={t('How to compare')}
        defaultValue={begins ? 'begins' : 'is'}
        hidden={by === ANY}
        className={`${INPUT} !w-28 shrink-0 rounded-none border-r-0 max-sm:rounded-md max-sm:border-r`}
      >
        <option value="is">{t('is')}</option>
        <option value="begins">{t('begins with')}</option>
      </select>
      <input
        ref={first}
        name="value"
        aria-label={by === ANY ? t('A list of ids') : t('Value of {field}', { field: by })}
        defaultValue={
          state.list === undefined
            ? find?.value.replace(/\*$/, '')
            : searchedTexts(state.list).join(', ')
        }
        onPaste={paste}
        placeholder={t('Enter searches; paste a list of ids')}
        spellCheck={false}
        autoComplete="off"
        className={`${INPUT} rounded-l-none max-sm:basis-full max-sm:rounded-md`}
      />
    </form>
  );
}

function HostChoice({ state, onChange }: Omit<FilterBarProps, 'first'>): ReactElement {
  const { data } = useQuery(hostsQuery);
  const names = data?.hosts.map(({ name }) => name) ?? [];
  return (
    <select
      aria-label={t('Host')}
      value={state.host ?? ''}
      onChange={({ target }) => onChange({ host: target.value || undefined })}
      className={`${INPUT} !w-40`}
    >
      <option value="">{t('every host')}</option>
      {(state.host === undefined || names.includes(state.host)
        ? names
        : [state.host, ...names]
      ).map((name) => (
        <option key={name}>{name}</option>
      ))}
    </select>
  );
}

function RangeChoice({ state, onChange }: Omit<FilterBarProps, 'first'>): ReactElement {
  const range = rangeOf(state);
  return (
    <>
      <select
        aria-label={t('Time')}
        value={range ?? 'between'}
        onChange={({ target: { value } }) =>
          onChange(
            value === 'between'
              ? { from: zonedTime(serverNow() - 3_600_000), last: undefined }
              : { last: value === '24h' ? undefined : value, from: undefined, to: undefined },
          )
        }
        className={`${INPUT} !w-32`}
      >
        {Object.keys(RANGES).map((name) => (
          <option key={name} value={name}>
            {RANGE_NAMES[name as keyof typeof RANGES]}
          </option>
        ))}
        <option value="between">{t('between…')}</option>
      </select>
      {range === undefined && (
        <>
          <TimeField
            bare
            label={t('From')}
            value={state.from}
            onChange={(from) => onChange({ from })}
          />
          <TimeField
            bare
            label={t('To ## time')}
            value={state.to}
            onChange={(to) => onChange({ to })}
          />
        </>
      )}
    </>
  );
}

function MoreFilters({ state, onChange }: Omit<FilterBarProps, 'first'>): ReactElement {
  const { data } = useQuery(hostsQuery);
  const names = data?.hosts.map(({ name }) => name) ?? [];
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    onChange(
      Object.fromEntries(
        [...form].map(([key, value]) => [key, (value as string).trim() || undefined]),
      ),
    );
  };
  const given = (name: keyof SearchState) => ({ name, defaultValue: state[name] ?? '' });
  return (
    <form
      onSubmit={submit}
      key={JSON.stringify(state)}
      className="mt-3 grid grid-cols-2 items-end gap-3 border-t border-line pt-3 md:grid-cols-4 xl:grid-cols-6"
    >
      <Field label={t('Type has')} placeholder="ADT_A01" {...given('type')} />
      <Choice label={t('From host')} {...given('source')}>
        <option value="">{t('any')}</option>
        {names.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </Choice>
      <Choice label={t('To host')} {...given('target')}>
        <option value="">{t('any')}</option>
        {names.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </Choice>
      <Field
        label={t('Body contains')}
        placeholder={t('reads every body')}
        {...given('contains')}
      />
      <Field label={t('Error has')} placeholder={t('text or code')} {...given('error')} />
      {state.cause !== undefined && <Field label={t('Cause is')} {...given('cause')} />}
      <Field label={t('Resent from')} placeholder={t('message id')} {...given('resendOf')} />
      <Field label={t('Took at least, ms')} inputMode="numeric" {...given('minDuration')} />
      <Field label={t('Took at most, ms')} inputMode="numeric" {...given('maxDuration')} />
      <Field label={t('Size at least, bytes')} inputMode="numeric" {...given('minSize')} />
      <Field label={t('Size at most, bytes')} inputMode="numeric" {...given('maxSize')} />
      <Button type="submit" look="primary">
        {t('Search')}
      </Button>
    </form>
  );
}
