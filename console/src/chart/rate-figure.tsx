import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import type { Comparison as Compared, Statistics } from '../../../src/api/contract/event.ts';
import { comparison } from '../api/queries.ts';
import { recent } from '../element/time-text.ts';
import type { useConfigurationChanges } from '../event/configuration-changes.ts';
import { t } from '../language/translate.ts';
import { Comparison } from './comparison.tsx';
import { RateChart } from './rate-chart.tsx';

/** Changes of the configuration that are named below the chart. */
const MARKS = 3;

interface RateFigureProps {
  readonly intervals: Statistics['intervals'];
  readonly step: number;
  readonly from: number;
  readonly to: number;
  readonly changes: ReturnType<typeof useConfigurationChanges>;
  readonly hours: number;
  readonly host?: string;
}

/** The chart with its legend, and in words how it compares with a week ago. */
export default function RateFigure({
  intervals,
  step,
  from,
  to,
  changes,
  hours,
  host,
}: RateFigureProps): ReactElement {
  const sum = intervals.reduce(
    (total, one) => ({ in: total.in + one.in, errors: total.errors + one.errors }),
    { in: 0, errors: 0 },
  );
  // asked once the page is there
  const { data: compared } = useQuery(comparison(hours, host));
  const before = compared?.week ?? NONE;
  return (
    <figure>
      <RateChart
        intervals={intervals}
        step={step}
        from={from}
        to={to}
        before={before}
        marks={changes.map(({ at }) => at)}
      />
      <figcaption className="mt-1 flex flex-wrap gap-x-4 text-xs text-ink-2">
        <Legend style="size-2 rounded-sm bg-accent" text={t('{count} in', { count: sum.in })} />
        <Legend
          style="size-2 rounded-sm bg-bad"
          text={t('{count} failed or suspended', { count: sum.errors })}
        />
        {before.some(({ missing }) => missing === undefined) && (
          <Legend style="w-3 border-t-2 border-ink-3" text={t('in a week ago, by the hour')} />
        )}
        {changes
          .filter(({ at }) => at >= from)
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
      {compared !== undefined && <Comparison compared={compared} />}
    </figure>
  );
}

const NONE: Compared['week'] = [];

function Legend({ style, text }: { readonly style: string; readonly text: string }): ReactElement {
  return (
    <span className="flex items-center gap-1.5">
      <span className={`shrink-0 ${style}`} aria-hidden="true" />
      {text}
    </span>
  );
}
