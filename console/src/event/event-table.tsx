import { Link } from '@tanstack/react-router';
import { CircleAlert, Info, TriangleAlert } from 'lucide-react';
import type { ReactElement } from 'react';
import type { HostEvent } from '../../../src/operator/api/contract/event.ts';
import { moment } from '../element/time-text.ts';

const LEVELS = {
  info: { icon: Info, style: 'text-ink-3' },
  warn: { icon: TriangleAlert, style: 'text-warn' },
  error: { icon: CircleAlert, style: 'text-bad' },
} as const satisfies Record<HostEvent['level'], unknown>;

/** What happened to hosts, newest first. `bare` leaves the host out, where it is known. */
export function EventTable({
  events,
  bare = false,
}: {
  readonly events: readonly HostEvent[];
  readonly bare?: boolean;
}): ReactElement {
  if (events.length === 0)
    return <p className="px-3 py-6 text-center text-ink-2">Nothing happened in this time.</p>;
  return (
    <div className="overflow-x-auto" tabIndex={0} role="region" aria-label="Events">
      <table className={`w-full border-collapse text-left text-xs ${bare ? '' : 'min-w-[44rem]'}`}>
        <thead className={bare ? 'sr-only' : 'bg-sunken text-2xs text-ink-2'}>
          <tr>
            {['Time', 'Level', ...(bare ? [] : ['Host']), 'Event', 'What happened', 'By'].map(
              (name) => (
                <th key={name} scope="col" className="px-3 py-1.5 font-medium">
                  {name}
                </th>
              ),
            )}
          </tr>
        </thead>
        <tbody>
          {events.map(({ at, level, host, event, text, by }, index) => {
            const { icon: Icon, style } = LEVELS[level];
            return (
              <tr
                key={`${at} ${host} ${event} ${index}`}
                className="border-b border-line align-top last:border-0 hover:bg-hover"
              >
                <td className="px-3 py-1 font-mono whitespace-nowrap">{moment(at)}</td>
                <td className={`px-3 py-1 ${style}`}>
                  <span className="inline-flex items-center gap-1">
                    <Icon size={13} aria-hidden="true" />
                    {level}
                  </span>
                </td>
                {!bare && (
                  <td className="px-3 py-1">
                    {host === '' ? (
                      'production'
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
                )}
                <td className="px-3 py-1 whitespace-nowrap text-ink-2">{event}</td>
                <td className="px-3 py-1 break-words">{text}</td>
                <td className="px-3 py-1 text-ink-2">{by}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
