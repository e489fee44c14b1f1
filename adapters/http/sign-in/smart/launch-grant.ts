import type { Grant, GrantClaims } from 'waybill/adapter';
import { Refusal } from 'waybill/peer/http-server';
import type { OidcAnswer, OidcTokens } from 'waybill/peer/oidc';
import type { User } from 'waybill/peer/sign-in';

/** What a sign-in by a launch keeps. */
export interface LaunchGrant {
  /** The base address of the EHR's FHIR server. */
  readonly fhir: string;
  readonly claims: User['claims'];
  /** The tokens of the EHR, sealed: who reads what is stored can do nothing with them. */
  readonly sealed: string;
  /** Until when an engine is renewing them: milliseconds since 1970. */
  readonly renewing?: number | undefined;
}

/** The tokens of an EHR. */
export interface EhrTokens {
  readonly access: string;
  readonly refresh: string | undefined;
  /** When the next one should be asked for: milliseconds since 1970. */
  readonly until: number | undefined;
}

/** Kept in a grant under this name. */
const LAUNCH = 'waybill:launch';

export const launchGrant = ({ claims }: Pick<Grant, 'claims'>): LaunchGrant | undefined =>
  claims[LAUNCH] as LaunchGrant | undefined;

export const keptLaunch = (launch: LaunchGrant): GrantClaims => ({ [LAUNCH]: launch });

/** Milliseconds before its end at which a token is renewed, so that it does not end on the way. */
const MARGIN = 30_000;

export function ehrTokens(
  { access, refresh, lifetime }: OidcTokens,
  now: number,
  before?: EhrTokens,
): EhrTokens {
  const time = lifetime === undefined ? undefined : lifetime * 1_000;
  return {
    access,
    // servers that do not rotate it leave it out
    refresh: refresh ?? before?.refresh,
    until: time === undefined ? undefined : now + time - Math.min(MARGIN, time / 4),
  };
}

const ID = /^[A-Za-z\d\-.]{1,64}$/;
const SCOPE = /^(?:(?:patient|user|system)\/\S+|openid|fhirUser|launch(?:\/\S+)?|\w+_access)$/;

/** Who was launched, and for whom, as claims of the app. Throws the Refusal of what cannot be. */
export function launchedPerson(answer: OidcAnswer, fhir: string): User {
  const { told } = answer.tokens;
  const context = {
    patient: idIn(told['patient'], 'patient'),
    encounter: idIn(told['encounter'], 'encounter'),
    need_patient_banner: flagIn(told['need_patient_banner']),
    smart_style_url: textIn(told['smart_style_url']),
    intent: textIn(told['intent']),
    tenant: textIn(told['tenant']),
    fhirContext: Array.isArray(told['fhirContext']) ? (told['fhirContext'] as unknown) : undefined,
  };
  const fhirUser = fhirUserIn(answer, fhir);
  const { sub } = answer.claims;
  const claims = { ...context, fhirUser, fhirServer: fhir, scope: scopesIn(told['scope']) };
  return {
    // those of two EHRs are never the same
    name: fhirUser ?? `${String(sub)}@${new URL(fhir).host}`.slice(-200),
    claims: Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined)),
    proof: '',
  };
}

/** The person's resource with its address, if it is one of this server. */
function fhirUserIn({ claims, tokens }: OidcAnswer, fhir: string): string | undefined {
  const told = claims['fhirUser'] ?? claims['profile'] ?? tokens.told['fhirUser'];
  if (typeof told !== 'string' || told.length > 120) return undefined;
  const url = told.startsWith(`${fhir}/`) ? told : `${fhir}/${told}`;
  return /^\/[A-Z][A-Za-z]+\/[A-Za-z\d\-.]{1,64}$/.test(url.slice(fhir.length)) ? url : undefined;
}

function idIn(value: unknown, name: string): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  const id = typeof value === 'string' ? value.replace(/^(Patient|Encounter)\//, '') : '';
  if (ID.test(id)) return id;
  throw new Refusal(403, 'The EHR launched the app with something that it cannot use.', {
    told: `the EHR names as ${name} of a launch what is no id of a resource`,
  });
}

const flagIn = (value: unknown): boolean | undefined =>
  value === true || value === 'true'
    ? true
    : value === false || value === 'false'
      ? false
      : undefined;

const textIn = (value: unknown): string | undefined =>
  typeof value === 'string' && value.length <= 500 ? value : undefined;

/** Only those of SMART: an EHR gives none of this service's own. */
function scopesIn(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  return value
    .split(' ')
    .filter((one) => SCOPE.test(one))
    .join(' ');
}
