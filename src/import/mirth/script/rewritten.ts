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
  /** What it declares at its top. */
  readonly declares: readonly string[];
  readonly marks: readonly Mark[];
  /** Environment variables that stand for what was a secret. */
  readonly secrets: readonly string[];
  /** Names of channels that it routes to; undefined where only the message tells. */
  readonly routes: readonly (string | undefined)[];
  /** Names of variables that it puts into maps. */
  readonly puts: readonly string[];
  /** Lines whose values are no longer logged. */
  readonly unlogged: number;
  /** Whether it waits: for a database, a pause, another channel’s answer. */
  readonly waits: boolean;
}

/** Makes an operation for a statement of a script. */
export type StatementMaker = (statement: {
  readonly connection: SqlConnection | undefined;
  /** The text, once it is known how its product escapes; undefined where it is not understood. */
  readonly cut: (how: 'quoted' | 'unescaped') => SqlCut | string;
}) => { readonly operation: string; readonly cut: SqlCut } | string;

export interface RewriteOptions {
  readonly form?: 'script' | 'module';
  /** The functions of code templates. */
  readonly templates: ReadonlySet<string>;
  /** Names that an enclosing form gives, such as the index of an iterator. */
  readonly secretName: (hint: string) => string;
  /** Whether scripts of the export wait, so that each `catch` has to let that through. */
  readonly waits?: boolean;
  /** Left out where a script cannot wait: in readers and code templates. */
  readonly statement?: StatementMaker;
}
