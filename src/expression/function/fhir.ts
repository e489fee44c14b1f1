import type { Document } from '../../document/document.ts';
import { fhirPathTexts } from '../../document/fhir/path/fhir-path.ts';
import { resourceOf } from '../../document/fhir/read-resource.ts';
import { fhirFindings } from '../../document/fhir/validate/validate.ts';
import { isEngineError } from '../../error/engine-error.ts';
import type { Scope } from '../expression.ts';
import { ExpressionFault } from '../fault.ts';
import type { ExpressionFunction } from './expression-function.ts';

/** Functions on FHIR resources in JSON. */
export function fhirFunctions(scope: () => Scope): readonly ExpressionFunction[] {
  return [
    {
      signature: 'fhirErrors(): list<string>',
      help: 'What is wrong with a FHIR resource by the definitions of R4, a sentence each with its place: fhirErrors().size() == 0.',
      readsBody: true,
      call: () =>
        fhirFindings(resource(scope().document(), 'fhirErrors()'), { level: 'full' })
          .filter(({ severity }) => severity === 'error')
          .map(({ path, text }) => `${path} ${text}`),
    },
    {
      signature: 'fhirpath(string): list<string>',
      help: 'The values at a FHIRPath as text: "final" in fhirpath("Observation.status"). Needs the package fhirpath beside Waybill.',
      readsBody: true,
      call: (path: string) => valuesAt(scope().document(), path),
    },
  ];
}

function valuesAt(document: Document, path: string): string[] {
  const subject = resource(document, 'fhirpath()');
  try {
    return fhirPathTexts(subject, path);
  } catch (error) {
    // what the package says quotes values of the resource
    throw new ExpressionFault(
      isEngineError(error)
        ? error.message
        : 'fhirpath() could not evaluate its path on this resource',
    );
  }
}

function resource(document: Document, what: string): Readonly<Record<string, unknown>> {
  const found = resourceOf(document);
  if (found !== undefined) return found;
  throw new ExpressionFault(`${what} was used on a message that is not a FHIR resource in JSON`);
}
