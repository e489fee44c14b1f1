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
  /** Names of channels that it routes to. */
  readonly routes: readonly string[];
  /** Names of variables that it puts into maps. */
  readonly puts: readonly string[];
  /** Lines whose values are no longer logged. */
  readonly unlogged: number;
}

export interface RewriteOptions {
  readonly form?: 'script' | 'module';
  /** The functions of code templates. */
  readonly templates: ReadonlySet<string>;
  /** Names that an enclosing form gives, such as the index of an iterator. */
  readonly secretName: (hint: string) => string;
}
