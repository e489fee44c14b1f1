import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { lazy, type ReactElement, Suspense } from 'react';
import { statistics } from '../api/queries.ts';
import { recent } from '../element/time-text.ts';
import { useConfigurationChanges } from '../event/configuration-changes.ts';
import { t } from '../language/translate.ts';

const RateChart = lazy(() => import('./rate-chart.tsx'));
const HEIGHT = 132;
/** Changes of the configuration that are named below the chart. */
const MARKS = 3;

interface Charted {
  readonly length: number;
  readonly step: number;
  readonly host?: string;
  /** Only messages that came in at these hosts count, so that a message is not counted on every leg. */
  readonly among?: ReadonlySet<string>;
}

/** The chart of the last `length` milliseconds, loaded when it is first shown. */
export function LazyRateChart({ length, step, host, among }: Charted): ReactElement {
  const { data } = useQuery(statistics(length, step, host));
  const intervals = (data?.intervals ?? []).map((one) =>
    among === undefined || among.has(one.host) ? one : { ...one, in: 0 },
  );
  const changes = useConfigurationChanges();
  const to = Math.ceil(Date.now() / step) * step;
  const sum = intervals.reduce(
    (total, one) => ({ in: total.in + one.in, errors: total.errors + one.errors }),
    { in: 0, errors: 0 },
  );
  return (
    <figure>
      <Suspense fallback={<div style={{ height: HEIGHT }} />}>
        {data === undefined ? (
          <div style={{ height: HEIGHT }} />
        ) : (
          <RateChart
            intervals={intervals}
            step={step}
            from={to - length}
            to={to}
            marks={changes.map(({ at }) => at)}
          />
        )}
      </Suspense>
      <figcaption className="mt-1 flex flex-wrap gap-x-4 text-xs text-ink-2">
        <span className="flex items-center gap-1.5">
          <span className="size-2 shrink-0 rounded-sm bg-accent" aria-hidden="true" />
          {t('{count} in', { count: sum.in })}
        </span>
        <span className="flex items-center gap-1.5">
          <span className="size-2 shrink-0 rounded-sm bg-bad" aria-hidden="true" />
          {t('{count} failed or suspended', { count: sum.errors })}
        </span>
        {changes
          .filter(({ at }) => at >= to - length)
          .slice(0, MARKS)
          .map(({ at, by = '' }) => (
            <Link
              key={at}
              to="/events"
              className="flex items-center gap-1.5 text-warn hover:underline"
            >
              <span className="h-2.5 w-0 shrink-0 border-l-2 border-warn" aria-hidden="true" />
              {t('configuration changed {time} by {by}', { time: recent(at), by })}
            </Link>
          ))}
      </figcaption>
    </figure>
  );
}
