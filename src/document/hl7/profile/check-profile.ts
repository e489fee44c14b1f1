import type { Line } from '../../segment/line.ts';
import { partOf, partsOf } from '../../segment/part.ts';
import { finding, type Hl7Finding } from '../finding.ts';
import type { Hl7Document } from '../hl7-document.ts';
import type { FieldRule, Hl7Profile, SegmentRule } from './profile.ts';

/** Whether a profile is about messages of this kind. */
export function isAbout({ messages }: Hl7Profile, document: Hl7Document): boolean {
  if (messages.length === 0) return true;
  const type = document.get('MSH-9.1').trim();
  return messages.includes(type) || messages.includes(`${type}_${document.get('MSH-9.2').trim()}`);
}

/** What the message has against a profile that is about it, beyond what HL7 says. A text never quotes a value. */
export function checkProfile(document: Hl7Document, profile: Hl7Profile): Hl7Finding[] {
  const found: Found[] = [];
  const byName = new Map<string, Found[]>();
  for (const line of document.lines()) {
    if (line.code === 0) continue;
    const name = line.text.slice(0, 3);
    const same = byName.get(name) ?? [];
    byName.set(name, same);
    const one = { line, name, index: same.length + 1 };
    same.push(one);
    found.push(one);
  }
  const count = (name: string): number => byName.get(name)?.length ?? 0;
  return [
    ...[...profile.segments].flatMap(([name, rule]) => checkCount(name, rule, count(name))),
    ...checkPlaces(profile, found),
    ...profile.fields.flatMap((rule) =>
      (byName.get(rule.path.segment) ?? []).flatMap((one) => checkField(document, rule, one)),
    ),
  ].map((one) => ({ ...one, text: `${one.text} (profile ${profile.name}).` }));
}

/** A segment with its number among those of its name. */
interface Found {
  readonly line: Line;
  readonly name: string;
  readonly index: number;
}

const called = ({ name, index }: Found): string => (index === 1 ? name : `${name}[${index}]`);

function checkCount(name: string, { required, most }: SegmentRule, count: number): Hl7Finding[] {
  if (required === true && count === 0) {
    return [finding('error', '100', `${name} is missing`, [name])];
  }
  if (most === undefined || count <= most) return [];
  const text =
    most === 0
      ? `${name} must not be there`
      : `${name} occurs ${count} times, at most ${most} is allowed`;
  return [finding('error', '100', text, [name, most + 1])];
}

function checkPlaces({ segments }: Hl7Profile, found: readonly Found[]): Hl7Finding[] {
  let before = '';
  let last = '';
  return found.flatMap((segment) => {
    const { name, index } = segment;
    if (name !== last) before = last;
    last = name;
    const after = segments.get(name)?.after ?? [];
    if (after.length === 0 || after.includes(before)) return [];
    const text = `${called(segment)} does not follow ${after.join(' or ')}`;
    return [finding('error', '100', text, [name, index])];
  });
}

function checkField(document: Hl7Document, rule: FieldRule, segment: Found): Hl7Finding[] {
  const { path } = rule;
  const { delimiters } = document;
  const raw = segment.line.slot(path.slot, delimiters.field);
  const say = (code: string, what: string): Hl7Finding =>
    finding('error', code, `${placeOf(rule, segment)} ${what}`, [
      segment.name,
      segment.index,
      path.field,
    ]);
  if (raw === '') {
    const isMissing = rule.required === true && path.component === 0;
    return isMissing ? [say('101', 'is missing')] : [];
  }
  const repetitions = partsOf(raw, delimiters.repetition);
  const { most } = rule;
  const findings: Hl7Finding[] = [];
  if (path.component === 0 && most !== undefined && most > 0 && repetitions.length > most) {
    findings.push(say('198', `occurs ${repetitions.length} times, at most ${most} is allowed`));
  }
  for (const [at, repetition] of repetitions.entries()) {
    const value = partAt(document, rule, repetition);
    const what = valueProblem(rule, value, () =>
      document.getIn(segment.line, { ...path, component: path.component || 1, repetition: at + 1 }),
    );
    // one place with the same fault in each repetition says it once
    if (what !== undefined) return [...findings, say(...what)];
  }
  return findings;
}

/** `PID-8 (Administrative Sex)`, `ZPI[2]-1.4`. */
function placeOf({ path, name }: FieldRule, segment: Found): string {
  const { field, component, subcomponent } = path;
  const parts = [component, subcomponent].filter((one) => one > 0).map((one) => `.${one}`);
  const place = `${called(segment)}-${field}${parts.join('')}`;
  return name === undefined ? place : `${place} (${name})`;
}

/** As written. */
function partAt({ delimiters }: Hl7Document, { path }: FieldRule, repetition: string): string {
  if (path.component === 0) return repetition;
  const component = partOf(repetition, delimiters.component, path.component);
  return path.subcomponent === 0
    ? component
    : partOf(component, delimiters.subcomponent, path.subcomponent);
}

/** What is wrong with one value; HL7's null (`""`) deletes, so only whether it may be there counts. */
function valueProblem(
  rule: FieldRule,
  written: string,
  plain: () => string,
): [code: string, what: string] | undefined {
  const { required, most, path } = rule;
  if (written === '') {
    const isMissing = required === true && path.component > 0;
    return isMissing ? ['101', 'is missing'] : undefined;
  }
  if (most === 0) return ['102', 'must be empty'];
  return written === '""' ? undefined : contentProblem(rule, written, plain);
}

function contentProblem(
  { length, codes, pattern }: FieldRule,
  written: string,
  plain: () => string,
): [code: string, what: string] | undefined {
  const value = codes === undefined && pattern === undefined ? '' : plain().trim();
  if (length !== undefined && Array.from(written).length > length) {
    return ['104', `is longer than ${length} characters`];
  }
  if (codes !== undefined && !codes.has(value)) return ['103', `is not in ${codes.called}`];
  if (pattern !== undefined && !pattern.test(value)) return ['102', 'does not have the right form'];
  return undefined;
}
