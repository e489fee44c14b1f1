type Json = Readonly<Record<string, unknown>>;

/**
 * Which elements of a resource say whose it is, from the compartment of Patient in FHIR R4. Where a type may be of
 * several patients (appointments), one of them is enough.
 */
const OWNERS: Readonly<Record<string, readonly string[]>> = {
  Account: ['subject'],
  AdverseEvent: ['subject'],
  AllergyIntolerance: ['patient'],
  Appointment: ['participant.actor'],
  BodyStructure: ['patient'],
  CarePlan: ['subject'],
  CareTeam: ['subject'],
  ChargeItem: ['subject'],
  Claim: ['patient'],
  ClaimResponse: ['patient'],
  ClinicalImpression: ['subject'],
  Communication: ['subject'],
  CommunicationRequest: ['subject'],
  Composition: ['subject'],
  Condition: ['subject'],
  Consent: ['patient'],
  Coverage: ['beneficiary'],
  DetectedIssue: ['patient'],
  DeviceRequest: ['subject'],
  DeviceUseStatement: ['subject'],
  DiagnosticReport: ['subject'],
  DocumentManifest: ['subject'],
  DocumentReference: ['subject'],
  Encounter: ['subject'],
  EpisodeOfCare: ['patient'],
  ExplanationOfBenefit: ['patient'],
  FamilyMemberHistory: ['patient'],
  Flag: ['subject'],
  Goal: ['subject'],
  ImagingStudy: ['subject'],
  Immunization: ['patient'],
  ImmunizationEvaluation: ['patient'],
  ImmunizationRecommendation: ['patient'],
  Invoice: ['subject'],
  List: ['subject'],
  Media: ['subject'],
  MedicationAdministration: ['subject'],
  MedicationDispense: ['subject'],
  MedicationRequest: ['subject'],
  MedicationStatement: ['subject'],
  MolecularSequence: ['patient'],
  NutritionOrder: ['patient'],
  Observation: ['subject'],
  Procedure: ['subject'],
  QuestionnaireResponse: ['subject'],
  RelatedPerson: ['patient'],
  RequestGroup: ['subject'],
  RiskAssessment: ['subject'],
  ServiceRequest: ['subject'],
  Specimen: ['subject'],
  SupplyDelivery: ['patient'],
  VisionPrescription: ['patient'],
};

/** What belongs to nobody, and may be seen with any patient. */
const SHARED: ReadonlySet<string> = new Set([
  'Endpoint',
  'HealthcareService',
  'Location',
  'Medication',
  'Organization',
  'Practitioner',
  'PractitionerRole',
]);

export const isShared = (type: string): boolean => SHARED.has(type);

/** Whether resources of a type are of a patient, and searched for by `patient`. */
export const isOwned = (type: string): boolean => Object.hasOwn(OWNERS, type);

/** Whether a resource says itself that it is this patient's. `base`: our own address. */
export function isOf(resource: Json, patient: string, base: string): boolean {
  const type = String(resource['resourceType']);
  if (type === 'Patient') return resource['id'] === patient;
  const paths = isOwned(type) ? (OWNERS[type] ?? []) : [];
  const known = new Set([`Patient/${patient}`, `${base}/Patient/${patient}`]);
  return paths
    .flatMap((path) => at(resource, path.split('.')))
    .some((value) => {
      const reference: unknown = Object(value).reference;
      return (
        typeof reference === 'string' && known.has(reference.replace(/\/_history\/[^/]*$/, ''))
      );
    });
}

function at(value: unknown, [name, ...rest]: readonly string[]): unknown[] {
  if (name === undefined) return [value];
  const below: unknown = Object.hasOwn(Object(value) as object, name)
    ? Object(value)[name]
    : undefined;
  return (Array.isArray(below) ? below : [below]).flatMap((one) => at(one, rest));
}
