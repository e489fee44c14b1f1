import { expect, test } from 'vitest';
import {
  dtl,
  HL7,
  importedFrom,
  item,
  LISTENER,
  marksOf,
  OUT,
  production,
  ROUTER,
  RULES,
  ran,
} from './iris-export.ts';

/** What of a DTL is easily imported so that it looks right and means something else. */

const set = (property: string, value: string, action = 'set'): string =>
  `<assign value='${value.replaceAll('&', '&amp;')}' property='${property}' action='${action}'/>`;
const ADT_NEW = `sourceClass='EnsLib.HL7.Message' sourceDocType='2.5:ADT_A01' targetClass='EnsLib.HL7.Message' targetDocType='2.5:ADT_A01' create='new'`;

test('a DTL writes HL7 in the order of the structure, with the parts of a text, and means one segment or all of them as it says', async () => {
  const steps = [
    set('target.{PV1:2}', '"I"'),
    set('target.{MSH}', 'source.{MSH}'),
    set('target.{EVN}', 'source.{EVN}'),
    set('target.{DG1()}', 'source.{DG1()}'),
    set('target.{DG1(1)}', '""', 'remove'),
    set('target.{NK1}', 'source.{NK1}'),
    set('target.{PID:3()}', 'source.{PID:3()}'),
    set('target.{PID:3().4}', '"H&1.2&ISO"'),
    set('target.{PID:4().2}', 'source.{PID:3().1}'),
    set('target.{PID:5}', '"Doe^Jo~Roe^Al"'),
    set('target.{PID:8}', '..If(source.{PV1:2}=01,"F","M")'),
  ];
  const made = importedFrom(production(LISTENER, ROUTER, OUT), RULES, dtl(steps.join(''), ADT_NEW));
  expect(marksOf(made)).toEqual([]);
  expect(made.files.get('import-report.md')).toMatch(
    /goes over the repetitions of PID-3: where one/,
  );
  const head = 'MSH|^~\\&|A|B|C|D|20260101|s|ADT^A08|1|P|2.3\rEVN|A08|20260101\r';
  const result = await ran(
    made,
    `cases: [{ name: one, message: in.hl7, expect: { out: { body: out.hl7 } } }]`,
    {
      'in.hl7': `${head}PID|1||1^^^M~2\rNK1|1|A||||||||||||||||||||||||||||||||||||||X\rNK1|2|B\rPV1||1\rDG1|1||a\rDG1|2||b\r`,
      'out.hl7': `${head}PID|||1^^^H&1.2&ISO~2^^^H&1.2&ISO|^1~^2|Doe^Jo~Roe^Al|||F\rNK1|1|A||||||||||||||||||||||||||||||||||||||X\rPV1||I\rDG1|2||b\r`,
    },
  );
  expect(result).toMatch(/1 passed/);
});

const IN_ORDER = (steps: string): string =>
  `<foreach property='source.{PIDgrpgrp(1).ORCgrp()}' key='k'>${steps}</foreach>`;
const EXISTING = set('target.{PID:2}', '"1"');
const WHOLE = set('target', 'source');
const ORDER = 'source.{PIDgrpgrp(1).ORCgrp(k)';

test.each([
  ['separators in a part', set('target.{PV1:3.1}', '"A^B"'), /writes separators/],
  [
    'separators that are joined',
    set('target.{PV1:3.1}', 'source.{PID:2}_"&1"'),
    /writes separators/,
  ],
  ['repetitions', set('target.{PID:2}', '$PIECE(source.{PID:3},"~",2)'), /divides or joins rep/],
  [
    'a key',
    `<assign value='""' property='target.{PID:2}' action='remove' key='2'/>`,
    /has the key/,
  ],
  [
    'what stands at several places',
    set('target.{PID:2}', `${ORDER.replace('(k)', '(1)')}.NTE:3}`),
    /names source/,
  ],
  ['one of several', IN_ORDER(set('target.{OBR:2}', `${ORDER}.OBXgrp.OBX:5}`)), /names source/],
  [
    'a variable that means another segment in a loop',
    `${set('t', 'source.{PIDgrpgrp(1).ORCgrp(1).OBR:4}')}${IN_ORDER(set('target.{OBR:2}', 't'))}`,
    /reads t, which is set in a loop/,
  ],
  [
    'what was removed',
    `${set('target.{PID:2}', '"1"')}${set('target.{PID:2}', '""', 'remove')}${set('target.{PID:4}', 'target.{PID:2}')}`,
    /reads target/,
  ],
  [
    'what a loop removes',
    `${set('target.{PID:2}', '"1"')}${IN_ORDER(set('target.{PID:2}', '""', 'remove'))}${set('target.{PID:4}', 'target.{PID:2}')}`,
    /reads target/,
  ],
  [
    'an order that cannot be made',
    `<if condition='source.{PID:1}=1'><true>${set('target.{OBR:2}', '"1"')}${set('target.{PID:2}', '"1"')}</true></if>`,
    /in the order of the structure/,
  ],
  [
    'all segments of one of several places',
    set('target.{PIDgrpgrp(1).PIDgrp.NTE()}', 'source.{PIDgrpgrp(1).PIDgrp.NTE()}'),
    /means all NTE of one place/,
  ],
  ['an object that is given', EXISTING, /changes an object that it is given/],
  ['an object that is given, and all of another', WHOLE, /names target/],
])('a DTL that would mean something else is marked, and check fails: %s', (_, steps, why) => {
  const how = `${HL7} targetClass='EnsLib.HL7.Message' targetDocType='2.5:ORU_R01'`;
  const create = [EXISTING, WHOLE].includes(steps) ? 'existing' : 'new';
  const made = importedFrom(
    production(LISTENER, ROUTER, OUT),
    RULES,
    dtl(steps, `${how} create='${create}'`),
  );
  expect(marksOf(made).join()).toMatch(why);
  expect(made.files.get('transforms/hub-made.yaml')).toContain('UNDONE');
});

