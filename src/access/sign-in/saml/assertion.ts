import {
  attributeOf,
  childOf,
  childrenOf,
  trimmed,
  within,
} from '../../../document/xml/elements.ts';
import { isSignedByOneOf } from '../../../document/xml/signature/enveloped.ts';
import { SecurityProblem } from '../../../document/xml/signature/security-problem.ts';
import type { XmlElement } from '../../../document/xml/tree.ts';
import type { IdpMetadata } from './idp-metadata.ts';
import { ASSERTION, BEARER, PROTOCOL, SUCCESS } from './names.ts';
import type { NamedSession } from './requests.ts';
import { SamlProblem } from './saml-problem.ts';

/** What a response must fit. */
export interface Expected {
  readonly idp: IdpMetadata;
  /** Where it was sent. */
  readonly consumer: string;
  readonly entityId: string;
  /** The request it answers; undefined where the person began at the provider. */
  readonly requestId: string | undefined;
  readonly clockSkew: number;
  readonly now: number;
}

/** What the provider says of a person, with every check passed. */
export interface Asserted {
  readonly id: string;
  /** Milliseconds since 1970: from then on nobody takes it. */
  readonly until: number;
  readonly session: NamedSession;
  /** By `Name`, and by `FriendlyName`. */
  readonly attributes: ReadonlyMap<string, readonly string[]>;
}

/** Another key may have made the signature: the metadata is to be read again. */
export class UnknownKey extends SamlProblem {}

/** Checks a response as it was read; only what a signature covers is looked at afterwards. Throws a SamlProblem. */
export function assertedBy(root: XmlElement, expected: Expected): Asserted {
  checkResponse(root, expected);
  const assertion = oneAssertion(root);
  checkIssuer(assertion, expected);
  checkSignatures(root, assertion, expected);
  checkConditions(assertion, expected);
  const until = confirmedUntil(assertion, expected);
  return {
    id: attributeOf(assertion, 'ID') ?? '',
    until: until + expected.clockSkew,
    session: sessionOf(assertion),
    attributes: attributesOf(assertion),
  };
}

function checkResponse(root: XmlElement, expected: Expected): void {
  if (root.local !== 'Response' || root.uri !== PROTOCOL) {
    throw new SamlProblem(
      'what the provider sent is not a response of SAML 2.0',
      'look at its log',
    );
  }
  checkStatus(root);
  const destination = attributeOf(root, 'Destination');
  if (destination !== undefined && destination !== expected.consumer) {
    throw new SamlProblem(
      `the response is for ${shown(destination)}, and this is ${expected.consumer}`,
      'compare the address at the provider with that of the console; behind a proxy set publicUrl',
    );
  }
  if (childOf(root, ASSERTION, 'Issuer') !== undefined) checkIssuer(root, expected);
  checkAnswers(root, expected);
}

function checkStatus(root: XmlElement): void {
  const status = childOf(root, PROTOCOL, 'Status');
  const codes = (status === undefined ? [] : [...within(status)])
    .filter((one) => one.local === 'StatusCode' && one.uri === PROTOCOL)
    .map((one) => attributeOf(one, 'Value') ?? '');
  if (codes[0] === SUCCESS) return;
  const words = codes.map((one) => shown(/[^:]*$/.exec(one)?.[0] ?? '')).join(', ');
  throw new SamlProblem(
    `the provider refused: ${words || 'no status'}`,
    /Requester|RequestDenied|RequestUnsupported|InvalidNameIDPolicy/.test(words)
      ? 'compare entityId and the address with what is registered at the provider; it may want signed requests'
      : 'look at the provider’s log: the person or a rule there refused',
  );
}

function checkAnswers(element: XmlElement, { requestId }: Expected): void {
  const answered = attributeOf(element, 'InResponseTo');
  if (answered === requestId) return;
  throw requestId === undefined
    ? stray('it answers a request that this browser did not make')
    : stray(
        answered === undefined
          ? 'it answers no request, as if the person had begun at the provider'
          : 'it answers another request',
      );
}

