import { ediFindings } from '../../document/edi/check/check-edi.ts';
import { EdiDocument } from '../../document/edi/edi-document.ts';
import { type EdifactProfile, profileFor } from '../../document/edi/profile/edifact-profile.ts';
import { Hl7Document } from '../../document/hl7/hl7-document.ts';
import { isAbout } from '../../document/hl7/profile/check-profile.ts';
import type { Hl7Profile } from '../../document/hl7/profile/profile.ts';
import { type ValidationLevel, validate } from '../../document/hl7/validation/validate.ts';
import type { Expression, Scope } from '../../expression/expression.ts';

/** A profile of HL7 v2 or EDIFACT that a production has: what can be checked by its places, and conditions over the message. */
export interface Profile {
  readonly name: string;
  readonly hl7?: Hl7Profile;
  readonly edifact?: EdifactProfile;
  readonly rules: readonly ProfileRule[];
  /** The code tables that its elements or fields name. */
  readonly lookups: ReadonlySet<string>;
}

/** What must be true of a message, always or under a condition. */
export interface ProfileRule {
  readonly when: Expression<boolean> | undefined;
  readonly require: Expression<boolean> | undefined;
  /** The place it is about, for people. */
  readonly at: string | undefined;
  /** What is wrong if it is not true. */
  readonly text: string;
}

/**
 * What is wrong with an EDIFACT interchange by the profiles that are about its messages, or with an HL7 message by the profiles that are about it, and by HL7 as far as the level says; by that alone
 * if none is. Undefined if nothing is, and for other messages. Throws what an expression or a lookup throws.
 */
export function profileProblem(
  profiles: readonly Profile[],
  scope: Scope,
  level: ValidationLevel,
): string | undefined {
  const document = scope.document();
  if (document instanceof EdiDocument) return edifactProblem(profiles, scope, document);
  if (!(document instanceof Hl7Document)) return undefined;
  const about = profiles.filter(({ hl7 }) => hl7 !== undefined && isAbout(hl7, document));
  const options =
    about.length === 0 ? [{}] : about.flatMap(({ hl7 }) => (hl7 ? [{ profile: hl7 }] : []));
  for (const one of options) {
    const found = validate(document, level, one).find(({ severity }) => severity === 'error');
    if (found !== undefined) return found.text;
  }
  return brokenRules(about, scope);
}

/** Its envelope counts as well, if a profile is about one of its messages. */
function edifactProblem(
  profiles: readonly Profile[],
  scope: Scope,
  document: EdiDocument,
): string | undefined {
  const messages = document.segments('UNH').map((one) => {
    const version = [one.get('UNH-2.2'), one.get('UNH-2.3')].filter((part) => part !== '');
    return [one.get('UNH-2.1'), version.join('.')] as const;
  });
  const about = profiles.filter(
    ({ edifact }) =>
      edifact !== undefined && messages.some((one) => profileFor([edifact], ...one) !== undefined),
  );
  if (about.length === 0) return undefined;
  for (const { edifact } of about) {
    const [found] = edifact === undefined ? [] : ediFindings(document, 'guide', [edifact]);
    if (found !== undefined) return found.text;
  }
  return brokenRules(about, scope);
}

function brokenRules(about: readonly Profile[], scope: Scope): string | undefined {
  for (const profile of about) {
    const broken = brokenRule(profile, scope);
    if (broken !== undefined) return broken;
  }
  return undefined;
}

function brokenRule({ name, rules }: Profile, scope: Scope): string | undefined {
  const broken = rules.find(
    ({ when, require }) => when?.evaluate(scope) !== false && require?.evaluate(scope) === false,
  );
  if (broken === undefined) return undefined;
  const place = broken.at === undefined ? '' : `${broken.at}: `;
  return `${place}${broken.text.replace(/\.$/, '')} (profile ${name}).`;
}
