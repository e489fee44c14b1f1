/** What issue codes mean (FHIR value set issue-type), for people who do not know them. */
const MEANINGS: Readonly<Record<string, string>> = {
  invalid: 'the content breaks a rule',
  structure: 'the content has the wrong structure',
  required: 'something that is required is missing',
  value: 'a value is not allowed',
  invariant: 'a rule about several elements is broken',
  security: 'the caller is not allowed to do this',
  login: 'the caller must sign in',
  unknown: 'the caller is not known',
  expired: 'the sign-in has expired',
  forbidden: 'the caller lacks a right',
  suppressed: 'something was left out for reasons of privacy',
  processing: 'the server could not process it',
  'not-supported': 'the server does not support this',
  duplicate: 'it already exists',
  'multiple-matches': 'the condition matches more than one resource',
  'not-found': 'it does not exist',
  deleted: 'it was deleted',
  'too-long': 'it is too long',
  'code-invalid': 'a code is not known',
  extension: 'an extension is not known',
  'too-costly': 'it is too expensive for the server',
  'business-rule': 'a rule of the server forbids it',
  conflict: 'somebody else changed it meanwhile',
  'limited-filter': 'the search is limited',
  transient: 'the server has a temporary problem',
  'lock-error': 'it is locked',
  'no-store': 'the storage of the server does not answer',
  exception: 'the server failed with an exception',
  timeout: 'the server ran out of time',
  incomplete: 'the answer is incomplete',
  throttled: 'the server asks for fewer requests',
  informational: 'a note',
};

interface Issue {
  readonly severity?: unknown;
  readonly code?: unknown;
  readonly diagnostics?: unknown;
  readonly details?: {
    readonly text?: unknown;
    readonly coding?: readonly { display?: unknown }[];
  };
  readonly expression?: readonly unknown[];
  readonly location?: readonly unknown[];
}

/**
 * An OperationOutcome of FHIR in plain words, the worst first, one issue per line; undefined if the
 * resource is not one or says nothing.
 */
export function outcomeText(resource: unknown): string | undefined {
  const { resourceType, issue } = Object(resource) as { resourceType?: unknown; issue?: unknown };
  if (resourceType !== 'OperationOutcome' || !Array.isArray(issue)) return undefined;
  const told = (issue as readonly Issue[])
    .toSorted((a, b) => rank(a) - rank(b))
    .map((one) => issueText(Object(one) as Issue));
  return told.length === 0 ? undefined : told.join('\n').slice(0, 4_000);
}

const SEVERITIES = ['fatal', 'error', 'warning', 'information'];
const rank = ({ severity }: Issue): number => SEVERITIES.indexOf(String(severity)) + 1 || 9;

function issueText(issue: Issue): string {
  const { severity, code, expression, location } = issue;
  const meaning = MEANINGS[text(code) ?? ''] ?? text(code) ?? 'no reason given';
  const places = [expression ?? location ?? []].flat().map(String).slice(0, 5);
  const where = places.length === 0 ? '' : ` at ${places.join(', ')}`;
  return `${text(severity) ?? 'error'}: ${meaning}${where}${said(issue)}`;
}

/** The words of the server itself. */
function said({ diagnostics, details }: Issue): string {
  const displays = details?.coding?.map(({ display }) => text(display)) ?? [];
  const words = text(details?.text) ?? displays.find(Boolean) ?? text(diagnostics);
  return words === undefined ? '' : `: ${words}`;
}

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
