import type { Document } from '../../document/document.ts';
import { EdiDocument } from '../../document/edi/edi-document.ts';
import { LoopView } from '../../document/edi/loop-view.ts';
import { Segment } from '../../document/segment/segment.ts';
import { SegmentDocument } from '../../document/segment/segment-document.ts';
import type { SegmentPath } from '../../document/segment/segment-path.ts';
import { anySegmentPath, hasSegments } from '../../document/segment-paths.ts';
import { XmlDocument } from '../../document/xml/xml-document.ts';
import { EngineError } from '../../error/engine-error.ts';
import type { Expression, Scope } from '../../expression/expression.ts';
import type { Given } from '../../expression/given.ts';
import {
  delimitedRows,
  jsonElements,
  Part,
  type PartList,
  repetitionList,
  xmlElements,
} from '../../expression/part.ts';
import { XmlPart } from '../../expression/xml-part.ts';
import { NewSegment } from '../new-segment.ts';
import { repetitionNumbers } from '../repetition-numbers.ts';
import { isAtSegment } from '../segment-at.ts';
import {
  doSteps,
  type LoopTurn,
  type Run,
  type SegmentLoop,
  type SegmentPairs,
  type Step,
  type Work,
} from '../work.ts';
import type { StepContext, StepKind } from './step-reader.ts';

/**
 * `{ each: OBX, when: CONDITION, steps: [ … ] }`: for every segment with a name, repetition of a
 * field (`PID-3`), element of a JSON array (`/orders`) or of XML (`/report/result`), or row
 * (`rows`).
 */
export const eachStep: StepKind = {
  keys: ['each', 'steps'],
  help: 'Runs steps for every segment, repetition of a field, element of a JSON array or of XML, loop of X12, or row.',
  ownCondition: true,
  read(given, context, label) {
    const over = readOver(given.at('each'));
    if (over === 'rows' && context.around.includes('rows')) {
      given
        .at('each')
        .wrong('A row contains no rows: this loop is already inside a loop over rows.');
    }
    context.around.push(over ?? '');
    const when = given.at('when').condition();
    const steps = context.steps(given.at('steps'), label);
    context.around.pop();
    const loop = over === undefined ? undefined : loopOver(over, { when, steps }, context);
    if (over !== undefined && loop === undefined) {
      given
        .at('each')
        .wrong(
          'each goes over segments (OBX), repetitions of a field (PID-3), loops of X12 (2300), a JSON array (/orders), XML elements (/report/result) or rows.',
        );
    }
    return loop;
  },
};

/** YAML reads a loop of X12 such as 2300 as a number. */
function readOver(given: Given): string | undefined {
  return typeof given.value === 'number' ? String(given.value) : given.text('each');
}

// The arrays on the way to one: those at `/orders/*/items` are in the elements of `/orders`.
// A `/` alone is the whole body, as in `split`.
function jsonLists(over: string): readonly PartList[] {
  const pointer = over === '/' ? '' : over;
  const keys = pointer.split('/');
  const stars = keys.flatMap((key, at) => (key === '*' ? [keys.slice(0, at).join('/')] : []));
  return [...stars, pointer].map(jsonElements);
}

function loopOver(over: string, body: LoopBody, context: StepContext): Step['run'] | undefined {
  if (over === 'rows') return eachPart(delimitedRows, body);
  if (over.startsWith('/')) {
    const [json, xml] = [eachElement(jsonLists(over), body), eachXmlElement(over, body)];
    return (work) => (work.run.source.kind === 'xml' ? xml : json)(work);
  }
  if (over.startsWith('./')) return eachXmlElement(over, body);
  const path = anySegmentPath(over);
  if (path === undefined || path.component > 0 || path.repetition !== 0) return undefined;
  context.loops();
  if (path.segment === '') return eachLoop(over, body);
  if (path.loops.length > 0) return undefined;
  if (path.field > 0) return eachRepetition(over, path, body);
  return path.index === 0 ? eachSegment(path.segment, body) : undefined;
}

