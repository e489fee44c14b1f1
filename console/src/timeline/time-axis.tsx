import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { STATUS_NAMES } from '../element/names.ts';
import { STATUS_TONES } from '../element/status-tone.ts';
import { clock, day } from '../element/time-text.ts';
import { familyOf, type ToldSession } from './told-sessions.ts';

const HOURS_36 = 36 * 3_600_000;

/** All sessions on one axis, a lane for each kind of message. The list below says the same in words. */
export function TimeAxis({
  sessions,
}: {
  readonly sessions: readonly ToldSession[];
}): ReactElement {
  const from = sessions[0]?.at ?? 0;
  const length = Math.max(1, (sessions.at(-1)?.at ?? from) - from);
  const lanes = Map.groupBy(sessions, familyOf);
  const label = (at: number): string => (length > HOURS_36 ? day(at) : clock(at, length < 10_000));
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
                title={`${day(at)} ${clock(at)} ${type}, ${STATUS_NAMES[status]}`}
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
