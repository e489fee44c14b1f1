import type { ReactElement } from 'react';
import { ago, moment, preciseClock, preciseMoment, recent, zone } from './time-text.ts';

interface WhenProps {
  readonly at: number;
  /** How it is shown; the rest is in the title. */
  readonly as?: 'moment' | 'second' | 'clock' | 'recent' | 'ago';
}

const TEXTS = {
  moment: (at) => preciseMoment(at),
  second: (at) => moment(at),
  clock: (at) => preciseClock(at),
  recent: (at) => recent(at),
  ago: (at) => ago(at),
} as const satisfies Record<NonNullable<WhenProps['as']>, (at: number) => string>;

/** A time in the form best for its place; on hover, to the millisecond with zone and how long ago. */
export function When({ at, as = 'moment' }: WhenProps): ReactElement {
  return (
    <time
      dateTime={new Date(at).toISOString()}
      title={`${preciseMoment(at)} ${zone(at)}, ${ago(at)}`}
    >
      {TEXTS[as](at)}
    </time>
  );
}
