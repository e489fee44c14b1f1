import type { XmlElement } from 'waybill/document';

/**
 * Whether two elements say the same, as canonicalisation without comments sees it: names, attributes, elements and
 * texts in their order. Prefixes, declarations of namespaces and comments do not count.
 */
export function sameContent(one: XmlElement, other: XmlElement): boolean {
  if (one.local !== other.local || one.uri !== other.uri) return false;
  return sameAttributes(one, other) && sameChildren(one, other);
}

const attributesOf = ({ attributes }: XmlElement): ReadonlyMap<string, string> =>
  new Map(
    attributes
      .filter(({ name }) => name !== 'xmlns' && !name.startsWith('xmlns:'))
      .map(({ local, uri, value }) => [`{${uri}}${local}`, value]),
  );

function sameAttributes(one: XmlElement, other: XmlElement): boolean {
  const [first, second] = [attributesOf(one), attributesOf(other)];
  return (
    first.size === second.size && [...first].every(([name, value]) => second.get(name) === value)
  );
}

/** Elements, instructions, and texts as one piece between them. */
function piecesOf({ children }: XmlElement): readonly (XmlElement | string)[] {
  const pieces: (XmlElement | string)[] = [];
  let text = '';
  for (const child of children) {
    if (child.kind === 'comment') continue;
    if (child.kind === 'text' || child.kind === 'cdata') {
      text += child.value;
      continue;
    }
    if (text !== '') pieces.push(text);
    text = '';
    pieces.push(child.kind === 'element' ? child : `?${child.name} ${child.value}`);
  }
  if (text !== '') pieces.push(text);
  return pieces;
}

function sameChildren(one: XmlElement, other: XmlElement): boolean {
  const [first, second] = [piecesOf(one), piecesOf(other)];
  return (
    first.length === second.length &&
    first.every((piece, at) => {
      const beside = second[at];
      return typeof piece === 'string' || typeof beside === 'string' || beside === undefined
        ? piece === beside
        : sameContent(piece, beside);
    })
  );
}
