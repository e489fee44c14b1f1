import { conditionText } from './condition.ts';
import { delicateGiven, textsIn } from './delicate.ts';
import {
  ASSIGNABLE,
  isKnownJava,
  needOf,
  PROVIDED,
  SECRET,
  SECRET_TEXT,
  STANDARD,
} from './names.ts';
import { headOf, parseScript, ScriptFault, type Syntax } from './parse.ts';
import { redacted } from './redacted.ts';
import type { Mark, RewriteOptions, RewrittenScript } from './rewritten.ts';
import {
  assigns,
  childrenOf,
  collect,
  constantParts,
  escaped,
  inTemplate,
  isConstant,
  isUndefined,
  JAVA_TEXT,
  javaPath,
  mayBeXml,
  topNames,
} from './syntax.ts';

/** Turns a script for Rhino into one for today's engines; what is not certain is marked. */
export function rewriteScript(text: string, options: RewriteOptions): RewrittenScript {
  const form = options.form ?? 'script';
  try {
    return new Rewriting(text, form, options).result();
  } catch (error) {
    if (!(error instanceof ScriptFault)) throw error;
    const what = `cannot be read as a script: ${error.message}`;
    const mark = { line: error.line, category: 'a script that cannot be read', what };
    const none = new Set<string>();
    return {
      text: redacted(text),
      imports: none,
      templates: none,
      declares: [],
      marks: [mark],
      secrets: [],
      routes: [],
      puts: [],
      unlogged: 0,
    };
  }
}

const UNCERTAIN = 'E4X that is not certain';

class Rewriting {
  readonly #source: string;
  readonly #head: number;
  readonly #form: 'script' | 'module';
  readonly #options: RewriteOptions;
  readonly #body: readonly Syntax[];
  /** By place; of equal places, in the order they were made. */
  readonly #edits: { at: number; until: number; text: string }[] = [];
  readonly #imports = new Set<string>();
  readonly #templates = new Set<string>();
  readonly #marks: Mark[] = [];
  readonly #secrets: string[] = [];
  readonly #routes: string[] = [];
  readonly #puts: string[] = [];
  readonly #declared = new Set<string>();
  readonly #undeclared = new Set<string>();
  readonly #top: string[] = [];
  #unlogged = 0;

  constructor(text: string, form: 'script' | 'module', options: RewriteOptions) {
    const { source, body, comments } = parseScript(text, form);
    this.#source = source;
    this.#head = headOf(form);
    this.#form = form;
    this.#options = options;
    this.#body = body;
    for (const { start, end, text: comment } of comments) {
      if (!SECRET.test(comment) && !SECRET_TEXT.test(comment)) continue;
      this.#edit(start, end, '/* a comment that may hold a secret was left out */');
    }
    for (const one of body) collect(one, this.#declared);
    for (const one of body) this.#top.push(...topNames(one));
    for (const one of body) this.#visit(one, undefined);
    if (form === 'module') this.#checkTop();
  }

  result(): RewrittenScript {
    const declares = [...this.#undeclared].toSorted();
    const text = this.#edited();
    // on the first line, so that lines keep their numbers
    const declared = declares.length === 0 ? text : `let ${declares.join(', ')}; ${text}`;
    return {
      text: declared,
      imports: this.#imports,
      templates: this.#templates,
      declares: this.#top,
      marks: this.#marks,
      secrets: this.#secrets,
      routes: this.#routes,
      puts: this.#puts,
      unlogged: this.#unlogged,
    };
  }

  #edited(): string {
    const end = this.#form === 'script' ? this.#source.length - 2 : this.#source.length;
    const edits = [...this.#edits].toSorted(
      (one, other) => one.at - other.at || one.until - other.until,
    );
    let made = '';
    let at = this.#head;
    for (const { at: from, until, text } of edits) {
      // what lies within a part that was replaced as a whole is gone with it
      if (from < at) continue;
      made += this.#source.slice(at, from) + text;
      at = until;
    }
    return made + this.#source.slice(at, end);
  }

  #edit(at: number, until: number, text: string): void {
    this.#edits.push({ at, until, text });
  }

