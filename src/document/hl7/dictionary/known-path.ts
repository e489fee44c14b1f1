import { isEngineError } from '../../../error/engine-error.ts';
import { nearest } from '../../../error/nearest.ts';
import { type Hl7Path, hl7Path } from '../path.ts';
import {
  type FieldDefinition,
  HL7_VERSIONS,
  type Hl7Dictionary,
  hl7Dictionary,
} from './dictionary.ts';

/** Whether a path can exist, and if not, what is wrong with it: a full sentence with the nearest known name. */
export interface KnownPath {
  readonly known: boolean;
  readonly problem?: string;
}

/**
 * Checks an HL7 path by the dictionary of a version, or of any version if none is given. Segments that
 * begin with Z are always known. For checking a production before it runs.
 */
export function knownPath(path: string, version?: string): KnownPath {
  let compiled: Hl7Path;
  try {
    compiled = hl7Path(path);
  } catch (error) {
    if (isEngineError(error)) return { known: false, problem: error.message };
    throw error;
  }
  if (compiled.segment.startsWith('Z')) return { known: true };
  const problems: string[] = [];
  for (const one of version === undefined ? NEWEST_FIRST : [version]) {
    const dictionary = hl7Dictionary(one);
    const problem =
      dictionary === undefined
        ? `HL7 version ${one} is not known; use one of ${HL7_VERSIONS.join(', ')}.`
        : problemIn(dictionary, compiled);
    if (problem === undefined) return { known: true };
    problems.push(problem);
  }
  return { known: false, problem: problems[0] ?? '' };
}

/** The most common one first: its wording explains a problem that all versions have. */
const NEWEST_FIRST = ['2.5.1', '2.8', '2.7', '2.6', '2.5', '2.4', '2.3.1', '2.3', '2.2', '2.1'];

/** The names along a path: `Patient Identifier List`, `ID Number`. Empty if it is unknown. */
export function pathNames(path: string, version: string): string[] {
  const dictionary = hl7Dictionary(version);
  const { segment, field, component, subcomponent } = hl7Path(path);
  const names: string[] = [];
  let definition = dictionary?.fields(segment)?.[field - 1];
  for (const below of [component, subcomponent, 0]) {
    if (definition === undefined) break;
    names.push(definition.name);
    definition = below === 0 ? undefined : dictionary?.components(definition.type)?.[below - 1];
  }
  return names;
}

function problemIn(dictionary: Hl7Dictionary, path: Hl7Path): string | undefined {
  const { segment, field, component, subcomponent, repetition } = path;
  const fields = dictionary.fields(segment);
  if (fields === undefined) {
    const near = nearest(segment, dictionary.segments);
    return `${path.text}: HL7 has no segment ${segment}${near === undefined ? '.' : `; did you mean ${near}?`}`;
  }
  if (field === 0) return undefined;
  const definition = fields[field - 1];
  if (definition === undefined) {
    return `${path.text}: ${segment} has ${fields.length} fields in HL7 ${dictionary.version}.`;
  }
  if (repetition > definition.repetitions) {
    return `${path.text}: ${segment}-${field} (${definition.name}) does not repeat in HL7 ${dictionary.version}.`;
  }
  const place = `${segment}-${field}`;
  const problem = belowProblem(dictionary, definition, component, place);
  if (problem !== undefined || component === 0) return problem && `${path.text}: ${problem}`;
  const part = dictionary.components(definition.type)?.[component - 1] ?? definition;
  const deeper = belowProblem(dictionary, part, subcomponent, `${place}.${component}`);
  return deeper && `${path.text}: ${deeper}`;
}

/** Whether a field or component may have this part: a value without parts is its own first part. */
function belowProblem(
  dictionary: Hl7Dictionary,
  { type, name }: FieldDefinition,
  n: number,
  place: string,
): string | undefined {
  const parts = dictionary.components(type);
  // VARIES and types that the dictionary does not describe may contain anything.
  if (n <= 1 || parts === undefined || OPEN_TYPES.has(type) || n <= parts.length) return undefined;
  return parts.length === 0
    ? `${place} (${name}) is a ${type} and has no parts in HL7 ${dictionary.version}.`
    : `${place} (${name}) is a ${type} with ${parts.length} parts in HL7 ${dictionary.version}.`;
}

/** In 2.1 to 2.3, each field defines its own CM. */
const OPEN_TYPES: ReadonlySet<string> = new Set(['VARIES', 'CM', 'varies', '*']);
