import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { hl7Document } from '../../src/document/hl7/hl7-document.ts';
import { type ValidationLevel, validate } from '../../src/document/hl7/validation/validate.ts';
import { sampleProfile } from '../../src/rule/profile/sample-profile.ts';
import { examples } from '../support/examples.ts';
import { processorTime } from '../support/processor-time.ts';
import { writtenProfile } from '../support/written-profile.ts';

const HEAD = 'MSH|^~\\&|A|B|C|D|20260301120000||ADT^A01|1|P|2.5.1';
const message = (...segments: readonly string[]): string => [HEAD, ...segments].join('\r');
const made = (...messages: readonly string[]): string =>
  sampleProfile(messages.map((one) => Buffer.from(one)));

/** What a profile, as it was printed, says to a message. */
function problemsOf(text: string, body: string, level: ValidationLevel = 'none'): string[] {
  const { profile, problems } = writtenProfile(text);
  expect(problems).toEqual([]);
  const { hl7 } = profile;
  const found = hl7 && validate(hl7Document(Buffer.from(body)), level, { profile: hl7 });
  return (found ?? []).filter(({ severity }) => severity === 'error').map((one) => one.text);
}

const ONE = message(
  'EVN||20260301120000',
  'PID|1||4711^^^H^MR~99^^^X^PI||DOE^JANE||19700101|F',
  'PV1||I|W1',
  'ZPI|A123|x',
);
const TWO = message(
  'EVN||20260301120000',
  'PID|1||12^^^H^MR||ROE^RICHARD||19800101|M',
  'NK1|1',
  'NK1|2',
  'PV1||O',
);
const THREE = message('EVN||20260301120000', 'PID|1||13^^^H^MR||ROE^R||1980|M', 'PV1||I');
const FOUR = message('EVN||20260301120000', 'PID|1||14^^^H^PI||ROE^R||1980|F', 'PV1||O');

test('a profile is made from samples, which satisfy it, with the number of samples behind each line', () => {
  const text = made(ONE, TWO, THREE, FOUR);
  expect(parse(text)).toMatchObject({
    messages: ['ADT_A01'],
    segments: {
      PID: { required: true, most: 1 },
      NK1: { most: 2 },
      ZPI: { most: 1, after: ['PV1'] },
    },
    fields: {
      'PID-3': { required: true, most: 2 },
      'PID-3.5': { required: true, codes: ['MR', 'PI'] },
      'PID-8': { required: true, codes: ['F', 'M'] },
      'PV1-2': { required: true, codes: ['I', 'O'] },
      'ZPI-1': { required: true, length: 4 },
    },
  });
  expect(text).toContain('  NK1: { most: 2 } # 1 of 4\n');
  expect(text).toContain('  PID-3.5: { required: true, codes: [MR, PI] } # 5 of 5\n');
  expect(text).toMatch(
    / {2}PID-7: \{ required: true, length: 8 \} # 4 of 4, Date\/Time of Birth\n/,
  );
  // no values of patients
  expect(text).not.toMatch(/4711|DOE|JANE|19700101|A123|W1/);
  for (const one of [ONE, TWO, THREE, FOUR]) expect(problemsOf(text, one)).toEqual([]);
  expect(problemsOf(text, ONE.replace('|F', '|X'))).toEqual([
    expect.stringContaining('PID-8 (Administrative Sex) is not in'),
  ]);
  expect(problemsOf(text, message('PV1||I'))).not.toEqual([]);
});

test('what HL7 requires and samples lack is freed, and what it has against them besides is told', () => {
  const bare = message('PID|1||4711', 'PV1||I');
  const text = made(bare);
  expect(parse(text)).toMatchObject({
    segments: { EVN: { required: false } },
    fields: { 'PID-5': { required: false } },
  });
  expect(problemsOf(text, bare, 'full')).toEqual([]);
  expect(text).not.toContain('With validate');
  const wrong = made(bare.replace('PID|1', 'PID|one'));
  expect(wrong).toContain('# With validate: full 1 of 1 fail by HL7 itself, the first one: PID-1');
});

test('a batch counts by its messages, and fields that HL7 does not have are noted', () => {
  const batch = `BHS|^~\\&\r${THREE}\r${FOUR}\rBTS|2\r`;
  expect(made(batch)).toContain('# Made from 2 messages');
  const more = made(`${THREE}${'|'.repeat(100)}x`);
  expect(more).toContain('# PV1-102: HL7 has no such field; give it a type # 1 of 1');
});

test('what no profile can be made of is told', () => {
  expect(() => made(ONE, ONE.replace('ADT^A01', 'ORU^R01'))).toThrow('have ADT, ORU');
  expect(() => made('ISA*00*')).toThrow('neither HL7 v2 nor EDIFACT');
  expect(() => made(ONE, "UNB+UNOC:3+A+B+260301:1200+R'UNZ+0+R'")).toThrow('several standards');
  expect(() => made('MSH|^~\\&|A')).toThrow('no message with its type in MSH-9');
});

test('whatever the samples are, all of them satisfy what was made from them', () => {
  const segment = fc.constantFrom(
    'PID|1||1^^^H^MR~""~~2||A&B^C||""|F',
    'PID|||1^^^^NO|||2.5|y|N',
    'ZZZ|a^b~c||1',
    'ZZZ|||||12',
    'OBX|1|ST|X^Y^L||v~w',
    'PRT||UC||12^a|||||Y^PRN^PH',
    'PRT||',
    'QQQ|1',
    '',
  );
  const version = fc.constantFrom('2.5.1', '2.3', '2.7', '2.9', '');
  const sample = fc
    .tuple(version, fc.array(segment, { maxLength: 9 }))
    .map(([one, segments]) => message(...segments).replace('2.5.1', one));
  fc.assert(
    fc.property(fc.array(sample, { minLength: 1, maxLength: 5 }), (messages) => {
      const text = made(...messages);
      for (const one of messages) expect(problemsOf(text, one)).toEqual([]);
    }),
    { numRuns: examples(30) },
  );
});

test('a document in a field costs no more than to be read', () => {
  const lines = [
    'MSH|^~\\&|A|B|C|D|20260101||ORU^R01|1|P|2.5',
    'PID|1||1||Doe',
    `OBX|1|ED|x^y||^^PDF^Base64^${'A'.repeat(40_000_000)}||||||F`,
  ];
  const before = processorTime();
  expect(sampleProfile([Buffer.from(lines.join('\r'))])).toContain('OBX-5');
  expect(processorTime() - before).toBeLessThan(2_500);
});
