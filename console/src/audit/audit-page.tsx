import { useInfiniteQuery, useMutation } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { Download, ShieldCheck, UserSearch } from 'lucide-react';
import type { FormEvent, ReactElement } from 'react';
import { apiUrl, ask, type Result } from '../api/client.ts';
import { Button, buttonStyle } from '../element/button.tsx';
import { Field } from '../element/field.tsx';
import { ListTable } from '../element/list-table.tsx';
import { localTime, timeOf, zonedTime } from '../element/local-time.ts';
import { Nothing, Pending, Problem } from '../element/notice.tsx';
import { Page } from '../element/page.tsx';
import { ShowOlder } from '../element/show-older.tsx';
import { clock, day, zone } from '../element/time-text.ts';
import { When } from '../element/when.tsx';
import { t } from '../language/translate.ts';

const PAGE = 200;

const FILTERS = {
  actor: t('Who'),
  action: t('Did'),
  object: t('To what'),
  searched: t('Searched for the value'),
} as const;

const OUTCOMES = {
  done: t('done'),
  refused: t('refused'),
  failed: t('failed'),
} as const satisfies Record<Result<'GET /audit'>['rows'][number]['outcome'], string>;

/** What is looked for, as in the address. */
function filterIn(form: FormData): Record<string, string | undefined> {
  return Object.fromEntries(
    [...form].map(([key, value]) => {
      const text = (value as string).trim() || undefined;
      return [key, key === 'from' || key === 'to' ? zonedTime(timeOf(text)) : text];
    }),
  );
}

/** Who did what, newest first. Looking at it is itself an act, so it is fetched once and not repeatedly. */
export function AuditPage(): ReactElement {
  const filter = useSearch({ from: '/audit' });
  const navigate = useNavigate();
  const { from, to, ...about } = filter;
  const acts = useInfiniteQuery({
    queryKey: ['audit', filter],
    initialPageParam: undefined as number | undefined,
    queryFn: ({ pageParam: before, signal }) =>
      ask('GET /audit', {
        query: { ...about, from: timeOf(from), to: timeOf(to), before, limit: PAGE },
        signal,
      }),
    getNextPageParam: ({ rows: page }) => (page.length < PAGE ? undefined : page.at(-1)?.seq),
    refetchOnWindowFocus: false,
  });
  const rows = acts.data?.pages.flatMap((page) => page.rows);
  const verify = useMutation({
    mutationFn: () => ask('GET /audit/verify'),
  });
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    void navigate({ to: '/audit', search: filterIn(new FormData(event.currentTarget)) });
  };
  return (
    <Page
      title={t('Audit log')}
      detail={t('every act of a person or machine, in a chain that shows if a row was changed')}
      actions={
        <>
          <Link to="/access" className={buttonStyle()}>
            <UserSearch size={14} aria-hidden="true" /> {t('Who saw a patient')}
          </Link>
          <Button disabled={verify.isPending} onClick={() => verify.mutate()}>
            <ShieldCheck size={14} aria-hidden="true" /> {t('Verify the chain')}
          </Button>
          <a href={apiUrl('audit/export')} download className={buttonStyle()}>
            <Download size={14} aria-hidden="true" /> {t('Export')}
          </a>
        </>
      }
    >
      <form
        onSubmit={submit}
        key={JSON.stringify(filter)}
        className="mb-3 flex flex-wrap items-end gap-3 max-sm:grid max-sm:grid-cols-2"
      >
        {Object.entries(FILTERS).map(([name, label]) => (
          <Field
            key={name}
            label={label}
            name={name}
            defaultValue={filter[name as keyof typeof FILTERS] ?? ''}
            className="w-44 max-sm:w-full"
          />
        ))}
        <Field
          label={t('Since')}
          name="from"
          type="datetime-local"
          step="1"
          defaultValue={localTime(timeOf(from))}
        />
        <Field
          label={t('Until')}
          name="to"
          type="datetime-local"
          step="1"
          defaultValue={localTime(timeOf(to))}
        />
        <Button type="submit" look="primary">
          {t('Find')}
        </Button>
      </form>
      {verify.isError && <Problem error={verify.error} />}
      {verify.data !== undefined && (
        <p
          role="status"
          className={`mb-3 rounded-md px-3 py-2 ${verify.data.broken === undefined ? 'bg-good-soft text-good' : 'bg-bad-soft text-bad'}`}
        >
          {verify.data.broken === undefined
            ? t('All {count} rows are unchanged.', { count: verify.data.rows })
            : t('Row {row} was changed.', { row: `${verify.data.broken}` })}
        </p>
      )}
      <Pending answer={acts.data} error={acts.error} />
      {rows?.length === 0 && <Nothing>{t('No act matches.')}</Nothing>}
      {rows !== undefined && rows.length > 0 && (
        <ListTable
          label={t('Acts')}
          look="min-w-[52rem] text-xs"
          columns={[
            '#',
            t('Time, {zone}', { zone: zone() }),
            t('Who'),
            t('From'),
            t('Did'),
            t('To what'),
            t('Outcome'),
            t('Detail'),
          ]}
        >
          {rows.map(({ seq, at, actor, via, ip, action, object, outcome, detail }) => (
            <tr key={seq} className="border-t border-line align-top hover:bg-hover">
              <td className="px-3 py-1 text-ink-2">{seq}</td>
              <td className="px-3 py-1 font-mono whitespace-nowrap">
                <When at={at} />
              </td>
              <td className="px-3 py-1">
                {actor} <span className="text-ink-2">{via}</span>
              </td>
              <td className="px-3 py-1 font-mono">{ip}</td>
              <td className="px-3 py-1 whitespace-nowrap">{action}</td>
              <td className="px-3 py-1">{object}</td>
              <td className={`px-3 py-1 ${outcome === 'done' ? '' : 'text-bad'}`}>
                {OUTCOMES[outcome]}
              </td>
              <td className="line px-3 py-1 wrap-anywhere text-ink-2">{auditDetail(detail)}</td>
            </tr>
          ))}
        </ListTable>
      )}
      <ShowOlder pages={acts} />
    </Page>
  );
}

/** The subject of an act, in words: `target ward, status suspended error` for the JSON that the audit log keeps. */
function auditDetail(json: string): string {
  try {
    return wordsOf(JSON.parse(json) as unknown).join(', ');
  } catch {
    // not JSON
    return json;
  }
}

function wordsOf(value: unknown, name = ''): string[] {
  if (value === null || value === undefined || value === '') return [];
  if (Array.isArray(value))
    return value.length === 0 ? [] : [`${name} ${value.map(String).join(' ')}`.trim()];
  if (typeof value === 'object')
    // the criteria of a search are in an object of their own, which says nothing by itself
    return Object.entries(value).flatMap(([key, inner]) => wordsOf(inner, key));
  if ((name === 'from' || name === 'to' || name === 'until') && typeof value === 'number')
    return [`${name} ${day(value)} ${clock(value)}`];
  return [`${name} ${value as string}`.trim()];
}
