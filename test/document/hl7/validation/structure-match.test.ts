import { expect, test } from 'vitest';
import { structureNodes } from '../../../../src/document/hl7/dictionary/structure.ts';
import { matchStructure } from '../../../../src/document/hl7/validation/structure-match.ts';

const ORU = structureNodes(
  'MSH [{SFT}] {PATIENT_RESULT([PATIENT(PID [PD1] [{NTE}] [VISIT(PV1 [PV2])])] {ORDER_OBSERVATION([ORC] OBR [{NTE}] [{OBSERVATION(OBX [{NTE}])}] [{CTI}])})} [DSC]',
);

test.for([
  ['MSH PID OBR OBX', [], []],
  ['MSH OBR', [], []],
  ['MSH SFT SFT PID NTE PV1 OBR NTE OBX NTE NTE OBX CTI ORC OBR OBX PID OBR DSC', [], []],
  ['MSH PID', ['OBR'], []],
  ['MSH', ['OBR'], []],
  ['MSH PID OBX OBX', ['OBR'], []],
  ['MSH PID PV1 PV1 OBR', [], [3]],
  ['MSH OBR PV1 OBX', [], [2]],
  ['MSH PID OBR DSC OBX', [], [4]],
  ['PID OBR', ['MSH'], []],
] as const)('%s lacks %j and has %j out of place', ([names, missing, unexpected]) => {
  const mismatch = matchStructure(ORU, names.split(' '));
  expect(mismatch.missing.map(({ segment }) => segment)).toEqual(missing);
  expect(mismatch.unexpected).toEqual(unexpected);
});

test('one of several segments stands for a choice', () => {
  const structure = structureNodes('MSH {ORDER(ORC <OBR|RXO>)}');
  expect(matchStructure(structure, ['MSH', 'ORC', 'OBR', 'ORC', 'RXO']).missing).toEqual([]);
  expect(matchStructure(structure, ['MSH', 'ORC']).missing).toEqual([
    { segment: 'OBR or RXO', group: 'ORDER' },
  ]);
});

test('a message of another kind is not compared for ever', () => {
  const names = ['MSH', ...Array.from({ length: 5000 }, (_, at) => (at % 2 === 0 ? 'PV2' : 'DSC'))];
  expect(matchStructure(ORU, names).unexpected).toHaveLength(20);
});
