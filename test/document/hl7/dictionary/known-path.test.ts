import { expect, test } from 'vitest';
import { knownPath, pathNames } from '../../../../src/document/index.ts';

test.for([
  'PID',
  'PID-3',
  'PID-3.1',
  'PID-3[2].4.2',
  'PID-7.1',
  'OBX-5.9.9',
  'MSH-9.2',
  'ZXX-99.9',
  'OBX[3]-5',
  'OBX-27',
  'PID-3[*].1',
  'PV1-3.4.1',
])('%s can exist', (path) => {
  expect(knownPath(path)).toEqual({ known: true });
});

test.for([
  ['PDI-3', 'HL7 has no segment PDI; did you mean PD1?'],
  ['QQQ-1', 'HL7 has no segment QQQ'],
  ['PID-99', 'PID has 39 fields in HL7 2.5.1.'],
  ['PID-3.99', 'PID-3 (Patient Identifier List) is a CX with 10 parts in HL7 2.5.1.'],
  ['PID-3.4.9', 'PID-3.4 (Assigning Authority) is a HD with 3 parts in HL7 2.5.1.'],
  ['PID-1.2', 'PID-1 (Set ID - PID) is a SI and has no parts in HL7 2.5.1.'],
  ['PID-7[2]', 'PID-7 (Date/Time of Birth) does not repeat in HL7 2.5.1.'],
  ['PID-3.1.1.1', 'position 10: subcomponents have no parts'],
  ['pid-3', 'segment names are written in capitals'],
] as const)('%s cannot: %s', ([path, problem]) => {
  const result = knownPath(path);
  expect(result.known).toBe(false);
  expect(result.problem).toContain(problem);
});

test('a path is checked by its version where one is given', () => {
  expect(knownPath('PID-39', '2.5.1').known).toBe(true);
  expect(knownPath('PID-39', '2.3').problem).toBe('PID-39: PID has 30 fields in HL7 2.3.');
  expect(knownPath('PID-3', '9.9').problem).toContain('HL7 version 9.9 is not known');
  expect(knownPath('SFT-1', '2.3').known).toBe(false);
  expect(knownPath('SFT-1').known).toBe(true);
});

test('a path has the names along it', () => {
  expect(pathNames('PID-3.4.2', '2.5.1')).toEqual([
    'Patient Identifier List',
    'Assigning Authority',
    'Universal ID',
  ]);
  expect(pathNames('PID-3', '2.5.1')).toEqual(['Patient Identifier List']);
  expect(pathNames('PID', '2.5.1')).toEqual([]);
  expect(pathNames('ZXX-1', '2.5.1')).toEqual([]);
});
