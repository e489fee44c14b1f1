/**
 * Elements of X12 segments, as far as the health care guides use them; for the notation see `readSegmentTable`.
 * Additional elements of other releases or industries are not included.
 */
const SEGMENT_TABLE = `
AAA ID1! ID2 ID2 ID1
ACT AN1-35! AN1-60 ID1-2 AN2-80 ID1-3 AN1-35 AN1-80 ID1-2 ID1 | P0304 C0506 C0705
ADX R1-18! ID2! ID2-3 AN1-50 | P0304
AK1 ID2! N01-9! AN1-12
AK2 ID3! AN4-9! AN1-35
AK3 ID2-3! N01-6! AN1-4 ID1-3
AK4 (N01-2! N01-2)! N01-4 ID1-3! AN1-99
AK5 ID1! ID1-3 ID1-3 ID1-3 ID1-3 ID1-3
AK9 ID1! N01-6! N01-6! N01-6! ID1-3 ID1-3 ID1-3 ID1-3 ID1-3
AMT ID1-3! R1-18! ID1
BGN ID2! AN1-50! DT8! TM4-8 ID2 AN1-50 ID2 ID1-2 ID2 | C0504
BHT ID4! ID2! AN1-50 DT8 TM4-8 ID2
BPR ID1-2! R1-18! ID1! ID3! ID1-10 ID2 AN3-12 ID1-3 AN1-35 AN10 AN9 ID2 AN3-12 ID1-3 AN1-35 DT8 ID1-3 ID2 AN3-12 ID1-3 AN1-35 | P0607 C0809 P1213 C1415 P1819 C2021
CAS ID1-2! ID1-5! R1-18! R1-15 ID1-5 R1-18 R1-15 ID1-5 R1-18 R1-15 ID1-5 R1-18 R1-15 ID1-5 R1-18 R1-15 ID1-5 R1-18 R1-15 | L050607 C0605 C0705 L080910 C0908 C1008 L111213 C1211 C1311 L141516 C1514 C1614 L171819 C1817 C1917
CL1 ID1 ID1 ID1-2 ID1
CLM AN1-38! R1-18 ID1-2 ID1-2 (AN1-2! ID1-2 ID1!) ID1 ID1 ID1 ID1 ID1 (ID2-3! ID2-3 ID2-3 ID2 ID2-3) ID2-3 ID1 ID1-3 ID1 ID1 ID1-2 ID1 ID2 ID1-2
CLP AN1-38! ID1-2! R1-18! R1-18! R1-18 ID1-2 AN1-50 AN1-2 ID1 ID1-2 ID1-4 R1-15 R1-10 ID1
CN1 ID2 R1-18 R1-6 AN1-50 R1-6 AN1-30
COB ID1 AN1-50 ID1 ID1-2*9
CR1 ID2 R1-10 ID1 ID1 ID2 R1-15 AN1-55 AN1-55 AN1-80 AN1-80 | P0102 P0506
CR2 N01-9 R1-15 ID2-3 ID2-3 ID2 R1-15 R1-15 ID1 ID1 AN1-80 AN1-80 ID1 | P0102 C0403 P0506
CR3 ID1 ID2 R1-15 ID1 AN1-80 | P0203
CR5 ID1 R1-15 ID1 ID1 AN1-80 R1-15 R1-15 R1-15 AN1-80 R1-15 R1-15 ID1 ID1 ID1 ID1 R1-15 ID1 ID1
CR6 ID1 DT8 ID2-3 AN1-35 DT8 ID1 ID1 ID1 DT8 ID2 AN1-15 DT8 DT8 DT8 ID2-3 AN1-35 ID1 DT8 DT8 DT8 DT8
CR7 ID2! N01-9! N01-9!
CRC ID2! ID1! ID2-3! ID2-3 ID2-3 ID2-3 ID2-3
CTP ID2 ID3 R1-17 R1-15 (ID2! R1-15 R1-10 ID2 R1-15 R1-10 ID2 R1-15 R1-10 ID2 R1-15 R1-10 ID2 R1-15 R1-10) ID3 R1-10 R1-18 ID2 AN1-10 N01-2 | P0405 C0607 C0902 C1002 C1103
CTX (AN1-35! AN1-35)*10! ID2-3 N01-6 AN1-4 (N01-2! N01-2 N01-4) (N01-4! N01-4)
CUR ID2-3! ID3! R4-10 ID2-3 ID3 ID3 ID3 DT8 TM4-8 ID3 DT8 TM4-8 ID3 DT8 TM4-8 ID3 DT8 TM4-8 ID3 DT8 TM4-8 | C0807 C0907 L101112 C1110 C1210 L131415 C1413 C1513 L161718 C1716 C1816 L192021 C2019 C2119
DMG ID2-3 AN1-35 ID1 ID1 (ID1 ID1-3 AN1-30)*10 ID1-2 ID2-3 ID1-2 R1-15 ID1-3 AN1-30 | P0102 P1011 C1105
DN1 R1-15 R1-15 ID1 AN1-80
DN2 AN1-50! ID1-2! R1-15 ID2-3 AN1-35
DSB ID1! R1-15 ID4-6 ID1 ID1-2 R1-18 ID2 AN1-15 | P0708
DTM ID3! DT8 TM4-8 ID2 ID2-3 AN1-35 | R020305 C0403 P0506
DTP ID3! ID2-3! AN1-35!
EB ID1-2! ID3 ID1-2*99 ID1-3 AN1-50 ID1-2 R1-18 R1-10 ID2 R1-15 ID1 ID1 (ID2! AN1-48! AN2 AN2 AN2 AN2 AN1-80)
EC ID2-3 ID2-3 ID2-3 R1-10 ID1 ID4-6
ENT N01-6 ID2-3 ID1-2 AN2-80 ID2-3 ID1-2 AN2-80 ID2-3 AN1-50 | P020304 P050607 P0809
EQ ID1-2 (ID2! AN1-48! AN2 AN2 AN2 AN2 AN1-80) ID3 ID1-3
FRM AN1-20! ID1 AN1-50 DT8 R1-6 | R02030405
GE N01-6! N01-9!
GS ID2! AN2-15! AN2-15! DT8! TM4-8! N01-9! ID1-2! AN1-12!
HCP ID2 R1-18 R1-18 AN1-50 R1-9 AN1-50 R1-18 AN1-48 ID2 AN1-48 ID2 R1-15 ID2 ID1-2 ID1-2 | R0113 P0910 P1112
HCR ID1-2! AN1-50 ID2 ID1
HD ID3! ID2-3 ID2-3 AN1-50 ID3 N01-9 N01-9 ID1 ID1 ID2-3 ID1
HI (ID1-3! AN1-30! ID2-3 AN1-35 R1-18 R1-15 AN1-30 AN1-30 ID1)! (ID1-3! AN1-30! ID2-3 AN1-35 R1-18 R1-15 AN1-30 AN1-30 ID1) (ID1-3! AN1-30! ID2-3 AN1-35 R1-18 R1-15 AN1-30 AN1-30 ID1) (ID1-3! AN1-30! ID2-3 AN1-35 R1-18 R1-15 AN1-30 AN1-30 ID1) (ID1-3! AN1-30! ID2-3 AN1-35 R1-18 R1-15 AN1-30 AN1-30 ID1) (ID1-3! AN1-30! ID2-3 AN1-35 R1-18 R1-15 AN1-30 AN1-30 ID1) (ID1-3! AN1-30! ID2-3 AN1-35 R1-18 R1-15 AN1-30 AN1-30 ID1) (ID1-3! AN1-30! ID2-3 AN1-35 R1-18 R1-15 AN1-30 AN1-30 ID1) (ID1-3! AN1-30! ID2-3 AN1-35 R1-18 R1-15 AN1-30 AN1-30 ID1) (ID1-3! AN1-30! ID2-3 AN1-35 R1-18 R1-15 AN1-30 AN1-30 ID1) (ID1-3! AN1-30! ID2-3 AN1-35 R1-18 R1-15 AN1-30 AN1-30 ID1) (ID1-3! AN1-30! ID2-3 AN1-35 R1-18 R1-15 AN1-30 AN1-30 ID1)
HL AN1-12! AN1-12 ID1-2! ID1
HLH ID1 R1-8 R1-10 R1-10 AN1-80 ID1 AN1-80
HSD ID2 R1-15 ID2 R1-6 ID1-2 N01-3 ID1-2 ID1 | P0102 C0605
ICM ID1! R1-18 R1-15 AN1-30 AN1-5 ID3
IDC AN1-50! ID1! R1-15 ID1-2
IEA N01-5! N09!
III ID1-3 AN1-30 ID2 AN1-264 R1-15 - ID2 ID2 ID2
IK3 ID2-3! N01-6! AN1-4 ID1-3
IK4 (N01-2! N01-2 N01-4)! N01-4 ID1-3! AN1-99
IK5 ID1! ID1-3 ID1-3 ID1-3 ID1-3 ID1-3
INS ID1! ID2! ID3 ID2-3 ID1 (ID1 ID1 ID1 ID1) ID1-2 ID2 ID1 ID1 ID2-3 AN1-35 ID1 AN2-30 ID2 ID2-3 N01-9 | P1112
IT1 AN1-20 R1-15 ID2 R1-17 ID2 ID2 AN1-48 ID2 AN1-48 ID2 AN1-48 ID2 AN1-48 ID2 AN1-48 ID2 AN1-48 ID2 AN1-48 ID2 AN1-48 ID2 AN1-48 ID2 AN1-48 | P020304 P0607 P0809 P1011 P1213 P1415 P1617 P1819 P2021 P2223 P2425
K3 AN1-80! ID1-2
LE AN1-4!
LIN AN1-20 ID2! AN1-48! ID2 AN1-48 ID2 AN1-48 ID2 AN1-48 ID2 AN1-48 ID2 AN1-48 ID2 AN1-48 ID2 AN1-48 ID2 AN1-48 ID2 AN1-48 ID2 AN1-48 ID2 AN1-48 ID2 AN1-48 ID2 AN1-48 ID2 AN1-48 | P0405 P0607 P0809 P1011 P1213 P1415 P1617 P1819 P2021 P2223 P2425 P2627 P2829 P3031
LQ ID1-3 AN1-30 | C0102
LS AN1-4!
LUI ID1-2 AN2-80 AN1-80 ID1-2 ID1 | P0102 L040203
LX N01-6!
MEA ID2 ID1-3 R1-20 - R1-20 R1-20 ID2 ID2 ID2 ID2-4 ID1-3 AN1-30 | R03050608 C0504 C0604 L07030506 E0803 L050412 L060412 P1112
MIA R1-15! R1-18 R1-15 R1-18 AN1-50 R1-18 R1-18 R1-18 R1-18 R1-18 R1-18 R1-18 R1-18 R1-18 R1-15 R1-18 R1-18 R1-18 R1-18 AN1-50 AN1-50 AN1-50 AN1-50 R1-18
MOA R1-10 R1-18 AN1-50 AN1-50 AN1-50 AN1-50 AN1-50 R1-18 R1-18
MPI ID1! ID2! ID1 AN1-80 ID2 ID2-3 AN1-35 | P0607
MSG AN1-264! ID2 N01-9
N1 ID2-3! AN1-60 ID1-2 AN2-80 ID2 ID2-3 | R0203 P0304
N2 AN1-60! AN1-60
N3 AN1-55! AN1-55
N4 AN2-30 ID2 ID3-15 ID2-3 ID1-2 AN1-30 ID1-3 | E0207 C0605 C0704
NM1 ID2-3! ID1! AN1-60 AN1-35 AN1-25 AN1-10 AN1-10 ID1-2 AN2-80 ID2 ID2-3 AN1-60 | P0809 C1110 C1203
NTE ID3 AN1-80!
OI ID1-2 ID2 ID1 ID1 ID1 ID1
PAT ID2 ID1 ID2 ID1 ID2-3 AN1-35 ID2 R1-10 ID1 | P0506 P0708
PER ID2! AN1-60 ID2 AN1-256 ID2 AN1-256 ID2 AN1-256 AN1-20 | P0304 P0506 P0708
PLA ID1-2! ID2-3! DT8! TM4-8 ID2-3
PLB AN1-50! DT8! (ID2! AN1-50)! R1-18! (ID2! AN1-50) R1-18 (ID2! AN1-50) R1-18 (ID2! AN1-50) R1-18 (ID2! AN1-50) R1-18 (ID2! AN1-50) R1-18 | P0506 P0708 P0910 P1112 P1314
PRV ID1-3! ID2-3 AN1-50 ID2 - ID3 | P0203
PS1 AN1-50! R1-18! ID2
PWK ID2! ID1-2 N01-2 ID2-3 ID1-2 AN2-80 AN1-80 - ID1-2 | P0506
QTY ID2! R1-15 (ID2! R1-15 R1-10 ID2 R1-15 R1-10 ID2 R1-15 R1-10 ID2 R1-15 R1-10 ID2 R1-15 R1-10) AN1-30 | E0204 R0204
RDM ID1-2! AN1-60 AN1-256
REF ID2-3! AN1-50 AN1-80 (ID2-3! AN1-50! ID2-3 AN1-50 ID2-3 AN1-50) | R0203
RMR ID2-3 AN1-50 ID2 R1-18 R1-18 R1-18 ID2 R1-18 | P0102 P0708
SAC ID1! ID4 ID2 AN1-10 N21-15 ID1 R1-6 R1-9 ID2 R1-15 R1-15 ID2 AN1-50 AN1-20 AN1-80 ID2-3 | R0203 P0304 P0607 P0910 C1110 C1413 C1615
SBR ID1! ID2 AN1-50 AN1-60 ID1-3 ID1 ID1 ID2 ID1-2
SE N01-10! AN4-9!
SLN AN1-20! AN1-20 ID1! R1-15 (ID2! R1-15 R1-10 ID2 R1-15 R1-10 ID2 R1-15 R1-10 ID2 R1-15 R1-10 ID2 R1-15 R1-10) R1-17 ID2 ID1 ID2 AN1-48 ID2 AN1-48 ID2 AN1-48 ID2 AN1-48 ID2 AN1-48 ID2 AN1-48 ID2 AN1-48 ID2 AN1-48 ID2 AN1-48 ID2 AN1-48 | P0405 C0706 C0806 P0910 P1112 P1314 P1516 P1718 P1920 P2122 P2324 P2526 P2728
ST ID3! AN4-9! AN1-35
STC (AN1-30! AN1-30! ID2-3 ID1-3)! DT8 ID1-2 R1-18 R1-18 DT8 ID3 DT8 AN1-16 (AN1-30! AN1-30! ID2-3 ID1-3) (AN1-30! AN1-30! ID2-3 ID1-3) AN1-264
SV1 (ID2! AN1-48! AN2 AN2 AN2 AN2 AN1-80 AN1-48)! R1-18 ID2 R1-15 AN1-2 ID1-2 (N01-2! N01-2 N01-2 N01-2) R1-18 ID1 ID1-2 ID1 ID1 ID1-2 AN1-2 ID1 ID1 AN1-50 ID3-15 R1-18 ID1 ID1 | P0304
SV2 AN1-48 (ID2! AN1-48! AN2 AN2 AN2 AN2 AN1-80 AN1-48) R1-18 ID2 R1-15 R1-10 R1-18 ID1 ID1 ID1 | R0102 P0405
SV3 (ID2! AN1-48! AN2 AN2 AN2 AN2 AN1-80)! R1-18 AN1-2 (ID1-3! ID1-3 ID1-3 ID1-3 ID1-3) ID1 R1-15 AN1-80 ID1 ID1 ID1
SV5 (ID2! AN1-48! AN2 AN2 AN2 AN2 AN1-80 AN1-48)! ID2 R1-15 R1-18 R1-18 ID1 ID1 | R0405 C0604
SVC (ID2! AN1-48! AN2 AN2 AN2 AN2 AN1-80 AN1-48)! R1-18! R1-18 AN1-48 R1-15 (ID2! AN1-48! AN2 AN2 AN2 AN2 AN1-80 AN1-48) R1-15
SVD AN2-80! R1-18! (ID2! AN1-48! AN2 AN2 AN2 AN2 AN1-80 AN1-48) AN1-48 R1-15 N01-6
TA1 N09! DT6! TM4! ID1! ID3!
TOO ID1-3! AN1-30 (ID1-2! ID1-2 ID1-2 ID1-2 ID1-2)
TRN ID1-2! AN1-50! AN10 AN1-50
TS2 R1-18 R1-18 R1-18 R1-18 R1-18 R1-18 R1-15 R1-18 R1-18 R1-15 R1-15 R1-15 R1-15 R1-15 R1-18 R1-15 R1-18 R1-18 R1-18
TS3 AN1-50! AN1-2! DT8! R1-15! R1-18! R1-18 R1-18 R1-18 R1-18 R1-18 R1-18 R1-18 R1-18 R1-18 R1-18 R1-18 R1-18 R1-18 R1-18 R1-18 R1-18 R1-18 R1-15 R1-18
UM ID1-2! ID1 ID1-2 (AN1-2! ID1-2! ID1) (ID2-3! ID2-3 ID2-3 ID2 ID2-3) ID1-3 ID1 ID1 ID1 ID1-2
`;

