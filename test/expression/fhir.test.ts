import { expect, test } from 'vitest';
import { environment, scopeOf } from '../support/subject-message.ts';

const PATIENT = '{"resourceType":"Patient","name":[{"given":["A","B"]}],"gender":"F"}';

function value(source: string, body = PATIENT): unknown {
  const compiled = environment.compile(source, { result: 'any' });
  if (!compiled.ok) throw new Error(compiled.problems.map(({ text }) => text).join('\n'));
  return compiled.expression.evaluate(scopeOf(body, { type: 'application/fhir+json' }));
}

test('fhirErrors() says what is wrong', () => {
  expect(value('fhirErrors()')).toEqual(['Patient.gender is not a code of administrative-gender']);
  expect(value('fhirErrors().size() == 0', PATIENT.replace('"F"', '"female"'))).toBe(true);
});

test('fhirpath() reads values, elements as JSON', () => {
  expect(value('fhirpath("Patient.name.given")')).toEqual(['A', 'B']);
  expect(value('"B" in fhirpath("name.given")')).toBe(true);
  expect(value('fhirpath("name.exists()")')).toEqual(['true']);
  expect(value('fhirpath("Patient.name")')).toEqual(['{"given":["A","B"]}']);
  expect(value('fhirpath("Patient.photo")')).toEqual([]);
});

test('what is no FHIRPath is found by check, what is no resource when it comes', () => {
  expect(environment.compile('fhirpath("name.")', { result: 'any' })).toMatchObject({
    ok: false,
    problems: [{ text: expect.stringContaining('not FHIRPath') }],
  });
  expect(() => value('fhirErrors()', '{"a":1}')).toThrow(/is not a FHIR resource/);
  expect(() => value('fhirpath("1 / name.given")')).toThrow(/could not evaluate/);
});
