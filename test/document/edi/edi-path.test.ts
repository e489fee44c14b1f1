import { expect, test } from 'vitest';
import { ediPath } from '../../../src/document/edi/edi-path.ts';
import { ALL } from '../../../src/document/segment/segment-path.ts';

test.for([
  ['CLM', { segment: 'CLM', index: 0, field: 0 }],
  ['CLM-1', { segment: 'CLM', field: 1, slot: 1, component: 0 }],
  ['CLM-5.1', { field: 5, component: 1, subcomponent: 0 }],
  ['HI-1.2', { segment: 'HI', field: 1, component: 2 }],
  ['NM1[2]-9', { segment: 'NM1', index: 2, field: 9 }],
  ['NM1[*]-9', { index: ALL }],
  ['DMG-5[2].1', { field: 5, repetition: 2, component: 1 }],
  ['2300/HI[1]-1.2', { loops: [{ id: '2300', index: 0 }], segment: 'HI', index: 1 }],
  [
    'ST[2]/2300[3]/CLM-1',
    {
      loops: [
        { id: 'ST', index: 2 },
        { id: '2300', index: 3 },
      ],
    },
  ],
  ['2010BA[*]/NM1-3', { loops: [{ id: '2010BA', index: ALL }] }],
  ['2300[2]', { loops: [{ id: '2300', index: 2 }], segment: '', code: 0 }],
  ['ST[2]', { loops: [], segment: 'ST', index: 2 }],
  ['ISA-6', { segment: 'ISA', field: 6, loops: [] }],
] as const)('%s is understood', ([text, parts]) => {
  expect(ediPath(text)).toMatchObject(parts);
});

test('a compiled path is kept', () => {
  expect(ediPath('2300/CLM-1')).toBe(ediPath('2300/CLM-1'));
});

test.for([
  ['', 'write a segment'],
  ['clm-1', 'segment names are written in capitals'],
  ['CLM.5', 'an element is written -5'],
  ['CLM-5.1.1', 'components have no parts'],
  ['CLAIM-1', 'two or three letters'],
  ['230/CLM-1', 'write a segment'],
  ['23000', 'a loop is four digits'],
  ['CLM-0', 'counting starts at 1'],
  ['2300[0]/CLM-1', 'counting starts at 1'],
  ['2300//CLM-1', 'write a segment'],
  ['/2300', 'a loop is four digits'],
] as const)('%s is refused', ([text, why]) => {
  expect(() => ediPath(text)).toThrow(
    expect.objectContaining({ code: 'PATH_INVALID', message: expect.stringContaining(why) }),
  );
});
