import { DisableError, type SettingsFault } from 'waybill/adapter';
import type { ReadDocument } from './read-document.ts';

/** Tells of a fault at a place of the document. */
export type Tell = (
  keys: readonly string[],
  what: string,
  remedy: string,
  severity?: 'warning',
) => void;

/** Collects faults of a document that `setting` names. */
export function tellInto(
  faults: SettingsFault[],
  { setting, document }: { readonly setting: string; readonly document: ReadDocument },
): Tell {
  return (keys, what, remedy, severity) => {
    faults.push({
      path: [setting],
      place: document.placeOf(keys),
      what,
      remedy,
      ...(severity && { severity }),
    });
  };
}

/** The faults with which nothing can be served, as the error that keeps a service from opening. */
export function disabledBy(faults: readonly SettingsFault[]): DisableError | undefined {
  const [first, ...more] = faults.filter(({ severity }) => severity !== 'warning');
  if (first === undefined) return undefined;
  const { path, place, what, remedy } = first;
  const where = place === undefined ? '' : `${place.file}:${place.line}:${place.column} `;
  const others = more.length === 0 ? '' : ` There are ${more.length} more faults: waybill check.`;
  return new DisableError(`${path.join('.')}: ${where}${what}. ${remedy}${others}`);
}
