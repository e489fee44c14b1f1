import type { Line } from '../../segment/line.ts';
import { partOf } from '../../segment/part.ts';
import { nameCode } from '../../segment/segment-path.ts';
import type { EdiDocument } from '../edi-document.ts';
import type { EdiSyntax } from '../edi-syntax.ts';
import type { Loop } from '../loop.ts';
import { type EdifactProfile, profileFor } from '../profile/edifact-profile.ts';
import { checkMessage } from './check-message.ts';
import type { CheckedGroup, CheckedInterchange, CheckedSet } from './checked.ts';
import { type EdiFinding, found, foundIn } from './finding.ts';
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
