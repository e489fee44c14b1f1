/** The versions of FHIR whose definitions there are. */
export const FHIR_VERSIONS = ['R4', 'R4B', 'R5'] as const;

export type FhirVersion = (typeof FHIR_VERSIONS)[number];

export const isFhirVersion = (text: string): text is FhirVersion =>
  (FHIR_VERSIONS as readonly string[]).includes(text);

/** The content of `r4.json` and its like: what the structure definitions of FHIR say of types, as far as it is checked. */
export interface DefinitionFile {
  readonly version: string;
  readonly types: Readonly<Record<string, TypeFile>>;
  /** Invariants by their key, with `~` and a type where FHIR has the key twice: severity, FHIRPath, and what they ask for in words. */
  readonly rules: Readonly<Record<string, readonly [Severity, expression: string, text: string]>>;
  /** The codes of a value set that a required binding names, one after the other. */
  readonly values: Readonly<Record<string, string>>;
}

export type Severity = 'error' | 'warning';

export interface TypeFile {
  readonly kind: 'resource' | 'type' | 'primitive';
  /**
   * By path below the type, without what all have: `0..1 code =value-set`, `0..* Reference(Patient|Group)`,
   * `0..1 Quantity,string` for a choice (`value[x]`), `0..* #referenceRange` for the content of another element.
   */
  readonly elements: Readonly<Record<string, string>>;
  /** Keys of the invariants by path, `''` for the type itself. */
  readonly rules?: Readonly<Record<string, string>>;
}
