import { ediFindings } from '../../document/edi/check/check-edi.ts';
import { type EdiDocument, ediDocument } from '../../document/edi/edi-document.ts';
import type { EdiSyntax } from '../../document/edi/edi-syntax.ts';
import { ediTypeOf } from '../../document/edi/edi-type.ts';
import { readGuide } from '../../document/edi/guide/guide.ts';
import { hl7Header } from '../../document/hl7/header.ts';
import type { Line } from '../../document/segment/line.ts';
import { partsOf } from '../../document/segment/part.ts';
import { nameOfCode } from '../../document/segment/segment-path.ts';
import { EngineError } from '../../error/engine-error.ts';
import { lookedAt, MESSAGES, sampleHl7Profile } from './sample-hl7.ts';

/** A message from behind UNH to before UNT. */
interface SampleMessage {
  readonly type: string;
  readonly version: string;
  readonly lines: readonly Line[];
  readonly document: EdiDocument;
}

/** A first profile of HL7 v2 or EDIFACT messages, as YAML, by what the first sample is. */
export function sampleProfile(samples: readonly Uint8Array[]): string {
  const [first = new Uint8Array()] = samples;
  const kinds = new Set(samples.map(standardOf));
  if (kinds.size > 1) {
    throw new EngineError(
      'QUERY_INVALID',
      'the samples are of several standards. Give those of one',
    );
  }
  return standardOf(first) === 'hl7' ? sampleHl7Profile(samples) : sampleEdifactProfile(samples);
}

/** Throws for what has no profiles. */
function standardOf(bytes: Uint8Array): 'hl7' | 'edifact' {
  if (hl7Header(bytes).kind !== 'none') return 'hl7';
  if (ediTypeOf(bytes)?.startsWith('EDIFACT') === true) return 'edifact';
  throw new EngineError(
    'QUERY_INVALID',
    'a sample is neither HL7 v2 nor EDIFACT: it must begin with MSH, FHS, BHS, UNA or UNB. X12 is checked by its guides, JSON and XML by schemas, and waybill records makes a map of delimited text',
  );
}

/**
 * A first profile of EDIFACT messages, as YAML: the segments and groups that they had, how often, and what their
 * elements were like. All samples satisfy it. Throws for samples of several kinds of messages, and of none.
 */
function sampleEdifactProfile(samples: readonly Uint8Array[]): string {
  const documents = samples.map((one) => ediDocument(one));
  const given = documents.flatMap(messagesOf);
  const messages = given.slice(0, MESSAGES);
  const first = messages.find(({ lines }) => lines.length > 0);
  if (first === undefined) throw new EngineError('QUERY_INVALID', 'the samples have no messages');
  const types = [...new Set(messages.map(({ type }) => type))];
  if (types.length > 1) {
    throw new EngineError(
      'QUERY_INVALID',
      `a profile is about one kind of message, but the samples have ${types.join(', ')}. Give those of one`,
    );
  }
  const versions = new Set(messages.map(({ version }) => version));
  const isOne = versions.size === 1 && /^\w{1,3}\.\w{1,3}$/.test(first.version);
  const parts = sampleStructure(
    messages.map(({ lines }) => lines.map(({ code }) => nameOfCode(code))),
  );
  const found = new SampleElements();
  for (const { lines, document } of messages) {
    const written = { syntax: document.syntax, plain: (raw: string) => document.plain(raw) };
    for (const line of lines) found.see(line, written);
  }
  return [
    `# Made from ${lookedAt(messages.length, given.length)}: a beginning. It demands what all of them have and allows what one of them has;`,
    '# compare counts, lengths and codes with the guide. Groups are guessed from what repeats.',
    `edifact: ${first.type}${isOne ? `:${first.version}` : ''}`,
    ...structureText(parts, first.type, documents),
    'elements:',
    ...found.lines().map((line) => `  ${line}`),
    '',
  ].join('\n');
}