test('a copy that writes a segment that need not be there says that it stands at the end', () => {
  const steps = `${set('target.{PV2:3}', '"x"')}${set('target.{PID:2}', '"x"')}`;
  const made = importedFrom(
    production(LISTENER, ROUTER, OUT),
    RULES,
    dtl(steps, ADT_NEW.replace("'new'", "'copy'")),
  );
  expect(marksOf(made)).toEqual([]);
  expect(made.files.get('import-report.md')).toMatch(/writes PV2, which stands at the end of/);
});

test('a DTL that assigns the whole source first begins with a copy, and parts of repetitions change places', async () => {
  const steps = [
    set('target', 'source'),
    set('target.{PID:5().2}', 'source.{PID:5().1}'),
    set('target.{PID:5().1}', 'source.{PID:5().2}'),
  ];
  const made = importedFrom(production(LISTENER, ROUTER, OUT), RULES, dtl(steps.join(''), ADT_NEW));
  expect(marksOf(made)).toEqual([]);
  const head = 'MSH|^~\\&|A|B|C|D|20260101|s|ADT^A08|1|P|2.3\r';
  const result = await ran(
    made,
    `cases: [{ name: one, message: in.hl7, expect: { out: { body: out.hl7 } } }]`,
    {
      'in.hl7': `${head}PID|1||1||Doe^Jo^X~~Roe^Al\rZZ1|x\r`,
      'out.hl7': `${head}PID|1||1||Jo^Doe^X~~Al^Roe\rZZ1|x\r`,
    },
  );
  expect(result).toMatch(/1 passed/);
});

test('a rule set that was in effect for a time is so here, also if it is the only one', () => {
  const rules = RULES.replace('<ruleSet>', '<ruleSet effectiveEnd="2020-01-01T00:00:00">');
  const made = importedFrom(production(LISTENER, ROUTER, OUT), rules, dtl('', ADT_NEW));
  expect(made.files.get('production.yaml')).toMatch(/effective:\n\s+until: "?2020-01-01/);
});

test('a rule that sends to nobody, or reads one of several places of a structure as all, is marked', () => {
  const rules = RULES.replace('target="Out"', 'target=""').replace(
    '<when condition="1">',
    '<constraint name="docCategory" value="2.5"/><constraint name="docName" value="ORU_R01"/><when condition="HL7.{PIDgrpgrp().PIDgrp.NTE():3}=&quot;x&quot;">',
  );
  const made = importedFrom(production(LISTENER, ROUTER, OUT), rules, dtl('', ADT_NEW));
  expect(marksOf(made).join()).toMatch(/sends to nobody.*means all NTE of one place/);
});

test.each([
  [
    '%f_%Q%!+(_a).hl7',
    '1',
    /name: '?\{name\}_\{format\(now\(\), "yyyy-MM-dd_HH.mm.ss.SSS"\)\}.hl7'?\n\s+exists: number/,
  ],
  [
    '%H%M_ADT.txt',
    '0',
    /name: '?\{format\(now\(\), "HH"\)\}\{format\(now\(\), "mm"\)\}_ADT.txt'?\n\s+write: append/,
  ],
  ['out.txt', '1', /name: out.txt\n\s+exists: replace/],
])('an operation that writes %s with Overwrite %s', (name, overwrite, expected) => {
  const settings = { FilePath: '/out', Filename: name, Overwrite: overwrite };
  const out = item('Out', 'EnsLib.File.PassthroughOperation', settings);
  const made = importedFrom(production(LISTENER, ROUTER, out), RULES, dtl('', ADT_NEW));
  expect(made.files.get('production.yaml')).toMatch(expected);
  expect(made.files.get('import-report.md')).toMatch(
    /MSH-7, .*MSH-12 of the new message are filled/,
  );
});
