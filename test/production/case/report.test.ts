import { DOMParser } from '@xmldom/xmldom';
import { expect, test } from 'vitest';
import { describeReport, junitXml, type TestReport } from '../../../src/production/case/report.ts';

const REPORT: TestReport = {
  production: 'p',
  problems: [],
  cases: [
    {
      name: 'a < b & "c"',
      place: { file: 'production.test.yaml', line: 5, column: 5 },
      failures: [
        { at: 'ward, MSH-3', expected: '<&>', actual: 'a\u0000\u000bb\ud800', line: 'MSH|x' },
        { at: 'lab', expected: 'no message', actual: '1 message' },
      ],
      took: 12,
    },
    {
      name: 'two',
      place: { file: 'production.test.yaml', line: 9, column: 5 },
      failures: [],
      took: 3,
    },
  ],
  passed: 1,
  failed: 1,
  took: 15.4,
};

test('a terminal shows one line a case, and what was not as expected below it', () => {
  expect(describeReport(REPORT)).toEqual([
    '✗ a < b & "c"',
    '    production.test.yaml:5',
    '    ward, MSH-3',
    '      expected  <&>',
    '      actual    a\u0000\u000bb\ud800',
    '      in        MSH|x',
    '    lab',
    '      expected  no message',
    '      actual    1 message',
    '✓ two',
    '1 failed, 1 passed in 15 ms',
  ]);
});

test('JUnit XML can be read by any parser, whatever names and messages hold', () => {
  const parser = new DOMParser({ onError: () => undefined });
  const xml = parser.parseFromString(junitXml(REPORT), 'text/xml');
  const suite = xml.getElementsByTagName('testsuite')[0];
  expect(suite?.getAttribute('tests')).toBe('2');
  expect(suite?.getAttribute('failures')).toBe('1');
  const [first] = xml.getElementsByTagName('testcase');
  expect(first?.getAttribute('name')).toBe('a < b & "c"');
  expect(first?.getAttribute('line')).toBe('5');
  const failures = xml.getElementsByTagName('failure');
  expect(failures).toHaveLength(2);
  expect(failures[0]?.textContent).toContain('a\ufffd\ufffdb\ufffd');
});
