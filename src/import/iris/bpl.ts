import { toXml, type XmlNode } from '../../mirth/e4x/node.ts';
import { redacted } from '../redacted.ts';
import { type BplContext, type Kind, kindOf, property } from './bpl-context.ts';
import { block, indented, processModule, scoped } from './bpl-module.ts';
import { NoCounterpart, objectScript } from './objectscript.ts';
import { hl7PathOf } from './paths.ts';
import { attribute, elements, isDisabled, lookedAt, type SourceXml, textOf } from './source-xml.ts';
import { conditionCode, HELPERS, type Helpers, valueCode } from './typescript.ts';

/** A BPL process as a module with a process in TypeScript. */
export function processOf(
  xml: SourceXml,
  context: BplContext,
): { text: string; to: readonly string[] } {
  return new ProcessReading(xml.root, context).made();
}

/** A message that stands for what a transform makes of another one: it is made on the way to its target. */
interface Transformed {
  readonly className: string;
  readonly of: string;
}

class ProcessReading {
  readonly #root: XmlNode;
  readonly #context: BplContext;
  readonly #helpers: Helpers = new Set();
  readonly #to = new Set<string>();
  readonly #marks: string[] = [];
  readonly #kinds = new Map<string, Kind>();
  readonly #transformed = new Map<string, Transformed>();
  /** Answers of asynchronous calls that a sync waits for, with what is done with them. */
  readonly #pending = new Map<string, () => string[]>();
  readonly #synced = new Set<string>();
  #traces = 0;
  #asked = 0;

  constructor(root: XmlNode, context: BplContext) {
    this.#root = root;
    this.#context = context;
    this.#kinds.set('request', kindOf(attribute(root, 'request')));
    this.#kinds.set('response', kindOf(attribute(root, 'response')));
    for (const one of this.#properties()) this.#kinds.set(`context.${one.name}`, one.kind);
    const visit = (of: XmlNode): void => {
      if (of.name === 'sync')
        for (const name of attribute(of, 'calls').split(',')) this.#synced.add(name.trim());
      for (const one of of.children) visit(one);
    };
    visit(root);
  }

  #properties(): {
    readonly name: string;
    readonly kind: Kind;
    readonly initial: string;
    readonly isList: boolean;
  }[] {
    const [context] = elements(this.#root, 'context');
    return elements(context, 'property').map((one) => {
      for (const name of ['instantiate', 'collection']) attribute(one, name);
      for (const inner of elements(one)) lookedAt(inner);
      return {
        name: attribute(one, 'name'),
        kind: kindOf(attribute(one, 'type')),
        initial: attribute(one, 'initialexpression'),
        isList: /^(?:list|array)$/.test(attribute(one, 'collection')),
      };
    });
  }

  made(): { text: string; to: readonly string[] } {
    const body = elements(this.#root, 'sequence').flatMap((one) => this.#sequence(one));
    for (const name of ['contextsuperclass', 'layout']) attribute(this.#root, name);
    for (const name of ['annotation', 'parameters'])
      for (const one of elements(this.#root, name)) lookedAt(one);
    if (this.#traces > 0)
      this.#context.look(
        'trace',
        'left out',
        `${this.#traces} steps that only write to the trace are left out`,
      );
    const text = processModule({
      body,
      initial: this.#properties().map(
        (one) => `${JSON.stringify(one.name)}: ${this.#initial(one)}`,
      ),
      marks: this.#marks,
      helpers: [...this.#helpers].toSorted().map((name) => HELPERS[name]),
      isHl7: this.#kinds.get('request') === 'hl7',
      answersHl7: this.#kinds.get('response') === 'hl7',
    });
    return { text, to: [...this.#to] };
  }

  #initial({
    kind,
    initial,
    isList,
  }: {
    readonly kind: Kind;
    readonly initial: string;
    readonly isList: boolean;
  }): string {
    if (isList) return '[]';
    if (initial === '') return kind === 'value' ? "''" : '{}';
    return this.#try('context', initial, () => this.#value(initial)) ?? "''";
  }

  #sequence(of: XmlNode | undefined): string[] {
    return elements(of).flatMap((one) => {
      if (isDisabled(one)) return [];
      const name = attribute(one, 'name');
      const notes = elements(one, 'annotation')
        .map((note) => textOf(note).trim())
        .filter(Boolean);
      const made = this.#activity(one);
      const comment = [name, ...notes].filter(Boolean).join(': ').replaceAll(/\s+/g, ' ');
      return comment === '' || made.length === 0 ? made : [`// ${comment}`, ...made];
    });
  }

  #activity(one: XmlNode): string[] {
    switch (one.name) {
      case 'sequence':
        return this.#sequence(one);
      case 'assign':
        return this.#tried(one, () =>
          this.#assign(
            attribute(one, 'property'),
            attribute(one, 'value'),
            attribute(one, 'action'),
            attribute(one, 'key'),
          ),
        );
      case 'call':
        return this.#tried(one, () => this.#call(one));
      case 'sync':
        return this.#sync(one);
      case 'if':
        return this.#tried(one, () => this.#if(one));
      case 'switch':
        return this.#tried(one, () => this.#switch(one));
      case 'foreach':
        return this.#tried(one, () => this.#foreach(one));
      case 'while':
        return this.#tried(one, () =>
          block(`while (${this.#condition(attribute(one, 'condition'))})`, this.#sequence(one)),
        );
      case 'until':
        return this.#tried(one, () => [
          'do {',
          ...indented(this.#sequence(one)),
          `} while (!(${this.#condition(attribute(one, 'condition'))}));`,
        ]);
      default:
        return this.#otherActivity(one);
    }
  }

