import type { Caller } from 'waybill/peer/http-server';
import { type Letter, permits, type SmartScope, smartScope } from '../smart-scope.ts';
import { FhirRefusal, refused } from './outcome.ts';
import { type Asked, askedAt } from './request.ts';

type Json = Readonly<Record<string, unknown>>;

/** What a caller may see of what they asked for. */
export interface SmartView {
  /** Whose resources alone; undefined for those of all patients. */
  readonly patient: string | undefined;
}

const NEEDS: Readonly<Record<string, readonly Letter[]>> = {
  read: ['r'],
  vread: ['r'],
  search: ['s'],
  create: ['c'],
  update: ['u'],
  patch: ['u'],
  delete: ['d'],
  // what an operation does is not known
  operation: ['c', 'r', 'u', 'd', 's'],
};

const lettersFor = ({ interaction, id }: Asked): readonly Letter[] =>
  interaction === 'history' ? [id === undefined ? 's' : 'r'] : (NEEDS[interaction] ?? []);

/** What may be done for one patient: only what can be checked against what is asked for or answered. */
const FOR_ONE: ReadonlySet<string> = new Set(['read', 'vread', 'search', 'history', 'create']);

/**
 * What the caller's scopes permit of a request. Throws the refusal, 403. Scopes of `user/` and `system/` are for the
 * resources of all patients, those of `patient/` for the patient of the token alone.
 */
export function smartView(
  asked: Asked,
  resource: unknown,
  { caller, claim }: { readonly caller: Caller | undefined; readonly claim: string },
): SmartView {
  const scopes = [...(caller?.scopes ?? [])].flatMap((text) => smartScope(text) ?? []);
  const whole = scopes.filter(({ level }) => level !== 'patient');
  const wanted = wantedBy(asked, resource);
  if (wanted.every((one) => permits(whole, lettersFor(one), one.type)))
    return { patient: undefined };
  const patient = patientOf(caller, claim);
  const own = scopes.filter(({ level }) => level === 'patient');
  if (patient === undefined || !mayForOne(asked, own)) throw lacking(wanted, whole);
  return { patient };
}

/**
 * Throws the refusal, 403, of a caller whose scopes do not permit the request whatever its body is: nobody learns what
 * is wrong with a body who may not send one.
 */
export function checkScopes(
  asked: Asked,
  { caller, claim }: { readonly caller: Caller | undefined; readonly claim: string },
): void {
  const isBundle = asked.interaction === 'transaction' || asked.interaction === 'batch';
  // of a Bundle only that some scope is for more than one patient: its entries are not known yet
  if (!isBundle) smartView(asked, undefined, { caller, claim });
  else if (![...(caller?.scopes ?? [])].some((text) => isForMany(smartScope(text)))) {
    throw lacking([{ ...asked, interaction: 'operation' }], []);
  }
}

const isForMany = (scope: SmartScope | undefined): boolean =>
  scope !== undefined && scope.level !== 'patient';

function mayForOne(asked: Asked, own: readonly SmartScope[]): boolean {
  return FOR_ONE.has(asked.interaction) && permits(own, lettersFor(asked), asked.type);
}

/** The request itself, or those that a Bundle has. */
function wantedBy(asked: Asked, resource: unknown): readonly Asked[] {
  if (asked.interaction !== 'transaction' && asked.interaction !== 'batch') return [asked];
  const entries: unknown = Object(resource).entry;
  return (Array.isArray(entries) ? entries : []).map((entry: unknown) => {
    const { method, url } = Object(Object(entry).request) as Json;
    if (typeof method !== 'string' || typeof url !== 'string') {
      throw refused(400, 'An entry of the Bundle says not what is asked for.');
    }
    return entryAsked(method, url);
  });
}

function entryAsked(method: string, url: string): Asked {
  const [path = '', query = ''] = url.split('?', 2);
  const asked = askedAt(
    method.toUpperCase(),
    path.split('/').filter((part) => part !== ''),
    new URLSearchParams(query),
  );
  if (asked === undefined || asked.interaction === 'transaction') {
    throw refused(400, 'An entry of the Bundle asks for what there is not.');
  }
  return asked;
}