/**
 * Loops over the XML elements at a path in the incoming message, whatever they are in: `/r/c/s`
 * goes over the `s` of every `c`. Inside another such loop, a path that begins like the outer one,
 * or is relative, goes over those of the current element. Elements that a step has removed from the
 * new message are left out.
 */
function eachXmlElement(over: string, body: LoopBody): Step['run'] {
  return (work) => {
    const source = work.scope.document();
    const document = source instanceof XmlPart ? source.document : source;
    if (!(document instanceof XmlDocument)) throw notOfKind(over, 'xml', source.kind);
    const at = source instanceof XmlPart ? source.placeOf(over) : { node: undefined, path: over };
    const whole =
      source instanceof XmlPart && !over.startsWith('/')
        ? `${source.over}/${over.replace(/^\.\//, '')}`
        : over;
    const turns = new Turns(work, over, body);
    const targetAt = elementTargets(work, whole);
    for (const element of document.elementsAt(at.node, at.path)) {
      if (!turns.goesOn) return;
      const target = targetAt(element);
      if (target === undefined) continue;
      const part = new XmlPart(document, element, { over: whole, around: source });
      turns.make(part, () => target, work.loop);
    }
  };
}

type Element = XmlPart['element'];

function elementTargets(work: Work, over: string): (element: Element) => Document | undefined {
  const { run, target } = work;
  const copied = run.target;
  if (run.start === 'copy' && copied instanceof XmlDocument) {
    return (original) => {
      const element = copied.counterpart(original);
      return element && new XmlPart(copied, element, { over, around: target });
    };
  }
  const made = counterparts(work, xmlElements(over));
  return () => made(1);
}

/**
 * Loops over the parts of a list in the incoming message: repetitions of a field, elements, rows.
 * In the loop, paths of the list mean the current part, for reading and for writing. When a step
 * removes a part, the later ones move up; if the new message began empty, each turn that writes
 * makes a new one.
 */
function eachPart(list: PartList, body: LoopBody): Step['run'] {
  return (work) => partTurns(work, list, new Turns(work, list.over, body));
}

/** The turns over the parts of one list. */
function partTurns(work: Work, list: PartList, turns: Turns): void {
  const source = work.scope.document();
  if (source.kind !== list.kind) throw notOfKind(list.over, list.kind, source.kind);
  const targetAt = counterparts(work, list);
  for (const number of list.numbers(source)) {
    if (!turns.goesOn) return;
    turns.make(new Part(source, list, () => number), () => targetAt(number), work.loop);
  }
}

/**
 * The turns over the repetitions of a field, in every segment with its name: those that belong to
 * the segment that an outer loop is at; all of them if such segments come before the loop's, as PID
 * does.
 */
function eachRepetition(
  over: string,
  { segment, index }: Pick<SegmentPath, 'segment' | 'index'>,
  body: LoopBody,
): Step['run'] {
  return (work) => {
    const turns = new Turns(work, over, body);
    const source = work.scope.document();
    const kind = hasSegments(source.kind) ? source.kind : 'hl7';
    const list = repetitionList(over, kind, (document) => repetitionNumbers(document, over));
    if (index > 0 || source.kind !== kind || isAtSegment(source, segment)) {
      partTurns(work, list, turns);
      return;
    }
    const from = isInsideLoop(work, segment) ? work : { ...work, loop: undefined };
    for (const at of segmentsAt(from, segment)) {
      const scope = { ...work.scope, document: () => at.source };
      partTurns({ ...work, scope, target: at.target }, list, turns);
    }
  };
}

/** The turns over the elements of a JSON array; a `*` in its path goes over the elements of the arrays on the way. */
function eachElement(lists: readonly PartList[], body: LoopBody): Step['run'] {
  return (work) => {
    const turns = new Turns(work, lists.at(-1)?.over || '/', body);
    elementTurns(work, lists, turns);
  };
}

