import type { XmlElement } from '../tree.ts';

/** What a prefix means; `''` is the default namespace. */
type Namespaces = ReadonlyMap<string, string>;

const XML = 'http://www.w3.org/XML/1998/namespace';

/**
 * An element in the form of Exclusive XML Canonicalization 1.0 without comments, piece by piece: the text that is signed. Takes
 * time in proportion to the element.
 *
 * @param inclusive the prefixes of `InclusiveNamespaces`, which are written even if unused; `#default` is
 * that without a name
 * @param without an element that is left out
 */
export function* canonical(
  element: XmlElement,
  inclusive: readonly string[] = [],
  without?: XmlElement,
): Generator<string, void, undefined> {
  const listed = new Set(inclusive.map((prefix) => (prefix === '#default' ? '' : prefix)));
  yield* written(element, { scope: scopeAround(element), rendered: new Map(), listed, without });
}

interface Writing {
  /** The namespaces declared here. */
  readonly scope: Namespaces;
  /** What the output has declared so far. */
  readonly rendered: Namespaces;
  readonly listed: ReadonlySet<string>;
  readonly without: XmlElement | undefined;
}

function* written(element: XmlElement, outer: Writing): Generator<string, void, undefined> {
  const scope = scopeOf(element, outer.scope);
  const declared = declarations(element, { ...outer, scope });
  let tag = `<${element.name}`;
  for (const [prefix, uri] of declared) {
    tag += ` ${prefix === '' ? 'xmlns' : `xmlns:${prefix}`}="${attributeText(uri)}"`;
  }
  for (const { name, value } of sortedAttributes(element)) {
    tag += ` ${name}="${attributeText(value)}"`;
  }
  yield `${tag}>`;
  const rendered =
    declared.length === 0 ? outer.rendered : new Map([...outer.rendered, ...declared]);
  for (const child of element.children) {
    if (child === outer.without) continue;
    if (child.kind === 'element') yield* written(child, { ...outer, scope, rendered });
    else if (child.kind === 'instruction')
      yield `<?${[child.name, child.value].filter(Boolean).join(' ')}?>`;
    else if (child.kind !== 'comment') yield contentText(child.value);
  }
  yield `</${element.name}>`;
}

const isDeclaration = (name: string): boolean => name === 'xmlns' || name.startsWith('xmlns:');

function scopeOf({ attributes }: XmlElement, outer: Namespaces): Namespaces {
  const own = attributes.filter(({ name }) => isDeclaration(name));
  if (own.length === 0) return outer;
  return new Map([
    ...outer,
    ...own.map(({ name, value }) => [name.slice('xmlns:'.length), value] as const),
  ]);
}

function scopeAround({ parent }: XmlElement): Namespaces {
  const outer: XmlElement[] = [];
  for (let at = parent; at?.kind === 'element'; at = at.parent) outer.unshift(at);
  return outer.reduce<Namespaces>((scope, one) => scopeOf(one, scope), new Map());
}

/** The namespaces to declare in a start tag: used by its names or in the list, and different further out. */
function declarations(
  element: XmlElement,
  { scope, rendered, listed }: Writing,
): readonly (readonly [string, string])[] {
  const used = new Set([element.prefix]);
  for (const { name } of element.attributes) {
    const at = name.indexOf(':');
    if (at > 0 && !isDeclaration(name)) used.add(name.slice(0, at));
  }
  for (const prefix of listed) if (scope.has(prefix)) used.add(prefix);
  const needed: (readonly [string, string])[] = [];
  for (const prefix of used) {
    const uri = prefix === 'xml' ? XML : (scope.get(prefix) ?? '');
    if (prefix !== 'xml' && (rendered.get(prefix) ?? '') !== uri) needed.push([prefix, uri]);
  }
  return needed.toSorted(([one], [other]) => compared(one, other));
}

/** By namespace and then by name; those without a namespace first. */
function sortedAttributes({ attributes }: XmlElement): XmlElement['attributes'] {
  return attributes
    .filter(({ name }) => !isDeclaration(name))
    .toSorted((one, other) => compared(one.uri, other.uri) || compared(one.local, other.local));
}

/** By code points, as XML compares; JavaScript compares UTF-16 units. */
function compared(one: string, other: string): number {
  if (one === other) return 0;
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}

const REFERENCES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\t': '&#x9;',
  '\n': '&#xA;',
  '\r': '&#xD;',
};

const attributeText = (text: string): string =>
  text.replaceAll(/[&<"\t\n\r]/g, (one) => REFERENCES[one] ?? one);

const contentText = (text: string): string =>
  text.replaceAll(/[&<>\r]/g, (one) => REFERENCES[one] ?? one);
