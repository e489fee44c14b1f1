/** What a check of a FHIR resource found. It quotes no value. */
export interface FhirFinding {
  readonly severity: 'error' | 'warning';
  /** A code of FHIR's `issue-type`, as an OperationOutcome has it. */
  readonly code: 'structure' | 'required' | 'value' | 'code-invalid' | 'invariant' | 'not-found';
  /** Where it is, as FHIRPath: `Patient.name[0].use`. */
  readonly path: string;
  /** A sentence without the place. */
  readonly text: string;
}
