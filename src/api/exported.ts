import type { TraceQuery } from '../trace/trace-query.ts';
import type { FindOptions, TraceReader } from '../trace/trace-store.ts';
import type { TracedMessage } from '../trace/traced-message.ts';
import { csvValue } from '../web/csv.ts';
import { EXPORT_COLUMNS } from './contract/message.ts';

const PAGE = 1_000;

type Shown = TracedMessage & {
  readonly fields?: Readonly<Record<string, readonly string[]>> | undefined;
};

export interface ExportOptions {
  readonly format: 'csv' | 'ndjson';
  readonly limit: number;
  readonly find: FindOptions;
  /** Search fields that also have a column. */
  readonly fields: readonly string[];
  /** Messages as the reader may see them. */
  readonly show: (messages: readonly TracedMessage[]) => Promise<readonly Shown[]>;
}

/** The messages of a search as text, page by page at the reader's pace: nothing is accumulated. */
export async function* exported(
  trace: Pick<TraceReader, 'find'>,
  query: TraceQuery,
  { format, limit, find, fields, show }: ExportOptions,
): AsyncGenerator<string> {
  const write = format === 'csv' ? csvLine(fields) : ndjsonLine;
  if (format === 'csv') {
    const columns = [...EXPORT_COLUMNS, ...fields.map((name) => csvValue(`search.${name}`))];
    yield `${columns.join(',')}\r\n`;
  }
  let left = limit;
  let after: string | undefined;
  do {
    const page = await trace.find({ ...query, after, limit: Math.min(left, PAGE) }, find);
    yield (await show(page.items)).map(write).join('');
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
  errorSaid: ({ error }) => error?.said,
  replyCode: ({ reply }) => reply?.code,
  resendOf: ({ resendOf }) => resendOf,
  by: ({ by }) => by,
};

function ndjsonLine(message: Shown): string {
  const row = Object.fromEntries(EXPORT_COLUMNS.map((name) => [name, VALUES[name](message)]));
  return `${JSON.stringify({ ...row, fields: message.fields })}\n`;
}

const csvLine =
  (fields: readonly string[]) =>
  (message: Shown): string => {
    const values = [
      ...EXPORT_COLUMNS.map((name) => VALUES[name](message)),
      ...fields.map((name) => message.fields?.[name]?.join(' ')),
    ];
    return `${values.map(csvValue).join(',')}\r\n`;
  };
