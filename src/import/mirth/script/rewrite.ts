import { redacted, SECRET, SECRET_TEXT } from '../../redacted.ts';
import { conditionText } from './condition.ts';
import { ScriptDraft } from './draft.ts';
import { hideGiven, hideSecret, importJava, javaClass, logLine, routed } from './given-calls.ts';
import { ASSIGNED, FILELESS, importedJava, needOf, PROVIDED, STANDARD } from './names.ts';
import { headOf, moduleFault, parseScript, ScriptFault, type Syntax } from './parse.ts';
import type { RewriteOptions, RewrittenScript } from './rewritten.ts';
import { isStatementCall } from './sql.ts';
import { Statements } from './statements.ts';
import {
  assigns,
  childrenOf,
  collect,
  endOf,
  inTemplate,
  isBlank,
  isConstant,
  isFunction,
  isPattern,
  isUndefined,
  JAVA_TEXT,
  javaPath,
  mayBeXml,
  namesOf,
  operatorAt,
  plainVariables,
  topNames,
} from './syntax.ts';

/** Turns a script for Rhino into modern JavaScript; what is uncertain is marked. */
export function rewriteScript(text: string, options: RewriteOptions): RewrittenScript {
  const form = options.form ?? 'script';
  try {
    return new Rewriting(text, form, options).result();
  } catch (error) {
    if (!(error instanceof ScriptFault)) throw error;
    const what = `cannot be parsed: ${error.message}`;
    const mark = { line: error.line, category: 'a script that cannot be parsed', what };
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
      waits: false,
    };
  }
}

const UNCERTAIN = 'uncertain E4X';

class Rewriting {
  readonly #draft: ScriptDraft;
  readonly #head: number;
  readonly #form: 'script' | 'module';
  readonly #options: RewriteOptions;
  readonly #body: readonly Syntax[];
  /** What the script declares, then what each enclosing function declares. */
  readonly #scopes: Set<string>[] = [new Set()];
  readonly #undeclared = new Set<string>();
  readonly #top: string[] = [];
  readonly #packages: readonly string[];
  readonly #statements: Statements;
  readonly #plain: ReadonlySet<string>;

