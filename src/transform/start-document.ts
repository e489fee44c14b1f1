import { Buffer } from 'node:buffer';
import type { Document } from '../document/document.ts';
import { documentOf } from '../document/document-of.ts';
import { DEFAULT_DELIMITERS } from '../document/hl7/delimiters.ts';
import { Hl7Document } from '../document/hl7/hl7-document.ts';
import { isBefore } from '../document/hl7/version.ts';
import { EngineError } from '../error/engine-error.ts';
import { formatDate } from '../expression/date-pattern.ts';
import { type DeclaredType, FIRST_WITH_STRUCTURE, type Hl7Type } from './declared-type.ts';
import { messageStructure } from './message-structure.ts';
import type { TransformInput } from './transform.ts';

/** The first state of a new message that is no copy: a given body, or the least that is valid for its type. */
export function startDocument(
  input: TransformInput,
  start: 'empty' | { readonly body: string },
  type: DeclaredType | undefined,
): Document {
  if (type === undefined) throw new EngineError('TRANSFORM_FAILED', 'it has no type');
  const { message, document } = input;
  const charset = document instanceof Hl7Document ? document.charset.name : message.charset;
  const body = start === 'empty' ? emptyBody(input, type) : start.body;
  return documentOf(Buffer.from(body, 'utf8'), {
    type: type.text,
    ...(type.hl7 === undefined || charset === undefined ? {} : { charset }),
  });
}

function emptyBody(input: TransformInput, type: DeclaredType): string {
  if (type.hl7 !== undefined) return emptyHl7(input, type.hl7);
  return type.kind === 'json' ? '{}' : '';
}

/** An MSH that a receiver accepts; steps may change it. What the new message has in common with the old one is kept. */
function emptyHl7({ message, document, now }: TransformInput, type: Hl7Type): string {
  const source = document instanceof Hl7Document ? document : undefined;
  const kept = (path: string, otherwise: string): string => source?.raw(path) || otherwise;
  const { field, component, encoding } = source?.delimiters ?? DEFAULT_DELIMITERS;
  const version = type.version ?? kept('MSH-12.1', '2.5.1');
  const slots = [
    `MSH${field}${encoding}`,
    '',
    '',
    '',
    '',
    formatDate(new Date(now()), 'yyyyMMddHHmmss', undefined) ?? '',
    '',
    messageType(type, version).join(component),
    kept('MSH-10', String(message.id)),
    kept('MSH-11', 'P'),
    version,
  ];
  const charset = kept('MSH-18', '');
  if (charset !== '') slots.push('', '', '', '', '', charset);
  return `${slots.join(field)}\r`;
}

/** The parts of MSH-9 as the version has them. */
function messageType({ message, event }: Hl7Type, version: string): string[] {
  if (event === '') return [message];
  if (isBefore(version, FIRST_WITH_STRUCTURE)) return [message, event];
  return [message, event, messageStructure(message, event)];
}
