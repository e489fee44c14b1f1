import type { FhirFinding } from 'waybill/document';
import { type HttpReply, Refusal } from 'waybill/peer/http-server';

export const FHIR_TYPE = 'application/fhir+json';

/** One issue of an OperationOutcome. */
export interface Issue {
  readonly severity: 'fatal' | 'error' | 'warning' | 'information';
  /** Of FHIR's value set `issue-type`. */
  readonly code: string;
  readonly diagnostics: string;
  readonly expression?: readonly string[];
}

/** A request that is answered with an OperationOutcome of more than the status says. */
export class FhirRefusal extends Refusal {
  readonly issues: readonly Issue[];

  constructor(
    status: number,
    issues: readonly Issue[],
    more: ConstructorParameters<typeof Refusal>[2] = {},
  ) {
    super(status, issues[0]?.diagnostics ?? '', more);
    this.issues = issues;
  }
}

/** A refusal with one issue. */
export function refused(
  status: number,
  diagnostics: string,
  code = issueCode(status),
): FhirRefusal {
  return new FhirRefusal(status, [{ severity: 'error', code, diagnostics }]);
}

const CODES: Readonly<Record<number, string>> = {
  400: 'invalid',
  401: 'login',
  403: 'forbidden',
  404: 'not-found',
  405: 'not-supported',
  406: 'not-supported',
  409: 'conflict',
  410: 'deleted',
  412: 'conflict',
  413: 'too-long',
  415: 'not-supported',
  422: 'processing',
  429: 'throttled',
  501: 'not-supported',
  502: 'exception',
  503: 'transient',
  504: 'timeout',
  508: 'processing',
};

export function issueCode(status: number): string {
  return CODES[status] ?? (status >= 500 ? 'exception' : 'processing');
}

export function outcomeBody(issues: readonly Issue[]): string {
  return JSON.stringify({ resourceType: 'OperationOutcome', issue: issues });
}

/** The answer to what is refused. */
export function outcomeReply(refusal: Refusal): HttpReply {
  const { status, message, headers, errors = [] } = refusal;
  const code = issueCode(status);
  const own = refusal instanceof FhirRefusal ? refusal.issues : undefined;
  const issues = own ?? [
    { severity: 'error', code, diagnostics: message } as const,
    ...errors.map(
      ({ at, problem }): Issue => ({ severity: 'error', code, diagnostics: `${at} ${problem}` }),
    ),
  ];
  return {
    status,
    headers: { 'content-type': `${FHIR_TYPE}; charset=utf-8`, ...headers },
    body: outcomeBody(issues),
  };
}

/** What is wrong with a resource, as issues. */
export function issuesOf(findings: readonly FhirFinding[]): Issue[] {
  return findings.map(({ severity, code, path, text }) => ({
    severity,
    code,
    diagnostics: `${path} ${text}`,
    expression: [path],
  }));
}
