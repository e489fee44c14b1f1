import { stringify } from 'yaml';
import { Names, slug } from '../names.ts';
import { portsApart } from '../ports.ts';
import type { ExportFile, ImportedProduction } from '../production-files.ts';
import { reportText } from '../report.ts';
import { processOf } from './bpl.ts';
import { type Block, Draft, type Kind, oneOrMore, TARGETS } from './draft.ts';
import { EndHosts } from './end-hosts.ts';
import { NOT_NEEDED, ROUTERS } from './hosts.ts';
import { commonKeys } from './item-keys.ts';
import { itemsOf, keyOf, type ProductionItem } from './items.ts';
import { type IrisClass, type IrisExport, readExport } from './read-export.ts';
import { RecordDraft } from './record-draft.ts';
import { rulesOf, type TranslationReport } from './rules.ts';
import { attribute, elements, type SourceXml, textOf, unread } from './source-xml.ts';
import { transformOf } from './transform.ts';

/** Makes a production from the classes of an export. Nothing in it is run. */
export function importIris(files: readonly ExportFile[], name: string): ImportedProduction {
  return new Import(readExport(files), name).production();
}

/** Quotes a value for comma-separated text. */
const cell = (text: string): string =>
  /[",\n]/.test(text) || text.startsWith('#') ? `"${text.replaceAll('"', '""')}"` : text;

class Import {
  readonly #draft: Draft;
  readonly #records: RecordDraft;
  readonly #ends: EndHosts;
  readonly #name: string;
  #alerts: Block | undefined;
  #production: Block = {};

  constructor(exported: IrisExport, name: string) {
    this.#draft = new Draft(exported);
    this.#records = new RecordDraft(this.#draft);
    this.#ends = new EndHosts(this.#draft, this.#records);
    this.#name = slug(name, 60);
  }

  production(): ImportedProduction {
    const productions = [...this.#draft.export.classes.values()].filter(({ data }) =>
      data.has('ProductionDefinition'),
    );
    const items = productions.flatMap((one) => itemsOf(one, this.#draft.export.defaults));
    for (const { key, className } of items)
      if (NOT_NEEDED[className] !== undefined) this.#draft.idle.add(key);
    for (const { key, name } of items)
      if (!this.#draft.items.has(key))
        this.#draft.items.set(key, this.#draft.names.take(slug(name)));
    if (productions.length > 1) {
      const names = productions.map(({ name }) => name).join(', ');
      const text = `${names} are one production now: import each with its classes to have them apart`;
      this.#draft.line('look', 'export', 'productions', { category: 'productions', text });
    }
    const states = items.map((item) => {
      const before = this.#draft.lines.length;
      this.#item(item, items);
      const isMarked = this.#draft.lines.slice(before).some(({ kind }) => kind === 'mark');
      return { name: item.name, state: isMarked ? ('partial' as const) : ('complete' as const) };
    });
    for (const one of productions) this.#productionSettings(one);
    const lookups = this.#tables();
    tellDefaults(this.#draft, items);
    tellLeftOut(this.#draft, this.#records, productions);
    const transforms = Object.fromEntries(
      [...this.#draft.transforms].map(([, name]) => [
        name,
        `transforms/${name}.${this.#draft.files.has(`transforms/${name}.yaml`) ? 'yaml' : 'ts'}`,
      ]),
    );
    for (const { file, what, isLeftOut = false } of this.#draft.export.faults)
      this.#draft.line(isLeftOut ? 'look' : 'mark', file, 'file', {
        category: isLeftOut ? 'left out' : 'files that cannot be read',
        text: isLeftOut ? what : `cannot be read: ${what}`,
      });
    if (items.length > 0)
      this.#draft.files.set('production.yaml', this.#yaml({ transforms, lookups }));
    const report = {
      from: 'InterSystems IRIS',
      unit: 'item' as const,
      folder: this.#name,
      channels: states,
      templates: [],
      lines: this.#draft.lines,
    };
    this.#draft.files.set('import-report.md', reportText(report));
    return { files: this.#draft.files, report };
  }

  #productionSettings({ data, name }: IrisClass): void {
    const root = data.get('ProductionDefinition')?.root;
    if (root === undefined) return;
    for (const one of ['TestingEnabled', 'LogGeneralTraceEvents']) attribute(root, one);
    for (const one of [...elements(root, 'ActorPoolSize'), ...elements(root, 'Description')])
      textOf(one);
    const left: string[] = [];
    for (const one of elements(root, 'Setting')) {
      attribute(one, 'Target');
      const [setting, value] = [attribute(one, 'Name'), textOf(one).trim()];
      if (setting === 'ShutdownTimeout' && Number(value) > 0)
        this.#production['shutdownTimeout'] = `${value}s`;
      else if (setting === 'AlertNotificationOperation') this.#alertsBy(name, value);
      else left.push(setting);
    }
    if (left.length > 0)
      this.#draft.line('look', name, 'settings', {
        category: 'settings',
        text: `these settings of the production are left out: ${left.join(', ')}`,
      });
  }

  #yaml({ transforms, lookups }: { transforms: Block; lookups: Block }): string {
    const { process, operation } = this.#draft.hosts;
    const service = portsApart(this.#draft.hosts.service, (host, text) => {
      const title = this.#draft.hosts.service[host]?.['title'];
      const item = typeof title === 'string' ? title : host;
      this.#draft.line('look', item, 'service', { category: 'ports', text });
    });
    const document = {
      production: this.#name,
      ...some('settings', this.#production),
      ...some('credentials', this.#draft.credentials),
      ...some('services', service),
      ...some('processes', process),
      ...some('operations', operation),
      ...some('transforms', transforms),
      ...some('records', this.#records.files),
      ...some('lookups', lookups),
      ...(this.#alerts && { alerts: this.#alerts }),
    };
    return `# Made from an export of InterSystems IRIS; import-report.md says what needs a person.\n${stringify(document, { lineWidth: 120 })}`;
  }

  #tables(): Block {
    const made: Block = {};
    const files = new Names();
    for (const [name, entries] of this.#draft.export.tables) {
      const file = `lookups/${files.take(slug(name))}.csv`;
      const lines = [...entries].map(([key, value]) => `${cell(key)},${cell(value)}`);
      this.#draft.files.set(file, `key,value\n${lines.join('\n')}\n`);
      made[name] = file;
    }
    return made;
  }

  #item(item: ProductionItem, items: readonly ProductionItem[]): void {
    const name = this.#draft.items.get(item.key) ?? slug(item.name);
    const told = this.#draft.told(item.name);
    const notNeeded = NOT_NEEDED[item.className];
    if (notNeeded !== undefined) {
      told.look('item', 'left out', `left out: ${notNeeded}`);
      return;
    }
    const read = new Set<string>(READ);
    const watched = { ...item, settings: watchedSettings(item.settings, read) };
    const common = commonKeys(item, watched.settings, told);
    const kind = this.#kindOf(item.className);
    if (kind === 'process') {
      const names = items
        .filter(({ production }) => production === item.production)
        .map((one) => one.name);
      this.#draft.hosts.process[name] = {
        ...common,
        ...this.#process(item, name, { told, items: names }),
      };
    } else this.#ends.make(watched, { name, kind, common, told, given: item });
    if (item.name === 'Ens.Alert') this.#alertsTo(item, name, kind);
    const unused = [...item.settings.keys()].filter((one) => !read.has(one));
    if (unused.length > 0)
      told.look(
        'settings',
        'settings',
        `these settings are left out, look whether they matter: ${unused.join(', ')}`,
      );
    this.#draft.line('made', item.name, kind, { category: 'made', text: `${kind} ${name}` });
  }

  /** Alerts go to the operations that the item Ens.Alert sends to. */
  #alertsTo(item: ProductionItem, name: string, kind: Kind): void {
    const of =
      kind === 'operation'
        ? [name]
        : [
            ...JSON.stringify(this.#draft.hosts.process[name] ?? {}).matchAll(/"([a-z0-9-]+)"/g),
          ].map(([, one = '']) => one);
    const to = [...new Set(of)].filter((one) =>
      one === name
        ? kind === 'operation'
        : [...this.#draft.items.values()].includes(one) && one !== name,
    );
    const known = to.filter(
      (one) => kind === 'operation' || this.#isOperation(one, item.production),
    );
    if (known.length > 0) this.#alerts = { to: known };
    this.#draft.line('look', item.name, 'alerts', {
      category: 'alerts',
      text:
        known.length > 0
          ? `alerts go to ${known.join(', ')}${kind === 'operation' ? '' : ', whatever they are about'}`
          : 'alerts go nowhere: write alerts with the operations that send them',
    });
  }

  /** Managed alerts go by the operation that the production names for them. */
  #alertsBy(production: string, operation: string): void {
    const to = this.#draft.items.get(keyOf(production, operation));
    const isKnown = to !== undefined && this.#isOperation(to, production);
    if (isKnown) this.#alerts ??= { to: [to] };
    const text = isKnown
      ? `alerts go to ${to}, whatever they are about`
      : `alerts went by ${operation}, which is no operation here: write alerts with those that send them`;
    this.#draft.line('look', production, 'alerts', { category: 'alerts', text });
  }

  /** What gets the alerts of a process: the item Ens.Alert, or where that only kept them, whoever sent them. */
  #alertTo(production: string): string | undefined {
    const key = keyOf(production, 'Ens.Alert');
    if (!this.#draft.idle.has(key)) return this.#draft.items.get(key);
    const root = this.#draft.export.classes.get(production)?.data.get('ProductionDefinition')?.root;
    const by = root === undefined ? undefined : settingOf(root, 'AlertNotificationOperation');
    return this.#draft.items.get(keyOf(production, by ?? ''));
  }

  #isOperation(host: string, production: string): boolean {
    const item = [...this.#draft.items].find(
      ([key, name]) => name === host && key.startsWith(`${production}\n`),
    )?.[0];
    const definition = this.#draft.export.classes.get(production)?.data.get('ProductionDefinition');
    if (item === undefined || definition === undefined) return false;
    const own = elements(definition.root, 'Item').find(
      (one) => keyOf(production, attribute(one, 'Name')) === item,
    );
    return own !== undefined && this.#kindOf(attribute(own, 'ClassName')) === 'operation';
  }

  /** Decides by the superclass, otherwise by how such classes are usually named. */
  #kindOf(className: string): Kind {
    const text = this.#draft.chain(className).join(' ');
    const base = /\bEns\.Business(Service|Process|Operation)\b/.exec(text)?.[1];
    if (base !== undefined) return base.toLowerCase() as Kind;
    if (/Service\b|\.BS\./.test(text)) return 'service';
    if (/Operation\b|\.BO\./.test(text)) return 'operation';
    return 'process';
  }

  #process(
    item: ProductionItem,
    name: string,
    { told, items }: { readonly told: TranslationReport; readonly items: readonly string[] },
  ): Block {
    const ruleName = item.settings.get('BusinessRuleName') ?? '';
    this.#draft.used.add(ruleName);
    const rule = this.#draft.export.classes.get(ruleName)?.data.get('RuleDefinition');
    const nameOf = (given: string): string =>
      this.#draft.items.get(keyOf(item.production, given)) ?? slug(given);
    const router = this.#draft.chain(item.className).find((one) => ROUTERS.has(one));
    if (router !== undefined && rule !== undefined) {
      if (router !== item.className) {
        this.#draft.used.add(item.className);
        told.look(
          'code',
          'ObjectScript',
          `${item.className} changes ${router}: look at its methods`,
        );
      }
      return {
        rules: rulesOf(rule, {
          ...told,
          nameOf,
          items,
          transformOf: (className) => this.#transform(className, told),
        }),
      };
    }
    const bpl = this.#draft.export.classes.get(item.className)?.data.get('BPL');
    if (bpl !== undefined) return this.#bpl(item, name, { bpl, told, nameOf });
    const what =
      router !== undefined
        ? `its rules ${ruleName} are not in the export`
        : `${item.className} is code: write it as a process`;
    told.mark('code', 'ObjectScript', what);
    this.#draft.files.set(`processes/${name}.ts`, this.#draft.stubText(item.className, what));
    return { code: `processes/${name}.ts`, to: this.#draft.targetsOf(item) };
  }

  #bpl(
    item: ProductionItem,
    name: string,
    {
      bpl,
      told,
      nameOf,
    }: {
      readonly bpl: SourceXml;
      readonly told: TranslationReport;
      readonly nameOf: (item: string) => string;
    },
  ): Block {
    this.#draft.used.add(item.className);
    const made = processOf(bpl, {
      ...told,
      nameOf: (given) =>
        this.#draft.items.has(keyOf(item.production, given)) ? nameOf(given) : undefined,
      settingOf: (setting) => item.settings.get(setting),
      alertTo: this.#alertTo(item.production),
      transformed: (className, target) => {
        const transform = this.#transform(className, told);
        const between = this.#draft.names.take(`${target}-by-${transform}`.slice(0, 60));
        this.#draft.hosts.process[between] = {
          rules: [{ name: transform, send: { to: target, transform } }],
        };
        return between;
      },
    });
    this.#draft.files.set(`processes/${name}.ts`, made.text);
    return { code: `processes/${name}.ts`, ...(made.to.length > 0 && { to: oneOrMore(made.to) }) };
  }

  #transform(className: string, told: TranslationReport): string {
    const name = this.#draft.transforms.get(className) ?? this.#newTransform(className, told);
    const isMarked = this.#draft.lines.some(
      ({ kind, channel }) => kind === 'mark' && channel === className,
    );
    if (isMarked)
      told.mark(className, 'transforms', `its transform ${className} has places to be done`);
    return name;
  }

  #newTransform(className: string, told: TranslationReport): string {
    this.#draft.used.add(className);
    const name = this.#draft.names.take(slug(className));
    this.#draft.transforms.set(className, name);
    const xml = this.#draft.export.classes.get(className)?.data.get('DTL');
    if (xml === undefined) {
      const what = `the transform ${className} is ${this.#draft.export.classes.has(className) ? 'code' : 'not in the export'}`;
      told.mark(className, 'transforms', what);
      this.#draft.files.set(`transforms/${name}.ts`, this.#draft.stubText(className, what));
    } else {
      const inner = this.#draft.told(className);
      this.#draft.files.set(
        `transforms/${name}.yaml`,
        stringify(
          transformOf(xml, {
            ...inner,
            dtlOf: (one) => {
              const found = this.#draft.export.classes.get(one)?.data.get('DTL');
              if (found !== undefined) this.#draft.used.add(one);
              return found;
            },
            recordOf: (one) => this.#records.propertiesOf(one),
          }),
          { lineWidth: 120 },
        ),
      );
    }
    return name;
  }
}