  constructor(text: string, form: 'script' | 'module', options: RewriteOptions) {
    const { source, body, comments } = parseScript(text, form);
    this.#draft = new ScriptDraft(source, options.secretName);
    this.#head = headOf(form);
    this.#form = form;
    this.#options = options;
    this.#body = body;
    this.#plain = plainVariables(body);
    this.#statements = new Statements(this.#draft, body, options.statement);
    this.#packages = [...source.matchAll(/\bimportPackage\(\s*(?:Packages\.)?([\w.]+)\s*\)/g)].map(
      ([, name = '']) => name,
    );
    for (const { start, end, text: comment } of comments) {
      if (!SECRET.test(comment) && !SECRET_TEXT.test(comment)) continue;
      this.#draft.edit(start, end, '/* a comment that may hold a secret was left out */');
    }
    const [own] = this.#scopes;
    if (own !== undefined) for (const one of body) collect(one, own);
    for (const one of body) this.#top.push(...topNames(one));
    for (const one of body) this.#visit(one, undefined);
    if (form === 'module') this.#checkTop();
  }

  result(): RewrittenScript {
    const { source } = this.#draft;
    const end = this.#form === 'script' ? source.length - 2 : source.length;
    const text = this.#draft.edited(this.#head, end);
    const declares = [...this.#undeclared].toSorted();
    // on the first line, so that line numbers stay the same
    const declared = declares.length === 0 ? text : `let ${declares.join(', ')}; ${text}`;
    const fault = moduleFault(declared, this.#form);
    if (fault !== undefined) {
      const what = `is not valid JavaScript: ${fault.message}`;
      this.#draft.markLine(fault.line, 'a script that cannot be parsed', what);
    }
    return this.#draft.result(declared, this.#top);
  }

  /** Nothing in a module of code templates may run when it is loaded. */
  #checkTop(): void {
    for (const one of this.#body) {
      const isPlain =
        /^(FunctionDeclaration|ClassDeclaration|EmptyStatement)$/.test(one.type) ||
        (one.type === 'VariableDeclaration' &&
          one['declarations'].every(({ init }: Syntax) => isConstant(init as Syntax | null)));
      if (!isPlain) {
        this.#draft.mark(
          one,
          'code outside of functions',
          'runs when the code template is loaded; put it into a function',
        );
      }
    }
  }

  #visit(node: Syntax, parent: Syntax | undefined): void {
    if (isFunction(node)) this.#scopes.push(namesOf(node));
    const own = this.#visitors[node.type];
    if (own !== undefined) own(node, parent);
    else this.#children(node);
    if (isFunction(node)) this.#scopes.pop();
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
        this.#draft.mark(node, 'uncertain E4X', 'uses @ outside of a condition on XML');
      },
      E4xLiteral: (node) => this.#e4xLiteral(node),
      BinaryExpression: (node) => this.#binary(node),
      UnaryExpression: (node) => this.#unary(node),
      AssignmentExpression: (node) => this.#assignment(node),
      VariableDeclarator: (node) => {
        hideSecret(this.#draft, node['id'] as Syntax, node['init'] as Syntax | null);
        this.#children(node);
      },
      Property: (node) => {
        hideSecret(this.#draft, node['key'] as Syntax, node['value'] as Syntax);
        if (node['computed'] === true) this.#visit(node['key'] as Syntax, node);
        if (node['shorthand'] !== true) this.#visit(node['value'] as Syntax, node);
        else this.#shorthand(node);
      },
      CatchClause: (node) => this.#catch(node),
      MemberExpression: (node) => this.#member(node),
      CallExpression: (node, parent) => this.#call(node, parent),
      NewExpression: (node) => this.#new(node),
      Identifier: (node) => this.#name(node['name'] as string, node),
      Literal: (node) => this.#text(node),
      LabeledStatement: (node) => this.#visit(node['body'] as Syntax, node),
      BreakStatement: () => undefined,
      ContinueStatement: () => undefined,
      MethodDefinition: (node) => this.#visit(node['value'] as Syntax, node),
      ImportExpression: (node) => this.#draft.mark(node, 'modules', 'imports a module'),
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
      this.#draft.edit(node['eachStart'] as number, node['eachEnd'] as number, '');
      const between = /\bin\b/.exec(this.#draft.source.slice(left.end, right.start));
      const at = left.end + (between?.index ?? 0);
      this.#draft.edit(at, at + 2, 'of');
      this.#draft.edit(right.start, right.start, `${this.#draft.e4x()}.each(`);
      this.#visit(right, node);
      this.#draft.edit(right.end, right.end, ')');
    } else this.#visit(right, node);
    this.#visit(node['body'] as Syntax, node);
  }

  #e4xMember(node: Syntax): void {
    const object = node['object'] as Syntax;
    this.#visit(object, node);
    const mark = node['isAttribute'] === true ? '@' : '';
    const computed = node['computed'] as Syntax | undefined;
    let key = computed === undefined ? `'${mark}${node['name']}'` : this.#draft.slice(computed);
    if (computed !== undefined && mark !== '') key = `'@' + (${key})`;
    const space = node['space'] as string | undefined;
    if (space === '*')
      key = computed === undefined ? `'${mark}*::${node['name']}'` : `'*::' + (${key})`;
    else if (space !== undefined) {
      this.#name(space, node);
      const name = computed === undefined ? `'${node['name']}'` : this.#draft.slice(computed);
      const qualified = `${this.#draft.e4x()}.qualifiedName(${space}, ${name})`;
      key = mark === '' ? qualified : `'@' + ${qualified}`;
    }
    const text = node['isDescendants'] === true ? `.descendants(${key})` : `[${key}]`;
    this.#draft.edit(node['dot'] as number, node.end, text);
  }

  #e4xFilter(node: Syntax): void {
    const object = node['object'] as Syntax;
    const condition = node['condition'] as Syntax;
    this.#draft.edit(object.start, object.start, `${this.#draft.e4x()}.where(`);
    this.#visit(object, node);
    this.#draft.edit(
      node['dot'] as number,
      node.end,
      `, (it) => ${conditionText(
        condition,
        this.#draft.source,
        (name) => this.#isDeclared(name),
        (one, what) => this.#draft.mark(one, UNCERTAIN, what),
      )})`,
    );
  }

  #e4xLiteral(node: Syntax): void {
    const holes = node['holes'] as readonly { start: number; end: number }[];
    let made = `${this.#draft.e4x()}.xml\``;
    let at = node.start;
    for (const { start, end } of holes) {
      const before = this.#draft.source.slice(at, start);
      const isInTag = /=\s*$/.test(before);
      const inner = rewriteScript(
        `return (${this.#draft.source.slice(start + 1, end - 1)});`,
        this.#options,
      );
      const expression = /^return \(([\s\S]*)\);$/.exec(inner.text.trim())?.[1];
      if (expression === undefined || inner.marks.length > 0) {
        this.#draft.mark(node, 'uncertain E4X', 'has an expression in an XML literal');
      }
      for (const name of inner.imports) this.#draft.imports.add(name);
      for (const name of inner.templates) this.#draft.templates.add(name);
      const own = inner.marks.filter(({ category }) => category === 'an unknown name');
      if (own.length > 0) this.#forgive(node, inner);
      const quote = isInTag ? '"' : '';
      made += `${inTemplate(before)}${quote}\${${expression ?? 'undefined'}}${quote}`;
      at = end;
    }
    made += `${inTemplate(this.#draft.source.slice(at, node.end))}\``;
    this.#draft.edit(node.start, node.end, made);
  }

  /** Names inside a literal are those of the whole script. */
  #forgive(node: Syntax, inner: RewrittenScript): void {
    const isOwn = inner.marks.every(({ what }) => {
      const name = /^uses ([\w$]+),/.exec(what)?.[1];
      return name !== undefined && this.#isDeclared(name);
    });
    if (!isOwn) return;
    this.#draft.unmark(this.#draft.lineOf(node), 'has an expression in an XML literal');
  }

  #binary(node: Syntax): void {
    const [left, right] = [node['left'] as Syntax, node['right'] as Syntax];
    const operator = node['operator'] as string;
    const isEquality = operator === '==' || operator === '!=';
    const isMeant = isEquality ? this.#comparesXml(left, right) : this.#addsXml(node);
    if (!isMeant) return this.#children(node);
    const [at, after] = operatorAt(this.#draft.source, endOf(left), operator);
    const not = operator === '!=' ? '!' : '';
    const name = isEquality ? 'equal' : 'add';
    this.#draft.edit(node.start, node.start, `${not}${this.#draft.e4x()}.${name}(`);
    this.#visit(left, node);
    this.#draft.edit(at, after, ',');
    this.#visit(right, node);
    const end = endOf(node);
    this.#draft.edit(end, end, ')');
  }

  /** Whether `==` may differ from JavaScript, because XML compares by its text. */
  #comparesXml(left: Syntax, right: Syntax): boolean {
    if (isBlank(right)) return this.#mayHoldXml(left);
    if (isBlank(left)) return this.#mayHoldXml(right);
    if (isUndefined(left)) return mayBeXml(right);
    return mayBeXml(left) && (mayBeXml(right) || isUndefined(right));
  }

  /** Whether it is a `+` that makes a list of two XML values; for anything else `add` does what `+` does. */
  #addsXml(node: Syntax): boolean {
    if (node.type !== 'BinaryExpression' || node['operator'] !== '+') return false;
    return [node['left'] as Syntax, node['right'] as Syntax].every(
      (one) => this.#addsXml(one) || this.#mayHoldXml(one),
    );
  }

  #mayHoldXml(node: Syntax): boolean {
    return mayBeXml(node) && !(node.type === 'Identifier' && this.#plain.has(node['name']));
  }

  #unary(node: Syntax): void {
    const argument = node['argument'] as Syntax;
    if (node['operator'] !== 'typeof') return this.#children(node);
    if (argument.type === 'Identifier' && !this.#isKnown(argument['name'] as string)) return;
    this.#draft.edit(node.start, argument.start, `${this.#draft.e4x()}.typeOf(`);
    const isWrapped = this.#draft.source.slice(node.start, argument.start).includes('(');
    this.#visit(argument, node);
    if (!isWrapped) this.#draft.edit(argument.end, argument.end, ')');
  }

  #assignment(node: Syntax): void {
    const [left, right] = [node['left'] as Syntax, node['right'] as Syntax];
    hideSecret(
      this.#draft,
      left.type === 'MemberExpression' ? (left['property'] as Syntax) : left,
      right,
    );
    if (left.type === 'Identifier' && left['name'] === 'defaultxmlnamespace') {
      this.#draft.edit(left.start, right.start, `${this.#draft.e4x()}.defaultNamespace(`);
      this.#visit(right, node);
      this.#draft.edit(right.end, right.end, ')');
      return;
    }
    if (left.type === 'Identifier') this.#assigned(left);
    else this.#visit(left, node);
    // for anything but XML it does the same as `+`
    const mayAddXml = this.#mayHoldXml(left) && (this.#addsXml(right) || this.#mayHoldXml(right));
    if (node['operator'] === '+=' && mayAddXml) {
      const [at, after] = operatorAt(this.#draft.source, left.end, '+=');
      const add = ` = ${this.#draft.e4x()}.add(${this.#draft.slice(left)},`;
      this.#draft.edit(at, after, add);
      this.#visit(right, node);
      // behind the parentheses around it
      const end = Math.max(node.end, endOf(right));
      this.#draft.edit(end, end, ')');
      return;
    }
    this.#visit(right, node);
  }

  /** A name that is assigned to. */
  #assigned(node: Syntax): void {
    const name = node['name'] as string;
    if (this.#isDeclared(name)) return;
    if (ASSIGNED.has(name)) {
      this.#draft.imports.add('mirth');
      this.#draft.edit(node.start, node.end, `mirth.${name}`);
    } else if (PROVIDED.has(name) || this.#options.templates.has(name)) {
      this.#draft.mark(node, 'reserved names', `assigns to ${name}`);
    } else this.#undeclared.add(name);
  }

  #member(node: Syntax): void {
    const path = javaPath(node);
    if (path !== undefined && !this.#isDeclared(path.split('.')[0] ?? ''))
      return javaClass(this.#draft, node, path);
    this.#visit(node['object'] as Syntax, node);
    if (node['computed'] === true) this.#visit(node['property'] as Syntax, node);
  }

  #call(node: Syntax, parent: Syntax | undefined): void {
    const callee = node['callee'] as Syntax;
    const given = node['arguments'] as readonly Syntax[];
    const object = callee.type === 'MemberExpression' ? (callee['object'] as Syntax) : undefined;
    const method =
      callee.type === 'MemberExpression' && callee['computed'] !== true
        ? String(callee['property'].name)
        : '';
    const base = object?.type === 'Identifier' ? String(object['name']) : '';
    if (base === 'logger' && !this.#isDeclared('logger')) return logLine(this.#draft, given[0]);
    if (callee.type === 'Identifier' && /^import(Package|Class)$/.test(String(callee['name'])))
      return importJava(this.#draft, node, given);
    if (base === 'FileUtil' && !FILELESS.has(method)) {
      const { category, what } = needOf(base);
      this.#draft.mark(node, category, what);
    }
    if (method === 'createDatabaseConnection' && this.#statements.connection(given))
      return this.#visit(callee, node);
    hideGiven(this.#draft, base, method || String(callee['name'] ?? ''), given);
    routed(this.#draft, { node, parent, base, method }, given[0]);
    if (isStatementCall(method)) this.#statements.statement(node, given);
    const isShort = /^\$(c|co|g|gc|r)$/.test(String(callee['name'])) && given.length > 1;
    if (isShort || (base.endsWith('Map') && method === 'put')) this.#put(given[0]);
    if (object === undefined || !this.#javaText(callee, object, { method, given }))
      this.#visit(callee, node);
    for (const one of given) this.#visit(one, node);
  }

  /** Gives a string the methods that it has in Java, if one of them is called. */
  #javaText(
    callee: Syntax,
    object: Syntax,
    { method, given }: { readonly method: string; readonly given: readonly Syntax[] },
  ): boolean {
    const isJava = JAVA_TEXT.has(method) || isPattern(method, given);
    if (!isJava || this.#isOwnText(object, method)) return false;
    this.#draft.imports.add('javaString');
    this.#draft.edit(object.start, object.start, 'javaString(');
    this.#visit(object, callee);
    this.#draft.edit(object.end, object.end, ')');
    return true;
  }

  /** An asynchronous script is left by an exception, which it must not catch. */
  #catch(node: Syntax): void {
    if (this.#options.waits === true) {
      const body = node['body'] as Syntax;
      const parameter = node['param'] as Syntax | null;
      this.#draft.imports.add('passOn');
      if (parameter === null)
        this.#draft.edit(body.start, body.start + 1, '(error) { passOn(error);');
      else if (parameter.type === 'Identifier')
        this.#draft.edit(body.start, body.start + 1, `{ passOn(${String(parameter['name'])});`);
    }
    this.#children(node);
  }

  #isOwnText(object: Syntax, method: string): boolean {
    const name = object.type === 'Identifier' ? String(object['name']) : '';
    return name.endsWith('Map') || (method === 'size' && object.type === 'ThisExpression');
  }

  #put(name: Syntax | undefined): void {
    if (typeof name?.['value'] === 'string') this.#draft.puts.push(name['value']);
  }

  #new(node: Syntax): void {
    const callee = node['callee'] as Syntax;
    const given = node['arguments'] as readonly Syntax[];
    hideGiven(this.#draft, '', String(callee['name'] ?? ''), given);
    this.#visit(callee, node);
    if (callee.type === 'Identifier' && /^(XML|XMLList|Namespace)$/.test(String(callee['name']))) {
      this.#draft.edit(node.start, callee.start, '');
    }
    for (const one of given) this.#visit(one, node);
  }

  #name(name: string, node: Syntax): void {
    if (this.#isDeclared(name) || this.#undeclared.has(name)) return;
    if (this.#options.templates.has(name)) {
      this.#draft.templates.add(name);
    } else if (name === 'eval' || (!PROVIDED.has(name) && !STANDARD.has(name))) {
      if (this.#isAssigned(name)) {
        this.#undeclared.add(name);
        return;
      }
      const imported = importedJava(name, this.#packages);
      if (imported !== undefined) {
        this.#draft.imports.add(imported.split('.')[0] ?? '');
        this.#draft.edit(node.start, node.end, imported);
        return;
      }
      const isJava =
        /^(java|javax|org|com|Packages|importPackage|importClass|JavaImporter|JavaAdapter)$/.test(
          name,
        );
      if (isJava)
        return this.#draft.mark(
          node,
          'Java',
          `uses ${name === 'java' ? 'Java' : `the Java package ${name}`}`,
        );
      const { category, what } = needOf(name);
      this.#draft.mark(node, category, what);
    } else if (PROVIDED.has(name)) this.#draft.imports.add(name);
  }

  #isDeclared(name: string): boolean {
    return this.#scopes.some((scope) => scope.has(name));
  }

  #isKnown(name: string): boolean {
    return (
      this.#isDeclared(name) ||
      PROVIDED.has(name) ||
      STANDARD.has(name) ||
      this.#options.templates.has(name)
    );
  }

  /** Whether the script assigns to a name that it does not declare: Rhino makes that a variable. */
  #isAssigned(name: string): boolean {
    return this.#body.some((one) => assigns(one, name));
  }

  #text(node: Syntax): void {
    const { value, raw = '' } = node as unknown as { value: unknown; raw?: string };
    if (typeof value === 'string' && SECRET_TEXT.test(value)) return this.#draft.hide(node, 'text');
    // octal numbers, which are allowed only in sloppy mode
    const isOld = typeof value === 'number' ? /^0\d/.test(raw) : /\\(?:[1-9]|0\d)/.test(raw);
    if (isOld && (typeof value === 'number' || typeof value === 'string'))
      this.#draft.edit(node.start, node.end, JSON.stringify(value));
  }
}
