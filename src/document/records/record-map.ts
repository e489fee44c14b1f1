/** How a text of records is laid out: delimited or of fixed width, with records of several kinds. */
export interface RecordMap {
  /** Between fields; undefined where fields have a fixed width. */
  readonly delimiter: string | undefined;
  /** The first line names the columns. */
  readonly names: boolean;
  readonly charset: string;
  readonly lineEnd: '\n' | '\r\n';
  /** What becomes of a record that cannot be read: the whole message fails, or the record is set aside with its reason. */
  readonly bad: 'suspend' | 'set-aside';
  /** In the order in which they are written. */
  readonly records: readonly RecordKind[];
}

/** A kind of record: header, detail, trailer. */
export interface RecordKind {
  readonly name: string;
  /** What its first field is, or its line begins with; undefined takes what no other kind takes. */
  readonly when: string | undefined;
  /** It stands once, as the first or the last record; undefined where there may be many. */
  readonly at: 'first' | 'last' | undefined;
  readonly required: boolean;
  readonly fields: readonly RecordField[];
}

export interface RecordField {
  readonly name: string;
  readonly type: 'text' | 'integer' | 'decimal' | 'date';
  readonly required: boolean;
  /** Characters; 0 where fields are delimited. */
  readonly width: number;
  /** What fills it up to its width, on the other side than `align`. */
  readonly pad: string;
  readonly align: 'left' | 'right';
  /** How a date is written: `yyyyMMdd`. */
  readonly format: string;
  /** How many digits of a decimal stand behind a point that is not written; undefined where it is. */
  readonly decimals: number | undefined;
  /** The kind of records whose number it holds. */
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
  /** As it stands, without its line end. */
  readonly text: string;
}
