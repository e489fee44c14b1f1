import { createHash } from 'node:crypto';
import { type BodyDifference, bodyDifferences } from './body-differences.ts';
import { comparable, type Likeness } from './comparable.ts';

/** A message that one of the two sent to a target. */
export interface Sent {
  /** Where it stands, for a person. */
  readonly from: string;
  readonly text: string;
}

export interface FieldDifference {
  /** `PID-5.1 (Family Name)`, `line 3` */
  readonly at: string;
  /** In how many messages. */
  readonly count: number;
  readonly example: {
    readonly old: string | undefined;
    readonly new: string | undefined;
    readonly from: string;
  };
}

export interface TargetComparison {
  readonly target: string;
  readonly same: number;
  readonly different: number;
  readonly differences: readonly FieldDifference[];
  /** Sent by the old engine only, and by the new one only. */
  readonly missing: readonly string[];
  readonly more: readonly string[];
  /** Of those sent by the new one only: the same as another that both sent. */
  readonly doubled: number;
}

/** Compares what two engines sent to a target, in any order. What is the same is not kept. */
export class Comparison {
  readonly #target: string;
  readonly #likeness: Likeness;
  /** What the old engine sent and has not been found yet, by what is compared. */
  readonly #expected = new Map<string, Sent[]>();
  readonly #found = new Set<string>();
  readonly #more: Sent[] = [];
  #same = 0;
  #doubled = 0;

  constructor(target: string, likeness: Likeness) {
    this.#target = target;
    this.#likeness = likeness;
  }

  old(sent: Sent): void {
    const key = this.#key(sent);
    const others = this.#expected.get(key);
    if (others === undefined) this.#expected.set(key, [sent]);
    else others.push(sent);
  }

