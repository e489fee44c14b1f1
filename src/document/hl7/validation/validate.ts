import type { Document } from '../../document.ts';
import {
  HL7_VERSIONS,
  type Hl7Dictionary,
  hl7Dictionary,
  isNewer,
} from '../dictionary/dictionary.ts';
import { finding, type Hl7Finding, type Hl7Place } from '../finding.ts';
import { hl7BodyProblem, hl7Header } from '../header.ts';
import { Hl7Document } from '../hl7-document.ts';
import { checkProfile, isAbout } from '../profile/check-profile.ts';
import type { Hl7Profile } from '../profile/profile.ts';
import { onlyProfile, withProfile } from '../profile/with-profile.ts';
import { checkFields } from './check-fields.ts';
import { checkStructure } from './check-structure.ts';
import type { Checked, ValidationOptions } from './checked.ts';

/**
 * `structure`: MSH-9, 10 and 12, charset, lines, known segments, their order and the required ones.
 * `full`: also required fields, data types, codes of HL7's own tables and repetitions.
 */
export type ValidationLevel = 'none' | 'structure' | 'full';

/**
 * Checks an HL7 message by the rules of its version, 2.1 to 2.9. Findings come in the order of the
 * message, those of a profile last; there are none for other kinds of documents. A message is invalid if one is an
 * `error`.
 */
export function validate(
  document: Document,
  level: ValidationLevel,
  options: ValidationOptions = {},
): Hl7Finding[] {
  if (!(document instanceof Hl7Document)) return [];
  const { profile } = options;
  if (profile !== undefined && document.segmentCount('MSH') === 1 && isAbout(profile, document)) {
    return [...byHl7(document, level, options), ...byProfile(document, level, profile)];
  }
  return byHl7(document, level, { ...options, profile: undefined });
}

function byHl7(
  document: Hl7Document,
  level: ValidationLevel,
  options: ValidationOptions,
): Hl7Finding[] {
  if (level === 'none') return [];
  const bytes = document.bytes();
  const header = hl7Header(bytes);
  if (header.kind === 'batch') {
    return [
      finding('warning', '100', 'A batch cannot be checked as a whole; check its messages.', [
        'MSH',
      ]),
    ];
  }
  const findings = [...headerFindings(document), ...versionFindings(document, options)];
  const problem = hl7BodyProblem(bytes, header);
  if (problem !== undefined) {
    const place: Hl7Place = [problem.segment ?? 'MSH', problem.segmentIndex, problem.field];
    findings.push(finding('error', problem.code, `${problem.text}.`, place));
  }
  const version = (options.version ?? document.get('MSH-12.1')).trim();
  const { profile } = options;
  const base = dictionaryFor(version);
  const dictionary = profile === undefined ? base : withProfile(base, profile);
  const checked: Checked = { document, dictionary, options, isNewer: isNewer(version) };
  findings.push(...checkStructure(checked));
  if (level === 'full') findings.push(...checkFields(checked));
  return findings;
}

/** Types of a profile are compared with the rest at `full`, and otherwise alone. */
function byProfile(
  document: Hl7Document,
  level: ValidationLevel,
  profile: Hl7Profile,
): Hl7Finding[] {
  const findings = checkProfile(document, profile);
  const hasTypes = profile.fields.some(({ type }) => type !== undefined);
  if (level === 'full' || !hasTypes) return findings;
  const dictionary = onlyProfile(dictionaryFor(document.get('MSH-12.1')), profile);
  return [...findings, ...checkFields({ document, dictionary, options: {}, isNewer: false })];
}

const NAMES = { 9: 'Message Type', 10: 'Message Control ID', 12: 'Version ID' } as const;

function headerFindings(document: Hl7Document): Hl7Finding[] {
  return ([9, 10, 12] as const)
    .filter((field) => document.get(`MSH-${field}`).trim() === '')
    .map((field) =>
      finding('error', '101', `MSH-${field} (${NAMES[field]}) is missing.`, ['MSH', 1, field]),
    );
}

function versionFindings(document: Hl7Document, options: ValidationOptions): Hl7Finding[] {
  const version = options.version ?? document.get('MSH-12.1').trim();
  if (isNewer(version)) {
    const text = `HL7 ${version} is checked by the rules of ${dictionaryFor(version).version}.`;
    return [finding('warning', '203', text, ['MSH', 1, 12])];
  }
  if (version === '' || hl7Dictionary(version) !== undefined) return [];
  const name = version.replaceAll(/[^\w.]/g, '?').slice(0, 10);
  return [finding('error', '203', `Unsupported version id ${name}.`, ['MSH', 1, 12])];
}

/** A message of an unknown version is checked by the newest known version that is not newer. */
function dictionaryFor(version: string): Hl7Dictionary {
  const known = hl7Dictionary(version.trim());
  if (known !== undefined) return known;
  const older = HL7_VERSIONS.filter((one) => one <= version);
  const dictionary = hl7Dictionary(older.at(-1) ?? '2.5.1');
  if (dictionary === undefined) throw new TypeError('every listed version has a dictionary');
  return dictionary;
}
