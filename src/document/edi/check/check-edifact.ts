import type { Line } from '../../segment/line.ts';
import { partOf, partsOf } from '../../segment/part.ts';
import { nameCode } from '../../segment/segment-path.ts';
import type { EdiDocument } from '../edi-document.ts';
import type { EdiSyntax } from '../edi-syntax.ts';
import type { Loop } from '../loop.ts';
import {
  type EdifactFormat,
  type EdifactProfile,
  type ElementDemand,
  profileFor,
} from '../profile/edifact-profile.ts';
import type { CheckedGroup, CheckedInterchange, CheckedSet } from './checked.ts';
import {
  type EdiFinding,
  type EdiPlace,
  type ElementPlace,
  found,
  foundIn,
  MOST_FINDINGS,
} from './finding.ts';
import { GuideWalk, type WalkWords } from './guide-walk.ts';
import type { Places } from './places.ts';

const [UNB, UNZ, UNE, UNT] = ['UNB', 'UNZ', 'UNE', 'UNT'].map(nameCode);

/** Checks the interchanges of an EDIFACT body: control references, counts and misplaced segments (ISO 9735). */
export class EdifactCheck {
  readonly #lines: readonly Line[];
  readonly #syntax: EdiSyntax;
  readonly #places: Places;

  readonly #profiles: readonly EdifactProfile[];
  readonly #written: Parameters<typeof checkMessage>[2];

  constructor(document: EdiDocument, places: Places, profiles: readonly EdifactProfile[]) {
    this.#profiles = profiles;
    const plain = (raw: string): string => document.plain(raw);
    this.#written = { places, syntax: document.syntax, plain };
    this.#lines = places.lines;
    this.#syntax = document.syntax;
    this.#places = places;
  }

  interchange(loop: Loop): CheckedInterchange {
    const header = this.#line(loop.from);
    const groups = loop.loops.filter(({ id }) => id === 'UNG').map((one) => this.#group(one));
    const sets = loop.loops.filter(({ id }) => id === 'UNH').map((one) => this.#set(one));
    const count = groups.length === 0 ? sets.length : groups.length;
    const place = this.#places.of(loop.from);
    const findings = [
      ...this.#required(header, loop.from, [1, 2, 3, 4, 5], 'interchange'),
      ...this.#closed(loop, { level: 'interchange', code: UNZ, number: 5, count }),
      ...this.#strays(loop),
      ...(groups.length > 0 && sets.length > 0
        ? [found('interchange', '30', place, 'There are messages outside the functional groups.')]
        : []),
      ...(count === 0 ? [found('interchange', '32', place, 'It has no message.')] : []),
    ];
    return { header, number: this.#value(header, 5), findings, groups, sets };
  }

  #group(loop: Loop): CheckedGroup {
    const header = this.#line(loop.from);
    const sets = loop.loops.filter(({ id }) => id === 'UNH').map((one) => this.#set(one));
    const place = this.#places.of(loop.from);
    const findings = [
      ...this.#closed(loop, { level: 'group', code: UNE, number: 5, count: sets.length }),
      ...(sets.length === 0 ? [found('group', '32', place, `${place.path} has no message.`)] : []),
    ];
    return { header, number: this.#value(header, 5), findings, sets };
  }

  #set(loop: Loop): CheckedSet {
    const header = this.#line(loop.from);
    const identifier = this.#value(header, 2);
    const part = (n: number): string =>
      partOf(identifier, this.#syntax.component, n, this.#syntax.release);
    const findings = [
      ...this.#required(header, loop.from, [1, 2], 'set'),
      ...this.#closed(loop, {
        level: 'set',
        code: UNT,
        number: 1,
        count: loop.until - loop.from,
      }),
    ];
    const segments: EdiFinding[] = [];
    for (let index = loop.from; index < loop.until; index++) {
      if (this.#line(index).code !== 0) continue;
      const place = this.#places.of(index);
      const text = `Segment ${place.position} of ${this.#places.of(loop.from).path} has no tag.`;
      segments.push(found('segment', '15', place, text));
    }
    const version = [part(2), part(3)].filter((one) => one !== '').join('.');
    const number = this.#value(header, 1);
    const profile = profileFor(this.#profiles, part(1), version);
    // without its trailer it is not known where it ends
    if (profile !== undefined && this.#line(loop.until - 1).code === UNT) {
      segments.push(...checkMessage(loop, profile, this.#written));
    }
    return { header, id: part(1), version, number, findings, segments };
  }

  #required(
    line: Line,
    index: number,
    elements: readonly number[],
    level: EdiFinding['level'],
  ): EdiFinding[] {
    const place = this.#places.of(index);
    return elements
      .filter((element) => this.#value(line, element) === '')
      .map((element) => ({ ...foundIn('13', place, { element }, 'is missing'), level }));
  }

  #closed(loop: Loop, { level, code, number, count }: Closing): EdiFinding[] {
    const begin = this.#places.of(loop.from);
    const last = loop.until - 1;
    const line = this.#line(last);
    if (line.code !== code) {
      return [found(level, '13', begin, `The trailer of ${begin.path} is missing.`)];
    }
    const place = this.#places.of(last);
    const findings: EdiFinding[] = [];
    if (this.#value(line, 2) !== this.#value(this.#line(loop.from), number)) {
      findings.push(found(level, '28', place, `${place.path}-2 is not ${begin.path}-${number}.`));
    }
    const said = this.#value(line, 1);
    if (!/^\d+$/.test(said) || Number(said) !== count) {
      findings.push(
        found(level, '29', place, `${place.path}-1 is not the actual count (${count}).`),
      );
    }
    return findings;
  }

  /** The first segment that is in no message, or in a group but in no message. */
  #strays(loop: Loop): EdiFinding[] {
    const ends = new Set([UNB, UNZ]);
    const { loops } = loop;
    let [index, inner] = [loop.from, 0];
    while (index < loop.until) {
      const below = loops[inner];
      if (below?.from === index) {
        index = below.until;
        inner += 1;
        continue;
      }
      if (!ends.has(this.#line(index).code)) {
        const place = this.#places.of(index);
        return [found('interchange', '33', place, `${place.path} is in no message.`)];
      }
      index += 1;
    }
    return [];
  }

  #line(index: number): Line {
    return this.#lines[index] as Line;
  }

  #value(line: Line, element: number): string {
    return line.slot(element, this.#syntax.field);
  }
}

interface Closing {
  readonly level: 'interchange' | 'group' | 'set';
  /** The segment that ends it. */
  readonly code: number | undefined;
  /** The element of its header with its reference. */
  readonly number: number;
  readonly count: number;
}

/** As EDIFACT says it: groups and messages, and codes of 0085. */
const WORDS: WalkWords = {
  code: (about) => (about in CODES ? CODES[about as keyof typeof CODES] : '15'),
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
function checkMessage(
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
