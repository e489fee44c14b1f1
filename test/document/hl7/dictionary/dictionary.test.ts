import { expect, test } from 'vitest';
import {
  fieldName,
  HL7_VERSIONS,
  hl7Dictionary,
  segmentName,
  tableCodes,
} from '../../../../src/document/index.ts';

test('every version has its segments, fields, types and messages', () => {
  for (const version of HL7_VERSIONS) {
    const dictionary = hl7Dictionary(version);
    expect(dictionary?.segments, version).toContain('PID');
    expect(dictionary?.structure('ADT_A01')?.[0], version).toMatchObject({
      name: 'MSH',
      required: true,
    });
    for (const segment of dictionary?.segments ?? []) {
      for (const { type, name } of dictionary?.fields(segment) ?? []) {
        expect(name, `${version} ${segment}`).not.toBe('');
        expect(dictionary?.components(type), `${version} ${segment} ${type}`).toBeDefined();
      }
    }
  }
});

test('names are those of the version', () => {
  expect(fieldName('2.5.1', 'PID', 3)).toBe('Patient Identifier List');
  expect(fieldName('2.1', 'PID', 3)).toBe('Patient id internal');
  expect(fieldName('2.8', 'PID', 3)).toBe(fieldName('2.7.1', 'PID', 3));
  expect(fieldName('2.5.1', 'PID', 99)).toBeUndefined();
  expect(fieldName('3.0', 'PID', 3)).toBeUndefined();
  expect(segmentName('2.5.1', 'OBX')).toBe('Observation/Result');
  expect(segmentName('2.5.1', 'constructor')).toBeUndefined();
  expect(hl7Dictionary('2.5.1')?.messageName('ORU_R01')).toMatch(/^Unsolicited transmission/);
});

test('a field has type, usage, repetitions, length and table', () => {
  const pid = hl7Dictionary('2.5.1')?.fields('PID');
  expect(pid?.[2]).toEqual({
    name: 'Patient Identifier List',
    type: 'CX',
    usage: 'required',
    repetitions: Number.POSITIVE_INFINITY,
    length: 250,
    table: undefined,
  });
  expect(pid?.[7]).toMatchObject({ type: 'IS', usage: 'optional', repetitions: 1, table: '1' });
  expect(hl7Dictionary('2.7')?.fields('PID')?.[1]?.usage).toBe('withdrawn');
});

test('known errors of the source are corrected', () => {
  const obx = hl7Dictionary('2.5.1')?.fields('OBX');
  expect(obx?.[1]).toMatchObject({ type: 'ID', repetitions: 1 });
  expect(obx?.slice(19, 22).map(({ type }) => type)).toEqual(['CWE', 'EI', 'CWE']);
  expect(hl7Dictionary('2.6')?.segments.every((name) => /^[A-Z][A-Z\d]{2}$/.test(name))).toBe(true);
  expect(hl7Dictionary('2.6')?.structure('OMG_O19')?.[0]?.name).toBe('MSH');
  expect(JSON.stringify(hl7Dictionary('2.7')?.structure('CCM_I21'))).not.toContain('null');
  expect(tableCodes('125')).toHaveProperty('CE');
});

test('every structure is made of known segments', () => {
  type Node = NonNullable<
    ReturnType<NonNullable<ReturnType<typeof hl7Dictionary>>['structure']>
  >[number];
  const leaves = (nodes: readonly Node[]): string[] =>
    nodes.flatMap((node) => (node.kind === 'segment' ? [node.name] : leaves(node.children)));
  for (const version of HL7_VERSIONS) {
    const dictionary = hl7Dictionary(version);
    const known = new Set(dictionary?.segments);
    for (const message of dictionary?.messages ?? []) {
      const names = leaves(dictionary?.structure(message) ?? []);
      expect(names[0], `${version} ${message}`).toBe('MSH');
      const unknown = names.filter((name) => !known.has(name));
      // 2.3.1 refers to three query segments that came with 2.4.
      expect(
        unknown.filter((name) => version !== '2.3.1' || !['QPD', 'RCP', 'QRI'].includes(name)),
      ).toEqual([]);
    }
  }
});

test('codes of a table have their meaning, and a table without codes is open', () => {
  expect(tableCodes('0001')).toMatchObject({ F: 'Female', M: 'Male' });
  expect(tableCodes('1')).toBe(tableCodes('0001'));
  expect(tableCodes('9999')).toBeUndefined();
});
