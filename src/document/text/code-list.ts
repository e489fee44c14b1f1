/** The values that a place may have, by a profile. */
export interface CodeList {
  /** What it is called: `table sex`, `lookup wards`, or the codes themselves. */
  readonly called: string;
  has(code: string): boolean;
}
