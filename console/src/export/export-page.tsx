import { useMutation } from '@tanstack/react-query';
import { Link, useSearch } from '@tanstack/react-router';
import { type ReactElement, useState } from 'react';
import type { SearchCriteria } from '../../../src/api/contract/message.ts';
import { askBytes, type Body } from '../api/client.ts';
import { serverNow } from '../clock/server-clock.ts';
import { Button, buttonStyle } from '../element/button.tsx';
import { Choice, Field } from '../element/field.tsx';
import { STATUS_NAMES } from '../element/names.ts';
import { Problem } from '../element/notice.tsx';
import { Page } from '../element/page.tsx';
import { saveFile } from '../element/save-file.ts';
import type { Status } from '../element/status-badge.tsx';
import { count, moment, zone } from '../element/time-text.ts';
import { t } from '../language/translate.ts';
import { columnsOf, fieldsOf } from '../search/columns.tsx';
import { criteriaOf } from '../search/search-state.ts';
import { usePreferences } from '../shell/preferences.ts';

const CRITERIA = {
  from: t('Since'),
  to: t('Until'),
  hosts: t('Host'),
  source: t('From host'),
  target: t('To host'),
  type: t('Type has'),
  status: t('Status'),
  search: t('Search field'),
  anyOf: t('List of ids'),
  error: t('Error has'),
  cause: t('Cause is'),
  minSize: t('Size at least'),
  maxSize: t('Size at most'),
  minDuration: t('Took at least'),
  maxDuration: t('Took at most'),
  resendOf: t('Resent from'),
  contains: t('Body contains'),
} as const satisfies Record<keyof SearchCriteria, string>;

/** How many of a list are named. */
const NAMED = 20;

function shownCriterion(name: string, value: unknown): string {
  if (name === 'from' || name === 'to')
    return `${moment(value as number)} ${zone(value as number)}`;
  if (name === 'status')
    return (value as readonly Status[]).map((status) => STATUS_NAMES[status]).join(', ');
  if (Array.isArray(value)) {
    const named = value.slice(0, NAMED).join(', ');
    return value.length > NAMED ? `${named} … (${count(value.length)})` : named;
  }
  if (typeof value === 'object' && value !== null)
    return Object.entries(value)
      .map(([field, wanted]) => `${field} ${wanted as string}`)
      .join(', ');
  return String(value);
}

type Format = Body<'POST /messages/export'>['format'];

/** The results of a search as a file, without bodies. */
export function ExportPage(): ReactElement {
  const state = useSearch({ from: '/export' });
  const [format, setFormat] = useState<Format>('csv');
  const [limit, setLimit] = useState('10000');
  const [now] = useState(serverNow);
  const [{ columns }] = usePreferences();
  const fields = fieldsOf(columnsOf(columns));
  const download = useMutation({
    mutationFn: async () => {
      const response = await askBytes('POST /messages/export', {
        body: { criteria: criteriaOf(state, now), format, limit: Number(limit), fields },
      });
      const file = await response.blob().catch(() => {
        // the browser says no more than that, in its own words
        throw new Error(
          t(
            'The download broke off before its end, so nothing was saved: the server or the connection went away, or you were signed out. Download it again.',
          ),
        );
      });
      saveFile(
        file,
        `messages-${new Date(now).toISOString().slice(0, 19).replaceAll(':', '')}.${format}`,
      );
      return file.size;
    },
  });
  const given = Object.entries(criteriaOf(state, now));
  return (
    <Page
      title={t('Export')}
      actions={
        <Link to="/messages" search={state} className={buttonStyle()}>
          {t('Back to the search')}
        </Link>
      }
    >
      <div className="flex max-w-lg flex-col gap-3 rounded-lg border border-line bg-surface p-4">
        <p className="text-ink-2">
          {t(
            'Every matching message, one per line, without its body. The export is recorded in the audit log.',
          )}
        </p>
        {given.length === 0 && <p className="text-xs">{t('Every message in the trace.')}</p>}
        <dl className="grid grid-cols-[8rem_1fr] gap-x-2 gap-y-1 text-xs">
          {fields.length > 0 && (
            <>
              <dt className="text-ink-2">{t('With')}</dt>
              <dd>{fields.join(', ')}</dd>
            </>
          )}
          {given.map(([key, value]) => (
            <div key={key} className="contents">
              <dt className="text-ink-2">{CRITERIA[key as keyof SearchCriteria]}</dt>
              <dd className="break-words">{shownCriterion(key, value)}</dd>
            </div>
          ))}
        </dl>
        <div className="flex gap-3">
          <Choice
            label={t('As')}
            value={format}
            onChange={({ target }) => setFormat(target.value as Format)}
          >
            <option value="csv">CSV</option>
            <option value="ndjson">{t('JSON lines')}</option>
          </Choice>
          <Field
            label={t('At most')}
            inputMode="numeric"
            pattern="[0-9]+"
            value={limit}
            onChange={({ target }) => setLimit(target.value)}
          />
        </div>
        <Button
          look="primary"
          className="h-9"
          disabled={download.isPending || !/^[1-9]\d{0,6}$/.test(limit)}
          onClick={() => download.mutate()}
        >
          {download.isPending ? t('Writing…') : t('Download')}
        </Button>
        {download.isError && <Problem error={download.error} />}
        {download.isSuccess && (
          <p role="status" className="text-good">
            {t('Written: {count} bytes.', { count: download.data })}
          </p>
        )}
      </div>
    </Page>
  );
}
