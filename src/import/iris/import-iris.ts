import { stringify } from 'yaml';
import { Names, plainValue, slug } from '../names.ts';
import type { ExportFile, ImportedProduction } from '../production-files.ts';
import { redacted } from '../redacted.ts';
import { type ReportLine, reportText } from '../report.ts';
import { HOSTS, type HostContext, type Item, ROUTERS } from './hosts.ts';
import {
  attribute,
  elements,
  type IrisClass,
  type IrisExport,
  readExport,
  rootOf,
  textOf,
} from './read-export.ts';
import { rulesOf, type TranslationReport } from './rules.ts';
import { transformOf } from './transform.ts';

type Block = Record<string, unknown>;

/** Makes a production from the classes of an export. Nothing in it is run. */
export function importIris(files: readonly ExportFile[], name: string): ImportedProduction {
  return new Import(readExport(files), name).production();
}

/** Quotes a value for comma-separated text. */
const cell = (text: string): string =>
  /[",\n]/.test(text) || text.startsWith('#') ? `"${text.replaceAll('"', '""')}"` : text;

interface ProductionItem extends Item {
  readonly production: string;
  /** What no other item of the export has: productions may have items of the same name. */
  readonly key: string;
  readonly settings: ReadonlyMap<string, string>;
  readonly isOn: boolean;
  readonly pool: number;
  readonly comment: string;
  readonly schedule: string;
}

type Kind = 'service' | 'process' | 'operation';

class Import {
  readonly #export: IrisExport;
  readonly #name: string;
  readonly #files = new Map<string, string>();
  readonly #lines: ReportLine[] = [];
  readonly #names = new Names();
  readonly #items = new Map<string, string>();
  readonly #credentials: Record<string, Block> = {};
  readonly #transforms = new Map<string, string>();
  /** Classes of which something was made. */
  readonly #used = new Set<string>();
  readonly #hosts: Record<Kind, Record<string, Block>> = {
    service: {},
    process: {},
    operation: {},
  };

  constructor(exported: IrisExport, name: string) {
    this.#export = exported;
    this.#name = slug(name, 60);
  }

  production(): ImportedProduction {
    const productions = [...this.#export.classes.values()].filter(({ data }) =>
      data.has('ProductionDefinition'),
    );
    const items = productions.flatMap((one) => itemsOf(one));
    for (const { key, name } of items)
      if (!this.#items.has(key)) this.#items.set(key, this.#names.take(slug(name)));
    if (productions.length > 1) {
      const names = productions.map(({ name }) => name).join(', ');
      const text = `${names} are one production now: import each with its classes to have them apart`;
      this.#line('look', 'export', 'productions', { category: 'productions', text });
    }
    const states = items.map((item) => {
      const before = this.#lines.length;
      this.#item(item);
      const isMarked = this.#lines.slice(before).some(({ kind }) => kind === 'mark');
      return { name: item.name, state: isMarked ? ('partial' as const) : ('complete' as const) };
    });
    const lookups = this.#tables();
    this.#leftOut(productions);
    const transforms = Object.fromEntries(
      [...this.#transforms].map(([, name]) => [
        name,
        `transforms/${name}.${this.#files.has(`transforms/${name}.yaml`) ? 'yaml' : 'ts'}`,
      ]),
    );
    for (const { file, what } of this.#export.faults)
      this.#line('mark', file, 'file', {
        category: 'files that cannot be read',
        text: `cannot be read: ${what}`,
      });
    if (items.length > 0) this.#files.set('production.yaml', this.#yaml({ transforms, lookups }));
    const report = {
      from: 'InterSystems IRIS',
      folder: this.#name,
      channels: states,
      templates: [],
      lines: this.#lines,
    };
    this.#files.set('import-report.md', reportText(report));
    return { files: this.#files, report };
  }

  /** What the export has and nothing was made of, so that nothing is missed without a word. */
  #leftOut(productions: readonly IrisClass[]): void {
    for (const one of this.#export.classes.values()) {
      if (productions.includes(one) || this.#used.has(one.name)) continue;
      const kind = KINDS.find(([data]) => one.data.has(data));
      const text = kind?.[1] ?? 'a class that no item, rule or transform here names: left out';
      this.#line('look', one.name, one.file, { category: 'left out', text });
    }
  }

  #line(
    kind: ReportLine['kind'],
    channel: string,
    place: string,
    { category, text }: { category: string; text: string },
  ): void {
    this.#lines.push({ kind, channel, place, category, text });
  }

  #told(channel: string): TranslationReport {
    return {
      mark: (place, category, text) => this.#line('mark', channel, place, { category, text }),
      look: (place, category, text) => this.#line('look', channel, place, { category, text }),
    };
  }

  #yaml({ transforms, lookups }: { transforms: Block; lookups: Block }): string {
    const { service, process, operation } = this.#hosts;
    const some = (name: string, block: Block): Block =>
      Object.keys(block).length === 0 ? {} : { [name]: block };
    const document = {
      production: this.#name,
      ...some('credentials', this.#credentials),
      ...some('services', service),
      ...some('processes', process),
      ...some('operations', operation),
      ...some('transforms', transforms),
      ...some('lookups', lookups),
    };
    return `# Made from an export of InterSystems IRIS; import-report.md says what needs a person.\n${stringify(document, { lineWidth: 120 })}`;
  }

  #tables(): Block {
    const made: Block = {};
    const files = new Names();
    for (const [name, entries] of this.#export.tables) {
      const file = `lookups/${files.take(slug(name))}.csv`;
      const lines = [...entries].map(([key, value]) => `${cell(key)},${cell(value)}`);
      this.#files.set(file, `key,value\n${lines.join('\n')}\n`);
      made[name] = file;
    }
    return made;
  }

  #item(item: ProductionItem): void {
    const name = this.#items.get(item.key) ?? slug(item.name);
    const told = this.#told(item.name);
    const context: HostContext = {
      ...told,
      credential: (given) => this.#credential(item.name, given),
    };
    const kind = this.#kindOf(item.className);
    const make = HOSTS[item.className];
    const common = {
      title: plainValue(item.name),
      ...(item.comment !== '' && { comment: plainValue(item.comment) }),
      ...(!item.isOn && { enabled: false }),
    };
    const to = this.#targetsOf(item);
    if (item.schedule !== '')
      told.look(
        'schedule',
        'schedules',
        `its schedule ${item.schedule} is left out: write schedule`,
      );
    if (kind === 'process') {
      this.#hosts.process[name] = { ...common, ...this.#process(item, name, told) };
    } else {
      const read = new Set<string>(TARGETS);
      const watched = { ...item, settings: watchedSettings(item.settings, read) };
      const { adapter, settings, keys } = make?.(watched, context) ?? this.#stub(item, name, kind);
      const unread = [...item.settings.keys()].filter((one) => !read.has(one));
      if (make !== undefined && unread.length > 0)
        told.look(
          'settings',
          'settings',
          `these settings are left out, look whether they matter: ${unread.join(', ')}`,
        );
      const isParallel = kind === 'operation' && item.pool > 1;
      this.#hosts[kind][name] = {
        ...common,
        adapter,
        ...(Object.keys(settings).length > 0 && { settings }),
        ...keys,
        ...(isParallel && { order: 'none', pool: item.pool }),
        ...(kind === 'service' && { to: to.length === 1 ? to[0] : to }),
      };
      if (kind === 'service' && to.length === 0)
        told.mark('targets', 'targets', 'none of its targets are in the production');
    }
    this.#line('made', item.name, kind, { category: 'made', text: `${kind} ${name}` });
  }

  #targetsOf({ settings, production }: ProductionItem): string[] {
    const given = settings.get('TargetConfigNames') || settings.get('TargetConfigName') || '';
    return given
      .split(',')
      .map((one) => this.#items.get(keyOf(production, one.trim())))
      .filter((one) => one !== undefined);
  }

  #credential(item: string, given: string): string {
    const name = slug(given);
    if (this.#credentials[name] === undefined) {
      this.#credentials[name] = {
        kind: 'basic',
        user: 'interface',
        password: `\${secret:${name}}`,
      };
      this.#line('give', item, 'credentials', {
        category: 'secrets',
        text: `user and password of ${given}: \`waybill secret set ${name}\``,
      });
    }
    return name;
  }

  /** Decides by the superclass, otherwise by how such classes are usually named. */
  #kindOf(className: string): Kind {
    const chain: string[] = [];
    for (let at: string | undefined = className; at !== undefined && chain.length < 20; ) {
      chain.push(at);
      at = this.#export.classes.get(at)?.extends[0];
    }
    const text = chain.join(' ');
    const base = /\bEns\.Business(Service|Process|Operation)\b/.exec(text)?.[1];
    if (base !== undefined) return base.toLowerCase() as Kind;
    if (/Service\b|\.BS\./.test(text)) return 'service';
    if (/Operation\b|\.BO\./.test(text)) return 'operation';
    return 'process';
  }

  #process(item: ProductionItem, name: string, told: TranslationReport): Block {
    this.#used.add(item.settings.get('BusinessRuleName') ?? '');
    const rule = this.#export.classes
      .get(item.settings.get('BusinessRuleName') ?? '')
      ?.data.get('RuleDefinition');
    if (ROUTERS.has(item.className) && rule !== undefined) {
      const rules = rulesOf(rule, {
        ...told,
        nameOf: (given) => this.#items.get(keyOf(item.production, given)) ?? slug(given),
        transformOf: (className) => this.#transform(className, told),
      });
      return { rules };
    }
    const what = ROUTERS.has(item.className)
      ? `its rules ${item.settings.get('BusinessRuleName') ?? ''} are not in the export`
      : `${item.className} is code: write it as a process`;
    told.mark('code', 'ObjectScript', what);
    this.#files.set(`processes/${name}.ts`, this.#stubText(item.className, what));
    return { code: `processes/${name}.ts`, to: this.#targetsOf(item) };
  }

  #stub(item: Item, name: string, kind: Kind): { adapter: string; settings: Block; keys?: Block } {
    const isOwn = this.#export.classes.has(item.className);
    const what = isOwn
      ? `${item.className} is code: write it as an adapter, or choose one`
      : `${item.className} has no adapter yet: choose one`;
    this.#told(item.name).mark(kind, isOwn ? 'ObjectScript' : item.className, what);
    this.#files.set(`adapters/${name}.ts`, this.#stubText(item.className, what));
    return { adapter: `./adapters/${name}.ts`, settings: {} };
  }

  /** A module that cannot be loaded until a person has written it; the original is in it as a comment. */
  #stubText(className: string, what: string): string {
    this.#used.add(className);
    const own: IrisClass | undefined = this.#export.classes.get(className);
    const parts = [
      ...[...(own?.data ?? [])].map(([name, text]) => `XData ${name}\n${text}`),
      ...(own?.methods.map(({ source }) => source) ?? []),
    ];
    const was = parts.length === 0 ? '' : `\n\n// What it was:\n${redacted(parts.join('\n\n'))}`;
    return `throw new Error(${JSON.stringify(`to be done by a person: ${what}`)});${was}\n`;
  }

  #transform(className: string, told: TranslationReport): string {
    const known = this.#transforms.get(className);
    if (known !== undefined) return known;
    this.#used.add(className);
    const name = this.#names.take(slug(className));
    this.#transforms.set(className, name);
    const xml = this.#export.classes.get(className)?.data.get('DTL');
    if (xml === undefined) {
      const what = `the transform ${className} is ${this.#export.classes.has(className) ? 'code' : 'not in the export'}`;
      told.mark(className, 'transforms', what);
      this.#files.set(`transforms/${name}.ts`, this.#stubText(className, what));
    } else {
      const inner = this.#told(className);
      this.#files.set(
        `transforms/${name}.yaml`,
        stringify(transformOf(xml, inner), { lineWidth: 120 }),
      );
    }
    return name;
  }
}

