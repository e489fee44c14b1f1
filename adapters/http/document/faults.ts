import { DisableError, type SettingsFault } from 'waybill/adapter';
import type { ReadDocument } from './read-document.ts';

/** Reports a fault at a place in the document. */
export type Tell = (
  keys: readonly string[],
  what: string,
  remedy: string,
  severity?: 'warning',
) => void;

/** Collects the faults of a document that `setting` names. */
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

/** The faults that make serving impossible, as the error that prevents a service from opening. */
export function disabledBy(faults: readonly SettingsFault[]): DisableError | undefined {
  const [first, ...more] = faults.filter(({ severity }) => severity !== 'warning');
  if (first === undefined) return undefined;
  const { path, place, what, remedy } = first;
  const where = place === undefined ? '' : `${place.file}:${place.line}:${place.column} `;
  const others = more.length === 0 ? '' : ` ${more.length} more faults: run waybill check.`;
  return new DisableError(`${path.join('.')}: ${where}${what}. ${remedy}${others}`);
}
