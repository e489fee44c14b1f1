import { stringify } from 'yaml';
import { Names, slug } from '../names.ts';
import type { ImportedProduction } from '../production-files.ts';
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
export function importIris(
  files: readonly { readonly name: string; readonly text: string }[],
  name: string,
): ImportedProduction {
  return new Import(readExport(files), name).production();
}

/** Quotes a value for comma-separated text. */
const cell = (text: string): string =>
  /[",\n]/.test(text) || text.startsWith('#') ? `"${text.replaceAll('"', '""')}"` : text;

interface ProductionItem extends Item {
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
    for (const { name } of items)
      if (!this.#items.has(name)) this.#items.set(name, this.#names.take(slug(name)));
    const states = items.map((item) => {
      const before = this.#lines.length;
      this.#item(item);
      const isMarked = this.#lines.slice(before).some(({ kind }) => kind === 'mark');
      return { name: item.name, state: isMarked ? ('partial' as const) : ('complete' as const) };
    });
    const lookups = this.#tables();
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
    for (const [name, entries] of this.#export.tables) {
      const file = `lookups/${slug(name)}.csv`;
      const lines = [...entries].map(([key, value]) => `${cell(key)},${cell(value)}`);
      this.#files.set(file, `key,value\n${lines.join('\n')}\n`);
      made[name] = file;
    }
    return made;
  }

  #item(item: ProductionItem): void {
    const name = this.#items.get(item.name) ?? slug(item.name);
    const told = this.#told(item.name);
    const context: HostContext = {
      ...told,
      credential: (given) => this.#credential(item.name, given),
    };
    const kind = this.#kindOf(item.className);
    const make = HOSTS[item.className];
    const common = {
      title: item.name,
      ...(item.comment !== '' && { comment: item.comment }),
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
      const { adapter, settings, keys } = make?.(item, context) ?? this.#stub(item, name, kind);
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

  #targetsOf({ settings }: Item): string[] {
    const given = settings.get('TargetConfigNames') || settings.get('TargetConfigName') || '';
    return given
      .split(',')
      .map((one) => this.#items.get(one.trim()))
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
    if (/\bEns\.BusinessService\b|\.Service\b|Service\b|\.BS\./.test(text)) return 'service';
    if (/\bEns\.BusinessOperation\b|\.Operation\b|Operation\b|\.BO\./.test(text))
      return 'operation';
    return 'process';
  }

  #process(item: Item, name: string, told: TranslationReport): Block {
    const rule = this.#export.classes
      .get(item.settings.get('BusinessRuleName') ?? '')
      ?.data.get('RuleDefinition');
    if (ROUTERS.has(item.className) && rule !== undefined) {
      const rules = rulesOf(rule, {
        ...told,
        nameOf: (given) => this.#items.get(given) ?? slug(given),
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

function itemsOf({ data }: IrisClass): ProductionItem[] {
  const root = rootOf(data.get('ProductionDefinition') ?? '');
  return elements(root, 'Item').map((one) => ({
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
