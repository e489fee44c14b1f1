/**
 * A body seen as a tree: parsed lazily, changed in place, written back with every untouched byte
 * unchanged. One per body and line of work; not shared after a change.
 *
 * Paths are those of the kind of document: HL7 `PID-3[2].4.2`, `OBX[3]-5`; X12 and EDIFACT
 * `CLM-5.1`, `2300/HI[1]-1.2`; ASTM `R[2]-3.4`; DICOM `PatientID`, `(0010,0020)`; JSON pointers; XPath; for delimited text a column's name or number.
 * An invalid path throws an EngineError `PATH_INVALID`; a missing place reads as `''`.
 */
export interface Document {
  readonly kind:
    | 'hl7'
    | 'x12'
    | 'edifact'
    | 'astm'
    | 'dicom'
    | 'json'
    | 'xml'
    | 'delimited'
    | 'text';
  /** The first value at the path, unescaped; `''` if there is none. */
  get(path: string): string;
  /** Every value at the path: all repetitions of the field in all its segments. */
  all(path: string): string[];
  /** Whether something is there; an HL7 null (`""`) counts. */
  has(path: string): boolean;
  /** Writes a value, escaped as the document needs. Creates the place if it is missing. */
  set(path: string, value: string): void;
  /** Removes everything that the path matches, as for `all`: `OBX` removes every OBX, `OBX[2]` the second. */
  remove(path: string): void;
  /** The document as bytes in its own charset: the original ones if nothing was changed. */
  bytes(): Uint8Array;
  /** An independent copy, for a transform to change. Cheap. */
  copy(): Document;
}

/** What the caller knows about the body before it is read. */
export interface BodyHints {
  /** The message's type, e.g. `HL7v2:ADT_A01:2.5.1`, `X12:837P:005010X222A1`, `application/json`. */
  readonly type: string;
  readonly charset?: string | undefined;
}
