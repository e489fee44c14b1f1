import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import type { PurgeReport } from '../../../src/operator/api/contract/storage.ts';
import { ask } from '../api/client.ts';
import { storage as storageQuery } from '../api/queries.ts';
import { Button } from '../element/button.tsx';
import { Pending, Problem } from '../element/notice.tsx';
import { Page, Panel } from '../element/page.tsx';
import { bytes, count, counted, day, duration, moment } from '../element/time-text.ts';
import { useMay } from '../shell/me.ts';

const DAY = 86_400_000;

/** What the trace takes, day by day, how long it stays, and what is kept longer. */
export function StoragePage(): ReactElement {
  const { data, error } = useQuery(storageQuery);
  const client = useQueryClient();
  const may = useMay();
  const purge = useMutation({
    mutationFn: () => ask<PurgeReport>('storage/purge', { method: 'POST' }),
    onSettled: () => client.invalidateQueries({ queryKey: ['storage'] }),
  });
  const release = useMutation({
    mutationFn: (id: number) => ask(`storage/holds/${id}`, { method: 'DELETE' }),
    onSettled: () => client.invalidateQueries({ queryKey: ['storage'] }),
  });
  const largest = Math.max(1, ...(data?.days ?? []).map((one) => one.bytes));
  return (
    <Page
      title="Storage"
      detail={
        data !== undefined &&
        `${bytes(data.bytes)} in ${counted(data.days.length, 'day')}; settled messages stay ${duration(data.keep)}`
      }
      actions={
        may('purge.manage') && (
          <Button disabled={purge.isPending} onClick={() => purge.mutate()}>
            Purge now
          </Button>
        )
      }
    >
      <Pending answer={data} error={error} />
      {data !== undefined && (
        <div className="flex flex-col gap-4">
          {purge.isError && <Problem error={purge.error} />}
          {purge.data !== undefined && (
            <p role="status" className="rounded-md border border-line bg-surface px-3 py-2">
              {purge.data.removed.length === 0
                ? 'Nothing is past its time.'
                : `Removed ${purge.data.removed.map((one) => one.day).join(', ')}.`}{' '}
              {purge.data.keptSessions > 0 &&
                `${count(purge.data.keptSessions)} sessions stay: they are open or held.`}{' '}
              {purge.data.jobs > 0 && `${counted(purge.data.jobs, 'job')} went that ended before.`}
            </p>
          )}
          <Panel title="By day of the session" flush>
            <table className="w-full border-collapse text-left">
              <thead className="bg-sunken text-2xs text-ink-2">
                <tr>
                  {['Day', 'Messages', 'Size', 'Goes'].map((name) => (
                    <th
                      key={name}
                      scope="col"
                      className={`px-3 py-1.5 font-medium ${name === 'Messages' || name === 'Size' ? 'text-right' : ''}`}
                    >
                      {name}
                    </th>
                  ))}
                  <th scope="col" className="max-sm:hidden">
                    <span className="sr-only">Share</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {data.days.map((one) => (
                  <tr key={one.day} className="border-b border-line last:border-0">
                    <th
                      scope="row"
                      className="px-3 py-1 font-mono text-xs font-normal whitespace-nowrap"
                    >
                      {one.day}
                    </th>
                    <td className="px-3 py-1 text-right text-xs">{count(one.messages)}</td>
                    <td className="w-24 px-3 py-1 text-right text-xs whitespace-nowrap">
                      {bytes(one.bytes)}
                    </td>
                    <td className="px-3 py-1 text-xs whitespace-nowrap text-ink-2">
                      {goes(one.day, data.keep)}
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
          <Panel title="Jobs">
            <p>
              {counted(data.jobs.jobs, 'job')} with {counted(data.jobs.messages, 'result')}. They go{' '}
              {duration(data.keep)} after they have ended.
            </p>
          </Panel>
          <Panel title="Held sessions" flush>
            {data.holds.length === 0 && (
              <p className="px-3 py-6 text-center text-ink-2">
                No session is held beyond its time by a person.
                {data.heldSessions > 0 &&
                  ` ${count(data.heldSessions)} stay because they are still open.`}
              </p>
            )}
            <ul>
              {data.holds.map(({ sessionId, reason, by, at, until }) => (
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
                    by {by}, {moment(at, false)},{' '}
                    {until === undefined ? 'until released' : `until ${moment(until, false)}`}
                  </span>
                  {may('purge.manage') && (
                    <Button disabled={release.isPending} onClick={() => release.mutate(sessionId)}>
                      Release
                    </Button>
                  )}
                </li>
              ))}
            </ul>
          </Panel>
        </div>
      )}
    </Page>
  );
}

/** When a day is dropped: once its last message is older than what is kept. */
function goes(text: string, keep: number): string {
  const end = Date.parse(`${text}T00:00:00Z`) + DAY + keep;
  return end <= Date.now() ? 'with the next purge' : day(end);
}
