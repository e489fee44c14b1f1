import { expect, expectTypeOf, test } from 'vitest';
import type { FhirResource, Observation, Patient } from 'waybill/fhir/r4';
import type { Patient as PatientOfR5, SubscriptionStatus } from 'waybill/fhir/r5';
import { documentOf } from '../../../src/document/index.ts';
import { readFhir, writeFhir } from '../../../src/index.ts';

const json = (text: string): ReturnType<typeof documentOf> =>
  documentOf(Buffer.from(text), { type: 'application/fhir+json' });

test('a resource is read with its type, and its codes are those of FHIR', () => {
  const patient = readFhir<Patient>(
    json('{"resourceType":"Patient","gender":"female"}'),
    'Patient',
  );
  expectTypeOf(patient.gender).toEqualTypeOf<'male' | 'female' | 'other' | 'unknown' | undefined>();
  // @ts-expect-error no code of FHIR
  patient.gender = 'f';
  // @ts-expect-error no element of a Patient
  expect(patient.nmae).toBeUndefined();
  // @ts-expect-error a status is required
  const observation: Observation = { resourceType: 'Observation', code: { text: 'x' } };
  const any: FhirResource = observation;
  expect(any.resourceType).toBe('Observation');
  expectTypeOf<SubscriptionStatus['type']>().toEqualTypeOf<
    'handshake' | 'heartbeat' | 'event-notification' | 'query-status' | 'query-event'
  >();
  expectTypeOf<PatientOfR5['resourceType']>().toEqualTypeOf<'Patient'>();
});

test('numbers keep their digits where they were not changed', () => {
  const text =
    '{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":1.50,"unit":"mg"},"component":[{"code":{"text":"y"},"valueQuantity":{"value":2.0}}]}';
  const read = readFhir<Observation>(json(text), 'Observation');
  expect((read.valueQuantity?.value ?? 0) * 2).toBe(3);
  expect(writeFhir(read)).toEqual({ body: text, type: 'application/fhir+json' });
  if (read.valueQuantity !== undefined) read.valueQuantity.value = 3;
  expect(writeFhir(read).body).toBe(text.replace('1.50', '3'));
});

test.for([
  [
    '{"resourceType":"Group","name":"SECRET"}',
    'The message is a FHIR resource Group, not Patient.',
  ],
  [
    '{"resourceType":"SECRET 1"}',
    'The message is not a FHIR resource in JSON; Patient is expected.',
  ],
  ['null', 'The message is not a FHIR resource in JSON; Patient is expected.'],
] as const)('%s is no Patient', ([text, problem]) => {
  expect(() => readFhir<Patient>(json(text), 'Patient')).toThrow(problem);
});