/** XData of a class that nothing uses → what to do with it. */
const KINDS = [
  ['RecordMap', 'a record map is not imported: describe its columns under records'],
  ['DTL', 'a transform that no rule here names is not imported: import it with the rules that do'],
  ['RuleDefinition', 'rules that no item here names are not imported'],
  ['BPL', 'a BPL process that is no item here is not imported: write it as a process'],
  ['ProductionDefinition', 'a production without items'],
] as const;

const TARGETS = ['TargetConfigNames', 'TargetConfigName', 'BusinessRuleName'];

const keyOf = (production: string, item: string): string => `${production}\n${item}`;

/** Settings that tell which of them are read. */
function watchedSettings(
  settings: Item['settings'],
  read: Set<string>,
): Pick<Item['settings'], 'get'> {
  return {
    get(name) {
      read.add(name);
      return settings.get(name);
    },
  };
}

function itemsOf({ data, name: production }: IrisClass): ProductionItem[] {
  const root = rootOf(data.get('ProductionDefinition') ?? '');
  return elements(root, 'Item').map((one) => ({
    production,
    key: keyOf(production, attribute(one, 'Name')),
    name: attribute(one, 'Name'),
    className: attribute(one, 'ClassName'),
    isOn: attribute(one, 'Enabled') !== 'false' && attribute(one, 'Enabled') !== '0',
    pool: Number(attribute(one, 'PoolSize')) || 1,
    comment: attribute(one, 'Comment'),
    schedule: attribute(one, 'Schedule'),
    settings: new Map(
      elements(one, 'Setting').map((setting) => [
        attribute(setting, 'Name'),
        textOf(setting).trim(),
      ]),
    ),
  }));
}
