import { describe, expect, test } from 'vitest';
import { hl7Document, validate } from '../../../../src/document/index.ts';

/** Segments as they stand in the messages below, with what each version requires of them. */
const SEGMENTS: Readonly<Record<string, string>> = {
  EVN: 'EVN|A01|20260101',
  PID: 'PID|1||123^^^H^MR||DOE^JOHN',
  PV1: 'PV1|1|I',
  MRG: 'MRG|124^^^H^MR',
  NK1: 'NK1|1|DOE^JANE',
  SFT: 'SFT|Vendor|1.0|Engine|1',
  ORC: 'ORC|NW|1',
  OBR: 'OBR|1|1||GLU^Glucose^L',
  OBX: 'OBX|1|ST|GLU^Glucose^L||5||||||F',
  TXA: 'TXA|1|CN|TX|20260101|||||||||D1|||||AU',
  SCH: 'SCH|1||||||ROUTINE^^L|||||^^^20260101',
  RGS: 'RGS|1',
  AIS: 'AIS|1||X^Y^L',
  MFI: 'MFI|STF^Staff^HL70175||UPD|||NE',
  MFE: 'MFE|MAD|||1|CE',
  STF: 'STF|1|1|DOE^JANE',
  OM1: 'OM1|1|GLU^Glucose^L|ST|Y|L^Lab^L',
  OM2: 'OM2|1',
  SPM: 'SPM|1|||BLD',
  SAC: 'SAC|1',
  RXE: 'RXE||ASA^Aspirin^L|1||mg^^L',
  RXR: 'RXR|PO^oral^L',
  RXO: 'RXO|ASA^Aspirin^L|1||mg^^L',
  TQ1: 'TQ1|1',
  RF1: 'RF1|A^Accepted^HL70283|||||R1|20260101',
  PRD: 'PRD|RP^Referring^HL70286',
  PRB: 'PRB|AD|20260101|FLU^Influenza^L|1',
  AUT: 'AUT|P^Payor^L|C^Company^L',
  CDO: 'CDO|1|A',
  PRT: 'PRT|1|UC||RP^Reporting^L|1^DOE^JANE',
};

/** A message of these segments; `name` may be written as it is instead. */
function message(event: string, version: string, segments: string): string {
  const head = `MSH|^~\\&|A|B|C|D|20260101120000||${event.replace('_', '^')}|M1|P|${version}`;
  return [
    head,
    ...segments
      .split(' ')
      .map((name) => SEGMENTS[name] ?? (name.includes('|') ? name : `${name}|1`)),
  ].join('\r');
}

const errorsOf = (text: string, level: 'structure' | 'full' = 'structure'): string[] =>
  validate(hl7Document(Buffer.from(text)), level)
    .filter(({ severity }) => severity === 'error')
    .map((one) => one.text);

const ADT_WITH_SFT = (
  'A04 A07 A08 A10 A11 A13 A14 A22 A23 A25 A26 A27 A28 A29 A31 A32 A33 A34 A35 A36 A40 A41 A42 A44 A46 A47 A48 ' +
  'A49 A51 A53 A55 A62'
).split(' ');
const MERGED = new Set('A34 A35 A36 A46 A47 A48 A49 A40 A41 A42 A44 A51'.split(' '));

