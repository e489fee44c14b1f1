import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { readProblems } from '../support/transform-reading.ts';

test.for<[string, string, string[]]>([
  [
    'a correct one',
    '{ start: copy, title: x, comment: y, steps: [{ set: PID-8, value: F, comment: z }] }',
    [],
  ],
  [
    'no mapping',
    '5',
    [
      ' A transform must be a block of keys and values.',
      'steps steps is missing: a list, such as [{ set: MSH-3, value: WAYBILL }].',
    ],
  ],
  [
    'no steps',
    '{ start: copy }',
    ['steps steps is missing: a list, such as [{ set: MSH-3, value: WAYBILL }].'],
  ],
  ['steps that are none', '{ steps: 5 }', ['steps steps must be a list.']],
  ['a text alone', '{ start: { body: x }, type: text/plain }', []],
  ['an acknowledgement alone', '{ start: { acknowledge: guide } }', []],
  ['a name alone', '{ name: x }', []],
  [
    'a wrong key',
    '{ stpes: [], steps: [] }',
    ['stpes A transform has no stpes. Did you mean steps?'],
  ],
  [
    'a start that is none',
    '{ start: fresh, steps: [] }',
    [
      'start start must be copy, empty, { body: TEXT } with the text to begin with, { base64: EXPRESSION } with what is to be decoded, or { acknowledge: guide }.',
    ],
  ],
  [
    'an empty start without a type',
    '{ start: empty, steps: [] }',
    [' A transform without start: copy needs a type, such as ADT_A01:2.5.'],
  ],
  [
    'XML that starts empty',
    '{ start: empty, type: application/xml, steps: [] }',
    ['start XML cannot begin empty. Write start: { body: "<order/>" } with its root element.'],
  ],
  [
    'a type that is none',
    '{ type: ADT-A01, steps: [] }',
    [
      'type type must be that of the new message: ADT_A01:2.3, X12:837P:005010X222A1, EDIFACT:MEDRPT, or a media type such as application/json.',
    ],
  ],
  [
    'a name with a wrong expression',
    '{ name: "{evnt}.hl7", steps: [] }',
    ['name 1 There is no evnt. Did you mean event? A text is written in quotes.'],
  ],
  [
    'what reads from a list that is the whole body as if it were its element',
    `{ start: empty, type: application/json, steps: [
      { set: /a, to: json("/0/id") },
      { each: /, steps: [{ copy: /mrn, to: "/p/#/m" }, { copy: "/*/mrn", to: "/p/#/n" }, { set: "/p/#/o", to: json("/ward") }] },
      { copy: /mrn, to: /b }] }`,
    [
      'steps.1.steps.0.copy each: / says that the body is a list, which has nothing at /mrn. Of the current element write /*/mrn.',
      'steps.1.steps.2.to each: / says that the body is a list, which has nothing at /ward. Of the current element write /*/ward.',
    ],
  ],
  [
    'a step that does nothing',
    '{ steps: [{ when: "true" }, { st: PID-3 }, 7] }',
    [
      'steps.0 A step needs to say what it does. A step begins with set, copy, remove, each, append, insert, if, call, discard.',
      'steps.1 A step needs to say what it does. Did you mean set?',
      'steps.2 A step must be a block of keys and values.',
    ],
  ],
  [
    'a key that the step does not have',
    '{ steps: [{ set: PID-3, too: event }] }',
    [
      'steps.0.too The set step has no too. Did you mean to?',
      'steps.0 set needs either to: with an expression, or value: with a literal text.',
    ],
  ],
  [
    'two values',
    '{ steps: [{ set: PID-3, to: event, value: x }] }',
    ['steps.0 set needs either to: with an expression, or value: with a literal text.'],
  ],
  [
    'paths of the new message',
    '{ steps: [{ set: PID.3, value: x }, { set: PID, value: x }, { set: PID-99, value: x }, { remove: NK9 }] }',
    [
      'steps.0.set HL7 path "PID.3", position 4: a field is written -5, not .5. Write it like PID-3[2].4.2 or OBX[3]-5.',
      'steps.1.set PID is a whole segment; name a field of it, such as PID-1.',
      'steps.2.set PID-99: PID has 39 fields in HL7 2.5.1.',
      'steps.3.remove NK9: HL7 has no segment NK9; did you mean NK1?',
    ],
  ],
  [
    'paths of another kind than the type',
    '{ start: empty, type: application/json, steps: [{ set: PID-3, value: x }, { set: /a/#/b, value: x }] }',
    [
      'steps.0.set JSON pointer "PID-3", position 1: a pointer begins with /. Write it like /patient/identifier/0/value.',
    ],
  ],
  [
    'a value that is no text',
    '{ steps: [{ set: PID-3, to: number(event) }, { set: PID-3, to: [1] }] }',
    [
      'steps.0.to 0 It gives double. A text is needed: write it in quotes, or make one with string(…).',
      'steps.1.to to must be an expression, written as a text.',
    ],
  ],
  [
    'a value for JSON that is neither text nor number nor flag',
    '{ start: empty, type: application/json, steps: [{ set: /a, to: fields("PID-3") }, { set: /b, value: [1] }, { set: /c, to: 5 }] }',
    [
      'steps.0.to 0 It gives list<string>. A text, a number, or true or false is needed.',
      'steps.1.value value must be a text, a number, or true or false.',
    ],
  ],
  [
    'an expression deep inside',
    '{ steps: [{ each: OBX, when: event, steps: [{ if: "true", then: [{ set: OBX-5, to: feild("OBX-5") }] }] }] }',
    [
      'steps.0.when 0 It gives string. A condition is needed, such as field("PV1-2") == "I".',
      'steps.0.steps.0.then.0.to 0 There is no function feild. Did you mean field?',
    ],
  ],
  [
    'loops over what is no list',
    '{ steps: [{ each: PID-3.1, steps: [] }, { each: "OBX[1]", steps: [] }, { each: columns, steps: [] }] }',
    Array.from(
      { length: 3 },
      (_, index) =>
        `steps.${index}.each each goes over segments (OBX), repetitions of a field (PID-3), loops of X12 (2300), a JSON array (/orders), XML elements (/report/result) or rows.`,
    ),
  ],
  [
    'a loop without steps',
    '{ steps: [{ each: OBX }] }',
    ['steps.0.steps steps is missing: a list, such as [{ set: MSH-3, value: WAYBILL }].'],
  ],
  [
    'a segment that is none',
    '{ steps: [{ append: NTEX }, { insert: NK9 }, { append: NTE, fields: { 3: 5, x: event } }] }',
    [
      'steps.0.append NTEX is not a segment.',
      'steps.1.insert NK9: HL7 has no segment NK9; did you mean NK1?',
      'steps.2.fields.x HL7 path "NTE-x", position 4: a field is written -5. Write it like PID-3[2].4.2 or OBX[3]-5.',
    ],
  ],
  [
    'two places for one segment',
    '{ steps: [{ insert: NTE, after: PID, before: PV1 }, { insert: NTE, after: PID-3 }] }',
    [
      'steps.0 insert takes after or before, not both.',
      'steps.1.after A place must be a segment, such as PID or OBX[2].',
    ],
  ],
  [
    'copies without a place',
    '{ steps: [{ copy: PID-3 }, { copy: [MSH, PID] }, { copy: PID-99, to: PID-2 }] }',
    [
      'steps.0.copy copy without to: takes names of segments other than MSH, such as PID. To copy a value, write its place under to:.',
      'steps.1.copy.0 copy without to: takes names of segments other than MSH, such as PID. To copy a value, write its place under to:.',
      'steps.2.copy PID-99: PID has 39 fields in HL7 2.5.1.',
    ],
  ],
  [
    'a call of nothing',
    '{ steps: [{ call: missing }] }',
    ['steps.0.call There is no transform missing.'],
  ],
])('%s', ([, yaml, problems]) => {
  expect(readProblems(parse(yaml))).toEqual(problems);
});