function elementTurns(work: Work, [list, ...below]: readonly PartList[], turns: Turns): void {
  if (list === undefined) return;
  if (below.length === 0) {
    partTurns(work, list, turns);
    return;
  }
  const source = work.scope.document();
  if (source.kind !== list.kind) throw notOfKind(list.over, list.kind, source.kind);
  if (isAtPart(source, list.over)) {
    elementTurns(work, below, turns);
    return;
  }
  const targetAt = counterparts(work, list);
  for (const number of list.numbers(source)) {
    const scope = { ...work.scope, document: () => new Part(source, list, () => number) };
    elementTurns({ ...work, scope, target: targetAt(number) }, below, turns);
  }
}

function isAtPart(document: Document, over: string): boolean {
  return document instanceof Part && (document.over === over || isAtPart(document.inner, over));
}

function counterparts({ run, target }: Work, list: PartList): (number: number) => Document {
  if (target.kind !== list.kind) return () => target;
  if (run.start === 'empty') {
    return () => {
      let made: number | undefined;
      return new Part(target, list, () => {
        made ??= list.last(target) + 1;
        return made;
      });
    };
  }
  let gone = 0;
  return (number) => {
    const here = number - gone;
    return new Part(
      target,
      list,
      () => here,
      () => gone++,
    );
  };
}

/**
 * Goes over the loops of an id in X12 (`2300`), and over ISA, GS and ST by `ISA/2300` and the like; inside another such loop,
 * over those in it. A loop that a step has removed from the new message is left out.
 */
function eachLoop(over: string, body: LoopBody): Step['run'] {
  return (work) => {
    const turns = new Turns(work, over, body);
    const targetOf = loopTargets(work);
    for (const source of loopsIn(work, over)) {
      if (!turns.goesOn) return;
      const target = targetOf(source);
      if (target !== undefined) turns.make(source, () => target);
    }
  };
}

function loopsIn({ scope }: Work, over: string): readonly LoopView[] {
  const document = scope.document();
  if (document instanceof EdiDocument) return document.loops(over);
  if (document instanceof LoopView) return document.loops(over);
  if (document instanceof Segment && document.message instanceof EdiDocument) {
    return new LoopView(document.message, document.line).loops(over);
  }
  throw notOfKind(over, 'x12', document.kind);
}

/** The same loop of the new message, where that began as a copy; else what is written stands outside of loops. */
function loopTargets({ run, target }: Work): (source: LoopView) => Document | undefined {
  const made = run.target;
  if (!(made instanceof EdiDocument) || run.segments === undefined || run.start !== 'copy') {
    return () => target;
  }
  const { segments } = run;
  return (source) => {
    const line = segments.target[placesIn(segments).get(source.line) ?? -1]?.line;
    return line === undefined || !stands(run, line)
      ? undefined
      : new LoopView(made, line, source.id);
  };
}

/** The places of the segments of the incoming message; found once, as a loop in a loop asks in each turn of the outer one. */
function placesIn(segments: SegmentPairs): ReadonlyMap<Segment['line'], number> {
  const known = PLACES.get(segments);
  if (known !== undefined) return known;
  const places = new Map(segments.source.map(({ line }, index) => [line, index]));
  PLACES.set(segments, places);
  return places;
}

const PLACES = new WeakMap<SegmentPairs, ReadonlyMap<Segment['line'], number>>();

function stands({ removed, target }: Run, line: Segment['line']): boolean {
  return !removed || (target instanceof SegmentDocument && target.hasLine(line));
}

/**
 * Loops over the segments with a name in the incoming message; inside another such loop, over those
 * that belong to the outer segment: after it, up to the next with its name. Segments that a step
 * has removed from the new message are left out.
 */
function eachSegment(name: string, body: LoopBody): Step['run'] {
  return (work) => {
    const turns = new Turns(work, name, body);
    for (const { source, target, loop } of segmentsAt(work, name)) {
      if (!turns.goesOn) return;
      turns.make(source, () => target, loop);
    }
  };
}