describe('messages of the standard are accepted', () => {
  const cases: [event: string, version: string, segments: string][] = [
    ...['2.5', '2.5.1'].flatMap((version) =>
      ADT_WITH_SFT.map((event): [string, string, string] => {
        const merge = MERGED.has(event) ? ' MRG' : '';
        const visit = !MERGED.has(event) || event === 'A51' ? ' PV1' : '';
        return [`ADT_${event}`, version, `SFT EVN PID${merge}${visit}`];
      }),
    ),
    ['OML_O21', '2.6', 'PID ORC OBR'],
    ['OML_O33', '2.6', 'PID SPM ORC OBR'],
    ['OMG_O19', '2.6', 'PID ORC OBR'],
    ...['S14', 'S15', 'S26', 'S13', 'S16', 'S17', 'S24'].map((event): [string, string, string] => [
      `SIU_${event}`,
      '2.3.1',
      'SCH PID RGS AIS',
    ]),
    ['REF_I13', '2.3.1', 'RF1 PRD PID'],
    ['PPR_PC2', '2.3.1', 'PID PRB'],
    ['PPR_PC2', '2.5', 'PID PRB'],
    ...['2.2', '2.3', '2.3.1', '2.4', '2.5', '2.5.1', '2.6'].flatMap(
      (version): [string, string, string][] => [
        ['MFN_M01', version, 'MFI MFE STF'],
        ['MFN_M03', version, version < '2.3' ? 'MFI MFE OM1' : 'MFI MFE OM1 OM2'],
      ],
    ),
    ['RDE_O25', '2.4', 'PID ORC RXE RXR'],
    ['RDE_O25', '2.5', 'PID ORC RXE TQ1 RXR'],
    ['RDE_O25', '2.5.1', 'PID ORC RXE TQ1 RXR'],
    ['ORU_W01', '2.3', 'PID OBR OBX'],
    ['ORU_W01', '2.3.1', 'PID OBR OBX'],
    ['ORU_W01', '2.4', 'PID OBR OBX'],
    ['OUL_R22', '2.5', 'PID SPM OBR ORC OBX'],
    ['OUL_R22', '2.5.1', 'PID SPM OBR ORC OBX'],
    ['OUL_R22', '2.6', 'PID SPM OBR ORC OBX'],
    ['RDE_O01', '2.3', 'PID ORC RXE RXR'],
    ['RDE_O01', '2.3.1', 'PID ORC RXE RXR'],
    ...['2.3', '2.3.1', '2.4', '2.5', '2.5.1', '2.6', '2.7', '2.8'].map(
      (version): [string, string, string] => ['MDM_T04', version, 'EVN PID PV1 TXA OBX OBX'],
    ),
    ...['2.3', '2.3.1', '2.4', '2.5', '2.5.1', '2.6', '2.7', '2.8'].map(
      (version): [string, string, string] => ['MDM_T02', version, 'EVN PID PV1 TXA OBX OBX'],
    ),
    ['OUL_R23', '2.8', 'PID SPM SAC OBR PRT ORC OBX'],
    ['OUL_R23', '2.8', 'SPM SAC OBR'],
    ['RDE_O11', '2.8', 'PID ORC PRT RXE TQ1 RXR CDO'],
    ['RDE_O11', '2.8', 'PID ORC RXE TQ1 RXR'],
    ['ORU_R01', '2.8', 'PID PV1 OBR PRT OBX PRT'],
    ['ORU_R40', '2.8', 'PID PV1 OBR OBX'],
    // the second order begins as a prior result would
    ...['2.4', '2.5', '2.5.1', '2.6', '2.8'].map((version): [string, string, string] => [
      'OML_O21',
      version,
      version === '2.4' ? 'PID ORC OBR OBX ORC OBR OBX' : 'PID ORC OBR OBX SPM ORC OBR OBX SPM',
    ]),
    ['ORM_O01', '2.5.1', 'SFT PID ORC OBR'],
    ['ADT_A01', '2.8.1', 'EVN PID PV1'],
    ['ADT_A01', '2.8.2', 'EVN PID PV1'],
    ['ADT_A01', '2.9', 'EVN PID GSP PV1'],
    ['XXX_Y99', '2.9', 'PID'],
  ];
  test.for(cases)('%s of %s: %s', ([event, version, segments]) => {
    expect(errorsOf(message(event, version, segments))).toEqual([]);
  });

  test.for([
    ['OBR-27 in 2.3', 'ORU_R01', '2.3', 'PID OBR OBX'],
    ['OBX-2 and OBX-4 in 2.3.1', 'ORU_R01', '2.3.1', 'PID OBR OBX|1||GLU^Glucose^L||||||||X'],
    ['AUT and RF1 of 2.8', 'REF_I12', '2.8', 'RF1 AUT PRD PID'],
  ] as const)('full: %s', ([_, event, version, segments]) => {
    expect(
      errorsOf(message(event, version, segments), 'full').filter(
        (text) => !/^(?:PID|PV1|PRD|OBR-(?!27)|ORC)/.test(text),
      ),
    ).toEqual([]);
  });
});

describe('messages that are not are refused', () => {
  test.for([
    ['ADT_A01', '2.5.1', 'EVN PV1', /PID is missing/],
    ['ADT_A04', '2.5', 'EVN PID PV1 SFT', /SFT is not expected/],
    ['ADT_A08', '2.5.1', 'EVN PID PV1 OBR', /OBR is not part of ADT_A08/],
    ['OML_O21', '2.6', 'PID OBR', /ORC is missing/],
    ['ORU_R01', '2.8', 'PID OBX', /OBR is missing/],
    ['MFN_M03', '2.5', 'MFI OM1', /MFE is missing/],
    ['SIU_S14', '2.3.1', 'PID RGS', /SCH is missing/],
    ['ADT_A99', '2.5', 'EVN PID PV1', /Event A99 of ADT is not known/],
    ['RDE_O11', '2.8', 'PID ORC RXR', /RXE is missing/],
    ['ADT_A01', '2.9', 'EVN PV1', /PID is missing/],
  ] as const)('%s of %s: %s', ([event, version, segments, says]) => {
    expect(errorsOf(message(event, version, segments)).join('\n')).toMatch(says);
  });

  test('2.8 knows what it brought, and its versions alike', () => {
    for (const version of ['2.8', '2.8.1', '2.8.2']) {
      expect(errorsOf(message('ORU_R40', version, 'PID PV1 OBR OBX')), version).toEqual([]);
      expect(errorsOf(message('ADT_A01', version, 'EVN PID XYZ PV1')).join(), version).toMatch(
        /XYZ is not a segment of HL7 2\.8/,
      );
    }
    expect(errorsOf(message('ADT_A01', '3.0', 'EVN PID PV1')).join()).toMatch(
      /Unsupported version/,
    );
  });
});
