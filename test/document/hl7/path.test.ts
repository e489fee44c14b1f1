import { expect, test } from 'vitest';
import { hl7Path } from '../../../src/document/hl7/path.ts';
import { ALL } from '../../../src/document/segment/segment-path.ts';

test.for([
  ['PID', { segment: 'PID', index: 0, field: 0, repetition: 0, component: 0, subcomponent: 0 }],
  ['PID-3', { segment: 'PID', field: 3, slot: 3 }],
  ['PID-3[2].4.2', { field: 3, repetition: 2, component: 4, subcomponent: 2 }],
  ['OBX[3]-5', { segment: 'OBX', index: 3, field: 5 }],
  ['PID-3[*].1', { repetition: ALL, component: 1 }],
  ['OBX[*]-5', { index: ALL, field: 5 }],
  ['MSH-9.2', { field: 9, slot: 8, component: 2 }],
  ['ZX1-1', { segment: 'ZX1' }],
] as const)('%s is understood', ([text, parts]) => {
  expect(hl7Path(text)).toMatchObject(parts);
});

test('a compiled path is kept', () => {
  expect(hl7Path('PV1-3.1')).toBe(hl7Path('PV1-3.1'));
});

test.for([
  ['', 1, 'begins with a segment'],
  ['pid-3', 1, 'written in capitals'],
  ['PI-3', 1, 'three capitals or digits'],
  ['PID.3', 4, 'a field is written -5, not .5'],
  ['PID-', 4, 'a field is written -5'],
  ['PID-x', 4, 'a field is written -5'],
  ['PID-3.', 6, 'a component is written .1'],
  ['PID-3[x]', 6, 'written [1] or [*]'],
  ['OBX[1', 4, 'written [1] or [*]'],
  ['PID-3.1.1.1', 10, 'subcomponents have no parts'],
  ['PID-3 ', 6, 'should end here'],
  ['PID-0', 5, 'counting starts at 1'],
  ['PIDX-3', 4, 'should end here'],
] as const)('%s is refused at position %i', ([text, position, why]) => {
  expect(() => hl7Path(text)).toThrow(
    expect.objectContaining({
      code: 'PATH_INVALID',
      message: expect.stringMatching(
        new RegExp(`position ${position}: .*${why.replaceAll(/[[\].*]/g, '\\$&')}`),
      ),
    }),
  );
});
