import { expect, test } from 'vitest';
import { fieldMask, MASKED_PATHS } from '../../../src/access/rights/field-mask.ts';

const mask = fieldMask(MASKED_PATHS);
const shown = (text: string, by = mask): string =>
  Buffer.from(by(Buffer.from(text), { type: 'application/astm' })).toString();

test('of a message of a device only what says nothing of a person is shown', () => {
  const text = [
    'H|\\^&|M7||LAB^1|||||||P|LIS2-A2|20260101',
    'P|1|4711|||Doe^Jane||19700101|F|||Main St 1',
    'O|1|S1||^^^GLU|R',
    'R|1|^^^GLU|5.4|mmol/L||N',
    'R|2|^^^TXT|seen by Dr Doe|',
    'R|3|^^^X|<0.01|',
    'C|1|I|of Jane Doe|G',
    'M|1|Doe',
    'odd Doe',
    'L|1|N',
    '',
  ].join('\r');
  expect(shown(text).split('\r')).toEqual([
    'H|\\^&|X0||LAB^1|||||||P|LIS2-A2|20260101',
    'P|1|0000|||Xxx^Xxxx||00000000|F|||Xxxx Xx 0',
    'O|1|X0||^^^GLU|R',
    'R|1|^^^GLU|5.4|mmol/L||N',
    'R|2|^^^TXT|xxxx xx Xx Xxx|',
    'R|3|^^^X|<0.01|',
    'C|1|I|xx Xxxx Xxx|G',
    'M|1|Xxx',
    'xxx Xxx',
    'L|1|N',
    '',
  ]);
});

test('an installation hides more, or shows what it knows', () => {
  const none = { ...MASKED_PATHS.shown };
  const own = fieldMask({
    ...none,
    astm: ['R-4'],
    shown: { ...none, astm: ['O-3'] },
  });
  expect(shown('H|\\^&\rO|1|S1\rR|1|^^^GLU|5.4\r', own)).toBe('H|\\^&\rO|1|S1\rR|1|^^^GLU|0.0\r');
});
