import { Buffer } from 'node:buffer';
import type { Document } from '../document.ts';
import { isElement } from './v2/json.ts';

/** The body as a FHIR resource; undefined if it is not JSON with a `resourceType`. */
export function resourceOf(document: Document): Readonly<Record<string, unknown>> | undefined {
  if (document.kind !== 'json') return undefined;
  const value: unknown = JSON.parse(Buffer.from(document.bytes()).toString('utf8'));
  return isElement(value) && typeof value['resourceType'] === 'string' ? value : undefined;
}
