import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { statistics } from '../api/queries.ts';
import { duration } from '../element/time-text.ts';
import { t } from '../language/translate.ts';

/** How much passed through a host and how long it took, in words beside the chart. */
export function LastHour({ host }: { readonly host: string }): ReactElement | null {
  const { data } = useQuery(statistics(3_600_000, 60_000, host));
  if (data === undefined) return null;
  let came = 0;
  let settled = 0;
  let took = 0;
  let longest = 0;
  for (const { in: more, out, errors, latency, latencyMax } of data.intervals) {
    came += more;
    settled += out + errors;
    took += latency;
    longest = Math.max(longest, latencyMax);
  }
  return (
    <p className="mb-2 text-xs text-ink-2">
      {settled === 0
        ? t('{came} came, {settled} settled', { came, settled })
        : t('{came} came, {settled} settled, in {average} on average, {longest} at most', {
            came,
            settled,
            average: duration(took / settled),
            longest: duration(longest),
          })}
    </p>
  );
}