function messagesOf(document: EdiDocument): SampleMessage[] {
  const messages: SampleMessage[] = [];
  let open: { readonly head: Pick<SampleMessage, 'type' | 'version'>; lines: Line[] } | undefined;
  for (const segment of document.segments()) {
    if (segment.name === 'UNH') {
      const version = [segment.get('UNH-2.2'), segment.get('UNH-2.3')].filter(Boolean).join('.');
      const type = segment.get('UNH-2.1');
      open = isType(type) ? { head: { type, version }, lines: [] } : undefined;
    } else if (segment.name === 'UNT') {
      if (open !== undefined) messages.push({ ...open.head, lines: open.lines, document });
      open = undefined;
    } else if (isSegment(segment.name)) open?.lines.push(segment.line);
  }
  return messages;
}

const isType = (text: string): boolean => /^[A-Z]{6}$/.test(text);
const isSegment = (name: string): boolean => /^[A-Z][A-Z\d]{2}$/.test(name);

/** Left out where the samples have no common order, or would not satisfy what was guessed. */
function structureText(
  parts: readonly SeenPart[] | undefined,
  message: string,
  documents: readonly EdiDocument[],
): string[] {
  const notes = parts === undefined ? [] : new Notation().lines(parts, 0);
  const structure =
    notes.length === 0 ? undefined : readGuide(notes.map(({ guide }) => guide).join('\n'));
  const profile = { name: 'sample', message, version: undefined, structure, elements: [] };
  const isSatisfied =
    structure !== undefined &&
    documents.every(
      (one) =>
        ediFindings(one, 'envelope', [profile]).length === ediFindings(one, 'envelope').length,
    );
  return isSatisfied
    ? ['structure:', ...notes.flatMap(({ yaml }) => yaml)]
    : [
        '# structure: the segments of the samples are in different orders, so that none could be guessed',
      ];
}

/** A part as a profile writes it, and as guides do. */
interface Note {
  readonly yaml: readonly string[];
  readonly guide: string;
}

/** Groups are numbered in the order in which they begin, as in the directories. */
class Notation {
  #groups = 0;

  lines(parts: readonly SeenPart[], depth: number): Note[] {
    return parts.flatMap((part) => this.#part(part, depth));
  }

  #part({ segment, required, most, parts }: SeenPart, depth: number): Note[] {
    const indent = ' '.repeat(depth);
    const yamlIndent = ' '.repeat(2 + depth * 4);
    const count = `${most > 1 ? `*${most}` : ''}${required ? '!' : ''}`;
    if (parts === undefined) {
      return [
        { yaml: [`${yamlIndent}- ${segment}${count}`], guide: `${indent}- ${segment}${count}` },
      ];
    }
    this.#groups += 1;
    const head = `SG${this.#groups}${count}`;
    const yaml = [`${yamlIndent}- ${head}:`, `${yamlIndent}    - ${segment}!`];
    return [{ yaml, guide: `${indent}${head} ${segment}` }, ...this.lines(parts, depth + 1)];
  }
}

/** A segment or a group as it was seen in messages. */
interface SeenPart {
  /** The segment; of a group the one that begins it. */
  readonly segment: string;
  /** In every message, or in every turn of the group that it is in. */
  readonly required: boolean;
  /** The most that there were. */
  readonly most: number;
  /** Of a group: what follows its first segment. */
  readonly parts?: readonly SeenPart[];
}

/** Names of segments, and of groups that were found: those have a number. */
type Names = readonly string[];

interface Group {
  readonly trigger: string;
  readonly parts: readonly SeenPart[];
}

/**
 * The structure that messages have, given the names of their segments. Groups are what repeats: segments that
 * come again together. Undefined where messages have the same segments in different orders.
 */
function sampleStructure(
  messages: readonly Names[],
  groups = new Map<string, Group>(),
): SeenPart[] | undefined {
  let rest = messages;
  for (let trigger = triggerIn(rest); trigger !== undefined; trigger = triggerIn(rest)) {
    const cut = rest.map((names) => cutAt(names, trigger ?? '', keptIn(rest, trigger ?? '')));
    const parts = sampleStructure(
      cut.flatMap(({ turns }) => turns),
      groups,
    );
    if (parts === undefined) return undefined;
    const name = String(groups.size);
    groups.set(name, { trigger, parts });
    rest = cut.map(({ before, turns, after }) => [...before, ...turns.map(() => name), ...after]);
  }
  const runs = rest.map(runsOf);
  return inOrder(runs)?.map((key) => {
    const counts = runs.map((one) => one.get(key)?.count ?? 0);
    const name = runs.find((one) => one.has(key))?.get(key)?.name ?? '';
    const { trigger: segment = name, parts } = groups.get(name) ?? {};
    const most = counts.reduce((a, b) => Math.max(a, b), 0);
    const seen = { segment, required: counts.every((one) => one > 0), most };
    return parts === undefined ? seen : { ...seen, parts };
  });
}

