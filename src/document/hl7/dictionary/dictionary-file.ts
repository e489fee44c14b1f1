/**
 * What a file of this folder holds. A field or component is one text, `type|usage|length|table|name`:
 * usage is `R` required, `B` kept for older versions or `W` withdrawn, then `*` or a number where it
 * repeats; length and table may be empty.
 */
export interface DictionaryFile {
  readonly version: string;
  /** Name → description, then field 1, 2, … */
  readonly segments: Readonly<Record<string, readonly string[]>>;
  /** Name → description, then component 1, 2, …; none for a primitive type. */
  readonly types: Readonly<Record<string, readonly string[]>>;
  /** `ADT_A01` → index in `structures`, description, further readings of its structure where the sources differ. */
  readonly messages: Readonly<
    Record<string, readonly [structure: number, description: string, ...readings: number[]]>
  >;
  /** Messages in which any other segment may stand too: those of a site's master file, of an order's details. */
  readonly open: readonly string[];
  /** `MSH [{SFT}] PID GROUP(OBR [{OBX}])`; see `structureNodes`. */
  readonly structures: readonly string[];
}

/** Table number → name, code → meaning. Not by version, and long meanings are cut. */
export type TableFile = Readonly<
  Record<string, readonly [name: string, codes: Readonly<Record<string, string>>]>
>;