/** Settings that are read where no adapter is. */
const READ = [...TARGETS, 'BusinessRuleName', 'Enabled', 'Schedule', 'AlertGroups'];

/** Settings that tell which of them are read. */
function watchedSettings(
  settings: ReadonlyMap<string, string>,
  read: Set<string>,
): Pick<ReadonlyMap<string, string>, 'get'> {
  return {
    get(name) {
      read.add(name);
      return settings.get(name);
    },
  };
}

/** A key with what it has, if it has anything. */
const some = (name: string, block: Block): Block =>
  Object.keys(block).length === 0 ? {} : { [name]: block };

/** XData of a class that nothing uses → what to do with it. */
const KINDS = [
  ['RecordMap', 'a record map that no item here uses is not imported'],
  ['ComplexBatch', 'a map of records that no item here uses is not imported'],
  ['DTL', 'a transform that no rule here names is not imported: import it with the rules that do'],
  ['RuleDefinition', 'rules that no item here names are not imported'],
  ['BPL', 'a BPL process that is no item here is not imported: write it as a process'],
  ['ProductionDefinition', 'a production without items'],
] as const;

const SUPERS: readonly (readonly [RegExp, string])[] = [
  [/^EnsLib\.RecordMap\./, 'made by a record map: its records are JSON here'],
  [
    /^Ens\.(?:Request|Response|Messagebody|AlertRequest)$|^%(?:Persistent|SerialObject|XML\.Adaptor|JSON\.Adaptor)$/i,
    'a class of messages or data: JSON here, with its properties as names',
  ],
  [
    /^Ens\.(?:Rule\.FunctionSet|Util\.FunctionSet)$/,
    'functions for rules and transforms: what calls them is marked',
  ],
  [/SearchTable$/, 'a search table: write settings.search'],
  [/^Ens\.BP\.Context$/, 'what a BPL process remembers: its module has it'],
  [/^%UnitTest\./, 'a test of the old engine: write production.test.yaml'],
];

