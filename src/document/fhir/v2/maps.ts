import { ORDER_ROWS } from './map/order-rows.ts';
import { PERSON_ROWS } from './map/person-rows.ts';
import { SCHEDULE_ROWS } from './map/schedule-rows.ts';
import { TYPE_ROWS } from './map/type-rows.ts';
import { VISIT_ROWS } from './map/visit-rows.ts';
import { type FhirMap, readMaps } from './read-map.ts';

let known: ReadonlyMap<string, FhirMap> | undefined;

/** The table of rows of that name. Read when the first one is needed. */
export function mapNamed(name: string): FhirMap {
  known ??= new Map(
    [TYPE_ROWS, PERSON_ROWS, VISIT_ROWS, ORDER_ROWS, SCHEDULE_ROWS]
      .flatMap(readMaps)
      .map((map) => [map.name, map]),
  );
  const found = known.get(name);
  if (found === undefined) throw new Error(`no table: ${name}`);
  return found;
}
