import { describeSize } from '../../time/size.ts';
import type { Indexing, TracePage } from '../trace-query.ts';
import type { TracedMessage } from '../traced-message.ts';
import { took } from './draw-session.ts';
import { cut, type DrawingOptions, dateTime, plainText, shortType } from './terminal-text.ts';

interface Column {
  readonly title: string;
  readonly text: (message: TracedMessage, options: DrawingOptions) => string;
  /** The first to be left out on a narrow terminal. */
  readonly dropped: number;
}

const COLUMNS: readonly Column[] = [
  { title: 'created', text: ({ created }, { zone }) => dateTime(created, zone), dropped: 0 },
  { title: 'message', text: ({ id }) => String(id), dropped: 0 },
  { title: 'session', text: ({ sessionId }) => String(sessionId), dropped: 2 },
  { title: 'status', text: ({ status }) => status, dropped: 0 },
  { title: 'type', text: ({ type }) => shortType(type), dropped: 1 },
  { title: 'from', text: ({ source }) => source || '?', dropped: 1 },
  { title: 'to', text: ({ target }) => target, dropped: 0 },
  { title: 'size', text: ({ size }) => describeSize(size), dropped: 3 },
  { title: 'took', text: took, dropped: 3 },
  { title: '', text: remark, dropped: 1 },
];

/** The width that the last column needs to be useful. */
const REMARK = 20;

export interface PageOptions extends DrawingOptions {
  /** Messages that the trace has not read yet. */
  readonly behind?: number | undefined;
}

/** A note that a search does not include the newest messages. */
export const behindText = (behind: number): string =>
  `the trace is ${behind} ${behind === 1 ? 'message' : 'messages'} behind: those cannot be found yet, and what is shown may have gone on since`;

/** The messages of a page as a table, and how far the search got. */
export function drawPage(page: TracePage, options: PageOptions = {}): string {
  const { width, ascii = false } = options;
  const shared = new Set(page.shared);
  const items = page.items.map((one) => (shared.has(one.id) ? withNote(one) : one));
  const columns = fitting(items, options);
  const rows = [
    columns.map(({ title }) => title),
    ...items.map((message) => columns.map(({ text }) => text(message, options))),
  ];
  const lines = aligned(rows).map((line) => cut(line, width, ascii));
  return [...(page.items.length === 0 ? [] : lines), foot(page, options)].join('\n');
}

/** It is told first, since who resends it sends the others as well. */
const withNote = (message: TracedMessage): TracedMessage => ({
  ...message,
  warning: ['holds others too', message.warning].filter(Boolean).join('; '),
});

function fitting(items: readonly TracedMessage[], options: DrawingOptions): readonly Column[] {
  const { width } = options;
  for (let dropped = 4; dropped > 0 && width !== undefined; dropped--) {
    const columns = COLUMNS.filter((column) => column.dropped < dropped);
    const widths = columns
      .slice(0, -1)
      .map(({ title, text }) =>
        Math.max(title.length, ...items.map((message) => text(message, options).length)),
      );
    const needed = widths.reduce((sum, one) => sum + one + 2, dropped === 1 ? 0 : REMARK);
    if (needed <= width || dropped === 1) return columns;
  }
  return COLUMNS;
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function remark(message: TracedMessage): string {
  const { error, warning, reply, resendOf, testBy } = message;
  const parts = [
    error && [`${error.code} ${error.text}`, error.said].filter(Boolean).join(': '),
    warning,
    error === undefined ? undefined : reply?.code,
    resendOf && `resend of ${resendOf}`,
    testBy && `test by ${testBy}`,
    message.possibleDuplicate === true && 'possible duplicate',
  ];
  return plainText(parts.filter((part) => typeof part === 'string').join(', '));
}

function foot(page: TracePage, options: PageOptions): string {
  const { items, complete, indexing } = page;
  if (indexing === undefined) return footOf(page, options);
  const found = complete ? foundText(items.length) : footOf(page, options);
  return `${found}; ${indexingText(indexing, options)}`;
}

const foundText = (count: number): string => (count === 1 ? '1 message' : `${count} messages`);

export function indexingText(
  { fields, backTo }: Indexing,
  { zone }: Pick<DrawingOptions, 'zone'>,
): string {
  return `what began before ${dateTime(backTo, zone)} may not be found by ${fields.join(', ')} yet: it is still being indexed`;
}

function footOf(
  { items, complete, next, searchedBackTo }: TracePage,
  { zone, behind = 0 }: PageOptions,
): string {
  const found = foundText(items.length);
  const unread = behind > 0 ? [behindText(behind)] : [];
  if (complete) return [found, ...(behind > 0 ? unread : ['everything was searched'])].join('; ');
  const far = `searched back to ${dateTime(searchedBackTo, zone)}; continue with --after ${next}`;
  return [found, ...unread, far].join('; ');
}
