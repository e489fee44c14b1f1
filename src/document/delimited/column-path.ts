import { EngineError } from '../../error/engine-error.ts';

/** `name` or `3`: that column; `[2]/name`: in the second data row; `[*]/name`: in every one; `[2]`: the row. */
export interface ColumnPath {
  readonly text: string;
  /** From 1; 0 if the path has none; `*` for every row. */
  readonly row: number | '*';
  /** `''`: the whole row. */
  readonly column: string;
}

const PATH = /^(?:\[(\*|[1-9]\d{0,8})\](?:\/|$))?([^]*)$/;

/** Compiles a path into delimited text. Throws PATH_INVALID. */
export function columnPath(text: string): ColumnPath {
  const [, row, column = ''] = PATH.exec(text) ?? [];
  const malformed =
    column === '' ? row === undefined || text.endsWith('/') : column.startsWith('[');
  if (malformed) {
    throw new EngineError(
      'PATH_INVALID',
      `Path ${JSON.stringify(text)} into delimited text: write a column's name or number, or with a row [2]/name.`,
    );
  }
  return { text, row: row === '*' ? '*' : Number(row ?? 0), column };
}
