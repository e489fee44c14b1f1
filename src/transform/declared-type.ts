import type { Document } from '../document/document.ts';
import { kindOf } from '../document/document-of.ts';
import { isBefore } from '../document/hl7/header.ts';
import { Hl7Document } from '../document/hl7/hl7-document.ts';
import { EngineError } from '../error/engine-error.ts';
import { messageStructure } from './message-structure.ts';

/** What a transform declares under `type`. */
export interface DeclaredType {
  /** As a message's type is written: `HL7v2:ADT_A01:2.3`, `application/json`. */
  readonly text: string;
  readonly kind: Document['kind'];
  /** For HL7 only. */
  readonly hl7: Hl7Type | undefined;
}

export interface Hl7Type {
  /** MSH-9.1 */
  readonly message: string;
  /** MSH-9.2, `''` if there is none. */
  readonly event: string;
  /** MSH-12; undefined keeps it. */
  readonly version: string | undefined;
}

const HL7_TYPE = /^(?:HL7v2:)?([A-Z][A-Z\d]{2})(?:_([A-Z\d]{3}))?(?::(\d(?:\.\d+){0,2}))?$/;
const EDI_TYPE = /^(X12|EDIFACT)(?::[\w.-]{1,20}){0,2}$/;
const MEDIA_TYPE = /^[a-z]+\/[\w.+-]+(?:;.*)?$/;

/** Reads `ADT_A01:2.3`, `ADT_A01`, `X12:837P:005010X222A1`, `EDIFACT:MEDRPT` or a media type; undefined if it is none. */
export function declaredType(given: string): DeclaredType | undefined {
  // before HL7: X12 looks like one of its types
  if (EDI_TYPE.test(given)) return { text: given, kind: kindOf(given), hl7: undefined };
  const found = HL7_TYPE.exec(given);
  if (found !== null) {
    const [, message = '', event = '', version] = found;
    const name = event === '' ? message : `${message}_${event}`;
    const text = `HL7v2:${name}:${version ?? ''}`;
    return { text, kind: 'hl7', hl7: { message, event, version } };
  }
  return MEDIA_TYPE.test(given) ? { text: given, kind: kindOf(given), hl7: undefined } : undefined;
}

/**
 * Writes the declared type into a new message's MSH-9 and MSH-12; for other kinds, checks that the
 * body is of that type.
 */
export function declareType(target: Document, { kind, hl7, text }: DeclaredType): void {
  if (target.kind !== kind) {
    throw new EngineError(
      'TRANSFORM_FAILED',
      `a copy of a body that is ${target.kind} cannot become ${text}. Write start: empty, or use a transform in TypeScript.`,
    );
  }
  if (hl7 !== undefined && target instanceof Hl7Document) declareHl7(target, hl7);
}

function declareHl7(target: Hl7Document, { message, event, version }: Hl7Type): void {
  if (version !== undefined) target.set('MSH-12.1', version);
  const structure = target.get('MSH-9.3');
  const isOther = target.get('MSH-9.1') !== message || target.get('MSH-9.2') !== event;
  const isTooOld = isBefore(target.get('MSH-12.1'), FIRST_WITH_STRUCTURE);
  if (!isOther && (structure === '' || !isTooOld)) return;
  const parts = event === '' ? [message] : [message, event];
  if (structure !== '' && !isTooOld && event !== '') parts.push(messageStructure(message, event));
  target.set('MSH-9', parts.join(target.delimiters.component));
}

/** The first version in which MSH-9 has a third part. */
export const FIRST_WITH_STRUCTURE = '2.3.1';
