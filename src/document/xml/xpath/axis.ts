import { number, type XmlChild, type XmlNode, type XmlTree } from '../tree.ts';

/** Called with each node; true ends the walk. */
type Visit = (node: XmlNode) => boolean;

/**
 * Walks along an axis, nearest first, until `visit` returns true; returns whether it did.
 * Generators cost ten times as much.
 */
type Axis = (node: XmlNode, visit: Visit, tree: XmlTree) => boolean;

function childrenOf(node: XmlNode): readonly XmlChild[] {
  return node.kind === 'element' || node.kind === 'root' ? node.children : [];
}

const descendant = (node: XmlNode, visit: Visit): boolean => {
  for (const child of childrenOf(node)) {
    if (visit(child)) return true;
    if (child.kind === 'element' && descendant(child, visit)) return true;
  }
  return false;
};

function backwards(node: XmlNode, visit: Visit): boolean {
  const children = childrenOf(node);
  for (let at = children.length - 1; at >= 0; at--) {
    const child = children[at] as XmlChild;
    if (backwards(child, visit) || visit(child)) return true;
  }
  return false;
}

const ancestor: Axis = (node, visit) => {
  for (let above = node.parent; above !== undefined; above = above.parent) {
    if (visit(above)) return true;
  }
  return false;
};

const followingSibling: Axis = (node, visit, tree) => {
  const [children, at] = siblings(node, tree);
  for (let next = at + 1; next < children.length; next++) {
    if (visit(children[next] as XmlChild)) return true;
  }
  return false;
};

const precedingSibling: Axis = (node, visit, tree) => {
  const [children, at] = siblings(node, tree);
  for (let next = at - 1; next >= 0; next--) if (visit(children[next] as XmlChild)) return true;
  return false;
};

/** The siblings of a node, and its index among them; found by position, since there may be many. */
function siblings(node: XmlNode, tree: XmlTree): readonly [readonly XmlChild[], number] {
  if (node.kind === 'attribute' || node.parent === undefined) return [[], 0];
  if (!tree.isNumbered) number(tree);
  const { children } = node.parent;
  let [from, to] = [0, children.length - 1];
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((children[middle] as XmlChild).order < node.order) from = middle + 1;
    else to = middle;
  }
  return [children, from];
}

const following: Axis = (node, visit, tree) => {
  // the content of an attribute's element follows the attribute
  if (node.kind === 'attribute' && node.parent !== undefined) {
    return descendant(node.parent, visit) || following(node.parent, visit, tree);
  }
  const sibling: Visit = (one) => visit(one) || descendant(one, visit);
  return (
    followingSibling(node, sibling, tree) ||
    ancestor(node, (above) => followingSibling(above, sibling, tree), tree)
  );
};

const preceding: Axis = (node, visit, tree) => {
  const from = node.kind === 'attribute' && node.parent !== undefined ? node.parent : node;
  const sibling: Visit = (one) => backwards(one, visit) || visit(one);
  return (
    precedingSibling(from, sibling, tree) ||
    ancestor(from, (above) => precedingSibling(above, sibling, tree), tree)
  );
};

export const AXES: Readonly<Record<string, Axis>> = {
  child: (node, visit) => {
    for (const child of childrenOf(node)) if (visit(child)) return true;
    return false;
  },
  attribute: (node, visit) => node.kind === 'element' && node.attributes.some(visit),
  self: (node, visit) => visit(node),
  parent: (node, visit) => node.parent !== undefined && visit(node.parent),
  descendant,
  'descendant-or-self': (node, visit) => visit(node) || descendant(node, visit),
  ancestor,
  'ancestor-or-self': (node, visit, tree) => visit(node) || ancestor(node, visit, tree),
  'following-sibling': followingSibling,
  'preceding-sibling': precedingSibling,
  following,
  preceding,
  // namespaces are not nodes here
  namespace: () => false,
};
