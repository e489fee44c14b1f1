import { expect, test } from 'vitest';
import { pathChoices } from '../../src/language/hl7-paths.ts';

const labels = (beginning: string): string[] => pathChoices(beginning).map(({ label }) => label);

test('elements of X12 follow their segment, components their element, also below a loop', () => {
  expect(pathChoices('CLM-')[0]).toMatchObject({
    label: 'CLM-1',
    detail: 'text, 1 to 38 characters, required',
  });
  expect(labels('CLM-5.')).toEqual(['CLM-5.1', 'CLM-5.2', 'CLM-5.3']);
  expect(pathChoices('CLM-')[4]?.detail).toBe('composite, 3 components');
  expect(labels('2010BA/NM1-').slice(0, 2)).toEqual(['2010BA/NM1-1', '2010BA/NM1-2']);
  expect(labels('2300/HI[1]-1.').at(0)).toBe('2300/HI[1]-1.1');
  expect(labels('DMG-5[2].')).toContain('DMG-5[2].1');
  expect(labels('2300/')).toContain('2300/CLM');
});

test('HL7 comes first, and what nobody knows has no choices', () => {
  expect(pathChoices('PID-3.')[0]?.detail).toBe('ID Number');
  for (const unknown of ['NAD-', 'CLM-99.', 'CLM-1.', 'x/', '2300//', 'CLM-5.1.'])
    expect(labels(unknown)).toEqual([]);
});