interface Cut {
  readonly before: Names;
  /** What follows each occurrence of what begins a group. */
  readonly turns: readonly Names[];
  readonly after: Names;
}

/** The last turn of a group ends before the first segment that no earlier one had. */
function cutAt(names: Names, trigger: string, kept: ReadonlySet<string>): Cut {
  const starts = names.flatMap((name, at) => (name === trigger ? [at] : []));
  const last = starts.at(-1);
  if (last === undefined) return { before: names, turns: [], after: [] };
  const past = names.findIndex((name, at) => at > last && !kept.has(name));
  const end = past < 0 ? names.length : past;
  const turns = starts.map((start, turn) => names.slice(start + 1, starts[turn + 1] ?? end));
  return { before: names.slice(0, starts[0]), turns, after: names.slice(end) };
}

/** What stands between two occurrences of what begins a group. */
function keptIn(messages: readonly Names[], trigger: string): ReadonlySet<string> {
  const between = messages.map((names) =>
    names.slice(names.indexOf(trigger), names.lastIndexOf(trigger)),
  );
  return new Set(between.flat().filter((name) => name !== trigger));
}

const isGroup = (name: string): boolean => /^\d/.test(name);

/** The segment that begins the group whose turns are most alike; the first one of several. */
function triggerIn(messages: readonly Names[]): string | undefined {
  let best: { readonly trigger: string; readonly odd: number } | undefined;
  for (const trigger of new Set(messages.flat().filter((name) => !isGroup(name)))) {
    const kept = keptIn(messages, trigger);
    if (kept.size === 0) continue;
    const turns = messages.flatMap((names) => cutAt(names, trigger, kept).turns);
    const among = turns.map((turn) => new Set(turn));
    const counts = [...kept].map((name) => among.filter((turn) => turn.has(name)).length);
    if (!counts.some((count) => count > 1)) continue;
    const odd = counts.filter((count) => count < turns.length).length;
    if (best === undefined || odd < best.odd) best = { trigger, odd };
  }
  return best?.trigger;
}

interface Run {
  readonly name: string;
  readonly count: number;
}

/** Names that follow themselves count as one; a name that comes again later is another one. */
function runsOf(names: Names): Map<string, Run> {
  const runs = new Map<string, Run>();
  let [key, before] = ['', ''];
  for (const name of names) {
    if (name !== before) {
      let turn = 1;
      while (runs.has(`${name} ${turn}`)) turn += 1;
      key = `${name} ${turn}`;
    }
    runs.set(key, { name, count: (runs.get(key)?.count ?? 0) + 1 });
    before = name;
  }
  return runs;
}

/** One order that all of them are in; undefined if there is none. */
function inOrder(all: readonly ReadonlyMap<string, Run>[]): string[] | undefined {
  const before = new Map<string, Set<string>>();
  for (const runs of all) {
    let last: string | undefined;
    for (const key of runs.keys()) {
      const known = before.get(key) ?? new Set();
      before.set(key, last === undefined ? known : known.add(last));
      last = key;
    }
  }
  const order: string[] = [];
  const done = new Set<string>();
  while (done.size < before.size) {
    const next = [...before].find(([key, those]) => !done.has(key) && those.isSubsetOf(done));
    if (next === undefined) return undefined;
    done.add(next[0]);
    order.push(next[0]);
  }
  return order;
}

/** More different values are no list of codes. */
const MOST_CODES = 20;

/** The elements that segments of one name had. */
interface SeenSegment {
  count: number;
  readonly elements: Map<number, SeenElement>;
}

