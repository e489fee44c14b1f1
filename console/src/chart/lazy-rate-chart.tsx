import { useQuery } from '@tanstack/react-query';
import { lazy, type ReactElement, Suspense } from 'react';
import { statistics } from '../api/queries.ts';
import { useConfigurationChanges } from '../event/configuration-changes.ts';

const RateFigure = lazy(() => import('./rate-figure.tsx'));
/** Of chart, legend and sentence, in pixels: what is below must not move when they come. */
const HEIGHT = 218;

interface Charted {
  readonly length: number;
  readonly step: number;
  readonly host?: string;
  /** Only messages that came in at these hosts count, so that a message is not counted on every leg. */
  readonly among?: ReadonlySet<string>;
  /** How many hours of a week ago are drawn. */
  readonly hours: number;
}

/** The chart of the last `length` milliseconds, loaded when it is first shown. */
export function LazyRateChart({ length, step, host, among, hours }: Charted): ReactElement {
  const { data } = useQuery(statistics(length, step, host));
  const changes = useConfigurationChanges();
  const to = Math.ceil(Date.now() / step) * step;
  const room = <div style={{ height: HEIGHT }} />;
  if (data === undefined) return room;
  const intervals = data.intervals.map((one) =>
    among === undefined || among.has(one.host) ? one : { ...one, in: 0 },
  );
  return (
    <div style={{ minHeight: HEIGHT }}>
      <Suspense fallback={room}>
        <RateFigure
          intervals={intervals}
          step={step}
          from={to - length}
          to={to}
          changes={changes}
          hours={hours}
          {...(host === undefined ? {} : { host })}
        />
      </Suspense>
    </div>
  );
}