const stray = (why: string): SamlProblem =>
  new SamlProblem(
    `the response does not belong to this sign-in: ${why}`,
    'start at the console’s own address; fromProvider: true lets people begin at the provider',
  );

function oneAssertion(root: XmlElement): XmlElement {
  const all = [...within(root)].filter(
    (one) => one.uri === ASSERTION && /^(?:Encrypted)?Assertion$/.test(one.local),
  );
  const [first] = all;
  if (first?.local === 'EncryptedAssertion') {
    throw new SamlProblem(
      'the assertion is encrypted',
      'switch encryption off for this application at the provider: our metadata offers no key for it, and TLS protects it on the way',
    );
  }
  if (first === undefined) throw new SamlProblem('there is no assertion', 'look at its log');
  if (all.length > 1 || first.parent !== root) {
    throw new SamlProblem(
      'there is not exactly one assertion where it belongs',
      'somebody may have tampered with the response',
    );
  }
  return first;
}

function checkIssuer(element: XmlElement, { idp }: Expected): void {
  const issuer = childOf(element, ASSERTION, 'Issuer');
  if (issuer !== undefined && trimmed(issuer) === idp.entityId) return;
  throw new SamlProblem(
    `it was issued by ${issuer === undefined ? 'nobody' : shown(trimmed(issuer))} and not by ${shown(idp.entityId)}`,
    'take the metadata of that identity provider',
  );
}

/** The assertion itself must be signed, or the response around it; what is signed twice must hold twice. */
function checkSignatures(root: XmlElement, assertion: XmlElement, { idp }: Expected): void {
  try {
    const signed = [root, assertion].filter((one) => isSignedByOneOf(one, root, idp.keys));
    if (signed.length > 0) return;
  } catch (error) {
    if (!(error instanceof SecurityProblem)) throw error;
    const what = `the signature does not hold: ${error.message}`;
    if (error.fault !== 'FailedAuthentication') {
      throw new SamlProblem(
        what,
        'have the provider sign with SHA-256; somebody may have tampered',
      );
    }
    throw new UnknownKey(what, 'take the metadata of the provider again: it may have a new key');
  }
  throw new SamlProblem(
    'neither the assertion nor the response is signed',
    'have the provider sign assertions for this application',
  );
}

function checkConditions(assertion: XmlElement, expected: Expected): void {
  const conditions = childOf(assertion, ASSERTION, 'Conditions');
  if (conditions === undefined) {
    throw new SamlProblem('the assertion has no conditions', 'look at the provider’s settings');
  }
  checkTime(conditions, expected);
  const restrictions = childrenOf(conditions, ASSERTION, 'AudienceRestriction');
  const audiences = restrictions.map((one) => childrenOf(one, ASSERTION, 'Audience').map(trimmed));
  if (restrictions.length > 0 && audiences.every((one) => one.includes(expected.entityId))) return;
  throw new SamlProblem(
    `the assertion is for ${audiences.flat().map(shown).join(', ') || 'nobody in particular'}, and we are ${expected.entityId}`,
    'compare entityId with the name of this application at the provider',
  );
}

/** The time until which a bearer may use the assertion here. */
function confirmedUntil(assertion: XmlElement, expected: Expected): number {
  const subject = childOf(assertion, ASSERTION, 'Subject');
  const confirmations =
    subject === undefined ? [] : childrenOf(subject, ASSERTION, 'SubjectConfirmation');
  const data = confirmations
    .filter((one) => attributeOf(one, 'Method') === BEARER)
    .flatMap((one) => childrenOf(one, ASSERTION, 'SubjectConfirmationData'));
  const [first] = data;
  if (first === undefined) {
    throw new SamlProblem(
      'the assertion has no bearer confirmation',
      'look at the provider’s settings',
    );
  }
  const fitting = data.find((one) => attributeOf(one, 'Recipient') === expected.consumer);
  if (fitting === undefined) {
    throw new SamlProblem(
      `the assertion may be used at ${shown(attributeOf(first, 'Recipient') ?? 'nowhere')}, and this is ${expected.consumer}`,
      'compare the address at the provider with that of the console; behind a proxy set publicUrl',
    );
  }
  checkAnswers(fitting, expected);
  const until = checkTime(fitting, expected);
  if (until !== undefined) return until;
  throw new SamlProblem('the assertion never ends', 'have the provider limit its time');
}