/** What an element may hold. */
export interface X12Element {
  /** X12's data types; `composite` has components; `any` is unknown. */
  readonly type: 'AN' | 'ID' | 'R' | 'N' | 'DT' | 'TM' | 'composite' | 'any';
  readonly least: number;
  readonly most: number;
  readonly required: boolean;
  readonly repetitions: number;
  readonly components: readonly X12Element[];
}

/**
 * A rule between elements, by their numbers. P: if one is present, all are. R: at least one is. E: at most one is.
 * C: if the first is present, all others are. L: if the first is present, at least one other is.
 */
export interface ElementRule {
  readonly kind: 'P' | 'R' | 'E' | 'C' | 'L';
  readonly elements: readonly number[];
}

/** The facts known of a segment. */
export interface X12Segment {
  readonly elements: readonly X12Element[];
  readonly rules: readonly ElementRule[];
}

let table: ReadonlyMap<string, X12Segment> | undefined;

const known = (): ReadonlyMap<string, X12Segment> => (table ??= readSegmentTable(SEGMENT_TABLE));

/** The elements of a segment; undefined if it is unknown. */
export const x12Segment = (name: string): X12Segment | undefined => known().get(name);

/** The names of the segments whose elements are known. */
export const x12SegmentNames = (): readonly string[] => [...known().keys()];

