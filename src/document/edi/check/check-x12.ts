import type { Line } from '../../segment/line.ts';
import { nameCode } from '../../segment/segment-path.ts';
import type { EdiDocument } from '../edi-document.ts';
import type { EdiSyntax } from '../edi-syntax.ts';
import { knownGuide, loopsOf } from '../guide/guides.ts';
import type { Loop } from '../loop.ts';
import { ISA_WIDTHS } from '../x12/x12-start.ts';
import { checkElements } from './check-elements.ts';
import type { CheckedGroup, CheckedInterchange, CheckedSet } from './checked.ts';
import { isDate, isTime } from './date.ts';
import { type EdiCheckLevel, type EdiFinding, found, foundIn, MOST_FINDINGS } from './finding.ts';
import { GuideWalk } from './guide-walk.ts';
import type { Places } from './places.ts';

const [ISA, IEA, GE, SE, TA1] = ['ISA', 'IEA', 'GE', 'SE', 'TA1'].map(nameCode);

/** Checks the interchanges of an X12 body. */
export class X12Check {
  readonly #lines: readonly Line[];
  readonly #syntax: EdiSyntax;
  readonly #level: EdiCheckLevel;
  readonly #places: Places;

  constructor(document: EdiDocument, level: EdiCheckLevel, places: Places) {
    this.#lines = places.lines;
    this.#syntax = document.syntax;
    this.#level = level;
    this.#places = places;
  }

