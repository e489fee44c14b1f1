import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import type { Comparison as Compared, Statistics } from '../../../src/api/contract/event.ts';
import { comparison, statistics } from '../api/queries.ts';
import { serverNow } from '../clock/server-clock.ts';
import { Problem } from '../element/notice.tsx';
import { recent } from '../element/time-text.ts';
import { useConfigurationChanges } from '../event/configuration-changes.ts';
import { t } from '../language/translate.ts';
import { Comparison } from './comparison.tsx';
import { RateChart } from './rate-chart.tsx';

/** Changes of the configuration that are named below the chart. */
const MARKS = 3;

/** Of chart, legend and sentence, in pixels: what is below must not move when they come. */
const HEIGHT = 218;

interface RateFigureProps {
  readonly length: number;
  readonly step: number;
  readonly host?: string;
  /** Only messages that came in at these hosts count, so that a message is not counted on every leg. */
  readonly among?: ReadonlySet<string>;
  /** How many hours of a week ago are drawn. */
  readonly hours: number;
}

/** What came in the last `length` milliseconds as a chart, and in words how it compares with a week ago. */
export function RateFigure({ length, step, host, among, hours }: RateFigureProps): ReactElement {
  const { data, error } = useQuery(statistics(length, step, host));
  const to = Math.ceil(serverNow() / step) * step;
  const intervals = data?.intervals.map((one) =>
    among === undefined || among.has(one.host) ? one : { ...one, in: 0 },
  );
  return (
    <div style={{ minHeight: HEIGHT }}>
      {error !== null && <Problem error={error} />}
      {intervals !== undefined && (
        <Chart
          intervals={intervals}
          step={step}
          from={to - length}
          to={to}
          hours={hours}
          {...(host === undefined ? {} : { host })}
        />
      )}
    </div>
  );
}

interface ChartProps {
  readonly intervals: Statistics['intervals'];
  readonly step: number;
  readonly from: number;
  readonly to: number;
  readonly hours: number;
  readonly host?: string;
}

/** The chart with its legend and the sentence. */
function Chart({ intervals, step, from, to, hours, host }: ChartProps): ReactElement {
  const changes = useConfigurationChanges();
  const sum = intervals.reduce(
    (total, one) => ({ in: total.in + one.in, errors: total.errors + one.errors }),
    { in: 0, errors: 0 },
  );
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
