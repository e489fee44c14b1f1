import { parseXml } from '../../../document/xml/parse-xml.ts';
import {
  changed,
  type XmlAttribute,
  type XmlChild,
  type XmlElement,
  type XmlLeaf,
} from '../../../document/xml/tree.ts';
import { writeXml } from '../../../document/xml/write-xml.ts';
import { xmlText } from '../../../document/xml/xml-text.ts';
import { masked } from '../../../trace/masked.ts';
import { type NameMask, shapeOf } from './json-mask.ts';
import { isCodeOf, isShownAs, KIND_NAMES, PERSON_NAMES, plainName } from './shown-names.ts';

/**
 * Masks every text, comment and attribute except those known not to identify anybody; elements and their
 * names stay. FHIR writes an element's value into its attribute `value`, which is treated by the element's
 * name.
 */
export function maskXml(bytes: Uint8Array, given: string | undefined, names: NameMask): Uint8Array {
  const { text, charset } = xmlText(bytes, given);
  const tree = parseXml(text);
  // XML has its own depth limit
  for (const child of tree.root.children)
    maskNode(child, names, { hidden: false, inHeader: false });
  return charset.encode(writeXml(tree, text));
}

interface Place {
  readonly hidden: boolean;
  /** Whether it is in the header of an HL7 message in XML. */
  readonly inHeader: boolean;
}

function maskNode(node: XmlChild, names: NameMask, place: Place): void {
  if (node.kind === 'element') maskElement(node, names, place);
  else hide(node);
}

/** In FHIR the resource `Patient` is only a container, judged by what is in it; in CDA `patient` is the person. */
function isOfAPerson({ local, uri }: XmlElement, name: string): boolean {
  return PERSON_NAMES.has(name) && !(uri === 'http://hl7.org/fhir' && /^[A-Z]/.test(local));
}

function isShownAttribute(
  { name, local, value }: XmlAttribute,
  element: XmlElement,
  { hidden }: Place,
): boolean {
  if (name.startsWith('xmlns')) return true;
  const own = plainName(local);
  const by = own === 'value' ? plainName(element.local) : own;
  // an identifier shows who issued it, but not its value
  if (hidden) return KIND_NAMES.has(by) && isShownAs(shapeOf(by), value);
  if (isShownAs(shapeOf(by), value)) return true;
  const beside = (other: string): string | undefined =>
    element.attributes.find((one) => one.local === other)?.value;
  if (own === 'code') return isCodeOf(beside('codeSystem'), value);
  return own === 'value' && beside('unit') !== undefined && isShownAs('number', value);
}

function maskElement(element: XmlElement, names: NameMask, { hidden, inHeader }: Place): void {
  const name = plainName(element.local);
  if (names.shown.has(name)) return;
  const inside = {
    hidden: hidden || isOfAPerson(element, name) || names.hidden.has(name),
    inHeader: inHeader || element.local === 'MSH',
  };
  for (const attribute of element.attributes) {
    const known = names.shown.has(plainName(attribute.local));
    if (!known && !isShownAttribute(attribute, element, inside)) hide(attribute);
  }
  for (const child of element.children) {
    if (!isShownText(child, name, inside)) maskNode(child, names, inside);
  }
}

function isShownText(child: XmlChild, name: string, { hidden, inHeader }: Place): boolean {
  if (child.kind !== 'text') return false;
  return inHeader || (!hidden && isShownAs(shapeOf(name), child.value));
}

function hide(node: XmlAttribute | XmlLeaf): void {
  const value = masked(node.value);
  if (value === node.value) return;
  node.value = value;
  changed(node);
}
