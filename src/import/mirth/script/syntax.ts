import type { Syntax } from './parse.ts';

export const escaped = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', ' ').replaceAll('\r', ' ');

export function constantParts(node: Syntax): string[] {
  if (node.type === 'Literal')
    return typeof node['value'] === 'string' ? [node['value'].trim()] : [];
  if (node.type !== 'BinaryExpression' || node['operator'] !== '+') return [];
  return [...constantParts(node['left'] as Syntax), ...constantParts(node['right'] as Syntax)];
}

export const isConstant = (node: Syntax | null): boolean => {
  if (node === null) return true;
  if (/^(Literal|TemplateLiteral|FunctionExpression|ArrowFunctionExpression)$/.test(node.type))
    return true;
  if (!/^(ArrayExpression|ObjectExpression|Property|UnaryExpression)$/.test(node.type))
    return false;
  return childrenOf(node).every((one) => one.type === 'Identifier' || isConstant(one));
};

export const isUndefined = (node: Syntax): boolean =>
  node.type === 'Identifier' && node['name'] === 'undefined';

/** Whether the value of an expression may be XML: for strings and numbers `==` is the same in JavaScript. */
export function mayBeXml(node: Syntax): boolean {
  if (node.type.startsWith('E4x')) return true;
  if (isUndefined(node)) return false;
  if (node.type === 'Identifier') return true;
  if (node.type === 'BinaryExpression' && node['operator'] === '+')
    return mayBeXml(node['left'] as Syntax) && mayBeXml(node['right'] as Syntax);
  if (node.type === 'MemberExpression') return node['property'].name !== 'length';
  if (node.type !== 'CallExpression' && node.type !== 'NewExpression') return false;
  if (/^XML(List)?$/.test(String(node['callee'].name))) return true;
  const method = String(node['callee'].property?.name ?? '');
  // two names are objects, yet equal
  return /^(children|child|elements|descendants|attribute|attributes|copy|name|normalize|text|parent)$/.test(
    method,
  );
}

/** A constant that equals an empty string but not empty XML. */
export const isBlank = ({ type, value }: Syntax): boolean =>
  type === 'Literal' && (value === '' || value === 0 || value === false);

/** The variables of a script that are never assigned what may be XML. */
export function plainVariables(body: readonly Syntax[]): Set<string> {
  const plain = new Set<string>();
  const other = new Set<string>();
  const note = (to: Syntax, value: Syntax | null): void => {
    if (to.type !== 'Identifier') return;
    const isPlain = value === null || isUndefined(value) || !mayBeXml(value);
    (isPlain ? plain : other).add(String(to['name']));
  };
  const visit = (node: Syntax): void => {
    if (node.type === 'VariableDeclarator')
      note(node['id'] as Syntax, node['init'] as Syntax | null);
    if (node.type === 'AssignmentExpression') note(node['left'] as Syntax, node['right'] as Syntax);
    if (isFunction(node)) {
      for (const one of node['params'] as readonly Syntax[]) patternNames(one, other);
    }
    if (/^For(In|Of)Statement$/.test(node.type)) {
      const left = node['left'] as Syntax;
      if (left.type === 'Identifier') other.add(String(left['name']));
      else collect(left, other);
    }
    for (const child of childrenOf(node)) visit(child);
  };
  for (const one of body) visit(one);
  return plain.difference(other);
}

/** `java.util.UUID.randomUUID`, if the expression is such a path; the whole of a longer chain. */
export function javaPath(node: Syntax): string | undefined {
  if (node.type === 'Identifier') {
    return /^(java|javax|Packages|org|com)$/.test(String(node['name']))
      ? String(node['name'])
      : undefined;
  }
  if (node.type !== 'MemberExpression' || node['computed'] === true) return undefined;
  const before = javaPath(node['object'] as Syntax);
  return before === undefined ? undefined : `${before}.${node['property'].name}`;
}

export function childrenOf(node: Syntax): Syntax[] {
  const found: Syntax[] = [];
  for (const [part, value] of Object.entries(node)) {
    if (part === 'type' || part === 'loc') continue;
    for (const one of Array.isArray(value) ? (value as unknown[]) : [value]) {
      if (
        typeof one === 'object' &&
        one !== null &&
        'type' in one &&
        typeof one.type === 'string'
      ) {
        found.push(one as Syntax);
      }
    }
  }
  return found;
}

