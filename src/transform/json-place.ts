import type { Document } from '../document/document.ts';
import { JsonDocument } from '../document/json/json-document.ts';
import { Part } from '../expression/part.ts';

/** A place in JSON. */
export interface JsonPlace {
  readonly document: JsonDocument;
  readonly path: string;
}

/** Where a path is in JSON, also as seen from a loop; undefined if the body is none. */
export function jsonPlace(of: Document, path: string): JsonPlace | undefined {
  const [document, place] = of instanceof Part ? of.placeOf(path) : [of, path];
  return document instanceof JsonDocument ? { document, path: place } : undefined;
}
