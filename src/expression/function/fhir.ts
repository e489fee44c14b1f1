import type { Document } from '../../document/document.ts';
import {
  type FhirVersion,
  isFhirVersion,
} from '../../document/fhir/definitions/definition-file.ts';
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
      call: () => errorsOf(scope().document(), 'R4'),
    },
    {
      signature: 'fhirErrors(string): list<string>',
      help: 'The same by the definitions of another version: R4, R4B or R5.',
      readsBody: true,
      call: (version: string) => errorsOf(scope().document(), versionOf(version)),
    },
    {
      signature: 'fhirpath(string): list<string>',
      help: 'The values at a FHIRPath as text: "final" in fhirpath("Observation.status"). Needs the package fhirpath beside Waybill.',
      readsBody: true,
      call: (path: string) => valuesAt(scope().document(), path, 'R4'),
    },
    {
      signature: 'fhirpath(string, string): list<string>',
      help: 'The same by the types of another version: R4, R4B or R5.',
      readsBody: true,
      call: (path: string, version: string) =>
        valuesAt(scope().document(), path, versionOf(version)),
    },
  ];
}

function versionOf(text: string): FhirVersion {
  if (isFhirVersion(text)) return text;
  throw new ExpressionFault('a version of FHIR is R4, R4B or R5');
}

function errorsOf(document: Document, version: FhirVersion): string[] {
  return fhirFindings(resource(document, 'fhirErrors()'), { level: 'full', version })
    .filter(({ severity }) => severity === 'error')
    .map(({ path, text }) => `${path} ${text}`);
}

function valuesAt(document: Document, path: string, version: FhirVersion): string[] {
  const subject = resource(document, 'fhirpath()');
  try {
    return fhirPathTexts(subject, path, version);
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
