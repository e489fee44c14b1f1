import { type EdiDocument, partsOf, x12Segment } from '../../../document/index.ts';
import { masked } from '../../../trace/masked.ts';

export interface EdiMaskPaths {
  /** `REF-2` or `REF`: hidden in addition to what is always hidden. */
  readonly hidden: ReadonlySet<string>;
  /** Shown although its shape or its segment would hide it. */
  readonly shown: ReadonlySet<string>;
}

/** Segments of the envelope and of acknowledgements: who sent what, how it is counted, whether it was accepted. */
const ENVELOPE: ReadonlySet<string> = new Set(
  `ISA IEA GS GE ST SE TA1 BHT AK1 AK2 AK3 AK5 AK9 IK3 IK5 HL LX LS LE UNA UNB UNZ UNG UNE UNH UNT UNS UCI UCF UCM
  UCS UCD BGM`.split(/\s+/),
);

/** Here everything is shown except secrets and copies of what somebody sent. */
const HIDDEN_IN_ENVELOPE: ReadonlySet<string> = new Set([
  'ISA-2',
  'ISA-4',
  'UNB-6',
  'BHT-3',
  'BGM-2',
]);

/** Segments about a person: only qualifiers, which say what kind of value follows, are shown. */
const PERSONS: ReadonlySet<string> = new Set(
  'NM1 N1 N2 N3 N4 PER DMG REF PAT INS TRN NTE MSG K3 CTX AK4 IK4 ACT ENT PLB CLM CLP'.split(' '),
);

/** A short code; a number of six digits may identify a person. */
const CODE = /^(?!.*\d{6})[A-Z\d.]{1,8}$/;
const SHORT_CODE = /^[A-Z\d]{1,3}$/;
const NUMBER = /^[+-]?\d{0,6}(?:\.\d{1,6})?$/;
const TIME = /^(?:19|20)\d{2}(?:0[1-9]|1[012])[0-3]\d(?:-(?:19|20)\d{6})?$|^[0-2]\d[0-5]\d$/;

/**
 * Masks by segment, by the type of each element, and by shape. In X12, codes, amounts and dates
 * outside segments about a person are shown; in EDIFACT only short codes at the beginning of an
 * element. Unknown segments are hidden.
 */
export function maskEdi(document: EdiDocument, paths: EdiMaskPaths): Uint8Array {
  const { field, component, repetition, release, kind } = document.syntax;
  document.rewrite((text) => {
    const elements = partsOf(text, field, release);
    const [name = ''] = elements;
    if (!/^[A-Z][A-Z\d]{1,2}$/.test(name)) return masked(text);
    return elements
      .map((raw, n) => {
        if (n === 0 || raw === '') return raw;
        const path = `${name}-${n}`;
        if (paths.hidden.has(path) || paths.hidden.has(name)) return masked(raw);
        if (paths.shown.has(path)) return raw;
        if (ENVELOPE.has(name)) return HIDDEN_IN_ENVELOPE.has(path) ? masked(raw) : raw;
        const isShown = kind === 'x12' ? shownInX12(name, n) : shownInEdifact(name, n);
        return partsOf(raw, repetition, release)
          .map((one) =>
            partsOf(one, component, release)
              .map((part, at) => (isShown(part, at) ? part : masked(part)))
              .join(component),
          )
          .join(repetition);
      })
      .join(field);
  });
  return document.bytes();
}

type IsShown = (part: string, at: number) => boolean;

function shownInX12(name: string, n: number): IsShown {
  const element = x12Segment(name)?.elements[n - 1];
  const strict = PERSONS.has(name);
  const components = element?.type === 'composite' ? element.components : undefined;
  const code = strict ? SHORT_CODE : CODE;
  return (part, at) => {
    const type = components === undefined ? element?.type : components[at]?.type;
    if (type === 'ID') return code.test(part) && !isPlace(name, n);
    if (strict) return false;
    // a procedure with its modifiers, or a diagnosis, next to its code list
    if (components !== undefined && at > 0 && CODE.test(part)) return true;
    return shapeOf(name, type)?.test(part) === true;
  };
}

/** DTP contains a time as text. */
const shapeOf = (name: string, type = 'any'): RegExp | undefined =>
  SHAPES[name === 'DTP' ? 'DT' : type];

/** The format of values without personal data, by type. */
const SHAPES: Readonly<Record<string, RegExp | undefined>> = {
  R: NUMBER,
  N: NUMBER,
  DT: TIME,
  TM: TIME,
};

/** A postal code also has the type ID. */
function isPlace(name: string, n: number): boolean {
  return name === 'N4' && n !== 4;
}

const EDIFACT_PERSONS: ReadonlySet<string> = new Set([
  'NAD',
  'PNA',
  'ADR',
  'COM',
  'RFF',
  'FTX',
  'PDI',
]);

/** Qualifiers come first; nothing else about a person is shown. */
function shownInEdifact(name: string, n: number): IsShown {
  const last = EDIFACT_PERSONS.has(name) ? 1 : 2;
  return (part, at) => at === 0 && n <= last && SHORT_CODE.test(part) && !/^\d{3}$/.test(part);
}
