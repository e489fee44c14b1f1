/** One entry under `credentials` of a production, with its `${…}` values filled in. */
export interface CredentialEntry {
  readonly kind: string;
  readonly values: Readonly<Record<string, unknown>>;
  /** Where it is in the production's files. */
  readonly place: { readonly file: string; readonly line: number; readonly column: number };
  /** Absolute paths of the files that `${file:…}` in it read. */
  readonly files?: readonly string[];
}
