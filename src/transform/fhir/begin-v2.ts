import type { Document } from '../../document/document.ts';
import { type FromFhirOptions, fromFhir } from '../../document/fhir/to-v2/from-fhir.ts';
import { hl7Document } from '../../document/hl7/hl7-document.ts';
import { EngineError } from '../../error/engine-error.ts';
import { messageStructure } from '../message-structure.ts';
import type { TransformInput } from '../transform.ts';
import { notMapped } from './not-mapped.ts';

/** The new message begins as HL7 v2 made of the FHIR that came. */
export interface FromFhir {
  readonly fromFhir: FromFhirOptions;
}

/** The new message in HL7 v2, and notes of what the FHIR that came has that is not in it. */
export function beginV2(
  { document, message, now }: TransformInput,
  options: FromFhirOptions,
): { readonly target: Document; readonly notes: readonly string[] } {
  if (document.kind !== 'json') {
    throw new EngineError(
      'TRANSFORM_FAILED',
      `fromFhir makes HL7 v2 of FHIR in JSON, and this is ${document.kind}`,
    );
  }
  const { body, coverage } = fromFhir(document.get(''), options, {
    controlId: String(message.id),
    now: now(),
    structureOf: messageStructure,
  });
  const { values, allValues, unmapped, missing } = coverage;
  return {
    target: withCharset(body),
    notes: [
      ...notMapped(`${values} of ${allValues} values are in HL7 v2`, unmapped),
      ...(missing.length === 0
        ? []
        : [`Not in the Bundle, so only what references say of them: ${missing.join(', ')}`]),
    ],
  };
}

/** MSH-18 says so where there is more than ASCII. */
function withCharset(body: Uint8Array): Document {
  const target = hl7Document(body, 'utf-8');
  if (body.some((byte) => byte > 0x7f)) target.set('MSH-18', 'UNICODE UTF-8');
  return target;
}
