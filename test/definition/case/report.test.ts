import { expect, test } from 'vitest';
import { describeReport, junitXml, type TestReport } from '../../../src/definition/case/report.ts';
import { xmlDocument } from '../../../src/document/xml/xml-document.ts';

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
  const xml = xmlDocument(Buffer.from(junitXml(REPORT)));
  expect(xml.get('//testsuite/@tests')).toBe('2');
  expect(xml.get('//testsuite/@failures')).toBe('1');
  expect(xml.get('//testcase[1]/@name')).toBe('a < b & "c"');
  expect(xml.get('//testcase[1]/@line')).toBe('5');
  expect(xml.all('//failure')).toHaveLength(2);
  expect(xml.get('//failure')).toContain('a\ufffd\ufffdb\ufffd');
});
