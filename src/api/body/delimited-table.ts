import { DelimitedDocument } from '../../document/delimited/delimited-document.ts';
import type { Document } from '../../document/document.ts';
import type { Table } from '../contract/body.ts';

/** A page of the rows of delimited text. */
export function delimitedTable(
  document: Document,
  after: number,
  limit: number,
): Pick<Table, 'columns' | 'rows' | 'rowCount' | 'next'> {
  if (!(document instanceof DelimitedDocument)) {
    return { columns: [], rows: [], rowCount: 0, next: undefined };
  }
  const { rowCount } = document;
  const end = Math.min(rowCount, after + limit);
  const rows: string[][] = [];
  for (let n = after + 1; n <= end; n++) rows.push(document.row(n));
  return { columns: document.columns, rows, rowCount, next: end < rowCount ? end : undefined };
}
