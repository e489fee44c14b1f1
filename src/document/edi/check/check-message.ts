import type { Line } from '../../segment/line.ts';
import { partOf, partsOf } from '../../segment/part.ts';
import type { EdiSyntax } from '../edi-syntax.ts';
import type { Loop } from '../loop.ts';
import type { EdifactFormat, EdifactProfile, ElementDemand } from '../profile/edifact-profile.ts';
import {
  type EdiFinding,
  type EdiPlace,
  type ElementPlace,
  foundIn,
  MOST_FINDINGS,
} from './finding.ts';
import { GuideWalk, type WalkWords } from './guide-walk.ts';
import type { Places } from './places.ts';

/** As EDIFACT says it: groups and messages, and codes of 0085. */
const WORDS: WalkWords = {
  code: (found) => (found in CODES ? CODES[found as keyof typeof CODES] : '15'),
  isKnown: () => true,
  notIn: (path) => `${path} is not in this message.`,
  tooMany: (path, group, most) => `${path} begins group ${group} more than ${most} times.`,
  within: (group) => ` in group ${group}`,
  missing: (group, segment, where, before) =>
    `Group ${group} (${segment}) is missing${where}, before ${before}.`,
};
const CODES = { '3': '13', I7: '13', '4': '36', '5': '35' };

/** How a body is written. */
interface Written {
  readonly syntax: EdiSyntax;
  /** A value without release characters. */
  readonly plain: (raw: string) => string;
}

/**
 * Checks what is from UNH to UNT by a profile: segments and groups in their order, their number, required ones,
 * and the elements that it describes. Texts have places and never a value.
 */
export function checkMessage(
  loop: Loop,
  profile: EdifactProfile,
  { places, ...written }: Written & { readonly places: Places },
): EdiFinding[] {
  const walk = profile.structure && new GuideWalk(profile.structure, written.syntax, WORDS);
  const demands = Map.groupBy(profile.elements, ({ path }) => path.segment);
  const findings: EdiFinding[] = [];
  const last = loop.until - 1;
  for (let index = loop.from; index <= last && findings.length < MOST_FINDINGS; index++) {
    const line = places.lines[index] as Line;
    const place = places.of(index);
    // told elsewhere
    if (line.code === 0) continue;
    if (index === last) walk?.end(place);
    else if (index > loop.from) walk?.take(line, place);
    const described = demands.get(place.segment) ?? [];
    findings.push(
      ...(walk?.findings.splice(0) ?? []),
      ...described.flatMap((demand) => checkElement(line, place, demand, written)),
    );
  }
  return findings.slice(0, MOST_FINDINGS).map((one) => ({
    ...one,
    text: `${one.text.replace(/\.$/, '')}, segment ${one.position} of its message (profile ${profile.name}).`,
  }));
}

function checkElement(
  line: Line,
  place: EdiPlace,
  demand: ElementDemand,
  document: Written,
): EdiFinding[] {
  const { syntax } = document;
  const { path, required, most, name } = demand;
  const element = path.field;
  const called = name === undefined ? '' : `(${name}) `;
  const say = (code: string, at: ElementPlace, what: string): EdiFinding =>
    foundIn(code, place, at, called + what);
  const written = line.slot(element, syntax.field);
  if (written === '') {
    return required && path.component === 0 ? [say('13', { element }, 'is missing')] : [];
  }
  const repetitions = partsOf(written, syntax.repetition, syntax.release);
  if (path.component === 0 && most === 0) return [say('15', { element }, 'must be empty')];
  if (path.component === 0 && most !== undefined && repetitions.length > most) {
    const what = `occurs ${repetitions.length} times, at most ${most} is allowed`;
    return [say('35', { element }, what)];
  }
  for (const [at, repetition] of repetitions.entries()) {
    const where = { element, component: path.component, repetition: at + 1 };
    const problem = partProblem(demand, repetition, document);
    // one place with the same fault in each repetition says it once
    if (problem !== undefined) return [say(problem[0], where, problem[1])];
  }
  return [];
}

type Problem = readonly [code: string, what: string];

function partProblem(
  demand: ElementDemand,
  repetition: string,
  { syntax: { component, release }, plain }: Written,
): Problem | undefined {
  const { path, required, most } = demand;
  const isPart = path.component > 0;
  // the value of an element without components is its first one
  const raw = partOf(repetition, component, path.component || 1, release);
  if (raw === '') return required && isPart ? ['13', 'is missing'] : undefined;
  return most === 0 ? ['15', 'must be empty'] : valueProblem(demand, plain(raw));
}

function valueProblem(
  { format, codes, pattern }: ElementDemand,
  value: string,
): Problem | undefined {
  const problem = format && formatProblem(format, value);
  if (problem !== undefined) return problem;
  if (codes !== undefined && !codes.has(value)) return ['12', `is not in ${codes.called}`];
  if (pattern !== undefined && !pattern.test(value)) return ['12', 'does not have the right form'];
  return undefined;
}

function formatProblem(
  { kind, least, most, text }: EdifactFormat,
  value: string,
): Problem | undefined {
  if (kind === 'n' && !/^-?\d*(?:[.,]\d+)?$/.test(value))
    return ['37', `is not a number (${text})`];
  if (kind === 'a' && /\d/.test(value)) return ['37', `has digits (${text})`];
  // the sign and the decimal mark of a number do not count
  const counted = kind === 'n' ? value.replaceAll(/[-.,]/g, '') : value;
  const length = Array.from(counted).length;
  if (length > most) return ['39', `has ${length} characters, of at most ${most}`];
  return length < least ? ['40', `has ${length} characters, of at least ${least}`] : undefined;
}
