import type { XmlNode } from '../../mirth/e4x/node.ts';
import { celCondition, celOf, celText } from './cel.ts';
import { asText, type Cel } from './cel-value.ts';
import { assignmentsOf } from './dtl-code.ts';
import { checkJoined, checkRepetitions, rawPlaces } from './hl7-text.ts';
import { NoCounterpart, type Node, objectScript } from './objectscript.ts';
import { occurrences, type PathLoop, standsOnce } from './paths.ts';
import { type TranslationReport, UNDONE } from './rules.ts';
import {
  eachRepetition,
  fieldCopies,
  firstGroupOf,
  readsOnly,
  removedPlace,
  wholeCopyIn,
} from './segment-copy.ts';
import { inOrder, lookAtAdded, lookAtHeader, writtenBy } from './segment-order.ts';
import { callProblem, madeType, originalOf, sideProblems } from './side-problems.ts';
import {
  loopIn,
  placeIn,
  type RecordProperty,
  readIn,
  type Side,
  sideOf,
  wholePath,
} from './sides.ts';
import { attribute, elements, isDisabled, lookedAt, type SourceXml, textOf } from './source-xml.ts';
import {
  assignedIn,
  forget,
  forgetInLoop,
  LONGEST,
  leaveLoop,
  merge,
  type Place,
  restore,
} from './variables.ts';

type Block = Record<string, unknown>;

export interface TransformContext extends TranslationReport {
  /** The DTL of another class of the export. */
  readonly dtlOf: (className: string) => SourceXml | undefined;
  /** The properties of a record of a record map, by the name of its class. */
  readonly recordOf: (className: string) => ReadonlyMap<string, RecordProperty> | undefined;
}

/** Translates a DTL to a transform in YAML; check refuses the steps that have no counterpart. */
export function transformOf(xml: SourceXml, context: TransformContext): Block {
  return new TransformReading(xml.root, context).block();
}

class TransformReading {
  readonly #root: XmlNode;
  readonly #context: TransformContext;
  readonly #source: Side;
  readonly #target: Side;
  /** A first step that assigns the source as a whole. */
  readonly #first: XmlNode | undefined;
  /** Segments of a group, other than the one that its loop goes over, that the current step uses. */
  #beside = new Set<string>();
  #traces = 0;
  /** Steps that go over such a segment. */
  readonly #forBeside = new WeakSet<Block>();
  /** What loops of a new message have gone over: a second one would make its segments again. */
  readonly #gone = new Set<string>();

  constructor(root: XmlNode, context: TransformContext) {
    this.#root = root;
    this.#context = context;
    this.#source = this.#sideOf('source');
    this.#target = this.#sideOf('target');
    this.#first = wholeCopyIn(root, this.#source, this.#target);
  }

