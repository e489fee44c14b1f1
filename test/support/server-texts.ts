import { globSync, readFileSync } from 'node:fs';
import { parseSync } from 'rolldown/utils';
import { partsOf } from '../../src/translation/translator.ts';

/** A node of the syntax tree of JavaScript (ESTree). */
interface Node {
  readonly type: string;
  readonly start: number;
  readonly [part: string]: unknown;
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';
const nodesOf = (value: unknown): Node[] => [value].flat().filter(isNode);
const nameOf = (node: unknown): string => {
  const { name, value, property } = (node ?? {}) as Record<string, unknown>;
  if (isNode(property)) return nameOf(property);
  return [name, value].find((one) => typeof one === 'string') ?? '';
};

/** What is not seen in the console: texts of the command line, editors and imports. */
const ELSEWHERE =
  /^src\/(?:cli|build|import|language|mirth|translation|trace\/drawing|main\.ts|index\.ts)/;
/** Files among these whose texts become events or the errors of messages. */
const REPORTING = new Set([
  'src/cli/reach-nats.ts',
  'src/cli/watchdog.ts',
  'src/mirth/destination-chains.ts',
]);
/** Tables of standards, statements of SQL, headers. */
const DATA =
  /\/(?:dictionary|definitions|meta|map)\/|edi\/guide\/(?:claims|inquiries|payments)|\/(?:segment-elements|known-segments|element-types|hl7-types|known-words|shown-names|security-headers|page-words)\.ts$/;
/** Properties for documentation, databases and programs. */
const UNREAD =
  /^(?:help|description|summary|signature|examples?|samples?|sql|title|name|tags|type|pattern|schema|category|json|hl7|lines|bytes|docs)$/;
/** Of adapters, whose titles a host's page shows. */
const UNREAD_OF_ADAPTERS = new RegExp(UNREAD.source.replace('|title', ''));
/** Functions that run SQL, write logs, look for a text, or take what was being done for a report of a bug. */
const SILENT =
  /^(?:background|unless|tolerate|undoing|within|unexpected|run|get|all|rows|exec|prepare|query|jobs|test|match|replaceAll|replace|startsWith|includes|endsWith|split|debug|info|warn|setHeader|header|step|once)$/;
/** Bugs, whose texts are withheld. */
const BUGS = /^(?:Error|RangeError|TypeError|RegExp|DOMException)$/;
const SQL =
  /^\W*(?:SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|PRAGMA|WITH|BEGIN|COMMIT|VALUES|FROM|WHERE|AND|OR|ORDER|LIMIT|SET|CASE|NOT|LEFT|JOIN|EXISTS|CAST|GRANT|LISTEN|NOTIFY|LOCK|ON|GROUP|UNION|EXPLAIN|ANALYZE|VACUUM|ATTACH|REVOKE)\b/;
/** Markup, headers, expressions and the like. */
const CODE = /<\/?\w|=>|\)\.\w|\(\?\)|;base64|[=!]==?|\|\| exit|\r|\$\{|^[-\w]+=|::|^--|^data:/;

/** The text of a literal or of several that are joined, with `{1}` … for its values. */
function textOf(node: Node): string | undefined {
  const parts = partsIn(node);
  if (parts === undefined) return undefined;
  let values = 0;
  return parts.map((part) => part ?? `{${++values}}`).join('');
}

/** Undefined for a value. */
function partsIn(node: Node): (string | undefined)[] | undefined {
  if (node.type === 'Literal' && typeof node['value'] === 'string') return [node['value']];
  if (node.type === 'TemplateLiteral') {
    return nodesOf(node['quasis']).flatMap(({ value }, index) => {
      const { cooked } = value as { readonly cooked: string };
      return index === 0 ? [cooked] : [undefined, cooked];
    });
  }
  if (node.type !== 'BinaryExpression' || node['operator'] !== '+') return undefined;
  const [left, right] = [node['left'], node['right']].map((one) =>
    isNode(one) ? partsIn(one) : undefined,
  );
  if (left === undefined && right === undefined) return undefined;
  return [...(left ?? [undefined]), ...(right ?? [undefined])];
}

const isProse = (text: string): boolean => {
  const words = text.replaceAll(/\{\d+\}/g, '');
  return / /.test(text) && /\p{L}{2}/u.test(words) && !SQL.test(text) && !CODE.test(text);
};

/** Whether nothing below a node is seen in the console. */
function isSilent({ type, key, callee }: Node, unread: RegExp): boolean {
  if (type.startsWith('TS')) return !type.endsWith('Expression');
  if (type === 'Property') return unread.test(nameOf(key));
  if (type === 'NewExpression') return BUGS.test(nameOf(callee));
  return /^(?:Import|ExportAll|TaggedTemplate)/.test(type);
}

/** What is looked at below a node that is no text itself. */
function belowOf(node: Node): Node[] {
  const isQuiet = node.type === 'CallExpression' && SILENT.test(nameOf(node['callee']));
  if (!isQuiet) return Object.values(node).flatMap(nodesOf);
  // a function among its arguments is looked at as everywhere
  return nodesOf(node['arguments']).filter(({ type }) => /Function|Object|Call|Array/.test(type));
}

/** The English texts of a file that people may see in the console, as the catalogues have them. */
export function serverTextsOf(file: string, source = readFileSync(file, 'utf8')): string[] {
  const { program } = parseSync(file, source);
  const found: string[] = [];
  const unread = file.startsWith('adapters/') ? UNREAD_OF_ADAPTERS : UNREAD;
  const look = (node: Node): void => {
    if (isSilent(node, unread)) return;
    const text = textOf(node);
    const core = text === undefined ? '' : partsOf(text).core;
    if (isProse(core)) found.push(core);
    for (const one of text === undefined ? belowOf(node) : valuesOf(node)) look(one);
  };
  look(program as unknown as Node);
  return found;
}

/** The expressions in a text. */
function valuesOf(node: Node): Node[] {
  if (node.type === 'TemplateLiteral') return nodesOf(node['expressions']);
  if (node.type !== 'BinaryExpression') return node.type === 'Literal' ? [] : [node];
  return [node['left'], node['right']].filter(isNode).flatMap(valuesOf);
}

/** Every file whose texts people may see in the console. */
export const serverFiles = (): string[] =>
  globSync('{src,adapters}/**/*.ts')
    .filter((file) => REPORTING.has(file) || !(ELSEWHERE.test(file) || DATA.test(file)))
    .toSorted();
