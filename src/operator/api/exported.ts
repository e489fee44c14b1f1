import type { TraceQuery } from '../../trace/trace-query.ts';
import type { TraceReader } from '../../trace/trace-store.ts';
import type { TracedMessage } from '../../trace/traced-message.ts';
import { EXPORT_COLUMNS } from './contract/message.ts';

const PAGE = 1_000;

export interface ExportOptions {
  readonly format: 'csv' | 'ndjson';
  readonly limit: number;
  readonly signal: AbortSignal;
  /** A message as its reader may see it. */
  readonly show: (message: TracedMessage) => TracedMessage;
}

/** The messages of a search as text, page by page as the reader takes it: nothing is gathered. */
export async function* exported(
  trace: Pick<TraceReader, 'find'>,
  query: TraceQuery,
  { format, limit, signal, show }: ExportOptions,
): AsyncGenerator<string> {
  const write = format === 'csv' ? csvLine : ndjsonLine;
  if (format === 'csv') yield `${EXPORT_COLUMNS.join(',')}\r\n`;
  let left = limit;
  let after: string | undefined;
  do {
    const page = await trace.find({ ...query, after, limit: Math.min(left, PAGE) }, { signal });
    yield page.items.map((one) => write(show(one))).join('');
    left -= page.items.length;
    after = page.next;
  } while (after !== undefined && left > 0);
}

type Column = (typeof EXPORT_COLUMNS)[number];

const VALUES: Readonly<Record<Column, (message: TracedMessage) => unknown>> = {
  id: ({ id }) => id,
  sessionId: ({ sessionId }) => sessionId,
  created: ({ created }) => new Date(created).toISOString(),
  source: ({ source }) => source,
  target: ({ target }) => target,
  type: ({ type }) => type,
  status: ({ status }) => status,
  size: ({ size }) => size,
  attempts: ({ attempts }) => attempts,
  done: ({ done }) => (done === undefined ? undefined : new Date(done).toISOString()),
  errorCode: ({ error }) => error?.code,
  errorText: ({ error }) => error?.text,
  replyCode: ({ reply }) => reply?.code,
  resendOf: ({ resendOf }) => resendOf,
  by: ({ by }) => by,
};

function ndjsonLine(message: TracedMessage): string {
  const row = Object.fromEntries(EXPORT_COLUMNS.map((name) => [name, VALUES[name](message)]));
  return `${JSON.stringify(row)}\n`;
}

function csvLine(message: TracedMessage): string {
  return `${EXPORT_COLUMNS.map((name) => csvValue(VALUES[name](message))).join(',')}\r\n`;
}

/** A text that a spreadsheet would take for a formula is made harmless by an apostrophe. */
function csvValue(value: unknown): string {
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'string' || value === '') return '';
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