  interchange(loop: Loop): CheckedInterchange {
    const header = this.#line(loop.from);
    const trailer = this.#trailer(loop, IEA);
    const groups = loop.loops.filter(({ id }) => id === 'GS').map((one) => this.#group(one));
    const findings = [
      ...this.#isa(loop),
      ...this.#closed(loop, trailer, {
        level: 'interchange',
        codes: { missing: '023', number: '001', count: '021' },
        numbers: [13, 2],
        count: groups.length,
      }),
      ...this.#strays(loop),
    ];
    return {
      header,
      number: this.#value(header, 13).trim(),
      findings,
      groups: withUnique(groups, '19', 'GS-6'),
      sets: [],
    };
  }

  #group(loop: Loop): CheckedGroup {
    const header = this.#line(loop.from);
    const place = this.#places.of(loop.from);
    const trailer = this.#trailer(loop, GE);
    const sets = loop.loops.filter(({ id }) => id === 'ST').map((one) => this.#set(one, header));
    const number = this.#value(header, 6);
    const findings = [
      ...(/^\d{1,9}$/.test(number)
        ? []
        : [found('group', '6', place, `${place.path}-6 is not a number of up to nine digits.`)]),
      ...this.#closed(loop, trailer, {
        level: 'group',
        codes: { missing: '3', number: '4', count: '5' },
        numbers: [6, 2],
        count: sets.length,
      }),
    ];
    return { header, number, findings, sets: withUnique(sets, '23', 'ST-2') };
  }

  #set(loop: Loop, group: Line): CheckedSet {
    const header = this.#line(loop.from);
    const place = this.#places.of(loop.from);
    const trailer = this.#trailer(loop, SE);
    const id = this.#value(header, 1);
    const number = this.#value(header, 2);
    const findings = [
      ...(/^\d{3}$/.test(id)
        ? []
        : [found('set', '6', place, `${place.path}-1 is not the number of a transaction set.`)]),
      ...(number.length >= 4 && number.length <= 9
        ? []
        : [found('set', '7', place, `${place.path}-2 does not have four to nine characters.`)]),
      ...this.#closed(loop, trailer, {
        level: 'set',
        codes: { missing: '2', number: '3', count: '4' },
        numbers: [2, 2],
        count: loop.until - loop.from,
      }),
    ];
    const version = this.#value(header, 3) || this.#value(group, 8);
    const segments = this.#level === 'envelope' ? [] : this.#segments(loop, id, version);
    const inError: readonly EdiFinding[] =
      segments.length === 0
        ? []
        : [
            found(
              'set',
              '5',
              place,
              `${segments.length} ${segments.length === 1 ? 'error' : 'errors'} in its segments.`,
            ),
          ];
    return { header, id, version, number, findings: [...findings, ...inError], segments };
  }

  /** Errors between ST and SE. */
  #segments(loop: Loop, id: string, version: string): EdiFinding[] {
    const guide = this.#level === 'guide' ? knownGuide(id, version.trim()) : undefined;
    const isWalked = guide !== undefined && guide.loopsOnly !== true;
    const walk = isWalked ? new GuideWalk(loopsOf(guide), this.#syntax) : undefined;
    const findings: EdiFinding[] = [];
    for (let index = loop.from + 1; index < loop.until; index++) {
      if (findings.length >= MOST_FINDINGS) return findings.slice(0, MOST_FINDINGS);
      const line = this.#line(index);
      const place = this.#places.of(index);
      if (line.code === SE) {
        walk?.end(place);
      } else if (line.code === 0) {
        findings.push(
          found(
            'segment',
            '1',
            place,
            `Segment ${place.position} of ${this.#places.of(loop.from).path} has no name.`,
          ),
        );
        continue;
      } else {
        walk?.take(line, place);
      }
      findings.push(
        ...(walk?.findings.splice(0) ?? []),
        ...checkElements(line, place, this.#syntax),
      );
    }
    return findings;
  }

  #isa({ from }: Loop): EdiFinding[] {
    const line = this.#line(from);
    const place = this.#places.of(from);
    const findings: EdiFinding[] = [];
    const wrong = (code: string, element: number, what: string): void => {
      findings.push({ ...foundIn(code, place, { element }, what), level: 'interchange' });
    };
    for (const [at, width] of ISA_WIDTHS.entries()) {
      const value = line.slot(at + 1, this.#syntax.field);
      if (value.length !== width)
        wrong('022', at + 1, `has ${value.length} characters, not ${width}`);
    }
    const rules: readonly (readonly [
      code: string,
      element: number,
      rule: RegExp | ((text: string) => boolean),
      what: string,
    ])[] = [
      ['014', 9, isDate, 'is not a date'],
      ['015', 10, isTime, 'is not a time'],
      ['017', 12, /^00[2-9]\d\d$/, 'is not a version'],
      ['018', 13, /^\d{9}$/, 'is not a nine-digit number'],
      ['019', 14, /^[01]$/, 'is neither 0 nor 1'],
      ['020', 15, /^[IPT]$/, 'is neither P nor T'],
    ];
    for (const [code, element, rule, what] of rules) {
      const value = line.slot(element, this.#syntax.field);
      const isSound = rule instanceof RegExp ? rule.test(value) : rule(value);
      if (!isSound) wrong(code, element, what);
    }
    return findings;
  }

  /** Checks that the trailer of a part of the envelope exists, repeats its number and has the right count. */
  #closed(loop: Loop, trailer: number | undefined, wanted: Closing): EdiFinding[] {
    const { level, codes, numbers, count } = wanted;
    const begin = this.#places.of(loop.from);
    if (trailer === undefined)
      return [found(level, codes.missing, begin, `The trailer of ${begin.path} is missing.`)];
    const place = this.#places.of(trailer);
    const [first, second] = numbers;
    const findings: EdiFinding[] = [];
    const line = this.#line(trailer);
    if (this.#value(line, second).trim() !== this.#value(this.#line(loop.from), first).trim()) {
      findings.push(
        found(level, codes.number, place, `${place.path}-${second} is not ${begin.path}-${first}.`),
      );
    }
    const said = this.#value(line, 1);
    if (!/^\d+$/.test(said) || Number(said) !== count) {
      findings.push(
        found(level, codes.count, place, `${place.path}-1 is not the actual count (${count}).`),
      );
    }
    return findings;
  }

  /** The first segment of an interchange that is misplaced outside its groups. */
  #strays(loop: Loop): EdiFinding[] {
    const { loops } = loop;
    let [index, inner] = [loop.from, 0];
    while (index < loop.until) {
      const below = loops[inner];
      if (below?.from === index && below.id === 'GS') {
        index = below.until;
        inner += 1;
        continue;
      }
      const { code } = this.#line(index);
      if (code !== ISA && code !== IEA && code !== TA1) {
        const place = this.#places.of(index);
        return [found('interchange', '024', place, `${place.path} is in no functional group.`)];
      }
      index += 1;
    }
    return [];
  }

  #trailer(loop: Loop, code: number | undefined): number | undefined {
    const last = loop.until - 1;
    return this.#line(last).code === code ? last : undefined;
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
  readonly codes: { readonly missing: string; readonly number: string; readonly count: string };
  /** Which elements of header and trailer are equal. */
  readonly numbers: readonly [header: number, trailer: number];
  readonly count: number;
}

/** Adds a finding to all but the first with the same control number. */
function withUnique<
  Part extends { readonly number: string; readonly findings: readonly EdiFinding[] },
>(parts: readonly Part[], code: string, path: string): Part[] {
  const seen = new Set<string>();
  return parts.map((part) => {
    const isFirst = !seen.has(part.number);
    seen.add(part.number);
    if (isFirst) return part;
    const level = code === '19' ? 'group' : 'set';
    const place = { path, segment: path.slice(0, 2), position: 0, loop: '' };
    const again = found(level, code, place, `${path} was already used.`);
    return { ...part, findings: [...part.findings, again] };
  });
}