  #sideOf(name: 'source' | 'target'): Side {
    const className = attribute(this.#root, `${name}Class`);
    const type = attribute(this.#root, `${name}DocType`);
    return sideOf(className, type, this.#context.recordOf(className));
  }

  get #create(): string {
    const given = attribute(this.#root, 'create') || 'new';
    return given === 'new' && this.#first !== undefined ? 'copy' : given;
  }

  /** Whether its result is HL7. */
  get #isHl7(): boolean {
    return this.#target.kind === 'hl7';
  }

  block(): Block {
    const steps = this.#ordered({
      loops: [],
      variables: new Map(),
      objects: { source: 'source', target: 'target' },
      depth: 0,
    });
    if (this.#traces > 0)
      this.#context.look(
        'trace',
        'left out',
        `${this.#traces} steps that only write to the trace are left out`,
      );
    const isCopy = this.#create === 'copy' && this.#source.kind === this.#target.kind;
    return {
      start: isCopy ? 'copy' : 'empty',
      ...(!isCopy && { type: madeType(this.#target, this.#context) }),
      steps,
    };
  }

  /** The steps in the order of the structure, after placeholders for what is marked as a whole. */
  #ordered(place: Place): readonly Block[] {
    const problems = sideProblems(this.#source, this.#target, this.#create, this.#context);
    const steps = this.#steps(this.#root, place);
    if (this.#isHl7 && this.#create === 'copy')
      lookAtAdded(steps, this.#target.type, this.#context);
    const isNew = this.#isHl7 && this.#create !== 'copy';
    if (isNew) lookAtHeader(steps, this.#context);
    const made = isNew ? inOrder(steps, this.#target.type) : steps;
    if (made === undefined) {
      const text = 'its segments are not written in the order of the structure: write them in it';
      this.#context.mark('order', 'steps', text);
      problems.push(text);
    }
    const set = this.#isHl7 ? 'ZZZ-1' : '/undone';
    return [...problems.map((comment) => ({ set, to: UNDONE, comment })), ...(made ?? steps)];
  }

  #steps(of: XmlNode | undefined, place: Place): Block[] {
    const made: Block[] = [];
    let note = '';
    for (const one of elements(of)) {
      if (isDisabled(one)) continue;
      if (one.name === 'annotation' || one.name === 'comment') {
        note = textOf(one).trim();
        continue;
      }
      const own = this.#step(one, place);
      const [first] = own;
      if (note !== '' && first !== undefined && first['comment'] === undefined)
        first['comment'] = note;
      if (own.length > 0) note = '';
      made.push(...own);
    }
    return this.#joined(made);
  }

  /** Loops that were made for one segment of a group are one: a new message would get that segment from each of them. */
  #joined(steps: readonly Block[]): Block[] {
    const made: Block[] = [];
    for (const step of steps) {
      const before = made.find((one) => this.#forBeside.has(one) && one['each'] === step['each']);
      if (before === undefined || !this.#forBeside.has(step)) made.push(step);
      else before['steps'] = [...(before['steps'] as Block[]), ...(step['steps'] as Block[])];
    }
    return made;
  }

  #step(one: XmlNode, place: Place): Block[] {
    switch (one.name) {
      case 'group':
        attribute(one, 'name');
        return this.#steps(one, place);
      case 'assign':
        return one === this.#first ? [] : this.#assign(one, place);
      case 'if':
        return this.#if(one, place);
      case 'switch':
        return this.#switch(one, place);
      case 'foreach':
        return this.#foreach(one, place);
      case 'subtransform':
        return this.#sub(one, place);
      case 'code':
        return this.#code(one, place);
      case 'trace':
        lookedAt(one);
        this.#traces += 1;
        return [];
      default:
        return [this.#undone(one, `the step ${one.name} has no counterpart: write it`)];
    }
  }

  /** A placeholder that check refuses, with the original as its comment. */
  #undone(step: XmlNode, text: string): Block {
    lookedAt(step);
    this.#context.mark(step.name, 'steps', text);
    return { set: this.#isHl7 ? 'ZZZ-1' : '/undone', to: UNDONE, comment: originalOf(step) };
  }

  /** Steps of a translation, or a placeholder; inside loops over the other segments of a group that they use. */
  #tried(step: XmlNode, what: string, make: () => Block[]): Block[] {
    this.#beside = new Set();
    try {
      const made = make();
      const [beside, ...more] = this.#beside;
      if (more.length > 0)
        throw new NoCounterpart(`uses ${[beside, ...more].join(' and ')} of one group`);
      if (beside === undefined) return made;
      // it has no turn where that segment is not there, and then nothing must be written
      if (!made.every((one) => readsOnly(one, beside)))
        throw new NoCounterpart(`makes a value with ${beside}, another segment of its group`);
      const inner: Block = { each: beside, steps: made };
      this.#forBeside.add(inner);
      return [inner];
    } catch (error) {
      if (!(error instanceof NoCounterpart)) throw error;
      return [this.#undone(step, `${what} ${error.message}`)];
    }
  }

  #assign(step: XmlNode, place: Place): Block[] {
    const note = elements(step, 'annotation').map((one) => textOf(one).trim());
    const key = attribute(step, 'key').trim();
    return this.#tried(step, 'an assignment', () => {
      if (!/^(?:""|)$/.test(key)) throw new NoCounterpart(`has the key ${key}`);
      const made = this.#written(
        attribute(step, 'property').trim(),
        attribute(step, 'value').trim(),
        {
          place,
          action: attribute(step, 'action') || 'set',
        },
      );
      const [first] = made;
      if (first !== undefined && note.some(Boolean)) first['comment'] = note.join(' ');
      return made;
    });
  }

  #written(
    property: string,
    value: string,
    { place, action }: { readonly place: Place; readonly action: string },
  ): Block[] {
    if (/^%?[A-Za-z]\w*$/.test(property) && property !== 'target') {
      if (action !== 'set') throw new NoCounterpart(`is one of ${action}`);
      this.#setVariable(property, this.#cel(value, place), place);
      return [];
    }
    const target = this.#place(property, place);
    if (/^(remove|clear)$/.test(action)) {
      forget(place.variables, target);
      const type = this.#isHl7 ? this.#target.type : undefined;
      return [{ remove: [removedPlace(target, type, place.loops)] }];
    }
    if (action === 'append' && !this.#isHl7)
      return [{ set: `${target}/-`, to: this.#text(value, place) }];
    if (action !== 'set') throw new NoCounterpart(`is one of ${action}`);
    if (this.#isHl7 && !target.includes('-')) return this.#segment(target, value, place);
    const literal = /^"([^"]*)"$/.exec(value)?.[1];
    if (literal !== undefined) {
      const parts = this.#isHl7 ? rawPlaces(target, literal) : [[target, literal] as const];
      this.#remember(target, asText(JSON.stringify(literal)), place);
      return parts.map(([path, text]) => ({ set: path, value: text }));
    }
    const isWhole = this.#isHl7 && /^\w+\.\{[^}]*\}$/.test(value) && this.#source.kind === 'hl7';
    if (isWhole && value.startsWith('source.')) return this.#copied(value, target, place);
    if (this.#isHl7) checkJoined(target, this.#node(value));
    const made = asText(this.#text(value, place));
    this.#remember(target, made, place);
    return [{ set: target, to: made.text }];
  }

  /** Copies a field or a part of one; `()` at the end of both means all repetitions, as a field does without a number. */
  #copied(value: string, target: string, place: Place): Block[] {
    const read = this.#sourcePlace(value, place);
    const [from, to] = [read, target].map((one) => one.replace(/^([^-]*-\d+)\[\*\]$/, '$1'));
    const sides = { types: [this.#source.type, this.#target.type], create: this.#create } as const;
    const each = eachRepetition([read, target], sides, this.#context);
    if (each !== undefined && place.loops.length === 0) {
      forget(place.variables, target.replace(/\[\*\].*/, ''));
      return [each];
    }
    if (from === undefined || to === undefined || from.includes('*') || to.includes('*'))
      throw new NoCounterpart('uses several values at once');
    this.#remember(to, asText(`field("${from}")`), place);
    return [{ copy: from, to }];
  }

  /** What was written into a new message, for what reads it afterwards; of a copy there is more at a place than was written. */
  #remember(target: string, value: Cel, { variables }: Place): void {
    const isKnown = this.#create !== 'copy' && value.text.length <= LONGEST;
    forget(variables, target);
    variables.set(`@${target}`, isKnown ? value : undefined);
  }

  #setVariable(name: string, value: Cel, { variables, loops }: Place): void {
    if (this.#beside.size > 0)
      throw new NoCounterpart('keeps another segment of its group in a variable');
    // a counter, or what one turn of a loop leaves for the next one
    if (loops.length > 0 && variables.has(name) && variables.get(name)?.text !== value.text) {
      variables.set(name, undefined);
      return;
    }
    if (value.text.length > LONGEST)
      throw new NoCounterpart('sets a variable to a very long expression');
    variables.set(name, value);
  }

  /** Copies a whole segment, with `()` all of its name; a new message already has MSH, so there the fields are copied. */
  #segment(given: string, value: string, place: Place): Block[] {
    if (this.#source.kind !== 'hl7' || this.#sourcePlace(value, place) !== given)
      throw new NoCounterpart('copies one segment to another');
    forget(place.variables, given.slice(0, 3));
    const target = given.replace(/\[\*\]$/, '');
    const isAll = target !== given;
    const isCurrent = place.loops.length > 0 || this.#beside.size > 0;
    if (isAll) standsOnce(target, this.#source.type);
    if (isAll && isCurrent) throw new NoCounterpart('copies several segments in a loop');
    if (target !== 'MSH' && !isCurrent && this.#create === 'copy') return [];
    const isOne = occurrences(target, this.#source.type).every((repeats) => !repeats);
    if (target !== 'MSH' && !isCurrent && (isAll || isOne)) return [{ copy: [target] }];
    return fieldCopies(target, isCurrent);
  }

  #place(what: string, place: Place): string {
    const { path, beside } = placeIn(this.#target, wholePath(what, place.objects), place.loops, {
      isWritten: true,
      isNew: this.#create !== 'copy',
    });
    if (beside !== undefined) this.#beside.add(beside);
    return path;
  }

  #sourcePlace(what: string, place: Place): string {
    const { path, beside } = placeIn(this.#source, wholePath(what, place.objects), place.loops);
    if (beside !== undefined) this.#beside.add(beside);
    return path;
  }

  #read(given: string, place: Place): Cel {
    if (place.variables.has(given)) {
      const value = place.variables.get(given);
      if (value === undefined)
        throw new NoCounterpart(`reads ${given}, which is set in a loop or in several ways`);
      return value;
    }
    const what = wholePath(given, place.objects);
    if (/^source\b/.test(what)) {
      const { beside, ...cel } = readIn(this.#source, what, place.loops);
      if (beside !== undefined) this.#beside.add(beside);
      return cel;
    }
    const loop = place.loops.find(({ key }) => key === given);
    if (loop !== undefined) {
      if (loop === place.loops.at(-1)) return { text: 'index()', type: 'int' };
      return { text: `index(${JSON.stringify(loop.over)})`, type: 'int' };
    }
    if (/^target\b/.test(what)) {
      const { path } = placeIn(this.#target, what, place.loops, { isWritten: true, isNew: true });
      const written = place.variables.get(`@${path}`);
      if (written !== undefined) return written;
      throw new NoCounterpart(`reads ${given}, which it has written itself`);
    }
    throw new NoCounterpart(`reads ${given}`);
  }

  #node(text: string): Node {
    if (attribute(this.#root, 'language') === 'python') throw new NoCounterpart('is Python');
    const node = objectScript(text);
    if (this.#source.kind === 'hl7') checkRepetitions(node);
    return node;
  }

  #cel(value: string, place: Place): Cel {
    return celOf(this.#node(value), (what) => this.#read(what, place));
  }

  #text(value: string, place: Place): string {
    return celText(this.#node(value), (what) => this.#read(what, place));
  }

  #condition(given: string, place: Place): string {
    return celCondition(this.#node(given), (what) => this.#read(what, place));
  }

  #if(step: XmlNode, place: Place): Block[] {
    for (const one of elements(step, 'annotation')) lookedAt(one);
    const [yes, no] = [elements(step, 'true')[0], elements(step, 'false')[0]];
    const given = attribute(step, 'condition');
    return this.#branches([{ given, steps: yes }], no, place);
  }

  #switch(step: XmlNode, place: Place): Block[] {
    const cases = elements(step, 'case').map((one) => ({
      given: attribute(one, 'condition'),
      steps: one,
    }));
    return this.#branches(cases, elements(step, 'default')[0], place);
  }

  #branches(
    [first, ...more]: readonly { readonly given: string; readonly steps: XmlNode | undefined }[],
    last: XmlNode | undefined,
    place: Place,
  ): Block[] {
    if (first === undefined) return this.#steps(last, place);
    this.#beside = new Set();
    let condition = UNDONE;
    let comment: string | undefined;
    try {
      condition = this.#condition(first.given, place);
      if (this.#beside.size > 0) throw new NoCounterpart('reads another segment of its group');
    } catch (error) {
      if (!(error instanceof NoCounterpart)) throw error;
      condition = UNDONE;
      comment = `was: ${first.given}`;
      this.#context.mark('if', 'conditions', `a condition ${error.message}: write it in CEL`);
    }
    const before = new Map(place.variables);
    const yes = this.#steps(first.steps, place);
    const after = new Map(place.variables);
    restore(place.variables, before);
    const no = this.#branches(more, last, place);
    merge(place.variables, after, condition);
    if (yes.length === 0 && no.length === 0) return [];
    return [
      // oxlint-disable-next-line unicorn/no-thenable -- a step of a transform, whose `then` is a list
      { if: condition, then: yes, ...(no.length > 0 && { else: no }), ...(comment && { comment }) },
    ];
  }

  #foreach(step: XmlNode, place: Place): Block[] {
    const [property, key] = [attribute(step, 'property').trim(), attribute(step, 'key').trim()];
    attribute(step, 'unload');
    let loop: PathLoop;
    try {
      loop = loopIn(this.#source, wholePath(property, place.objects), key, place.loops);
      const chain = [...place.loops, loop].map(({ over }) => over).join(' ');
      if (this.#create !== 'copy' && this.#isHl7 && this.#gone.has(chain))
        throw new NoCounterpart(`goes over ${loop.over} a second time`);
      this.#gone.add(chain);
      if (loop.group !== undefined && loop.over === 'PID')
        this.#context.look(
          'foreach',
          'steps',
          'its loop over patients goes over PID: a message without PID has no turn',
        );
    } catch (error) {
      if (!(error instanceof NoCounterpart)) throw error;
      return [this.#undone(step, `a loop ${error.message}: write it`)];
    }
    // what a turn sets is unknown before the next one
    for (const name of assignedIn(step))
      if (place.variables.has(name)) place.variables.set(name, undefined);
    const inner = { ...place, variables: new Map(place.variables), loops: [...place.loops, loop] };
    forgetInLoop(inner.variables, loop.over);
    const steps = this.#steps(step, inner);
    leaveLoop(place.variables, inner.variables, this.#isHl7 ? steps.flatMap(writtenBy) : ['']);
    return steps.length === 0 ? [] : [firstGroupOf(loop, { each: loop.over, steps })];
  }

  /** The steps of a sub-transform stand where it is called. */
  #sub(step: XmlNode, place: Place): Block[] {
    for (const one of elements(step, 'annotation')) lookedAt(one);
    const className = attribute(step, 'class');
    const [source, target] = [attribute(step, 'sourceObj'), attribute(step, 'targetObj')];
    const root = this.#context.dtlOf(className)?.root;
    const problem = callProblem(root, {
      called: `calls ${className}`,
      objects: [source, target],
      isDeep: place.depth > 7,
      isCopy: this.#create === 'copy',
    });
    if (root === undefined || problem !== undefined)
      return [this.#undone(step, `a sub-transform ${problem ?? ''}: write it`)];
    for (const name of ['sourceClass', 'targetClass', 'sourceDocType', 'targetDocType'])
      attribute(root, name);
    const objects = {
      source: wholePath(source, place.objects),
      target: wholePath(target, place.objects),
    };
    // what it writes is not known afterwards
    forget(place.variables, '');
    return this.#steps(root, { ...place, objects, variables: new Map(), depth: place.depth + 1 });
  }

  #code(step: XmlNode, place: Place): Block[] {
    lookedAt(step);
    const sets = assignmentsOf(textOf(step));
    if (sets === 'memory') {
      this.#context.look(
        'code',
        'left out',
        'code that takes objects out of the memory is left out',
      );
      return [];
    }
    if (sets === undefined)
      return [this.#undone(step, 'the step code has no counterpart: write it')];
    return this.#tried(step, 'code', () =>
      sets.flatMap(([property, value]) => this.#written(property, value, { place, action: 'set' })),
    );
  }
}
