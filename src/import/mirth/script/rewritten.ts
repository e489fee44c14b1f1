import type { SqlConnection, SqlCut } from './sql.ts';

/** A place that needs a person. */
export interface Mark {
  readonly line: number;
  readonly category: string;
  readonly what: string;
}

export interface RewrittenScript {
  readonly text: string;
  /** What it uses of `waybill/mirth`. */
  readonly imports: ReadonlySet<string>;
  /** What it uses of code templates. */
  readonly templates: ReadonlySet<string>;
  /** What it declares at the top level. */
  readonly declares: readonly string[];
  readonly marks: readonly Mark[];
  /** Environment variables that replace secrets. */
  readonly secrets: readonly string[];
  /** Names of channels that it routes to; undefined if that depends on the message. */
  readonly routes: readonly (string | undefined)[];
  /** Names of variables that it puts into maps. */
  readonly puts: readonly string[];
  /** Lines whose values are no longer logged. */
  readonly unlogged: number;
  /** Whether it is asynchronous: it waits for a database, a pause or another channel’s answer. */
  readonly waits: boolean;
}

/** Makes an operation for a statement of a script. */
export type StatementMaker = (statement: {
  readonly connection: SqlConnection | undefined;
  /** The text, once it is known how the database product escapes; undefined if it cannot be translated. */
  readonly cut: (how: 'quoted' | 'unescaped') => SqlCut | string;
}) => { readonly operation: string; readonly cut: SqlCut } | string;

export interface RewriteOptions {
  readonly form?: 'script' | 'module';
  /** The functions of code templates. */
  readonly templates: ReadonlySet<string>;
  /** Names that the enclosing code provides, such as the index of an iterator. */
  readonly secretName: (hint: string) => string;
  /** Whether scripts of the export are asynchronous, so that each `catch` has to let that through. */
  readonly waits?: boolean;
  /** Left out where a script must not be asynchronous: in readers and code templates. */
  readonly statement?: StatementMaker;
}
