import { type FhirVersion, hasFhirElement, isFhirType } from 'waybill/document';

export type Json = Readonly<Record<string, unknown>>;

/** Which resources are meant: `Observation?patient=Patient/1&status=final,amended`. */
export interface Criteria {
  readonly type: string;
  readonly filters: readonly Filter[];
}

interface Filter {
  readonly name: string;
  /** One of them is enough. */
  readonly values: readonly string[];
}

/** The parameters whose value is a code, an identifier, or a boolean, each with the element it looks at. */
const TOKENS: Readonly<Record<string, string>> = {
  _id: 'id',
  active: 'active',
  category: 'category',
  class: 'class',
  'clinical-status': 'clinicalStatus',
  code: 'code',
  gender: 'gender',
  identifier: 'identifier',
  intent: 'intent',
  priority: 'priority',
  status: 'status',
  type: 'type',
};

/** Those whose value is a reference. */
const REFERENCES: Readonly<Record<string, readonly string[]>> = {
  patient: ['patient', 'subject', 'beneficiary'],
  subject: ['subject'],
  encounter: ['encounter'],
  performer: ['performer'],
  requester: ['requester'],
  author: ['author'],
};

const elementsOf = (name: string): readonly string[] =>
  Object.hasOwn(REFERENCES, name)
    ? (REFERENCES[name] ?? [])
    : Object.hasOwn(TOKENS, name)
      ? [TOKENS[name] ?? '']
      : [];

/** Reads criteria. A text that says what is wrong otherwise: what is not understood must not match everything. */
export function readCriteria(text: string, version: FhirVersion): Criteria | string {
  const [, type = '', query = ''] = /^([A-Z][A-Za-z]{1,63})(?:\?(.*))?$/s.exec(text) ?? [];
  if (!isFhirType(type, version)) {
    return 'criteria must be a type of resource with parameters, such as Observation?status=final.';
  }
  const filters: Filter[] = [];
  for (const [name, value] of new URLSearchParams(query)) {
    const found = readFilter(type, { name, value }, version);
    if (typeof found === 'string') return found;
    filters.push(found);
  }
  return { type, filters };
}

/** One condition on a type. */
export function readFilter(
  type: string,
  { name, value }: { readonly name: string; readonly value: string },
  version: FhirVersion,
): Filter | string {
  const shown = /^[\w:.-]{1,40}$/.test(name) ? name : 'this';
  if (!elementsOf(name).some((element) => hasFhirElement(type, element, version))) {
    const known = [...Object.keys(TOKENS), ...Object.keys(REFERENCES)].filter((one) =>
      elementsOf(one).some((element) => hasFhirElement(type, element, version)),
    );
    return `${type} is not looked at by ${shown}, only by ${known.join(', ')}.`;
  }
  const values = value.split(',').filter((one) => one !== '');
  return values.length > 0 ? { name, values } : `The parameter ${shown} has no value.`;
}

/** Whether a resource is meant. */
export function matches({ type, filters }: Criteria, resource: Json): boolean {
  return (
    resource['resourceType'] === type &&
    filters.every(({ name, values }) => {
      const found = elementsOf(name).flatMap((element) => listOf(resource[element]));
      const referred = name === 'patient' ? 'Patient' : undefined;
      const is = Object.hasOwn(REFERENCES, name) ? isReference : isToken;
      return values.some((value) => found.some((one) => is(one, value, referred)));
    })
  );
}

function listOf(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? (value as unknown[]) : [value];
}

/** `final`, `system|code`, `|code`, `system|`. */
function isToken(element: unknown, wanted: string): boolean {
  if (typeof element !== 'object' || element === null) return String(element) === wanted;
  const { coding, system, code, value } = element as Json;
  if (coding !== undefined) return listOf(coding).some((one) => isToken(one, wanted));
  const text = code ?? value;
  const bar = wanted.indexOf('|');
  if (bar < 0) return text === wanted;
  const [wantedSystem, wantedCode] = [wanted.slice(0, bar), wanted.slice(bar + 1)];
  const isSystem = (system ?? '') === wantedSystem;
  return isSystem && (wantedCode === '' || text === wantedCode);
}

/** `Patient/1` and `1` are the same patient, `Group/1` is not; an absolute address is only itself. */
function isReference(element: unknown, wanted: string, type: string | undefined): boolean {
  const { reference } = Object(element) as Json;
  if (typeof reference !== 'string') return false;
  const found = reference.replace(/\/_history\/[^/]*$/, '');
  if (found === wanted || wanted.includes('/')) return found === wanted;
  const [foundType, id] = found.split('/').slice(-2);
  return id === wanted && (type === undefined || foundType === type);
}
