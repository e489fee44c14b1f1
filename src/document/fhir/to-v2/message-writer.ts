import type { Hl7Dictionary } from '../../hl7/dictionary/dictionary.ts';
import { segmentsOf } from '../../hl7/validation/structure-match.ts';
import type { Element, Resource } from '../v2/json.ts';
import type { BackContext } from './back-context.ts';
import { mapBack } from './back-map.ts';
import type { BundleIndex } from './bundle-index.ts';
import type { ValueTypes } from './observation-value.ts';
import { TargetSegment } from './segment.ts';
import { entries } from './uses.ts';

export interface MessageKind {
  readonly message: string;
  readonly event: string;
}

/** A table and what it is read for. */
export type TableRoot = readonly [table: string, root: Element];

interface Adding {
  readonly before?: (segment: TargetSegment) => void;
  readonly isKept?: boolean;
}

/** Segments that begin with a set id. */
const NUMBERED: ReadonlySet<string> = new Set([
  'PID',
  'NK1',
  'PV1',
  'AL1',
  'DG1',
  'PR1',
  'IN1',
  'OBR',
  'OBX',
  'NTE',
  'SPM',
]);

/** Set ids begin again with these. */
const RESTARTS: Readonly<Record<string, readonly string[]>> = {
  PID: ['NK1', 'PV1', 'AL1', 'DG1', 'PR1', 'IN1', 'OBR'],
  OBR: ['OBX', 'SPM'],
};

/** The segments of a message, as far as its structure has them. */
export class MessageWriter {
  readonly context: BackContext;
  readonly dictionary: Hl7Dictionary;
  readonly index: BundleIndex;
  readonly kind: MessageKind;
  /** Resources that have a segment. */
  readonly written = new Set<Element>();
  readonly #segments: TargetSegment[] = [];
  readonly #allowed: ReadonlySet<string> | undefined;
  readonly #current = new Map<string, Element>();
  readonly #counts = new Map<string, number>();

  constructor(
    index: BundleIndex,
    kind: MessageKind,
    { context, dictionary }: { context: BackContext; dictionary: Hl7Dictionary },
  ) {
    this.index = index;
    this.kind = kind;
    this.context = context;
    this.dictionary = dictionary;
    const structure = dictionary.structure(`${kind.message}_${kind.event}`);
    this.#allowed = structure === undefined ? undefined : segmentsOf(structure);
  }

  /** Data types that other versions call otherwise. */
  get types(): ValueTypes {
    const { dictionary } = this;
    return {
      coded: dictionary.components('CWE') === undefined ? 'CE' : 'CWE',
      time: dictionary.components('TS') === undefined ? 'DTM' : 'TS',
    };
  }

  allows(name: string): boolean {
    return this.#allowed?.has(name) !== false && this.dictionary.fields(name) !== undefined;
  }

  /** What segments to come are about; undefined ends that. */
  about(name: string, resource: Element | undefined): void {
    if (resource === undefined) this.#current.delete(name);
    else this.#current.set(name, resource);
  }

  /**
   * A segment made of tables that are read backwards; undefined if the message cannot have it, or if
   * nothing is in it and it is not kept all the same. `before` may write first.
   */
  add(
    name: string,
    readings: readonly TableRoot[],
    { before, isKept = false }: Adding = {},
  ): TargetSegment | undefined {
    if (!this.allows(name)) return undefined;
    const segment = new TargetSegment(name, this.dictionary);
    before?.(segment);
    segment.settle('value');
    for (const [table, root] of readings) {
      const related = (of: string): Element | undefined => this.#current.get(of);
      const { context, kind } = this;
      mapBack(table, {
        context,
        segment,
        cell: undefined,
        root,
        type: kind.message,
        related,
        owner: table,
      });
      segment.settle(table);
    }
    if (segment.isEmpty && !isKept) return undefined;
    for (const [, root] of readings) this.written.add(root);
    this.#number(segment);
    this.#segments.push(segment);
    return segment;
  }

  /** Each note of a resource as NTE. */
  notes(resource: Resource): void {
    for (const { value } of entries(resource, 'note'))
      this.add('NTE', [['NTE:note', { note: [value] }]]);
  }

  /** The message, each segment ended with CR. */
  text(): string {
    return this.#segments.map((segment) => `${segment.written()}\r`).join('');
  }

  #number(segment: TargetSegment): void {
    const { name } = segment;
    if (name !== 'NTE') this.#counts.delete('NTE');
    for (const one of RESTARTS[name] ?? []) this.#counts.delete(one);
    if (!NUMBERED.has(name)) return;
    const number = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, number);
    segment.put([1], String(number));
  }
}
