import { expect, test } from 'vitest';
import { withValues } from '../../src/trace/peer-words.ts';
import { processorTime } from '../support/processor-time.ts';

const marked = (text: string): string => withValues(text, (value) => `⟦${value}⟧`);

test.for([
  ['Unknown patient Zwingli 47118800', 'Unknown patient ⟦Zwingli⟧ ⟦47118800⟧'],
  ['PATIENT DOE JOHN NOT FOUND', 'PATIENT ⟦DOE⟧ ⟦JOHN⟧ NOT FOUND'],
  ['Patient: DOE^JOHN (4711)', 'Patient: ⟦DOE^JOHN⟧ (⟦4711⟧)'],
  ['Could not admit Doe', 'Could not admit ⟦Doe⟧'],
  ['no bed for John Doe', 'no bed for ⟦John⟧ ⟦Doe⟧'],
  [
    'Case 2024-5561 of McDonald, Ronald is closed',
    'Case ⟦2024-5561⟧ of ⟦McDonald⟧, ⟦Ronald⟧ is closed',
  ],
  ['born 12 Mar 1970 or 1970-01-01', 'born ⟦12⟧ ⟦Mar⟧ ⟦1970⟧ or ⟦1970-01-01⟧'],
  ['MRN A123456789 unknown', 'MRN ⟦A123456789⟧ unknown'],
  [
    'Patientin Anna Meyer-Landrut (geb. 01.02.1970) ist gesperrt',
    'Patientin ⟦Anna⟧ ⟦Meyer-Landrut⟧ (geb. ⟦01.02.1970⟧) ist gesperrt',
  ],
  ['550 5.1.1 <anna.doe@ward.example>: unknown', '550 5.1.1 <⟦anna.doe@ward.example⟧>: unknown'],
  ["Duplicate entry '4711' for key 'x'", "Duplicate entry ⟦'4711'⟧ for key ⟦'x'⟧"],
  ['No such file: /in/Doe_4711.hl7', 'No such file: ⟦/in/Doe_4711⟧.hl7'],
  ['cannot rename doe.pdf', 'cannot rename ⟦doe⟧.pdf'],
  [
    'Location: https://fhir.example:8443/r4/Patient/4711',
    'Location: https://fhir.example:8443/⟦r4/Patient/4711⟧',
  ],
] as const)('of “%s”, what may be about a patient: %s', ([text, expected]) => {
  expect(marked(text)).toBe(expected);
});

test.for([
  'ward UNKNOWN is not in the table',
  'database is read-only',
  'PATIENT NOT FOUND',
  'Die Datenbank ist schreibgeschützt',
  'Station UNBEKANNT fehlt in der Tabelle',
  'Required field missing (101); PID-3: Required field missing (101)',
  'java.lang.NullPointerException at com.acme.Foo line 12',
  'ORA-00942: table or view does not exist',
  'Internal Server Error',
  'SQLSTATE 23505, HTTP 500, 550 5.1.1',
  'took 12000 ms',
  'since 2026-01-31T08:00:00.000Z at 10.1.2.3:2575',
  'error: a value is not allowed at Patient.name[0]: Unprocessable Entity',
  'no route for ADT^A01^ADT_A01, PID-3.1 "PID-5" is empty',
  'The table BED_MAP has no entry for ward W12',
  '',
])('“%s” tells of nobody', (text) => {
  expect(marked(text)).toBe(text);
});

test('a long text does not take long, and what nobody looks at is a value', () => {
  const began = processorTime();
  const long = [
    '"',
    "'",
    '^',
    '1.',
    'a1-',
    'a@b.',
    '[1:',
    'Doe ',
    'Doe 4711 ',
    '/a',
    'https://a/',
    'x.hl7 ',
  ];
  for (const one of long) withValues(one.repeat(50_000), (value) => value);
  expect(processorTime() - began).toBeLessThan(1_000);
  expect(withValues('ok '.repeat(2_000), () => '…').length).toBeLessThan(4_100);
});