/**
 * Reads a table of segments, one a line: `AMT ID1-3! R1-18! ID1 | P0102`. An element is a type with its least and most
 * characters (one number for both, N followed by its decimals), `(… …)` a composite, `-` an unknown one,
 * `*9` how often it may repeat, `!` that it is required; the rules follow `|`.
 */
function readSegmentTable(text: string): ReadonlyMap<string, X12Segment> {
  const lines = text.split('\n').filter((line) => line !== '');
  return new Map(
    lines.map((line) => {
      const [head = '', rules = ''] = line.split(' | ');
      const [name = '', ...words] = wordsOf(head);
      const segment = {
        elements: words.map(elementOf),
        rules: rules.split(' ').filter(Boolean).map(ruleOf),
      };
      return [name, segment] as const;
    }),
  );
}

/** Words separated by blanks; brackets hold one together. */
function wordsOf(text: string): string[] {
  return text.match(/\([^)]*\)\S*|\S+/g) ?? [];
}

const WORD = /^(?:\(([^)]*)\)|([A-Z]+)(\d+)(?:-(\d+))?|-)(?:\*(\d+))?(!)?$/;

function elementOf(word: string): X12Element {
  const [, inner, type, least = '0', most = least, repetitions = '1', needed] =
    WORD.exec(word) ?? [];
  const common = { required: needed !== undefined, repetitions: Number(repetitions) };
  if (inner !== undefined) {
    const components = wordsOf(inner).map(elementOf);
    return { ...common, type: 'composite', least: 0, most: 0, components };
  }
  if (!isType(type)) return { ...common, type: 'any', least: 0, most: 0, components: [] };
  // the first digit after N is its number of decimals
  const from = type === 'N' ? least.slice(1) : least;
  const to = type === 'N' && most === least ? from : most;
  return { ...common, type, least: Number(from), most: Number(to), components: [] };
}

const TYPES = ['AN', 'ID', 'R', 'N', 'DT', 'TM'] as const;

function isType(text: string | undefined): text is (typeof TYPES)[number] {
  return (TYPES as readonly (string | undefined)[]).includes(text);
}

const RULES = ['P', 'R', 'E', 'C', 'L'] as const;

function ruleOf(word: string): ElementRule {
  const kind = RULES.find((letter) => word.startsWith(letter)) ?? 'P';
  return { kind, elements: (word.slice(1).match(/\d\d/g) ?? []).map(Number) };
}
