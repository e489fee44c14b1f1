import { lstat, readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { describeSize, EngineError } from 'waybill/adapter';
import type { XmlElement } from 'waybill/document';
import { attributeOf, elementsOf, readXml, within, type XmlSource } from '../xml.ts';

export const WSDL = 'http://schemas.xmlsoap.org/wsdl/';
export const XSD = 'http://www.w3.org/2001/XMLSchema';

/** Far more than any description needs: a larger file is a mistake or an attack. */
const LARGEST = 8 * 1_048_576;
const MOST_FILES = 200;

/** Reports a problem in a file, at one of its elements or at its beginning. */
export type TellWsdl = (
  file: string,
  what: string,
  remedy: string,
  place?: { readonly source: XmlSource; readonly element: XmlElement; readonly warning?: true },
) => void;

/** A file of a description: a WSDL or a schema. */
export interface WsdlFile extends XmlSource {
  /** Absolute. */
  readonly path: string;
  /** The files that its imports and includes name, by the element. */
  readonly references: ReadonlyMap<XmlElement, string>;
}

/**
 * A WSDL and all that it imports and includes, the first one first. Only files beside it are read: a web address
 * or an absolute path is reported as a problem, since nobody maintains those files.
 */
export async function readWsdlFiles(path: string, tell: TellWsdl): Promise<readonly WsdlFile[]> {
  const files = new Map<string, WsdlFile>();
  const waiting = [path];
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    if (files.has(next)) continue;
    if (files.size >= MOST_FILES) {
      tell(path, `it imports more than ${MOST_FILES} files`, 'Leave out what is not used.');
      break;
    }
    const source = await sourceAt(next, tell);
    if (source === undefined) continue;
    const references = referencesOf(next, source, tell);
    files.set(next, { ...source, path: next, references });
    waiting.push(...references.values());
  }
  return [...files.values()];
}

async function sourceAt(path: string, tell: TellWsdl): Promise<XmlSource | undefined> {
  try {
    const { size } = await lstat(path);
    if (size > LARGEST) {
      tell(path, `it is larger than ${describeSize(LARGEST)}`, 'Name a WSDL or XSD file.');
      return undefined;
    }
    return readXml(await readFile(path));
  } catch (error) {
    if (error instanceof EngineError) {
      const why = error.message.replace(/^The body cannot be read as XML: /, '');
      tell(path, `it is not usable as XML: ${why.replace(/\.$/, '')}`, 'Correct the file.');
      return undefined;
    }
    const { code } = error as { code?: unknown };
    const why = code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${String(code)})`;
    tell(path, why, 'Save it beside the production, or correct the name.');
    return undefined;
  }
}

const REFERENCES = new Set(['import', 'include', 'redefine']);

function referencesOf(
  path: string,
  source: XmlSource,
  tell: TellWsdl,
): ReadonlyMap<XmlElement, string> {
  const found = new Map<XmlElement, string>();
  for (const element of importing(source.root)) {
    const location =
      attributeOf(element, element.uri === XSD ? 'schemaLocation' : 'location')?.trim() ?? '';
    if (location === '') continue;
    if (/^([a-z][a-z\d+.-]*:|\/|\\)/i.test(location)) {
      tell(
        path,
        'it imports from an address that is not a file beside it',
        'Save that file beside the WSDL and write its relative name as the location.',
        { source, element },
      );
      continue;
    }
    const [name = ''] = location.split(/[?#]/, 1);
    found.set(element, resolve(dirname(path), decoded(name)));
  }
  return found;
}

/** Imports are children of definitions and schemas, the latter also within `types`. */
function importing(root: XmlElement): readonly XmlElement[] {
  const schemas = root.uri === XSD ? [root] : [...within(root)].filter(isSchema);
  const places = root.uri === WSDL ? [root, ...schemas] : schemas;
  return places.flatMap(elementsOf).filter(({ local, uri }) => {
    return REFERENCES.has(local) && (uri === XSD || (uri === WSDL && local === 'import'));
  });
}

const isSchema = ({ local, uri }: XmlElement): boolean => local === 'schema' && uri === XSD;

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    // URIError: a stray %, which then is part of the name
    return name;
  }
}

/** The schemas of a file: the file itself, or those within its `types`. */
export const schemasOf = ({ root }: XmlSource): readonly XmlElement[] =>
  isSchema(root) ? [root] : root.uri === WSDL ? [...within(root)].filter(isSchema) : [];

/** Line and column of an element, from 1. */
export function placeIn(
  { text }: XmlSource,
  { source }: XmlElement,
): { readonly line: number; readonly column: number } {
  const before = text.slice(0, source?.tag.from ?? 0);
  return { line: before.split('\n').length, column: before.length - before.lastIndexOf('\n') };
}