  new(sent: Sent): void {
    const key = this.#key(sent);
    const left = this.#expected.get(key);
    if (left?.pop() === undefined) {
      this.#more.push(sent);
      if (this.#found.has(key)) this.#doubled += 1;
      return;
    }
    if (left.length === 0) this.#expected.delete(key);
    this.#found.add(key);
    this.#same += 1;
  }

  result(): TargetComparison {
    const missing = [...this.#expected.values()].flat();
    const pairs = pairsOf(missing, this.#more, (sent) => this.#lines(sent));
    const differences = new Map<string, FieldDifference>();
    for (const [before, after] of pairs) this.#note(before, after, differences);
    const paired = new Set(pairs.flat());
    const alone = (all: readonly Sent[]): string[] =>
      all.filter((one) => !paired.has(one)).map(({ from }) => from);
    return {
      target: this.#target,
      same: this.#same,
      different: pairs.length,
      differences: [...differences.values()].toSorted((a, b) => b.count - a.count),
      missing: alone(missing),
      more: alone(this.#more),
      doubled: this.#doubled,
    };
  }

  #key({ text }: Sent): string {
    return createHash('sha256').update(comparable(text, this.#likeness)).digest('base64');
  }

  /** What tells which messages belong together: lines, and fields of HL7; its header is the same in many. */
  #lines({ text }: Sent): string[] {
    const lines = comparable(text, this.#likeness).split(/[\r\n]+|(?<=>)(?=<)|(?<=,)(?=")/);
    if (!/^MSH\W/.test(text)) return lines;
    return lines.filter((line) => !line.startsWith('MSH')).flatMap(fieldsOf);
  }

  #note(before: Sent, after: Sent, differences: Map<string, FieldDifference>): void {
    const [old, made] = [before, after].map(({ text }) => this.#shown(text));
    const { exact } = this.#likeness;
    const bodies = [asBody(old ?? '', exact), asBody(made ?? '', exact)] as const;
    const { places } = bodyDifferences(...bodies);
    const isJson = bodies.every(({ type }) => type === 'application/json');
    const of = new Set<string>();
    for (const { at, before: was, after: is } of joined(isJson ? places.map(bare) : places)) {
      const place = at.replace(/^line \d+$/, () => lineName(was ?? is ?? ''));
      if (of.has(place)) continue;
      of.add(place);
      const known = differences.get(place);
      const example = known?.example ?? { old: was, new: is, from: before.from };
      differences.set(place, { at: place, count: (known?.count ?? 0) + 1, example });
    }
  }

  /** HL7 without what may differ, so that only the rest is shown. */
  #shown(text: string): string {
    return this.#likeness.exact ? text : comparable(text, this.#likeness);
  }
}

/** The fields of a segment, each with its place; short ones are in many messages. */
const fieldsOf = (segment: string): string[] =>
  segment
    .split('|')
    .map((field, index) => (field.length < 4 ? '' : `${segment.slice(0, 3)}-${index} ${field}`))
    .filter((field) => field !== '');

/** Unless every blank counts, JSON and XML in lines, so that what differs is a member or an element. */
function asBody(text: string, exact: boolean): Parameters<typeof bodyDifferences>[0] {
  const isHl7 = /^MSH\W/.test(text);
  const isJson = !exact && /^\s*[[{]/.test(text);
  const isMarkup = !exact && text.trimStart().startsWith('<');
  return {
    bytes: Buffer.from(isMarkup ? text.replaceAll(/(?<=>)(?=<)/g, '\n') : text),
    type: isHl7 ? 'HL7v2' : isJson ? 'application/json' : 'text/plain',
    charset: undefined,
  };
}

const isLine = ({ at }: BodyDifference): boolean => at.startsWith('line ');

/** A line that was removed and the next that came for the same member or element, one beside the other; as they are if only their order differs. */
function joined(places: readonly BodyDifference[]): readonly BodyDifference[] {
  const made: BodyDifference[] = [];
  for (const one of places) {
    const { after } = one;
    const partner =
      isLine(one) && after !== undefined && one.before === undefined
        ? made.findIndex(
            (other) =>
              isLine(other) &&
              other.after === undefined &&
              lineName(other.before ?? '') === lineName(after),
          )
        : -1;
    const removed = made[partner];
    if (removed === undefined) made.push(one);
    else made[partner] = { ...removed, after };
  }
  const changed = made.filter(({ before, after }) => before !== after);
  return changed.length > 0 ? changed : places;
}

/** Lines of JSON without their indent and the comma, which only says that another member follows. */
const bare = ({ at, before, after }: BodyDifference): BodyDifference => ({
  at,
  before: before?.trim().replace(/,$/, ''),
  after: after?.trim().replace(/,$/, ''),
});

/** The member or element that a line is, since its number says nothing about other messages. */
const lineName = (line: string): string =>
  /^\s*("(?:[^"\\]|\\.)*"(?=\s*:)|<[^\s/>]+)/.exec(line)?.[1]?.replace(/^<.*/, '$&>') ?? 'a line';

/** A line that is in more messages than this does not tell which belong together. */
const COMMON = 50;

/** The messages of both that belong together: those that share most of the lines that few have, then in their order. */
function pairsOf(
  before: readonly Sent[],
  after: readonly Sent[],
  lines: (sent: Sent) => readonly string[],
): [Sent, Sent][] {
  const withLine = new Map<string, Sent[]>();
  for (const one of before) {
    for (const line of new Set(lines(one))) {
      const others = withLine.get(line) ?? [];
      others.push(one);
      withLine.set(line, others);
    }
  }
  const left = new Set(before);
  const pairs: [Sent, Sent][] = [];
  for (const one of after) {
    const shared = new Map<Sent, number>();
    for (const other of othersWith(withLine, lines(one)))
      if (left.has(other)) shared.set(other, (shared.get(other) ?? 0) + 1);
    const [best] = [...shared].toSorted(([, a], [, b]) => b - a);
    if (best === undefined) continue;
    left.delete(best[0]);
    pairs.push([best[0], one]);
  }
  return pairs;
}

/** Once for each line that they share. */
function* othersWith(
  withLine: ReadonlyMap<string, readonly Sent[]>,
  lines: readonly string[],
): Iterable<Sent> {
  for (const line of new Set(lines)) {
    const others = withLine.get(line) ?? [];
    if (others.length <= COMMON) yield* others;
  }
}
