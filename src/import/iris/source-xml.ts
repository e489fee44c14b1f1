import { trimmed, type XmlNode } from '../../mirth/e4x/node.ts';
import { parseNodes } from '../../mirth/e4x/parse.ts';

/**
 * The XML of a class. What is read of it is noted, so that what no part of the import has looked at can be told of:
 * nothing of an export is left out in silence.
 */

/** Elements and attributes that some part of the import has looked at. */
const seen = new WeakSet<XmlNode>();

/** The child elements with a name, or all; they count as looked at, their attributes and children do not. */
export function elements(of: XmlNode | undefined, name?: string): XmlNode[] {
  const found =
    of?.children.filter(
      (one) => one.kind === 'element' && (name === undefined || one.name === name),
    ) ?? [];
  for (const one of found) seen.add(one);
  return found;
}

export function attribute(of: XmlNode, name: string): string {
  const found = of.attributes.find((one) => one.name === name);
  if (found === undefined) return '';
  seen.add(found);
  return found.value;
}

/** A rule, a part of it, or a step that is switched off. What is in it counts as looked at. */
export function isDisabled(of: XmlNode): boolean {
  const isOff = /^(?:1|true)$/i.test(attribute(of, 'disabled'));
  if (isOff) lookedAt(of);
  return isOff;
}

/** The text of an element as it is written, with the blanks around it. */
export const wholeText = (of: XmlNode | undefined): string =>
  of?.children.map(({ kind, value }) => (kind === 'text' ? value : '')).join('') ?? '';

export const textOf = (of: XmlNode | undefined): string => trimmed(wholeText(of));

/** An XML text of an export, parsed once, so that it is known what of it has been looked at. */
export class SourceXml {
  readonly text: string;
  #root: XmlNode | undefined;

  constructor(text: string) {
    this.text = text;
  }

  /** The root element. */
  get root(): XmlNode {
    this.#root ??= parseNodes(this.text, { keepsBlanks: true }).find(
      ({ kind }) => kind === 'element',
    );
    if (this.#root === undefined) throw new SyntaxError('there is no XML element');
    seen.add(this.#root);
    return this.#root;
  }
}

/** Marks an element and all in it as looked at: it is told of, or quoted, as a whole. */
export function lookedAt(of: XmlNode): void {
  seen.add(of);
  for (const one of of.attributes) seen.add(one);
  for (const one of of.children) lookedAt(one);
}

/** Attributes of the editors, which say nothing about messages. */
const LAYOUT =
  /^(?:xpos|ypos|xend|yend|LexicalId|height|width|name|label|xmlns|xsi|type|includeCatchAll|nextrow|color|Caption|version|language|component|includes|comment)$/i;

/** What nothing has looked at, by its path: `when/foreach`, `send/@delay`. What is in an unread element is not named again. */
export function unread(root: XmlNode): string[] {
  const found: string[] = [];
  const visit = (of: XmlNode): void => {
    for (const one of of.attributes)
      if (!seen.has(one) && one.value !== '' && !LAYOUT.test(one.name))
        found.push(`${of.name}/@${one.name}`);
    for (const one of of.children) {
      if (one.kind !== 'element') continue;
      if (seen.has(one)) visit(one);
      else found.push(`${of.name}/${one.name}`);
    }
  };
  visit(root);
  return found;
}
