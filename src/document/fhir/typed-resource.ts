import { Buffer } from 'node:buffer';
import { EngineError } from '../../error/engine-error.ts';
import type { Document } from '../document.ts';
import { exactNumber, keepsDigits } from '../json/exact-json.ts';
import { FHIR_JSON } from './fhir-json.ts';

interface Typed {
  readonly resourceType: string;
}

/** The digits of numbers that JavaScript would write otherwise, by the element they are in. */
const written = new WeakMap<object, Map<string, string>>();

/**
 * The body as a resource of this type, for code that has types: `readFhir<Patient>(document, 'Patient')`. Nothing
 * but its type is checked: `validate` of a router does that. Throws DOCUMENT_UNREADABLE for any other body.
 */
export function readFhir<R extends Typed>(document: Document, type: R['resourceType']): R {
  const value = parsed(document);
  const { resourceType } = Object(value) as Partial<Typed>;
  if (resourceType === type) return value as R;
  const isType = typeof resourceType === 'string' && /^[A-Z][A-Za-z]{1,63}$/.test(resourceType);
  throw new EngineError(
    'DOCUMENT_UNREADABLE',
    isType
      ? `The message is a FHIR resource ${resourceType}, not ${type}.`
      : `The message is not a FHIR resource in JSON; ${type} is expected.`,
  );
}

function parsed(document: Document): unknown {
  if (document.kind !== 'json') return undefined;
  try {
    return JSON.parse(Buffer.from(document.bytes()).toString('utf8'), remembering);
  } catch {
    // the parser's error is dropped: it quotes the body
    return undefined;
  }
}

function remembering(
  this: unknown,
  key: string,
  value: unknown,
  context?: { readonly source?: string },
): unknown {
  const source = context?.source;
  if (typeof value === 'number' && source !== undefined && !keepsDigits(source)) {
    const holder = this as object;
    const digits = written.get(holder) ?? new Map<string, string>();
    written.set(holder, digits.set(key, source));
  }
  return value;
}

/**
 * A resource as a message that a transform returns or a process sends. Numbers that `readFhir` has read keep their
 * digits (`1.50`) as long as they stay in their element.
 */
export function writeFhir(resource: Typed): { readonly body: string; readonly type: string } {
  return { body: JSON.stringify(resource, withDigits), type: FHIR_JSON };
}

function withDigits(this: unknown, key: string, value: unknown): unknown {
  const digits = typeof value === 'number' ? written.get(this as object)?.get(key) : undefined;
  return digits !== undefined && Number(digits) === value ? exactNumber(digits) : value;
}