interface SegmentAt {
  readonly source: Document;
  readonly target: Document;
  readonly loop: SegmentLoop;
}

/** The segments with a name that a loop goes over, within the loops around it. */
function* segmentsAt(work: Work, name: string): Iterable<SegmentAt> {
  const { run, scope, target } = work;
  const { segments } = run;
  if (segments === undefined) throw notOfKind(name, 'hl7', run.source.kind);
  const removed = removedSegments(run);
  const [from, until] = range(work, segments);
  for (let at = from; at < until; at++) {
    const segment = segments.source[at];
    if (segment?.name !== name || removed(at)) continue;
    yield {
      source: segment.inside(scope.document()),
      target: segments.target[at]?.inside(target) ?? newSegment(run.target, name, target),
      loop: { name, at, until, behind: undefined },
    };
  }
}

/** Whether any segment with a name is where an outer loop could own it: at its first segment or after it. */
function isInsideLoop({ loop, run }: Work, name: string): boolean {
  if (loop === undefined || run.segments === undefined) return false;
  const { source } = run.segments;
  // mostly one follows soon
  for (let at = loop.at; at < source.length; at++) if (source[at]?.name === name) return true;
  const first = source.findIndex((one) => one.name === loop.name);
  return source.findLastIndex((one) => one.name === name) >= first;
}

function range({ loop }: Work, { source }: SegmentPairs): readonly [number, number] {
  if (loop === undefined) return [0, source.length];
  let next = loop.at + 1;
  while (next < loop.until && source[next]?.name !== loop.name) next++;
  return [loop.at + 1, next];
}

function newSegment(message: Document, name: string, around: Document): Document {
  return message instanceof SegmentDocument ? new NewSegment(message, name, around) : around;
}

/** Whether a step has removed the counterpart of a segment. */
function removedSegments({ segments, target, removed }: Run): (at: number) => boolean {
  if (!removed || segments === undefined || !(target instanceof SegmentDocument))
    return () => false;
  return (at) => {
    const line: Segment['line'] | undefined = segments.target[at]?.line;
    return line !== undefined && !target.hasLine(line);
  };
}

/** The state of one loop while it runs. */
class Turns {
  readonly #work: Work;
  readonly #body: LoopBody;
  readonly #over: string;
  #turn = 0;

  constructor(work: Work, over: string, body: LoopBody) {
    this.#work = work;
    this.#body = body;
    this.#over = over;
    if (work.turns.length === 0) work.run.totals.set(body, 0);
  }

  /** Whether to continue: no step has discarded the message. */
  get goesOn(): boolean {
    return !this.#work.run.discarded;
  }

  /**
   * One turn, unless the condition skips it.
   *
   * @param document the current part as expressions see it
   * @param target what the paths of steps write to; called only if the turn is made
   */
  make(document: Document, target: () => Document, loop = this.#work.loop): void {
    const { run, scope, turns } = this.#work;
    const { when, steps } = this.#body;
    const total = (run.totals.get(this.#body) ?? 0) + 1;
    const next: LoopTurn = { over: this.#over, turn: this.#turn + 1, total };
    const around = [...turns, next];
    const inner: Scope = { ...scope, document: () => document, loops: around };
    if (when !== undefined && !when.evaluate(inner)) return;
    this.#turn++;
    run.totals.set(this.#body, total);
    doSteps(steps, { run, scope: inner, target: target(), loop, turns: around });
  }
}

/** What a loop does in each turn. */
interface LoopBody {
  /** Evaluated in each turn, with the current part. */
  readonly when: Expression<boolean> | undefined;
  readonly steps: readonly Step[];
}

type Kind = Document['kind'];

/** The error of a loop over a message that cannot have such parts. */
function notOfKind(over: string, needed: Kind, found: Kind): EngineError {
  return new EngineError(
    'TRANSFORM_FAILED',
    `each: ${over} needs a body that is ${needed}, but this one is ${found}`,
  );
}
