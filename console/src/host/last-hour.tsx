import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { statistics } from '../api/queries.ts';
import { count, duration } from '../element/time-text.ts';

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
      {count(came)} came, {count(settled)} settled
      {settled > 0 && `, in ${duration(took / settled)} on average, ${duration(longest)} at most`}
    </p>
  );
}