/** Milliseconds for which a sign-out counts that does not say for how long. */
const SIGN_OUT = 5 * 60_000;

/** Whether a sign-out with a signature that holds is meant for us, now: an old one, or that of another application, ends nothing. */
export function checkSignOut(root: XmlElement, address: string, clockSkew: number): void {
  const destination = attributeOf(root, 'Destination');
  if (destination !== undefined && destination !== address) {
    throw new SamlProblem(
      `the sign-out is for ${shown(destination)}, and this is ${address}`,
      'compare the address at the provider with that of the console; behind a proxy set publicUrl',
    );
  }
  const now = Date.now();
  const issued = timeOf(root, 'IssueInstant') ?? 0;
  const until = timeOf(root, 'NotOnOrAfter') ?? issued + SIGN_OUT;
  if (now - clockSkew < until) return;
  throw new SamlProblem(
    `the sign-out was valid until ${new Date(until).toISOString()}, and here it is ${new Date(now).toISOString()}`,
    'compare the clocks of both machines; clockSkew allows for a difference',
  );
}

/** Throws unless it is the time of `NotBefore` and `NotOnOrAfter`; returns the latter. */
function checkTime(element: XmlElement, { now, clockSkew }: Expected): number | undefined {
  const from = timeOf(element, 'NotBefore');
  const until = timeOf(element, 'NotOnOrAfter');
  const remedy = 'compare the clocks of both machines; clockSkew allows for a difference';
  const here = `here it is ${new Date(now).toISOString()}`;
  if (from !== undefined && now + clockSkew < from) {
    const at = new Date(from).toISOString();
    throw new SamlProblem(`the assertion is not valid before ${at}, and ${here}`, remedy);
  }
  if (until !== undefined && now - clockSkew >= until) {
    const at = new Date(until).toISOString();
    throw new SamlProblem(`the assertion was valid until ${at}, and ${here}`, remedy);
  }
  return until;
}

function timeOf(element: XmlElement, name: string): number | undefined {
  const text = attributeOf(element, name);
  if (text === undefined) return undefined;
  const time = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(time)) return time;
  throw new SamlProblem(`${name} is not a time in UTC`, 'look at the provider’s settings');
}

function sessionOf(assertion: XmlElement): NamedSession {
  const subject = childOf(assertion, ASSERTION, 'Subject');
  const name = childOf(subject, ASSERTION, 'NameID');
  const statement = childOf(assertion, ASSERTION, 'AuthnStatement');
  if (statement === undefined) {
    throw new SamlProblem(
      'the assertion does not say that anybody signed in',
      'have the provider send an AuthnStatement',
    );
  }
  const qualifiers = (name?.attributes ?? [])
    .filter(({ uri, name: own }) => uri === '' && !own.startsWith('xmlns'))
    .map((one) => [one.name, one.value] as const);
  return {
    nameId: name === undefined ? '' : trimmed(name),
    qualifiers: Object.fromEntries(qualifiers),
    index: attributeOf(statement, 'SessionIndex'),
  };
}

function attributesOf(assertion: XmlElement): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  const all = childrenOf(assertion, ASSERTION, 'AttributeStatement').flatMap((statement) =>
    childrenOf(statement, ASSERTION, 'Attribute'),
  );
  for (const attribute of all) {
    const values = childrenOf(attribute, ASSERTION, 'AttributeValue').map(trimmed);
    const names = ['Name', 'FriendlyName'].flatMap((one) => attributeOf(attribute, one) ?? []);
    for (const name of new Set(names)) found.set(name, [...(found.get(name) ?? []), ...values]);
  }
  return found;
}

/** Text from elsewhere, made safe for a log or a page. */
const shown = (text: string): string =>
  text.slice(0, 200).replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\u{FFFD}');