/** Every name declared in it for the enclosing function, without those that inner functions declare. */
export function collect(node: Syntax, into: Set<string>): void {
  if (node.type === 'VariableDeclarator') patternNames(node['id'] as Syntax, into);
  if (/^(Function|Class)Declaration$/.test(node.type) && node['id'] !== null)
    into.add(String(node['id'].name));
  if (isFunction(node)) return;
  if (node.type === 'CatchClause' && node['param'] !== null)
    patternNames(node['param'] as Syntax, into);
  for (const child of childrenOf(node)) collect(child, into);
}

export const isFunction = (node: Syntax): boolean =>
  /^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(node.type);

/** The names that a function declares for itself. */
export function namesOf(node: Syntax): Set<string> {
  const names = new Set<string>();
  if (node.type === 'FunctionExpression' && node['id'] !== null) names.add(String(node['id'].name));
  for (const one of node['params'] as readonly Syntax[]) patternNames(one, names);
  collect(node['body'] as Syntax, names);
  return names;
}

function patternNames(node: Syntax, into: Set<string>): void {
  if (node.type === 'Identifier') into.add(String(node['name']));
  else if (node.type === 'AssignmentPattern') patternNames(node['left'] as Syntax, into);
  else if (node.type === 'Property') patternNames(node['value'] as Syntax, into);
  else for (const child of childrenOf(node)) patternNames(child, into);
}

export function topNames(node: Syntax): string[] {
  const names = new Set<string>();
  if (/^(FunctionDeclaration|ClassDeclaration)$/.test(node.type))
    names.add(String(node['id'].name));
  if (node.type === 'VariableDeclaration') {
    for (const one of node['declarations'] as readonly Syntax[])
      patternNames(one['id'] as Syntax, names);
  }
  return [...names];
}

export function assigns(node: Syntax, name: string): boolean {
  const isIt = (one: Syntax | undefined): boolean =>
    one?.type === 'Identifier' && one['name'] === name;
  if (node.type === 'AssignmentExpression' && isIt(node['left'] as Syntax)) return true;
  if (/^For(In|Of)Statement$/.test(node.type) && isIt(node['left'] as Syntax)) return true;
  return childrenOf(node).some((child) => assigns(child, name));
}

/** A text escaped for a template literal. */
export const inTemplate = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('`', '\\`').replaceAll('${', '\\${');

/** Methods of a Java string that JavaScript lacks or has only as a property. */
export const JAVA_TEXT = new Set([
  'contains',
  'equals',
  'equalsIgnoreCase',
  'getBytes',
  'isEmpty',
  'length',
  'matches',
  'replaceFirst',
  'size',
  'toCharArray',
]);

/** Whether an argument of `split` or `replaceAll` can only be a regular expression. */
export const isPattern = (method: string, [by]: readonly Syntax[]): boolean =>
  /^(split|replaceAll)$/.test(method) &&
  typeof by?.['value'] === 'string' &&
  /\\|\[.+\]|\.[*+]/.test(by['value']);

/** Where an expression ends: a literal of XML may end behind what the parser says of the whole. */
export const endOf = (node: Syntax): number =>
  node.type === 'BinaryExpression' ? Math.max(node.end, endOf(node['right'] as Syntax)) : node.end;

/** What may stand between a value and the operator behind it. */
const BEFORE_OPERATOR = /(?:[\s)]|\/\*[^]*?\*\/|\/\/.*)*/y;

/** Where an operator and the blanks before it begin, and where it ends. It is not one that a comment has. */
export function operatorAt(source: string, from: number, operator: string): [number, number] {
  BEFORE_OPERATOR.lastIndex = from;
  const passed = BEFORE_OPERATOR.exec(source)?.[0] ?? '';
  const at = source.indexOf(operator, from + passed.length);
  // the line end behind a comment ends it
  const blanks = passed.includes('//') ? 0 : passed.length - passed.trimEnd().length;
  return [at - blanks, at + operator.length];
}
