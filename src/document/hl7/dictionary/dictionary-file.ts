/**
 * The format of a file in this folder. A field or component is one text,
 * `type|usage|length|table|name`: usage is `R` required, `B` kept for older versions or `W`
 * withdrawn, then `*` or a number if it repeats; length and table may be empty.
 */
export interface DictionaryFile {
  readonly version: string;
  /** Name → description, then field 1, 2, … */
  readonly segments: Readonly<Record<string, readonly string[]>>;
  /** Name → description, then component 1, 2, …; none for a primitive type. */
  readonly types: Readonly<Record<string, readonly string[]>>;
  /** `ADT_A01` → index in `structures`, description, other readings of its structure if the sources differ. */
  readonly messages: Readonly<
    Record<string, readonly [structure: number, description: string, ...readings: number[]]>
  >;
  /** Messages that may contain any other segment: master files of a site, details of an order. */
  readonly open: readonly string[];
  /** `MSH [{SFT}] PID GROUP(OBR [{OBX}])`; see `structureNodes`. */
  readonly structures: readonly string[];
}

/** Table number → name, code → meaning. Not per version; long meanings are shortened. */
export type TableFile = Readonly<
  Record<string, readonly [name: string, codes: Readonly<Record<string, string>>]>
>;
