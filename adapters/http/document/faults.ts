import type { SettingsFault } from 'waybill/adapter';
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
