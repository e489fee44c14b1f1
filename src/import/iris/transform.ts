import type { XmlNode } from '../../mirth/e4x/node.ts';
import { celOfObjectScript, NoCounterpart } from './expression.ts';
import { hl7PathOf } from './paths.ts';
import { attribute, elements, isDisabled, rootOf, textOf } from './read-export.ts';
import { readOf, type TranslationReport, UNDONE } from './rules.ts';

type Block = Record<string, unknown>;

/** Translates a DTL to a transform in YAML; check refuses the steps that have no counterpart. */
export function transformOf(xml: string, told: TranslationReport): Block {
  return new TransformReading(rootOf(xml), told).block();
}

class TransformReading {
  readonly #root: XmlNode;
  readonly #told: TranslationReport;
  readonly #source: string;
  readonly #target: string;

  constructor(root: XmlNode, told: TranslationReport) {
    this.#root = root;
    this.#told = told;
    this.#source = attribute(root, 'sourceDocType');
    this.#target = attribute(root, 'targetDocType');
  }

  /** Whether its result is HL7: a copy, or of a standard type. */
  get #isHl7(): boolean {
    return this.#create === 'copy' || /^\d\.\d[\d.]*:./.test(this.#target);
  }

  get #create(): string {
    return attribute(this.#root, 'create') || 'new';
  }

  block(): Block {
    const create = this.#create;
    const [version = '', structure = ''] = this.#target.split(':');
    for (const side of ['source', 'target']) {
      const name = attribute(this.#root, `${side}Class`);
      if (name !== 'EnsLib.HL7.Message')
        this.#told.mark(
          side,
          'messages of a class',
          `the ${side} is an object of ${name}: write the transform for its JSON`,
        );
    }
    return {
      start: create === 'copy' ? 'copy' : 'empty',
      ...(create !== 'copy' && {
        type: this.#isHl7 ? `${structure}:${version}` : 'application/json',
      }),
      steps: this.#steps(this.#root),
    };
  }

  #steps(of: XmlNode | undefined): Block[] {
    return elements(of).flatMap((one): Block[] => {
      if (isDisabled(one)) return [];
      switch (one.name) {
        case 'group':
          return this.#steps(one);
        case 'assign':
          return this.#assign(one);
        case 'if':
          return [this.#if(one)];
        case 'annotation':
        case 'comment':
        case 'trace':
          return [];
        default:
          return [this.#undone(one, `the step ${one.name} has no counterpart: write it`)];
      }
    });
  }

  #undone(step: XmlNode, text: string): Block {
    const said = ['property', 'value', 'condition', 'class']
      .map((name) => attribute(step, name))
      .filter(Boolean);
    const own = said.length === 0 ? textOf(step).trim().slice(0, 200) : said.join(' ← ');
    this.#told.mark(step.name, 'steps', text);
    return {
      set: this.#isHl7 ? 'ZZZ-1' : '/undone',
      to: UNDONE,
      comment: `was ${step.name}: ${own}`,
    };
  }

  #assign(step: XmlNode): Block[] {
    const [property, value] = [attribute(step, 'property'), attribute(step, 'value')];
    try {
      const target = this.#path(property, 'target', this.#target);
      const action = attribute(step, 'action');
      if (/^(remove|clear)$/.test(action)) return [{ remove: [target] }];
      if (!/^(set)?$/.test(action)) throw new NoCounterpart(`is one of ${action}`);
      if (!target.includes('-')) return this.#segment(target, value);
      const literal = /^"([^"]*)"$/.exec(value)?.[1];
      if (literal !== undefined) return [{ set: target, value: literal }];
      const isField = /^source\.\{[^}]*\}$/.test(value);
      if (isField) return [{ copy: this.#path(value, 'source', this.#source), to: target }];
      return [
        { set: target, to: celOfObjectScript(value, (what) => readOf(what, this.#category)) },
      ];
    } catch (error) {
      if (!(error instanceof NoCounterpart)) throw error;
      return [this.#undone(step, `an assignment ${error.message}`)];
    }
  }

  get #category(): string {
    return this.#source.split(':')[0] ?? '';
  }

  /** Copies a whole segment; a new message already has MSH, so there the fields are copied. */
  #segment(target: string, value: string): Block[] {
    if (this.#path(value, 'source', this.#source) !== target)
      throw new NoCounterpart('copies one segment to another');
    if (target !== 'MSH') return [{ copy: [target] }];
    return [3, 4, 5, 6, 7, 10, 11].map((number) => ({
      copy: `MSH-${number}`,
      to: `MSH-${number}`,
    }));
  }

  #path(given: string, side: 'source' | 'target', type: string): string {
    const inner = new RegExp(`^${side}\\.\\{([^}]*)\\}$`).exec(given)?.[1];
    const path = inner === undefined ? undefined : hl7PathOf(inner, type.split(':')[0] ?? '');
    if (path === undefined) throw new NoCounterpart(`names ${given || 'nothing'}`);
    return path;
  }

  #if(step: XmlNode): Block {
    const [yes, no] = [elements(step, 'true')[0], elements(step, 'false')[0]];
    const otherwise = no === undefined ? [] : this.#steps(no);
    // oxlint-disable-next-line unicorn/no-thenable -- a step of a transform, whose `then` is a list
    const parts = { then: this.#steps(yes), ...(otherwise.length > 0 && { else: otherwise }) };
    try {
      const condition = celOfObjectScript(attribute(step, 'condition'), (what) =>
        readOf(what, this.#category),
      );
      return { if: condition, ...parts };
    } catch (error) {
      if (!(error instanceof NoCounterpart)) throw error;
      this.#told.mark('if', 'conditions', `a condition ${error.message}: write it in CEL`);
      return { if: UNDONE, ...parts, comment: `was: ${attribute(step, 'condition')}` };
    }
  }
}