function patientOf(caller: Caller | undefined, claim: string): string | undefined {
  const { claims = {} } = caller ?? {};
  const value = Object.hasOwn(claims, claim) ? claims[claim] : undefined;
  const id = typeof value === 'string' ? value.replace(/^Patient\//, '') : '';
  return /^[A-Za-z\d\-.]{1,64}$/.test(id) ? id : undefined;
}

function lacking(wanted: readonly Asked[], whole: readonly SmartScope[]): FhirRefusal {
  const first = wanted.find((one) => !permits(whole, lettersFor(one), one.type));
  const scope = `user/${first?.type ?? '*'}.${first === undefined ? '' : lettersFor(first).join('')}`;
  return new FhirRefusal(
    403,
    [{ severity: 'error', code: 'forbidden', diagnostics: `The caller lacks the scope ${scope}.` }],
    { told: `it lacks the scope ${scope}`, headers: { 'www-authenticate': challenge(scope) } },
  );
}

const challenge = (scope: string): string =>
  `Bearer realm="waybill", error="insufficient_scope", scope="${scope}"`;

/** Parameters that would hide whose a resource is. */
const HIDING = ['_elements', '_summary'];

/** Limits a search to one patient; what the target makes of it is checked all the same. */
export function limitSearch(
  asked: Asked,
  parameters: readonly URLSearchParams[],
  patient: string,
): void {
  const { interaction, type } = asked;
  if (interaction !== 'search' || type === undefined) return;
  if (parameters.some((one) => HIDING.some((name) => one.has(name)))) {
    throw refused(403, `With a patient's scopes ${HIDING.join(' and ')} are not served.`);
  }
  if (isShared(type)) return;
  if (type !== 'Patient' && !isOwned(type)) throw notForOne();
  const name = type === 'Patient' ? '_id' : 'patient';
  const given = parameters.flatMap((one) => one.getAll(name));
  if (given.some((value) => value.replace(/^Patient\//, '') !== patient)) throw another();
  for (const one of parameters) one.delete(name);
  parameters[0]?.set(name, patient);
}

/** Refuses what is read or written for anybody else, as far as the request says it. */
export function checkRequest(
  { interaction, type, id }: Asked,
  { resource, ifNoneExist }: { readonly resource: unknown; readonly ifNoneExist: boolean },
  { patient, base }: { readonly patient: string; readonly base: string },
): void {
  if (type === 'Patient' && id !== undefined && id !== patient) {
    throw refused(404, 'There is no such resource.');
  }
  if (interaction !== 'create') return;
  if (ifNoneExist) throw refused(403, "With a patient's scopes nothing is created conditionally.");
  if (type === 'Patient' || !isOf(Object(resource) as Json, patient, base)) throw another();
}

const another = (): FhirRefusal =>
  refused(403, 'This is not of the patient that the token is for.');
const notForOne = (): FhirRefusal =>
  refused(403, "Resources of this type are not served with a patient's scopes.");

/** What of an answer one patient's caller may see. Throws 404 if that is nothing. */
export function shownTo(resource: Json, patient: string, base: string): Json {
  const type = String(resource['resourceType']);
  if (type === 'Bundle') return filtered(resource, patient, base);
  if (maySee(resource, patient, base)) return resource;
  throw refused(404, 'There is no such resource.');
}

function maySee(resource: Json, patient: string, base: string): boolean {
  const type = String(resource['resourceType']);
  return type === 'OperationOutcome' || isShared(type) || isOf(resource, patient, base);
}

/** Entries without a resource (deletions in a history) are left out too. */
function filtered(bundle: Json, patient: string, base: string): Json {
  const { entry, total, ...rest } = bundle;
  const all: readonly unknown[] = Array.isArray(entry) ? entry : [];
  const kept = all.filter((one) => {
    const resource: unknown = Object(one).resource;
    return (
      typeof resource === 'object' && resource !== null && maySee(resource as Json, patient, base)
    );
  });
  // how many others there are is not told either
  const isWhole = kept.length === all.length && all.length > 0;
  return {
    ...rest,
    ...(isWhole && total !== undefined && { total }),
    ...(!isWhole && { total: kept.length }),
    ...(kept.length > 0 && { entry: kept }),
  };
}

/**
 * Which elements of a resource say whose it is, from the compartment of Patient in FHIR R4 and R5. Where a type may be of
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
  Consent: ['patient', 'subject'],
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
  MolecularSequence: ['patient', 'subject'],
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
  // of R5
  BiologicallyDerivedProductDispense: ['patient'],
  DeviceAssociation: ['subject'],
  DeviceUsage: ['patient'],
  EncounterHistory: ['subject'],
  GenomicStudy: ['subject'],
  ImagingSelection: ['subject'],
  NutritionIntake: ['subject'],
  RequestOrchestration: ['subject'],
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

const isShared = (type: string): boolean => SHARED.has(type);

/** Whether resources of a type are of a patient, and searched for by `patient`. */
const isOwned = (type: string): boolean => Object.hasOwn(OWNERS, type);

/** Whether a resource says itself that it is this patient's. `base`: our own address. */
function isOf(resource: Json, patient: string, base: string): boolean {
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
