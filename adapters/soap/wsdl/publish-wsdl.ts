import type { XmlElement } from 'waybill/document';
import { SOAP } from '../soap-version.ts';
import { attributeOf, childrenOf, elementsOf, escaped } from '../xml.ts';
import { WSDL, type WsdlFile, XSD } from './wsdl-file.ts';

/** A place in a text, and its replacement. */
interface Edit {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/**
 * A file of a description as callers get it: with our address, and its imports by numbers of the same address, since
 * only we have the files.
 *
 * @param at the number of the file; the WSDL itself is 0
 * @param address without a query
 */
export function publishedWsdl(
  files: readonly WsdlFile[],
  at: number,
  address: string,
): string | undefined {
  const file = files[at];
  if (file === undefined) return undefined;
  const edits = [...addressEdits(file, address), ...importEdits(file, files, address)];
  let [text, last] = ['', file.text.startsWith('\uFEFF') ? 1 : 0];
  for (const edit of edits.toSorted((a, b) => a.from - b.from)) {
    text += file.text.slice(last, edit.from) + edit.text;
    last = edit.to;
  }
  return inUtf8(text + file.text.slice(last));
}

/** It is sent in UTF-8, whatever its original encoding. */
const inUtf8 = (text: string): string =>
  text.replace(/^(<\?xml[^>]*?\sencoding\s*=\s*)(["'])[\w.:-]+\2/, '$1$2UTF-8$2');

function addressEdits(file: WsdlFile, address: string): readonly Edit[] {
  const bindings = new Set<string>([SOAP['1.1'].binding, SOAP['1.2'].binding]);
  return childrenOf(file.root, WSDL, 'service')
    .flatMap((service) => childrenOf(service, WSDL, 'port'))
    .flatMap(elementsOf)
    .filter(({ uri, local }) => local === 'address' && bindings.has(uri))
    .flatMap((element) => attributeEdit(file, element, 'location', address));
}

function importEdits(file: WsdlFile, files: readonly WsdlFile[], address: string): readonly Edit[] {
  return [...file.references].flatMap(([element, path]) => {
    const at = files.findIndex((one) => one.path === path);
    const name = element.uri === XSD ? 'schemaLocation' : 'location';
    return at < 0 ? [] : attributeEdit(file, element, name, `${address}?wsdl=${at}`);
  });
}

function attributeEdit(
  { text }: WsdlFile,
  element: XmlElement,
  name: string,
  value: string,
): readonly Edit[] {
  const { from, to } = element.source?.tag ?? { from: 0, to: 0 };
  if (attributeOf(element, name) === undefined) return [];
  const tag = text.slice(from, to);
  const found = new RegExp(`\\s${name}\\s*=\\s*("[^"]*"|'[^']*')`).exec(tag);
  if (found === null) return [];
  const begin = from + found.index;
  return [{ from: begin, to: begin + found[0].length, text: ` ${name}="${escaped(value)}"` }];
}
