import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { profileCommand } from '../../src/cli/command/reference.ts';
import { ediDocument } from '../../src/document/edi/edi-document.ts';
import { profileProblem } from '../../src/rule/profile/profile.ts';
import { sampleProfile } from '../../src/rule/profile/sample-profile.ts';
import { ran } from '../support/command.ts';
import { bytesOf, CLAIMS, REPORT, REPORT_4 } from '../support/edi-samples.ts';
import { examples } from '../support/examples.ts';
import { envelope } from '../support/subject-message.ts';
import { writtenProfile } from '../support/written-profile.ts';

/** What a profile, as it was printed, says to a body. */
function problemOf(text: string, body: string): string | undefined {
  const { profile, problems } = writtenProfile(text);
  expect(problems).toEqual([]);
  const document = ediDocument(bytesOf(body));
  const message = envelope({ type: 'EDIFACT:MEDRPT:D.96A' });
  return profileProblem([profile], { message, document: () => document }, 'none');
}

/** An interchange of messages, each given by its segments. */
const interchange = (...messages: readonly string[]): string => {
  const sets = messages.map((one, at) => {
    const segments = one.split(' ').filter((name) => name !== '');
    return `UNH+${at}+MEDRPT:D:96A:UN'${segments.map((name) => `${name}'`).join('')}UNT+${segments.length + 2}+${at}'`;
  });
  return `UNB+UNOC:3+A+B+260301:1200+R'${sets.join('')}UNZ+${messages.length}+R'`;
};

test('of more than a thousand messages it says that the others were not looked at', () => {
  const many = interchange('BGM', ...Array.from({ length: 1_000 }, () => ''));
  expect(sampleProfile([bytesOf(many)])).toMatch(
    /^# Made from the first 1000 of 1001 messages \(the others were not looked at\)/,
  );
});

const structureOf = (...messages: readonly string[]): unknown =>
  (parse(sampleProfile([bytesOf(interchange(...messages))])) as { structure?: unknown }).structure;

test('a profile is made from a sample, which satisfies it', () => {
  const text = sampleProfile([bytesOf(REPORT)]);
  expect(parse(text)).toMatchObject({
    edifact: 'MEDRPT:D.96A',
    structure: ['BGM!', 'DTM!', 'NAD*2!', 'PNA!', { 'SG1*2!': ['INV!', 'RSL!'] }, 'FTX!'],
    elements: {
      'BGM-1': { required: true, codes: ['LRP'] },
      'DTM-1': { required: true },
      'DTM-1.1': { required: true, codes: ['137'] },
      'DTM-1.2': { required: true, format: 'n..12' },
      'RSL-2': { required: true, format: 'n..3' },
      'RSL-4': { format: 'an..6' },
    },
  });
  // no values of patients
  expect(text).not.toMatch(/123456|JANE|DO'E|GLU/);
  expect(problemOf(text, REPORT)).toBeUndefined();
  expect(problemOf(text, REPORT.replace('BGM+LRP', 'BGM+XYZ'))).toContain('BGM-1 is not in LRP');
});

test('repetitions count, and versions that differ are left out', () => {
  const text = sampleProfile([bytesOf(REPORT), bytesOf(REPORT_4)]);
  expect(parse(text)).toMatchObject({
    edifact: 'MEDRPT',
    structure: ['BGM!', 'DTM', 'NAD*2', 'PNA!', { 'SG1*2': ['INV!', 'RSL!'] }, 'FTX'],
    elements: { 'PNA-2': { required: true, most: 3 } },
  });
  expect(problemOf(text, REPORT)).toBeUndefined();
  expect(problemOf(text, REPORT_4)).toBeUndefined();
});

test.for<[messages: string[], structure: unknown]>([
  [['BGM DTM NAD DTM'], ['BGM!', 'DTM!', 'NAD!', 'DTM!']],
  [['BGM LIN QTY LIN QTY CNT'], ['BGM!', { 'SG1*2!': ['LIN!', 'QTY!'] }, 'CNT!']],
  [
    ['BGM', 'BGM LIN QTY PRI LIN QTY'],
    ['BGM!', { 'SG1*2': ['LIN!', 'QTY!', 'PRI'] }],
  ],
  [
    ['BGM PNA INV RSL INV RSL FTX PNA INV RSL UNS'],
    ['BGM!', { 'SG1*2!': ['PNA!', { 'SG2*2!': ['INV!', 'RSL!'] }, 'FTX'] }, 'UNS!'],
  ],
  [['BGM RFF DTM', 'BGM DTM RFF'], undefined],
])('of %s the structure is guessed', ([messages, structure]) => {
  expect(structureOf(...messages)).toEqual(structure);
});

test('whatever the samples are, all of them satisfy what was made from them', () => {
  const message = fc
    .array(fc.constantFrom('BGM', 'DTM+1', 'NAD+AB+1:2', 'LIN+12', 'QTY::3+4', 'FTX+++x'), {
      maxLength: 14,
    })
    .map((names) => names.join(' '));
  fc.assert(
    fc.property(fc.array(message, { minLength: 1, maxLength: 4 }), (messages) => {
      const body = interchange(...messages);
      fc.pre(messages.some((one) => one !== ''));
      expect(problemOf(sampleProfile([bytesOf(body)]), body)).toBeUndefined();
    }),
    { numRuns: examples(150) },
  );
});

test('what no profile can be made of is told', async () => {
  expect(() => sampleProfile([bytesOf(CLAIMS)])).toThrow('neither HL7 v2 nor EDIFACT');
  expect(() => sampleProfile([bytesOf("UNB+UNOC:3+A+B+260301:1200+R'UNZ+0+R'")])).toThrow(
    'the samples have no messages',
  );
  const others = bytesOf(REPORT.replace('MEDRPT', 'ORDERS'));
  expect(() => sampleProfile([bytesOf(REPORT), others])).toThrow('have MEDRPT, ORDERS');
  const file = 'productions/edifact-reports/messages/two-reports.edi';
  const { code, output } = await ran(profileCommand(), [file]);
  expect([code, output]).toEqual([0, expect.stringContaining('# Made from 2 messages')]);
  expect(await ran(profileCommand(), ['none.edi'])).toMatchObject({
    code: 1,
    errors: expect.stringContaining('the sample cannot be read'),
  });
});
