import type { Zone } from '../../../time/zone.ts';
import type { Element, Resource } from '../v2/json.ts';
import type { Cell } from './cell.ts';
import type { Placed, Uses } from './uses.ts';

/** What writing a value in v2 needs to know of the Bundle and of the production. */
export interface BackContext {
  readonly uses: Uses;
  /** The clock that times are of; undefined keeps their offset. */
  readonly zone: Zone;
  /** Names of code systems and assigning authorities in v2, by their URIs. */
  readonly names: ReadonlyMap<string, string>;
  /** What a reference leads to. Without it in the Bundle, what the reference itself says of it. */
  resolve(reference: Element): Resource | undefined;
}

/** Writes a value of FHIR into its place in v2; false if it cannot be there, or nothing is. */
export type BackForm = (
  found: Placed,
  cell: Cell,
  context: BackContext,
  table: string | undefined,
) => boolean;
