import type { Document } from '../../document/document.ts';
import { documentOf } from '../../document/document-of.ts';
import { FHIR_JSON } from '../../document/fhir/fhir-json.ts';
import { type ToFhirOptions, toFhir } from '../../document/fhir/v2/to-fhir.ts';
import { Hl7Document } from '../../document/hl7/hl7-document.ts';
import { EngineError } from '../../error/engine-error.ts';
import type { TransformInput } from '../transform.ts';
import { notMapped } from './not-mapped.ts';

/** The new message as a FHIR Bundle, and a note of what the incoming one has that is not in it. */
export function beginFhir(
  { document, now }: TransformInput,
  options: ToFhirOptions,
): { readonly target: Document; readonly notes: readonly string[] } {
  if (!(document instanceof Hl7Document)) {
    throw new EngineError(
      'TRANSFORM_FAILED',
      `toFhir makes FHIR of HL7 v2, and this is ${document.kind}`,
    );
  }
  const { body, coverage } = toFhir(document, options, now());
  const target = documentOf(body, { type: FHIR_JSON });
  const { unmapped, fields, allFields } = coverage;
  return { target, notes: notMapped(`${fields} of ${allFields} fields are in FHIR`, unmapped) };
}
