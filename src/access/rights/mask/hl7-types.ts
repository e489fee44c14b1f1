/**
 * Which parts of a value are shown to people who may not see patient data, for each HL7 data type:
 * the rule of a primitive type, or the type of each component. Everything else is hidden: `-`, a
 * component beyond the last, a type that is not listed.
 *
 * - `code`: a short word of a code system; `label`: its text, if next to a code and its system
 * - `number`, `time`, `range`: what has the format of one
 * - `authority`: the issuer of identifiers, by name or OID
 */
export const SHOWN_TYPES: Readonly<Record<string, string>> = {
  // primitive
  ID: 'code',
  IS: 'code',
  SI: 'number',
  NM: 'number',
  DT: 'time',
  TM: 'time',
  DTM: 'time',
  ST: '-',
  TX: '-',
  FT: '-',
  TN: '-',
  GTS: '-',
  VARIES: '-',
  // a person, an organisation, or something that identifies one
  AD: '- - - - - code code -',
  SAD: '- - -',
  XAD: '- - - - - code code - code code code - time time',
  CN: '- - - - - - - code HD',
  CNN: '- - - - - - - code HD - -',
  CNS: '- - - - - - - time time code HD',
  FN: '- - - - -',
  PN: '- - - - - -',
  XPN: '- - - - - - code code - - code time time -',
  PPN: '- - - - - - - code HD code - code code - time',
  XCN: '- - - - - - - code HD code - code code -',
  XON: '- code - - code HD code HD code -',
  XTN: '- code code - - - - - - - - -',
  CK: '- - code HD',
  CX: '- - code HD code HD time time - -',
  DLN: '- - time',
  EI: '- authority authority code',
  EIP: '- -',
  JCC: '- - -',
  NDL: '- time time - - - code - - code -',
  PI: '- code -',
  AUI: '- time -',
  DDI: '- - -',
  DIN: 'time -',
  DLD: '- time',
  ED: '- code code code -',
  RP: '- - code code',
  LA1: 'code code code HD code code - - -',
  LA2: 'code code code HD code code - - - - - - - - - -',
  PL: 'code code code HD code code code code - - -',
  PLN: '- code code time',
  PPO: '-',
  SPD: '- - time code',
  PIP: '- - time time -',
  CSU: '- - - - - - - -',
  // coded
  CE: 'code label code code label code',
  CWE: 'code label code code label code - - - code label code - code code - code code - code code -',
  CNE: 'code label code code label code - - - code label code - code code - code code - code code -',
  CF: 'code - code code - code - - - code - code',
  HD: 'authority authority code',
  CCD: 'code time',
  DLT: '- - code number',
  DTN: 'code number',
  ERL: 'code number number number number number',
  ELD: 'code number number CE',
  ICD: 'code code time',
  MSG: 'code code code',
  PT: 'code code',
  VID: 'code CE CE',
  SRT: 'code code',
  WVS: 'code -',
  // quantities and times
  CP: 'MO code number number CE code',
  CQ: 'number CE',
  MO: 'number code',
  MOC: 'MO CE',
  MOP: 'code number code',
  NR: 'number number',
  NA: 'number number number number number number number number number number',
  MA: 'number number number number number number number number number number',
  SN: 'number-sign number number-sign number',
  DR: 'time time',
  TS: 'time code',
  RI: 'code -',
  RPT: 'CWE code number number code number code code number code -',
  TQ: 'CQ RI code time time code - - code OSD CE number',
  OSD: 'code - - - - - - - number number -',
  OCD: 'code time',
  OSP: 'CE time time',
  VH: 'code code time time',
  VR: '- -',
  RFR: '- code - - - - -',
  CD: '- - - - - -',
  CCP: 'number number number',
  WVI: 'number -',
  SPS: 'CE - - CE CE CE CE',
  FC: 'code time',
  PCF: 'code code -',
  PTA: 'code code - -',
  RMC: 'code code - -',
  UVC: 'code - - -',
  PRL: 'CE - -',
  QIP: '- -',
  QSC: '- code - code',
  RCD: 'code code number',
  SCV: '- -',
};

/** Segments about a person: they show only codes from HL7's own tables, counters, and the types of what is hidden. */
export const PERSON_SEGMENTS: ReadonlySet<string> = new Set(
  `PID PD1 PDA PDC MRG NK1 GT1 IN1 IN2 IN3 CON ARV OH1 OH2 OH3 OH4 STF PRA EDU LAN CER AFF ORG PRD
  CTD NPU QRF DSP DSC ADD PES PEO PCR PSH ACC IIM`.split(/\s+/),
);

/** Exceptions to the rule of a field's type; `whole` shows the field unmasked. */
export const SHOWN_FIELDS: Readonly<Record<string, string>> = Object.fromEntries([
  ...[1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 15, 16, 17, 18, 19, 20, 21].map((n) => [
    `MSH-${n}`,
    'whole',
  ]),
  ...['BHS', 'FHS'].flatMap((name) =>
    [1, 2, 3, 4, 5, 6, 7, 11, 12].map((n) => [`${name}-${n}`, 'whole']),
  ),
  ...['MSA-1', 'MSA-2', 'QAK-1', 'QAK-2', 'QPD-1', 'QPD-2', 'QRD-1', 'QRD-2', 'QRD-3', 'QRD-4']
    .concat(['EQL-1', 'VTQ-1', 'SPR-1', 'QID-1', 'BTS-1', 'FTS-1', 'ERR-1', 'ERR-2'])
    .concat(['SFT-2', 'SFT-3', 'SFT-4', 'MFA-2', 'MFE-2'])
    .map((path) => [path, 'whole']),
  ['OBX-4', 'code'],
  ['OBX-7', 'range'],
]);