  #slice = ({ start, end }: Syntax): string => this.#source.slice(start, end);

  #mark(node: Syntax, category: string, what: string): void {
    const line = this.#source.slice(0, node.start).split('\n').length;
    if (this.#marks.some((one) => one.line === line && one.what === what)) return;
    this.#marks.push({ line, category, what });
  }

  #e4x(): string {
    this.#imports.add('e4x');
    return 'e4x';
  }

  /** In a module of code templates nothing may run when it is loaded. */
  #checkTop(): void {
    for (const one of this.#body) {
      const isPlain =
        /^(FunctionDeclaration|ClassDeclaration|EmptyStatement)$/.test(one.type) ||
        (one.type === 'VariableDeclaration' &&
          one['declarations'].every(({ init }: Syntax) => isConstant(init as Syntax | null)));
      if (!isPlain) {
        this.#mark(
          one,
          'code outside of functions',
          'runs when the code template is loaded; put it into a function',
        );
      }
    }
  }

  #visit(node: Syntax, parent: Syntax | undefined): void {
    const own = this.#visitors[node.type];
    if (own !== undefined) own(node, parent);
    else this.#children(node);
  }

  #children(node: Syntax): void {
    for (const child of childrenOf(node)) this.#visit(child, node);
  }

  readonly #visitors: Readonly<Record<string, (node: Syntax, parent: Syntax | undefined) => void>> =
    {
      ForInStatement: (node) => this.#forIn(node),
      E4xMember: (node) => this.#e4xMember(node),
      E4xFilter: (node) => this.#e4xFilter(node),
      E4xAttribute: (node) => {
        this.#mark(node, 'E4X that is not certain', 'uses @ outside of a condition on XML');
      },
      E4xLiteral: (node) => this.#e4xLiteral(node),
      BinaryExpression: (node) => this.#binary(node),
      UnaryExpression: (node) => this.#unary(node),
      AssignmentExpression: (node) => this.#assignment(node),
      VariableDeclarator: (node) => {
        this.#hideSecret(node['id'] as Syntax, node['init'] as Syntax | null);
        this.#children(node);
      },
      Property: (node) => {
        this.#hideSecret(node['key'] as Syntax, node['value'] as Syntax);
        if (node['computed'] === true) this.#visit(node['key'] as Syntax, node);
        if (node['shorthand'] !== true) this.#visit(node['value'] as Syntax, node);
        else this.#shorthand(node);
      },
      MemberExpression: (node) => this.#member(node),
      CallExpression: (node) => this.#call(node),
      NewExpression: (node) => this.#new(node),
      Identifier: (node) => this.#name(node['name'] as string, node),
      Literal: (node) => this.#text(node),
      LabeledStatement: (node) => this.#visit(node['body'] as Syntax, node),
      BreakStatement: () => undefined,
      ContinueStatement: () => undefined,
      MethodDefinition: (node) => this.#visit(node['value'] as Syntax, node),
      ImportExpression: (node) => this.#mark(node, 'modules', 'imports a module'),
    };

  #shorthand(node: Syntax): void {
    this.#name(String(node['value'].name), node);
  }

  #forIn(node: Syntax): void {
    const left = node['left'] as Syntax;
    const right = node['right'] as Syntax;
    if (left.type === 'Identifier') this.#assigned(left);
    else this.#visit(left, node);
    if (node['isEach'] === true) {
      this.#edit(node['eachStart'] as number, node['eachEnd'] as number, '');
      const between = /\bin\b/.exec(this.#source.slice(left.end, right.start));
      const at = left.end + (between?.index ?? 0);
      this.#edit(at, at + 2, 'of');
      this.#edit(right.start, right.start, `${this.#e4x()}.each(`);
      this.#visit(right, node);
      this.#edit(right.end, right.end, ')');
    } else this.#visit(right, node);
    this.#visit(node['body'] as Syntax, node);
  }

  #e4xMember(node: Syntax): void {
    const object = node['object'] as Syntax;
    this.#visit(object, node);
    const mark = node['isAttribute'] === true ? '@' : '';
    const computed = node['computed'] as Syntax | undefined;
    let key = computed === undefined ? `'${mark}${node['name']}'` : this.#slice(computed);
    if (computed !== undefined && mark !== '') key = `'@' + (${key})`;
    const space = node['space'] as string | undefined;
    if (space === '*')
      key = computed === undefined ? `'${mark}*::${node['name']}'` : `'*::' + (${key})`;
    else if (space !== undefined) {
      this.#name(space, node);
      const name = computed === undefined ? `'${node['name']}'` : this.#slice(computed);
      const qualified = `${this.#e4x()}.qualifiedName(${space}, ${name})`;
      key = mark === '' ? qualified : `'@' + ${qualified}`;
    }
    const text = node['isDescendants'] === true ? `.descendants(${key})` : `[${key}]`;
    this.#edit(node['dot'] as number, node.end, text);
  }

  #e4xFilter(node: Syntax): void {
    const object = node['object'] as Syntax;
    const condition = node['condition'] as Syntax;
    this.#edit(object.start, object.start, `${this.#e4x()}.where(`);
    this.#visit(object, node);
    this.#edit(
      node['dot'] as number,
      node.end,
      `, (it) => ${conditionText(condition, this.#source, this.#declared, (one, what) => this.#mark(one, UNCERTAIN, what))})`,
    );
  }

  #e4xLiteral(node: Syntax): void {
    const holes = node['holes'] as readonly { start: number; end: number }[];
    let made = `${this.#e4x()}.xml\``;
    let at = node.start;
    for (const { start, end } of holes) {
      const before = this.#source.slice(at, start);
      const isInTag = /=\s*$/.test(before);
      const inner = rewriteScript(
        `return (${this.#source.slice(start + 1, end - 1)});`,
        this.#options,
      );
      const expression = /^return \(([\s\S]*)\);$/.exec(inner.text.trim())?.[1];
      if (expression === undefined || inner.marks.length > 0) {
        this.#mark(node, 'E4X that is not certain', 'has an expression in an XML literal');
      }
      for (const name of inner.imports) this.#imports.add(name);
      for (const name of inner.templates) this.#templates.add(name);
      const own = inner.marks.filter(({ category }) => category === 'an unknown name');
      if (own.length > 0) this.#forgive(node, inner);
      const quote = isInTag ? '"' : '';
      made += `${inTemplate(before)}${quote}\${${expression ?? 'undefined'}}${quote}`;
      at = end;
    }
    made += `${inTemplate(this.#source.slice(at, node.end))}\``;
    this.#edit(node.start, node.end, made);
  }

  /** Names within a literal are those of the whole script. */
  #forgive(node: Syntax, inner: RewrittenScript): void {
    const isOwn = inner.marks.every(({ what }) => {
      const name = /^uses ([\w$]+),/.exec(what)?.[1];
      return name !== undefined && this.#declared.has(name);
    });
    if (!isOwn) return;
    const line = this.#source.slice(0, node.start).split('\n').length;
    const index = this.#marks.findIndex(
      (one) => one.line === line && one.what === 'has an expression in an XML literal',
    );
    if (index >= 0) this.#marks.splice(index, 1);
  }

  #binary(node: Syntax): void {
    const [left, right] = [node['left'] as Syntax, node['right'] as Syntax];
    const operator = node['operator'] as string;
    const isEquality = operator === '==' || operator === '!=';
    if (!isEquality || !(mayBeXml(left) && (mayBeXml(right) || isUndefined(right)))) {
      return this.#children(node);
    }
    const found = /[!=]=/.exec(this.#source.slice(left.end, right.start));
    const at = left.end + (found?.index ?? 0);
    const not = operator === '!=' ? '!' : '';
    this.#edit(node.start, node.start, `${not}${this.#e4x()}.equal(`);
    this.#visit(left, node);
    this.#edit(at, at + 2, ',');
    this.#visit(right, node);
    this.#edit(node.end, node.end, ')');
  }

  #unary(node: Syntax): void {
    const argument = node['argument'] as Syntax;
    if (node['operator'] !== 'typeof') return this.#children(node);
    if (argument.type === 'Identifier' && !this.#isKnown(argument['name'] as string)) return;
    this.#edit(node.start, argument.start, `${this.#e4x()}.typeOf(`);
    const isWrapped = this.#source.slice(node.start, argument.start).includes('(');
    this.#visit(argument, node);
    if (!isWrapped) this.#edit(argument.end, argument.end, ')');
  }

  #assignment(node: Syntax): void {
    const [left, right] = [node['left'] as Syntax, node['right'] as Syntax];
    this.#hideSecret(left.type === 'MemberExpression' ? (left['property'] as Syntax) : left, right);
    if (left.type === 'Identifier' && left['name'] === 'defaultxmlnamespace') {
      this.#edit(left.start, right.start, `${this.#e4x()}.defaultNamespace(`);
      this.#visit(right, node);
      this.#edit(right.end, right.end, ')');
      return;
    }
    if (left.type === 'Identifier') this.#assigned(left);
    else this.#visit(left, node);
    const isXml =
      right.type === 'E4xLiteral' ||
      (right.type === 'NewExpression' && String(right['callee'].name).startsWith('XML'));
    if (node['operator'] === '+=' && isXml) {
      this.#edit(left.end, right.start, ` = ${this.#e4x()}.add(${this.#slice(left)}, `);
      this.#visit(right, node);
      this.#edit(right.end, right.end, ')');
      return;
    }
    this.#visit(right, node);
  }

  /** A name that is written to. */
  #assigned(node: Syntax): void {
    const name = node['name'] as string;
    if (this.#declared.has(name)) return;
    if (ASSIGNABLE.has(name)) {
      this.#imports.add('mirth');
      this.#edit(node.start, node.end, `mirth.${name}`);
    } else if (PROVIDED.has(name) || this.#options.templates.has(name)) {
      this.#mark(node, 'names that are taken', `assigns to ${name}`);
    } else this.#undeclared.add(name);
  }

  #member(node: Syntax): void {
    const path = javaPath(node);
    if (path !== undefined && !this.#declared.has(path.split('.')[0] ?? ''))
      return this.#java(node, path);
    this.#visit(node['object'] as Syntax, node);
    if (node['computed'] === true) this.#visit(node['property'] as Syntax, node);
  }

  #java(node: Syntax, path: string): void {
    const own = path.replace(/^Packages\./, '');
    if (isKnownJava(own)) {
      this.#imports.add('java');
      if (path !== own) {
        const at = this.#source.indexOf('Packages', node.start);
        const dot = this.#source.indexOf('.', at);
        this.#edit(at, dot + 1, '');
      }
      return;
    }
    this.#mark(node, 'Java', `uses ${own} of Java`);
  }

  #call(node: Syntax): void {
    const callee = node['callee'] as Syntax;
    const given = node['arguments'] as readonly Syntax[];
    const object = callee.type === 'MemberExpression' ? (callee['object'] as Syntax) : undefined;
    const method =
      callee.type === 'MemberExpression' && callee['computed'] !== true
        ? String(callee['property'].name)
        : '';
    const base = object?.type === 'Identifier' ? String(object['name']) : '';
    if (base === 'logger' && !this.#declared.has('logger')) return this.#log(given);
    this.#hideGiven(base, method || String(callee['name'] ?? ''), given);
    this.#routed(base, method, node, given);
    if (base.endsWith('Map') && method === 'put') this.#put(given[0]);
    if (/^\$(c|co|g|gc|r)$/.test(String(callee['name'])) && given.length > 1) this.#put(given[0]);
    if (JAVA_TEXT.has(method) && object !== undefined && !this.#isOwnText(object, method)) {
      this.#imports.add('javaString');
      this.#edit(object.start, object.start, 'javaString(');
      this.#visit(object, callee);
      this.#edit(object.end, object.end, ')');
    } else this.#visit(callee, node);
    for (const one of given) this.#visit(one, node);
  }

  #isOwnText(object: Syntax, method: string): boolean {
    const name = object.type === 'Identifier' ? String(object['name']) : '';
    return name.endsWith('Map') || (method === 'size' && object.type === 'ThisExpression');
  }

  #put(name: Syntax | undefined): void {
    if (typeof name?.['value'] === 'string') this.#puts.push(name['value']);
  }

  #routed(base: string, method: string, node: Syntax, [name]: readonly Syntax[]): void {
    if (!/^routeMessage(ByChannelId)?$/.test(method)) return;
    if (base !== 'router' && !/router/i.test(base)) return;
    if (typeof name?.['value'] === 'string') this.#routes.push(name['value']);
    else this.#mark(node, 'routing by a value', 'routes to a channel that only the message tells');
  }

  /** A line of the log keeps what is constant in it: the rest may be of a patient. */
  #log([text]: readonly Syntax[]): void {
    this.#imports.add('logger');
    if (text === undefined || (text.type === 'Literal' && !SECRET_TEXT.test(String(text['value']))))
      return;
    this.#unlogged += 1;
    const kept = constantParts(text).join(' … ').trim();
    const shown = SECRET_TEXT.test(kept) || kept === '' ? '…' : kept;
    this.#edit(text.start, text.end, `'${escaped(shown.endsWith('…') ? shown : `${shown} …`)}'`);
  }

  #new(node: Syntax): void {
    const callee = node['callee'] as Syntax;
    const given = node['arguments'] as readonly Syntax[];
    this.#hideGiven('', String(callee['name'] ?? ''), given);
    this.#visit(callee, node);
    if (callee.type === 'Identifier' && /^(XML|XMLList|Namespace)$/.test(String(callee['name']))) {
      this.#edit(node.start, callee.start, '');
    }
    for (const one of given) this.#visit(one, node);
  }

  #name(name: string, node: Syntax): void {
    if (this.#declared.has(name) || this.#undeclared.has(name)) return;
    if (this.#options.templates.has(name)) {
      this.#templates.add(name);
    } else if (name === 'eval' || (!PROVIDED.has(name) && !STANDARD.has(name))) {
      if (this.#isAssigned(name)) {
        this.#undeclared.add(name);
        return;
      }
      const isJava =
        /^(java|javax|org|com|Packages|importPackage|importClass|JavaImporter|JavaAdapter)$/.test(
          name,
        );
      if (isJava)
        return this.#mark(node, 'Java', `uses ${name === 'java' ? 'Java' : `${name} of Java`}`);
      const { category, what } = needOf(name);
      this.#mark(node, category, what);
    } else if (PROVIDED.has(name)) this.#imports.add(name);
  }

  #isKnown(name: string): boolean {
    return (
      this.#declared.has(name) ||
      PROVIDED.has(name) ||
      STANDARD.has(name) ||
      this.#options.templates.has(name)
    );
  }

  /** Whether the script assigns to a name that it does not declare: Rhino makes a variable of it. */
  #isAssigned(name: string): boolean {
    return this.#body.some((one) => assigns(one, name));
  }

  #text(node: Syntax): void {
    const { value } = node as unknown as { value: unknown };
    if (typeof value === 'string' && SECRET_TEXT.test(value)) this.#hide(node, 'text');
  }

  #hideSecret(name: Syntax, value: Syntax | null): void {
    const called = String(name['name'] ?? name['value'] ?? '');
    if (value !== null && SECRET.test(called))
      for (const one of textsIn(value)) this.#hide(one, called);
  }

  #hideGiven(base: string, method: string, given: readonly Syntax[]): void {
    for (const { value, hint } of delicateGiven(base, method, given))
      for (const one of textsIn(value)) this.#hide(one, hint);
  }

  #hide(node: Syntax, hint: string): void {
    if (this.#edits.some(({ at, until }) => at === node.start && until === node.end)) return;
    const name = this.#options.secretName(hint);
    this.#secrets.push(name);
    this.#imports.add('configurationMap');
    this.#edit(node.start, node.end, `configurationMap.get('${name}')`);
  }
}