interface SeenElement {
  count: number;
  /** The most repetitions of one. */
  most: number;
  repetitions: number;
  readonly components: Map<number, SeenComponent>;
}

interface SeenComponent {
  count: number;
  longest: number;
  isNumber: boolean;
  /** As long as they may be a list of codes. */
  codes: Set<string> | undefined;
}

/** How a body is written. */
interface Written {
  readonly syntax: EdiSyntax;
  readonly plain: (raw: string) => string;
}

/** Collects what elements of segments are like. */
class SampleElements {
  readonly #segments = new Map<string, SeenSegment>();

  see(line: Line, written: Written): void {
    const name = nameOfCode(line.code);
    const seen = this.#segments.get(name) ?? { count: 0, elements: new Map() };
    this.#segments.set(name, seen);
    seen.count += 1;
    const { field } = written.syntax;
    const count = line.slots(field);
    for (let at = 1; at <= count; at++) {
      const text = line.slot(at, field);
      if (text !== '') seeElement(seen, at, { text, ...written });
    }
  }

  /** As entries of a profile, `[BGM-1, { required: true }]`. */
  lines(): string[] {
    return [...this.#segments].flatMap(([name, { count, elements }]) =>
      [...elements]
        .toSorted(([a], [b]) => a - b)
        .flatMap(([at, element]) => elementLines(`${name}-${at}`, element, { of: count, at })),
    );
  }
}

function seeElement(
  { elements }: SeenSegment,
  at: number,
  { text, syntax, plain }: Written & { readonly text: string },
): void {
  const seen = elements.get(at) ?? { count: 0, most: 0, repetitions: 0, components: new Map() };
  elements.set(at, seen);
  const repetitions = partsOf(text, syntax.repetition, syntax.release);
  seen.count += 1;
  seen.most = Math.max(seen.most, repetitions.length);
  for (const repetition of repetitions) {
    seen.repetitions += 1;
    for (const [index, raw] of partsOf(repetition, syntax.component, syntax.release).entries()) {
      if (raw !== '') seeValue(seen.components, index + 1, plain(raw));
    }
  }
}

function seeValue(components: Map<number, SeenComponent>, at: number, value: string): void {
  const seen = components.get(at) ?? { count: 0, longest: 0, isNumber: true, codes: new Set() };
  components.set(at, seen);
  const isNumber = /^-?\d+(?:[.,]\d+)?$/.test(value);
  seen.count += 1;
  seen.isNumber &&= isNumber;
  seen.longest = Math.max(seen.longest, Array.from(value).length);
  seen.codes = /^[A-Z\d]{1,3}$/.test(value) ? seen.codes?.add(value) : undefined;
  if ((seen.codes?.size ?? 0) > MOST_CODES) seen.codes = undefined;
}

function elementLines(
  path: string,
  { count, most, repetitions, components }: SeenElement,
  { of, at }: { readonly of: number; readonly at: number },
): string[] {
  const isRequired = count === of;
  const about = [...(isRequired ? ['required: true'] : []), ...(most > 1 ? [`most: ${most}`] : [])];
  const parts = [...components].toSorted(([a], [b]) => a - b);
  const [first] = parts;
  if (parts.length === 1 && first?.[0] === 1 && first[1].count === repetitions) {
    return [entry(path, [...about, valueText(first[1], at === 1)])];
  }
  return [
    ...(about.length === 0 ? [] : [entry(path, about)]),
    ...parts.map(([component, seen]) =>
      entry(`${path}.${component}`, [
        ...(seen.count === repetitions ? ['required: true'] : []),
        valueText(seen, at === 1 && component === 1),
      ]),
    ),
  ];
}

const entry = (path: string, parts: readonly string[]): string =>
  `${path}: { ${parts.join(', ')} }`;

/** Only what qualifies a segment is written down as seen: other values may be of patients. */
function valueText({ codes, isNumber, longest }: SeenComponent, qualifies: boolean): string {
  if (!qualifies || codes === undefined) return `format: ${isNumber ? 'n' : 'an'}..${longest}`;
  const list = [...codes].toSorted().map((one) => (/^[A-Z]/.test(one) ? one : JSON.stringify(one)));
  return `codes: [${list.join(', ')}]`;
}
