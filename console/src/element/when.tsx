import type { ReactElement } from 'react';
import { ago, clock, moment, recent, zone } from './time-text.ts';

interface WhenProps {
  readonly at: number;
  /** How it is shown; the rest is in the title. */
  readonly as?: 'moment' | 'second' | 'clock' | 'recent' | 'ago';
}

const TEXTS = {
  moment: (at) => moment(at),
  second: (at) => moment(at, false),
  clock: (at) => clock(at),
  recent: (at) => recent(at),
  ago: (at) => ago(at),
} as const satisfies Record<NonNullable<WhenProps['as']>, (at: number) => string>;

/** A time in the form best for its place; on hover, to the millisecond with zone and how long ago. */
export function When({ at, as = 'moment' }: WhenProps): ReactElement {
  return (
    <time dateTime={new Date(at).toISOString()} title={`${moment(at)} ${zone(at)}, ${ago(at)}`}>
      {TEXTS[as](at)}
    </time>
  );
}
