import { Link } from '@tanstack/react-router';
import { CircleAlert, Info, TriangleAlert } from 'lucide-react';
import type { ReactElement } from 'react';
import type { HostEvent } from '../../../src/api/contract/event.ts';
import { LEVEL_NAMES } from '../element/names.ts';
import { clock, zone } from '../element/time-text.ts';
import { When } from '../element/when.tsx';
import { serverText } from '../language/server-text.ts';
import { rich, t } from '../language/translate.ts';

const LEVELS = {
  info: { icon: Info, style: 'text-ink-3' },
  warn: { icon: TriangleAlert, style: 'text-warn' },
  error: { icon: CircleAlert, style: 'text-bad' },
} as const satisfies Record<HostEvent['level'], unknown>;

/** What happened to hosts, newest first; repetitions are shown once. */
export function EventTable({ events }: { readonly events: readonly HostEvent[] }): ReactElement {
  if (events.length === 0)
    return (
      <p className="px-3 py-6 text-center text-ink-2">{t('Nothing happened in this time.')}</p>
    );
  return (
    <div className="overflow-x-auto" tabIndex={0} role="region" aria-label={t('Events')}>
      <table className="stack w-full min-w-[44rem] border-collapse text-left text-xs">
        <thead className="bg-sunken text-2xs text-ink-2">
          <tr>
            {[
              t('Time, {zone}', { zone: zone() }),
              t('Level'),
              t('Host'),
              t('Event'),
              t('What happened ## to a host'),
              t('By'),
            ].map((name) => (
              <th key={name} scope="col" className="px-3 py-1.5 font-medium">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {gathered(events).map(({ event: told, times, since }, index) => {
            const { at, level, host, event, text, by } = told;
            const { icon: Icon, style } = LEVELS[level];
            return (
              <tr
                key={`${at} ${host} ${event} ${index}`}
                className="border-b border-line align-top last:border-0 hover:bg-hover"
              >
                <td className="px-3 py-1 font-mono whitespace-nowrap">
                  <When at={at} />
                </td>
                <td className={`px-3 py-1 ${style}`}>
                  <span className="inline-flex items-center gap-1">
                    <Icon size={13} aria-hidden="true" />
                    {LEVEL_NAMES[level]}
                  </span>
                </td>
                <td className="px-3 py-1">
                  {host === '' ? (
                    t('production')
                  ) : (
                    <Link
                      to="/hosts/$host"
                      params={{ host }}
                      className="text-accent hover:underline"
                    >
                      {host}
                    </Link>
                  )}
                </td>
                <td className="px-3 py-1 whitespace-nowrap text-ink-2" translate="no">
                  {event}
                </td>
                <td className="line px-3 py-1 break-words">
                  {serverText(text)}
                  {times > 1 && (
                    <span className="text-ink-2">
                      {' '}
                      ·{' '}
                      {rich('{times} times since {since}', {
                        times,
                        since: <When at={since} as="recent" />,
                      })}
                    </span>
                  )}
                </td>
                <td className="px-3 py-1 text-ink-2">{by}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

interface Gathered {
  readonly event: HostEvent;
  times: number;
  since: number;
}

/** What happened to one host, as a list; repetitions are shown once. */
export function EventList({ events }: { readonly events: readonly HostEvent[] }): ReactElement {
  if (events.length === 0) {
    return <p className="px-3 py-6 text-center text-ink-2">{t('Nothing happened to it.')}</p>;
  }
  return (
    <ul className="text-xs">
      {gathered(events).map(({ event: { at, level, text, by, event }, times, since }) => {
        const { icon: Icon, style } = LEVELS[level];
        return (
          <li
            key={`${at} ${event}`}
            className="flex gap-2 border-b border-line px-3 py-1.5 last:border-0"
          >
            <Icon
              size={14}
              className={`mt-px shrink-0 ${style}`}
              aria-label={LEVEL_NAMES[level]}
              role="img"
            />
            <div className="min-w-0 flex-1">
              <p className="break-words">{serverText(text)}</p>
              <p className="text-ink-2">
                <When at={at} as="recent" /> · <span translate="no">{event}</span>
                {times > 1 &&
                  ` · ${t('{times} times since {since}', { times, since: clock(since) })}`}
                {by !== undefined && ` · ${t('by {by}', { by })}`}
              </p>
            </div>
          </li>
        );
      })}
    </ul>
  );
}

function gathered(events: readonly HostEvent[]): readonly Gathered[] {
  const groups: Gathered[] = [];
  for (const event of events) {
    const last = groups.at(-1);
    if (
      last?.event.event === event.event &&
      last.event.text === event.text &&
      last.event.host === event.host &&
      last.event.by === event.by
    ) {
      last.times += 1;
      last.since = event.at;
    } else groups.push({ event, times: 1, since: event.at });
  }
  return groups;
}