  #otherActivity(one: XmlNode): string[] {
    switch (one.name) {
      case 'transform':
        return this.#tried(one, () => this.#transform(one));
      case 'delay':
        return this.#tried(one, () => this.#delay(one));
      case 'alert':
        return this.#tried(one, () => this.#alert(one));
      case 'throw':
        return this.#tried(one, () => [
          `throw new Error(String(${this.#value(attribute(one, 'fault'))}));`,
        ]);
      case 'scope':
        return this.#scope(one);
      case 'trace':
      case 'milestone':
        lookedAt(one);
        this.#traces += 1;
        return [];
      case 'annotation':
      case 'empty':
      case 'label':
        lookedAt(one);
        return [];
      case 'reply':
        this.#context.look('reply', 'steps', 'it answers before it is done: here at its end');
        return [];
      case 'flow':
        return this.#sequence(one);
      default:
        return this.#undone(one, `the step ${one.name} has no counterpart`);
    }
  }

  /** A place that a person has to write, with the original as a comment. */
  #undone(one: XmlNode, what: string): string[] {
    lookedAt(one);
    const name = attribute(one, 'name');
    this.#context.mark(one.name, 'steps', `${name === '' ? '' : `${name}: `}${what}`);
    this.#marks.push(`${one.name}${name === '' ? '' : ` ${name}`} ${what}`);
    const original =
      textOf(one).trim() === ''
        ? toXml(one).replaceAll(/ (?:xpos|ypos|xend|yend)="\d+"/g, '')
        : textOf(one).trim();
    return [`// TO DO: ${what}. It was:`, ...redacted(original).split('\n')];
  }

  #tried(one: XmlNode, make: () => string[]): string[] {
    try {
      return make();
    } catch (error) {
      if (!(error instanceof NoCounterpart)) throw error;
      return this.#undone(one, error.message);
    }
  }

  #try(place: string, original: string, make: () => string): string | undefined {
    try {
      return make();
    } catch (error) {
      if (!(error instanceof NoCounterpart)) throw error;
      this.#context.mark(place, 'steps', `${original} ${error.message}`);
      this.#marks.push(`${place} ${error.message}`);
      return undefined;
    }
  }

  #value(source: string): string {
    return valueCode(objectScript(source), {
      read: (what) => this.#read(what),
      helpers: this.#helpers,
    });
  }

  #condition(source: string): string {
    return conditionCode(objectScript(source), {
      read: (what) => this.#read(what),
      helpers: this.#helpers,
    });
  }

  /** A variable or a property of one, as TypeScript that reads or writes it. */
  #read(what: string): string {
    const [root = '', ...rest] = what.split(/\.(?![^{]*\})/);
    if (root === 'process') {
      const value = rest.length === 1 ? this.#context.settingOf(rest[0] ?? '') : undefined;
      if (value === undefined) throw new NoCounterpart(`reads ${what}`);
      return JSON.stringify(value);
    }
    if (!/^(?:request|response|context|callrequest|callresponse)$/.test(root))
      throw new NoCounterpart(`reads ${what}`);
    if (this.#transformed.has(what))
      throw new NoCounterpart(`reads ${what}, which a transform makes`);
    let made = root;
    for (const [at, part] of rest.entries()) {
      const holder = [root, ...rest.slice(0, at)].join('.');
      if (this.#transformed.has(holder))
        throw new NoCounterpart(`reads ${what}, which a transform makes`);
      const [, path] = /^\{([^}]*)\}$/.exec(part) ?? [];
      if (path !== undefined) {
        const place = this.#kinds.get(holder) === 'hl7' ? hl7PathOf(path, '') : undefined;
        if (place === undefined) throw new NoCounterpart(`reads {${path}}`);
        return `${made}.get(${JSON.stringify(place)})`;
      }
      const [, index] = /^\((?:"([^"]+)"|(.*))\)$/.exec(part)?.slice(0) ?? [];
      const counted = /^\((\d+|[A-Za-z]\w*)\)$/.exec(part)?.[1];
      if (counted !== undefined)
        made += `?.[${/^\d+$/.test(counted) ? Number(counted) - 1 : counted}]`;
      else if (index !== undefined) made += `?.[${JSON.stringify(index)}]`;
      else if (/^%?[A-Za-z]\w*$/.test(part))
        made += at === 0 ? property(part) : `?${property(part).replace(/^\[/, '.[')}`;
      else throw new NoCounterpart(`reads ${what}`);
    }
    return made;
  }

  #assign(target: string, value: string, action: string, key: string): string[] {
    const name = target.trim();
    if (!/^(?:request|response|context|callrequest|callresponse)\b/.test(name))
      throw new NoCounterpart(`sets ${name}`);
    if (name === 'context' || name === 'request') throw new NoCounterpart(`sets ${name}`);
    const inner = /^(.*)\.\{([^}]*)\}$/.exec(name);
    if (inner !== null) {
      const place =
        this.#kinds.get(inner[1] ?? '') === 'hl7' ? hl7PathOf(inner[2] ?? '', '') : undefined;
      if (place === undefined || (action !== '' && action !== 'set'))
        throw new NoCounterpart(`sets ${name}`);
      this.#helpers.add('text');
      return [
        `${this.#read(inner[1] ?? '')}.set(${JSON.stringify(place)}, text(${this.#value(value)}));`,
      ];
    }
    this.#transformed.delete(name);
    const whole = /^[\w.]+$/.test(value.trim()) ? this.#transformed.get(value.trim()) : undefined;
    if (whole !== undefined) {
      this.#transformed.set(name, whole);
      return [];
    }
    const kind = this.#kinds.get(value.trim());
    if (kind !== undefined) this.#kinds.set(name, kind);
    const to = this.#read(name).replaceAll('?.', '.').replaceAll('.[', '[');
    if (action === 'append') return [`(${to} ??= []).push(${this.#value(value)});`];
    if (action === 'remove' || action === 'clear') return [`${to} = '';`];
    if (action !== '' && action !== 'set') throw new NoCounterpart(`is one of ${action}`);
    if (key.trim() !== '') return [`(${to} ??= {})[${this.#value(key)}] = ${this.#value(value)};`];
    return [`${to} = ${this.#value(value)};`];
  }

  /** A target by its name, or by a setting: `@process.Target`. */
  #target(given: string): string {
    const setting = /^@process\.(\w+)$/.exec(given)?.[1];
    const named = setting === undefined ? given : this.#context.settingOf(setting);
    const host =
      named === undefined || named.startsWith('@') ? undefined : this.#context.nameOf(named);
    if (host === undefined)
      throw new NoCounterpart(`calls ${given}, which is no item of the production`);
    return host;
  }

  #call(one: XmlNode): string[] {
    const [name, isAsync] = [attribute(one, 'name'), /^(?:1|true)$/.test(attribute(one, 'async'))];
    const host = this.#target(attribute(one, 'target'));
    const [request, response] = [elements(one, 'request')[0], elements(one, 'response')[0]];
    this.#kinds.set('callrequest', kindOf(request === undefined ? '' : attribute(request, 'type')));
    this.#kinds.set(
      'callresponse',
      kindOf(response === undefined ? '' : attribute(response, 'type')),
    );
    this.#transformed.delete('callrequest');
    const given = this.#steps(request);
    const made = this.#transformed.get('callrequest');
    const target = made === undefined ? host : this.#context.transformed(made.className, host);
    this.#to.add(target);
    const body = this.#body(made?.of ?? 'callrequest', made === undefined ? given : []);
    const timeout = attribute(one, 'timeout').replaceAll('"', '');
    const options = /^\d+$/.test(timeout) ? `, { timeout: '${timeout}s' }` : '';
    if (timeout !== '' && options === '')
      throw new NoCounterpart('has a time limit that is computed');
    const begin = given.length > 0 && made === undefined ? ['let callrequest = {};', ...given] : [];
    const answers = this.#steps(response);
    const afterwards =
      answers.length === 0 ? [] : ['const callresponse = read(answer.body);', ...answers];
    if (!isAsync) {
      const asked = `${afterwards.length === 0 ? '' : 'const answer = '}await engine.call('${target}', ${body}${options});`;
      return scoped([...begin, asked, ...afterwards]);
    }
    if (!this.#synced.has(name) && afterwards.length === 0)
      return scoped([...begin, `await engine.send('${target}', ${body});`]);
    this.#asked += 1;
    const variable = `asked${this.#asked}`;
    this.#pending.set(name, () =>
      afterwards.length === 0
        ? [`await ${variable};`]
        : scoped([`const answer = await ${variable};`, ...afterwards]),
    );
    const asked = `${variable} = engine.call('${target}', ${body}${options});`;
    return [
      `let ${variable};`,
      ...scoped([...begin, asked, `${variable}.catch(() => undefined); // it is awaited below`]),
    ];
  }

  /** What is sent: the message as it came, an HL7 message, or an object as JSON. */
  #body(of: string, given: readonly string[]): string {
    const isWhole = given.length === 1 && /^callrequest = request;$/.test(given[0] ?? '');
    if (of === 'request' || isWhole || (of === 'callrequest' && given.length === 0))
      return 'request.kind ? request : json(request)';
    const code = of === 'callrequest' ? of : this.#read(of);
    return this.#kinds.get(of) === 'hl7' ? code : `json(${code})`;
  }

  #steps(of: XmlNode | undefined): string[] {
    return elements(of).flatMap((one) => {
      if (one.name === 'annotation') {
        lookedAt(one);
        return [];
      }
      return this.#activity(one);
    });
  }

  #sync(one: XmlNode): string[] {
    const names = attribute(one, 'calls')
      .split(',')
      .map((name) => name.trim());
    attribute(one, 'allowresync');
    const type = attribute(one, 'type');
    if (type === 'any') return this.#undone(one, 'it goes on with the first answer');
    const lines = names.flatMap((name) => {
      const pending = this.#pending.get(name);
      this.#pending.delete(name);
      return pending?.() ?? [];
    });
    if (attribute(one, 'timeout') !== '')
      this.#context.look(
        'sync',
        'steps',
        `${attribute(one, 'name')}: its time limit is left out: write it as timeout of each call`,
      );
    return lines;
  }

  #if(one: XmlNode): string[] {
    const condition = this.#condition(attribute(one, 'condition'));
    const yes = this.#sequence(elements(one, 'true')[0]);
    const no = this.#sequence(elements(one, 'false')[0]);
    return [...block(`if (${condition})`, yes), ...(no.length === 0 ? [] : block('else', no))];
  }

  #switch(one: XmlNode): string[] {
    const lines: string[] = [];
    for (const [index, each] of elements(one, 'case').entries()) {
      const condition = this.#condition(attribute(each, 'condition'));
      lines.push(...block(`${index === 0 ? '' : 'else '}if (${condition})`, this.#sequence(each)));
    }
    const [last] = elements(one, 'default');
    const otherwise = last === undefined ? [] : this.#sequence(last);
    if (otherwise.length > 0)
      lines.push(...block(lines.length === 0 ? 'if (true)' : 'else', otherwise));
    return lines;
  }

  #foreach(one: XmlNode): string[] {
    const [list, key] = [attribute(one, 'property').replace(/\(\)$/, ''), attribute(one, 'key')];
    const counter = this.#read(key).replaceAll('?.', '.');
    const of = this.#read(list);
    return [
      `for (let at = 1; at <= (${of} ?? []).length; at += 1) {`,
      ...indented([`${counter} = at;`, ...this.#sequence(one)]),
      '}',
    ];
  }

  /** What a transform makes is made on the way to the target that it is sent to. */
  #transform(one: XmlNode): string[] {
    const [className, source, target] = [
      attribute(one, 'class'),
      attribute(one, 'source'),
      attribute(one, 'target'),
    ];
    const of = this.#transformed.has(source) ? undefined : source;
    if (of !== 'request' || !/^(?:context\.\w+|callrequest)$/.test(target))
      throw new NoCounterpart(
        `transforms ${source} to ${target}: send it to a router with the transform`,
      );
    this.#transformed.set(target, { className, of });
    return [`// ${target} is made by the transform ${className} on its way to its target`];
  }

  #delay(one: XmlNode): string[] {
    const given = attribute(one, 'duration').trim();
    const [, hours = '0', minutes = '0', seconds = '0'] =
      /^"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?"$/.exec(given) ?? [];
    const time = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
    if (time === 0) throw new NoCounterpart(`waits for ${given || attribute(one, 'until')}`);
    return [`await engine.sleep('${time}s');`];
  }

  #alert(one: XmlNode): string[] {
    const { alertTo } = this.#context;
    if (alertTo === undefined)
      throw new NoCounterpart('sends an alert: the production has no Ens.Alert');
    this.#to.add(alertTo);
    this.#helpers.add('text');
    return [
      `await engine.send('${alertTo}', { body: text(${this.#value(attribute(one, 'value'))}), type: 'text/plain' });`,
    ];
  }

  #scope(one: XmlNode): string[] {
    const [handlers] = elements(one, 'faulthandlers');
    const inner = {
      ...one,
      children: one.children.filter(
        ({ name }) => name !== 'faulthandlers' && name !== 'compensationhandlers',
      ),
    };
    for (const each of elements(one, 'compensationhandlers')) lookedAt(each);
    const body = this.#sequence(inner);
    const named = elements(handlers, 'catch');
    const [rest] = elements(handlers, 'catchall');
    if (handlers === undefined) return body;
    const caught: string[] = [];
    for (const [index, each] of named.entries()) {
      const fault = attribute(each, 'fault');
      caught.push(
        ...block(
          `${index === 0 ? '' : 'else '}if (error.message === String(${fault || "''"}))`,
          this.#sequence(each),
        ),
      );
    }
    const others = rest === undefined ? ['throw error;'] : this.#sequence(rest);
    caught.push(...(named.length === 0 ? others : block('else', others)));
    return ['try {', ...indented(body), '} catch (error) {', ...indented(caught), '}'];
  }
}
