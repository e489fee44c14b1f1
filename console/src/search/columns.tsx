import type { ReactNode } from 'react';
import type { FoundMessage } from '../../../src/api/contract/message.ts';
import { serverNow } from '../clock/server-clock.ts';
import { shortType } from '../element/short-type.ts';
import { StatusBadge } from '../element/status-badge.tsx';
import { bytes, day, duration, preciseClock, shortDay, zone } from '../element/time-text.ts';
import { t } from '../language/translate.ts';
import { Outcome } from './outcome.tsx';

/** One column of the list of messages. */
export interface Column {
  readonly title: string;
  /** A track of the grid. */
  readonly width: string;
  readonly look: string;
  readonly cell: (message: FoundMessage) => ReactNode;
  /** The full text of what may be cut off. */
  readonly whole?: (message: FoundMessage) => string;
}

const SMALL = 'text-xs text-ink-2';
const RIGHT = `text-right ${SMALL}`;

/** The columns that are the same for all productions, in order. */
export const COLUMNS = {
  time: {
    title: t('Time, {zone}', { zone: zone() }),
    width: '8.75rem',
    look: 'font-mono text-xs',
    cell: ({ created }) => (
      <>
        {day(created) !== day(serverNow()) && (
          <span className="text-ink-3">{shortDay(created)} </span>
        )}
        {preciseClock(created)}
      </>
    ),
    whole: ({ created }) => `${day(created)} ${preciseClock(created)} ${zone(created)}`,
  },
  status: {
    title: t('Status'),
    width: '8rem',
    look: 'flex',
    cell: ({ status }) => <StatusBadge status={status} />,
  },
  source: {
    title: t('From'),
    width: 'minmax(5rem, 1fr)',
    look: '',
    cell: ({ source }) => source,
    whole: ({ source }) => source,
  },
  target: {
    title: t('To'),
    width: 'minmax(5rem, 1fr)',
    look: '',
    cell: ({ target }) => target,
    whole: ({ target }) => target,
  },
  type: {
    title: t('Type'),
    width: 'minmax(6rem, 1.1fr)',
    look: 'font-mono text-xs',
    cell: ({ type }) => shortType(type),
    whole: ({ type }) => type,
  },
  id: {
    title: t('Message'),
    width: '8rem',
    look: `font-mono ${SMALL}`,
    cell: ({ id }) => id,
  },
  session: {
    title: t('Session'),
    width: '8rem',
    look: `font-mono ${SMALL}`,
    cell: ({ sessionId }) => sessionId,
  },
  size: { title: t('Size'), width: '4rem', look: RIGHT, cell: ({ size }) => bytes(size) },
  waited: {
    title: t('Waited'),
    width: '4rem',
    look: RIGHT,
    cell: ({ started, created }) => (started === undefined ? '' : duration(started - created)),
  },
  took: {
    title: t('Took'),
    width: '4rem',
    look: RIGHT,
    cell: ({ done, created }) => (done === undefined ? '' : duration(done - created)),
  },
  tries: {
    title: t('Tries'),
    width: '3.5rem',
    look: RIGHT,
    cell: ({ attempts }) => (attempts > 1 ? attempts : ''),
  },
  reply: {
    title: t('Reply'),
    width: '3.5rem',
    look: `font-mono ${SMALL}`,
    cell: ({ reply }) => reply?.code ?? '',
  },
  origin: {
    title: t('Came from'),
    width: 'minmax(6rem, 1fr)',
    look: SMALL,
    cell: ({ origin }) => origin ?? '',
    whole: ({ origin }) => origin ?? '',
  },
  outcome: {
    title: t('What happened'),
    width: 'minmax(8rem, 2fr)',
    look: 'flex min-w-0 items-center gap-2 text-xs',
    cell: (message) => <Outcome message={message} />,
  },
} as const satisfies Record<string, Column>;

/** A search field of the production is also a column, named as in the production: `search.mrn`. */
type FieldColumn = `search.${string}`;
export type ColumnName = keyof typeof COLUMNS | FieldColumn;

const NAMES = Object.keys(COLUMNS) as (keyof typeof COLUMNS)[];
const AFTER_TYPE = NAMES.indexOf('type') + 1;

export const fieldColumn = (field: string): FieldColumn => `search.${field}`;

const isFieldColumn = (name: unknown): name is FieldColumn =>
  typeof name === 'string' && /^search\../.test(name);

const fieldOf = (name: FieldColumn): string => name.slice('search.'.length);

/** The search fields among the columns. */
export const fieldsOf = (columns: readonly ColumnName[]): readonly string[] =>
  columns.filter(isFieldColumn).map(fieldOf);

export function columnOf(name: ColumnName): Column {
  if (!isFieldColumn(name)) return COLUMNS[name];
  const values = ({ fields }: FoundMessage): string => fields?.[fieldOf(name)]?.join(', ') ?? '';
  return {
    title: fieldOf(name),
    width: 'minmax(5rem, 0.8fr)',
    look: 'font-mono text-xs',
    cell: values,
    whole: values,
  };
}

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

/** The columns chosen by the user, in their fixed order; the default ones if none. */
export function columnsOf(chosen: unknown): readonly ColumnName[] {
  const asked: readonly unknown[] = Array.isArray(chosen) ? chosen : [];
  const names = [
    ...NAMES.slice(0, AFTER_TYPE).filter((name) => asked.includes(name)),
    ...asked.filter(isFieldColumn),
    ...NAMES.slice(AFTER_TYPE).filter((name) => asked.includes(name)),
  ];
  return names.length === 0 ? DEFAULT_COLUMNS : names;
}

/** The tracks of a row: the mark, the columns, the link to the trace. */
export function tracksOf(columns: readonly ColumnName[]): string {
  return `1.75rem ${columns.map((name) => columnOf(name).width).join(' ')} 3rem`;
}

/** The space between two columns, and next to the first and last, in rem. */
const GAP = 0.75;

/** The width in rem below which the columns do not fit and the list scrolls sideways. */
export function leastWidth(columns: readonly ColumnName[]): number {
  const widths = tracksOf(columns).match(/[\d.]+(?=rem)/g) ?? [];
  return widths.reduce((sum, width) => sum + Number(width) + GAP, GAP);
}
