import { type AstmDocument, partsOf } from '../../../document/index.ts';
import { masked } from '../../../trace/masked.ts';

export interface AstmMaskPaths {
  /** `R-4` or `R`: hidden in addition to what is always hidden. */
  readonly hidden: ReadonlySet<string>;
  /** Shown although it is not known to be free of personal data. */
  readonly shown: ReadonlySet<string>;
}

/**
 * Fields of E1394 and LIS02 without personal data: delimiters, versions and times of a
 * transmission, sequence numbers, tests, values and their units, states. Names, numbers of patients
 * and specimens, addresses, comments and manufacturers' extensions are hidden.
 */
const SHOWN: Readonly<Record<string, readonly number[]>> = {
  H: [2, 5, 10, 12, 13, 14],
  P: [2, 9],
  O: [2, 5, 6, 7, 8, 12, 16, 23, 24, 26],
  R: [2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14],
  C: [2, 3, 5],
  Q: [2, 5, 6, 7, 8, 13],
  S: [2],
  M: [2],
  L: [2, 3],
};

/** A value may be free text; only a number, a short word or a comparison is shown. */
const VALUE = /^[<>]?=?\s*[+-]?(?:\d{1,7}(?:[.,]\d{1,7})?|[A-Za-z+-]{1,12})$/;
const RESULT = 'R-4';

/** Masks everything but the known fields. */
export function maskAstm(document: AstmDocument, paths: AstmMaskPaths): Uint8Array {
  const { field, component, repetition } = document.delimiters;
  document.rewrite((text) => {
    const fields = partsOf(text, field);
    const name = (fields[0] ?? '').toUpperCase();
    if (!/^[A-Z]$/.test(name)) return masked(text);
    return fields
      .map((raw, at) => {
        const n = at + 1;
        const path = `${name}-${n}`;
        if (at === 0 || raw === '' || (name === 'H' && n === 2)) return raw;
        if (paths.hidden.has(path) || paths.hidden.has(name)) return masked(raw);
        const isShown = paths.shown.has(path) || SHOWN[name]?.includes(n) === true;
        if (!isShown) return masked(raw);
        if (path !== RESULT || paths.shown.has(path)) return raw;
        return partsOf(raw, repetition)
          .map((one) =>
            partsOf(one, component)
              .map((part) => (part === '' || VALUE.test(part) ? part : masked(part)))
              .join(component),
          )
          .join(repetition);
      })
      .join(field);
  });
  return document.bytes();
}
