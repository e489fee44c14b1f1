import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type ReactElement, useState } from 'react';
import type { PurgeReport, Storage } from '../../../src/api/contract/storage.ts';
import { ask } from '../api/client.ts';
import { storage as storageQuery } from '../api/queries.ts';
import { serverNow } from '../clock/server-clock.ts';
import { ConfirmedButton } from '../element/confirmed-button.tsx';
import { Pending } from '../element/notice.tsx';
import { Page, Panel } from '../element/page.tsx';
import { bytes, count, day, duration, moment } from '../element/time-text.ts';
import { t } from '../language/translate.ts';
import { useMay } from '../shell/me.ts';
import { ReleaseButton } from './release-button.tsx';

const DAY = 86_400_000;

/** The size of the trace by day, how long it stays, and what is kept longer. */
export function StoragePage(): ReactElement {
  const { data, error } = useQuery(storageQuery);
  const client = useQueryClient();
  const may = useMay();
  const [purged, setPurged] = useState<PurgeReport | undefined>(undefined);
  return (
    <Page
      title={t('Storage')}
      detail={
        data !== undefined &&
        t('{size} in {count} {count|day|days}; settled messages stay {duration}', {
          size: bytes(data.bytes),
          count: data.days.length,
          duration: duration(data.keep),
        })
      }
      actions={
        may('purge.manage') && (
          <ConfirmedButton
            asks={{
              title: t('Purge now'),
              children: t(
                'Messages that are settled, held by nobody and past their time are removed with their bodies, and cannot be brought back.',
              ),
              act: t('Purge'),
              order: () => ask('POST /storage/purge'),
              onDone: (report) => {
                setPurged(report);
                void client.invalidateQueries({ queryKey: ['storage'] });
              },
            }}
          >
            {t('Purge now')}
          </ConfirmedButton>
        )
      }
    >
      <Pending answer={data} error={error} />
      {data !== undefined && (
        <div className="flex flex-col gap-4">
          {purged !== undefined && (
            <p role="status" className="rounded-md border border-line bg-surface px-3 py-2">
              {purgeText(purged)}
            </p>
          )}
          <Days storage={data} />
          <Panel title={t('Jobs')}>
            <p>
              {t(
                '{jobs} {jobs|job|jobs} with {results} {results|result|results}. They are removed {duration} after they have ended.',
                {
                  jobs: data.jobs.jobs,
                  results: data.jobs.messages,
                  duration: duration(data.keep),
                },
              )}
            </p>
          </Panel>
          <Holds storage={data} />
        </div>
      )}
    </Page>
  );
}

function purgeText({ removed, keptSessions, jobs }: PurgeReport): string {
  const days = removed.map((one) => writtenDay(one.day)).join(', ');
  return [
    removed.length === 0 ? t('Nothing has reached its age limit.') : t('Removed {days}.', { days }),
    keptSessions > 0 &&
      t('{count} {count|session stays: it is|sessions stay: they are} open or held.', {
        count: keptSessions,
      }),
    jobs > 0 &&
      t('{count} {count|job|jobs} that had ended earlier {count|was|were} removed.', {
        count: jobs,
      }),
  ]
    .filter((text) => text !== false)
    .join(' ');
}

const COLUMNS = [
  [t('Day'), ''],
  [t('Messages'), 'text-right'],
  [t('Size'), 'text-right'],
  [t('Goes'), ''],
] as const;

function Days({ storage: { days, keep } }: { readonly storage: Storage }): ReactElement {
  const largest = Math.max(1, ...days.map((one) => one.bytes));
  return (
    <Panel title={t('By day of the session')} flush>
      <table className="w-full border-collapse text-left">
        <thead className="bg-sunken text-2xs text-ink-2">
          <tr>
            {COLUMNS.map(([name, style]) => (
              <th key={name} scope="col" className={`px-3 py-1.5 font-medium ${style}`}>
                {name}
              </th>
            ))}
            <th scope="col" className="max-sm:hidden">
              <span className="sr-only">{t('Share')}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {days.map((one) => (
            <tr key={one.day} className="border-b border-line last:border-0">
              <th scope="row" className="px-3 py-1 font-mono text-xs font-normal whitespace-nowrap">
                {writtenDay(one.day)}
              </th>
              <td className="px-3 py-1 text-right text-xs">{count(one.messages)}</td>
              <td className="w-24 px-3 py-1 text-right text-xs whitespace-nowrap">
                {bytes(one.bytes)}
              </td>
              <td className="px-3 py-1 text-xs whitespace-nowrap text-ink-2">
                {goes(one.day, keep)}
              </td>
              <td className="w-2/5 px-3 py-1 max-sm:hidden">
                <span
                  className="block h-2 rounded-sm bg-accent"
                  style={{ width: `${(one.bytes / largest) * 100}%` }}
                />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}

/** `2026-11-25`, a day of the trace, in the format of the language. */
const writtenDay = (text: string): string => day(Date.parse(`${text}T00:00`));

/** When a day is dropped: once its last message is older than what is kept. */
function goes(text: string, keep: number): string {
  const end = Date.parse(`${text}T00:00:00Z`) + DAY + keep;
  return end <= serverNow() ? t('with the next purge') : day(end);
}

function Holds({ storage: { holds, heldSessions } }: { readonly storage: Storage }): ReactElement {
  const may = useMay();
  return (
    <Panel title={t('Held sessions')} flush>
      {holds.length === 0 && (
        <p className="px-3 py-6 text-center text-ink-2">
          {t('No session is held beyond its time by a person.')}{' '}
          {heldSessions > 0 &&
            t('{count} {count|stays because it is|stay because they are} still open.', {
              count: heldSessions,
            })}
        </p>
      )}
      <ul>
        {holds.map(({ sessionId, reason, by, at, until }) => (
          <li
            key={sessionId}
            className="flex flex-wrap items-center gap-3 border-t border-line px-3 py-1.5 text-xs first:border-0"
          >
            <Link
              to="/sessions/$id"
              params={{ id: sessionId }}
              className="font-mono text-accent hover:underline"
            >
              {sessionId}
            </Link>
            <span className="min-w-0 flex-1">{reason}</span>
            <span className="text-ink-2">
              {until === undefined
                ? t('by {by}, {time}, until released', { by, time: moment(at) })
                : t('by {by}, {time}, until {until}', {
                    by,
                    time: moment(at),
                    until: moment(until),
                  })}
            </span>
            {may('purge.manage') && (
              <ReleaseButton session={sessionId}>{t('Release')}</ReleaseButton>
            )}
          </li>
        ))}
      </ul>
    </Panel>
  );
}
