/** The layout of a text of records: delimited or fixed width, with records of several kinds. */
export interface RecordMap {
  /** The delimiter between fields; undefined for fixed width. */
  readonly delimiter: string | undefined;
  /** The first line names the columns. */
  readonly names: boolean;
  readonly charset: string;
  readonly lineEnd: '\n' | '\r\n';
  /**
   * What happens to a record that cannot be read: the whole message fails, or the record is set
   * aside with its reason.
   */
  readonly bad: 'suspend' | 'set-aside';
  /** In the order in which they are written. */
  readonly records: readonly RecordKind[];
}

/** A kind of record: header, detail, trailer. */
export interface RecordKind {
  readonly name: string;
  /** The value of its first field, or the beginning of its line; undefined for what no other kind matches. */
  readonly when: string | undefined;
  /** It occurs once, as the first or the last record; undefined if there may be many. */
  readonly at: 'first' | 'last' | undefined;
  readonly required: boolean;
  readonly fields: readonly RecordField[];
}

export interface RecordField {
  readonly name: string;
  readonly type: 'text' | 'integer' | 'decimal' | 'date';
  readonly required: boolean;
  /** Its width in characters; 0 if delimited. */
  readonly width: number;
  /** What pads it to its width, on the side opposite to `align`. */
  readonly pad: string;
  readonly align: 'left' | 'right';
  /** The format of a date: `yyyyMMdd`. */
  readonly format: string;
  /** How many decimals follow an implied decimal point; undefined if the point is written. */
  readonly decimals: number | undefined;
  /** The kind of records that it counts. */
  readonly counts: string | undefined;
}

/** A value of a record in JSON. */
export type RecordValue = string | number | null;
export type RecordValues = Readonly<Record<string, RecordValue>>;

/** A record that could not be read. */
export interface BadRecord {
  /** Its line, from 1. */
  readonly line: number;
  readonly reason: string;
  /** The record as written, without its line end. */
  readonly text: string;
}
