import type { ReactNode } from 'react';
import type { Message } from '../../../src/operator/api/contract/message.ts';
import { shortType } from '../element/short-type.ts';
import { StatusBadge } from '../element/status-badge.tsx';
import { bytes, clock, day, duration, shortDay, zone } from '../element/time-text.ts';
import { Outcome } from './outcome.tsx';

/** One column of the list of messages. */
export interface Column {
  readonly title: string;
  /** A track of the grid. */
  readonly width: string;
  readonly look: string;
  readonly cell: (message: Message) => ReactNode;
  /** The whole of what may be cut off. */
  readonly whole?: (message: Message) => string;
}

const SMALL = 'text-xs text-ink-2';
const RIGHT = `text-right ${SMALL}`;

/** Every column that there is, in the order in which they stand. */
export const COLUMNS = {
  time: {
    title: `Time, ${zone()}`,
    width: '8.75rem',
    look: 'font-mono text-xs',
    cell: ({ created }) => (
      <>
        {day(created) !== day(Date.now()) && (
          <span className="text-ink-3">{shortDay(created)} </span>
        )}
        {clock(created)}
      </>
    ),
    whole: ({ created }) => `${day(created)} ${clock(created)} ${zone(created)}`,
  },
  status: {
    title: 'Status',
    width: '8rem',
    look: 'flex',
    cell: ({ status }) => <StatusBadge status={status} />,
  },
  source: {
    title: 'From',
    width: 'minmax(5rem, 1fr)',
    look: '',
    cell: ({ source }) => source,
    whole: ({ source }) => source,
  },
  target: {
    title: 'To',
    width: 'minmax(5rem, 1fr)',
    look: '',
    cell: ({ target }) => target,
    whole: ({ target }) => target,
  },
  type: {
    title: 'Type',
    width: 'minmax(6rem, 1.1fr)',
    look: 'font-mono text-xs',
    cell: ({ type }) => shortType(type),
    whole: ({ type }) => type,
  },
  id: {
    title: 'Message',
    width: '8rem',
    look: `font-mono ${SMALL}`,
    cell: ({ id }) => id,
  },
  session: {
    title: 'Session',
    width: '8rem',
    look: `font-mono ${SMALL}`,
    cell: ({ sessionId }) => sessionId,
  },
  size: { title: 'Size', width: '4rem', look: RIGHT, cell: ({ size }) => bytes(size) },
  waited: {
    title: 'Waited',
    width: '4rem',
    look: RIGHT,
    cell: ({ started, created }) => (started === undefined ? '' : duration(started - created)),
  },
  took: {
    title: 'Took',
    width: '4rem',
    look: RIGHT,
    cell: ({ done, created }) => (done === undefined ? '' : duration(done - created)),
  },
  tries: {
    title: 'Tries',
    width: '3rem',
    look: RIGHT,
    cell: ({ attempts }) => (attempts > 1 ? attempts : ''),
  },
  reply: {
    title: 'Reply',
    width: '3.5rem',
    look: `font-mono ${SMALL}`,
    cell: ({ reply }) => reply?.code ?? '',
  },
  origin: {
    title: 'Came from',
    width: 'minmax(6rem, 1fr)',
    look: SMALL,
    cell: ({ origin }) => origin ?? '',
    whole: ({ origin }) => origin ?? '',
  },
  outcome: {
    title: 'What happened',
    width: 'minmax(8rem, 2fr)',
    look: 'flex min-w-0 items-center gap-2 text-xs',
    cell: (message) => <Outcome message={message} />,
  },
} as const satisfies Record<string, Column>;

export type ColumnName = keyof typeof COLUMNS;

const NAMES = Object.keys(COLUMNS) as ColumnName[];

export const DEFAULT_COLUMNS: readonly ColumnName[] = [
  'time',
  'status',
  'source',
  'target',
  'type',
  'size',
  'took',
  'outcome',
];

/** The columns that a person chose, in their fixed order; the usual ones if that is none. */
export function columnsOf(chosen: unknown): readonly ColumnName[] {
  const names = Array.isArray(chosen) ? NAMES.filter((name) => chosen.includes(name)) : [];
  return names.length === 0 ? DEFAULT_COLUMNS : names;
}

/** The tracks of a row: the mark, the columns, the way to the trace. */
export function tracksOf(columns: readonly ColumnName[]): string {
  return `1.75rem ${columns.map((name) => COLUMNS[name].width).join(' ')} 3rem`;
}
