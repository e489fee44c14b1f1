import type { DicomDocument } from '../../../document/index.ts';
import { masked } from '../../../trace/masked.ts';

/** Keywords of attributes. */
export interface DicomMaskPaths {
  /** Hidden in addition to what is always hidden. */
  readonly hidden: ReadonlySet<string>;
  /** Shown although it is not known to be free of personal data. */
  readonly shown: ReadonlySet<string>;
}

/** Types that name no person: codes, UIDs, titles of applications, and numbers of how a picture was taken. */
const SHOWN = new Set([
  'CS',
  'UI',
  'AE',
  'IS',
  'US',
  'SS',
  'UL',
  'SL',
  'UV',
  'SV',
  'FL',
  'FD',
  'AT',
]);
/** Of these types, though of a person. */
const PERSONAL = new Set(['PatientSex', 'PatientSexNeutered', 'SmokingStatus', 'PregnancyStatus']);

/** Masks names, numbers, dates and free text, and leaves pictures and other bytes out: a name may be burnt in. */
export function maskDicom(document: DicomDocument, { hidden, shown }: DicomMaskPaths): Uint8Array {
  document.rewrite(({ keyword, vr, text }) => {
    if (shown.has(keyword) && !hidden.has(keyword)) return text;
    const isKnown = SHOWN.has(vr) && !PERSONAL.has(keyword) && keyword !== '';
    return isKnown && !hidden.has(keyword) ? text : masked(text);
  });
  return document.bytes();
}