/** Why nothing was made of a class. */
function describeLeftOver({ data, extends: supers }: IrisClass): string {
  const kind = KINDS.find(([name]) => data.has(name));
  if (kind !== undefined) return kind[1];
  const known = SUPERS.find(([pattern]) => supers.some((one) => pattern.test(one)));
  return known?.[1] ?? 'a class that no item, rule or transform here names: left out';
}

/** What the export has and nothing was made of, so that nothing is missed without a word. */
function tellLeftOut(draft: Draft, records: RecordDraft, productions: readonly IrisClass[]): void {
  for (const one of draft.export.classes.values()) {
    const isUsed = productions.includes(one) || draft.used.has(one.name);
    if (!isUsed) {
      const text =
        records.isRecord(one.name) && !one.data.has('RecordMap')
          ? 'records of a record map: JSON here'
          : describeLeftOver(one);
      draft.line('look', one.name, one.file, { category: 'left out', text });
      continue;
    }
    if (!draft.quoted.has(one.name)) unreadParts(draft, one);
  }
}

/** What no part of the import has looked at, of a class of which something was made. */
function unreadParts(draft: Draft, { name, file, data, methods }: IrisClass): void {
  const said = (text: string): void =>
    draft.line('look', name, file, { category: 'left out', text });
  for (const [part, xml] of data) {
    const found = unread(xml.root);
    if (found.length > 0) said(`these parts of ${part} are left out: ${counted(found)}`);
  }
  const own = methods.filter(
    (one) =>
      !/^(?:GetObject|PutObject|GetRecord|PutRecord|GetGeneratedClasses|get\w+|GetBatch|PutBatch)$/.test(
        one.name,
      ),
  );
  if (own.length > 0) said(`its methods are left out: ${own.map((one) => one.name).join(', ')}`);
}

/** Which system default settings items use. */
function tellDefaults(draft: Draft, items: readonly ProductionItem[]): void {
  for (const one of draft.export.defaults) {
    const isUsed = items.some(({ settings }) => settings.get(one.setting) === one.value);
    const text = `the default setting ${one.setting} of ${one.item} (${one.className}) is ${isUsed ? 'written to the items that it is for' : 'for no item of this export: left out'}`;
    draft.line(isUsed ? 'made' : 'look', one.production, 'default settings', {
      category: 'default settings',
      text,
    });
  }
}

/** `send/@delay (3)`. */
function counted(names: readonly string[]): string {
  const counts = Map.groupBy(names, (one) => one);
  return [...counts]
    .map(([name, all]) => (all.length === 1 ? name : `${name} (${all.length})`))
    .join(', ');
}

/** A setting of the production itself. */
const settingOf = (root: Parameters<typeof elements>[0], name: string): string | undefined => {
  const found = elements(root, 'Setting').find((one) => attribute(one, 'Name') === name);
  return found && textOf(found).trim();
};
