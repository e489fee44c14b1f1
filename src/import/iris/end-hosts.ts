import { stringify } from 'yaml';
import { plainValue, slug } from '../names.ts';
import { type Block, type Draft, type Kind, oneOrMore } from './draft.ts';
import { ADAPTERS, HOSTS, type Host, type HostContext } from './hosts.ts';
import { keyOf, type ProductionItem } from './items.ts';
import type { RecordDraft } from './record-draft.ts';
import type { TranslationReport } from './rules.ts';

/** What services and operations of the old engine become. */
export class EndHosts {
  readonly #draft: Draft;
  readonly #records: RecordDraft;

  constructor(draft: Draft, records: RecordDraft) {
    this.#draft = draft;
    this.#records = records;
  }

  /** A service or operation: of the product, with a record map, or with code of its own behind an adapter of the product. */
  make(watched: WatchedItem, of: EndContext): void {
    const { name, kind, common, told, given } = of;
    const context: HostContext = {
      ...told,
      credential: (one) => this.#draft.credential(given.name, one),
      nameOf: (one) => this.#draft.items.get(keyOf(given.production, one)) ?? slug(one),
    };
    const to = this.#draft.targetsOf(given);
    const map = watched.settings.get('RecordMap') || watched.settings.get('ComplexMap') || '';
    const base = this.#baseOf(given.className);
    const make = base === undefined ? undefined : HOSTS[base];
    const adapter = ADAPTERS[this.#adapterOf(given.className)];
    if (make !== undefined && base === given.className) {
      const host = make(watched, context);
      if (map === '') this.#host(name, host, { ...of, to });
      else this.#recordHost(host, map, { ...of, to });
    } else if (make !== undefined || adapter !== undefined) {
      const host = (make ?? adapter)?.(watched, context);
      if (host !== undefined) this.#codedHost(host, { ...of, to });
    } else {
      const host = this.#stub(given, name, kind);
      this.#draft.hosts[kind][name] = {
        ...common,
        ...hostKeys(host, given, kind),
        ...(kind === 'service' && { to: oneOrMore(to) }),
      };
    }
    if (kind === 'service' && to.length === 0)
      told.mark('targets', 'targets', 'none of its targets are in the production');
  }

  #host(
    name: string,
    host: Host,
    { kind, common, given, to }: EndContext & { readonly to: readonly string[] },
  ): void {
    this.#draft.hosts[kind][name] = {
      ...common,
      ...hostKeys(host, given, kind),
      ...(kind === 'service' && { to: oneOrMore(to) }),
    };
  }

  /** Records are read after the service, and written before the operation, by a router. */
  #recordHost(host: Host, map: string, of: EndContext & { readonly to: readonly string[] }): void {
    const { name, kind, common, told, given, to } = of;
    const records = this.#records.map(map, told);
    if (records === undefined) {
      this.#codedHost(host, of, `its record map ${map} is not in the export`);
      return;
    }
    const isBatch = /Batch/.test(given.className);
    if (isBatch) this.#tellBatch(records.made.classes.batch, told);
    const single = (step: Block): string[] => {
      if (isBatch || records.made.kind === '') return [];
      const file = this.#draft.names.take(`${records.name}-one`);
      this.#draft.transforms.set(file, file);
      this.#draft.files.set(`transforms/${file}.yaml`, stringify(step, { lineWidth: 120 }));
      return [file];
    };
    const between = this.#draft.names.take(`${name}-records`);
    if (kind === 'service') {
      const one = single({ split: `/${records.made.kind}` });
      this.#host(name, host, { ...of, to: [between] });
      const transform = [`${records.name}.read`, ...one];
      this.#draft.hosts.process[between] = {
        title: plainValue(`${given.name}: records`),
        rules: [{ name: 'records', send: { to: oneOrMore(to), transform } }],
      };
      return;
    }
    const one = single({
      start: 'empty',
      type: 'application/json',
      steps: [{ copy: '/', to: `/${records.made.kind}/0` }],
    });
    this.#draft.hosts.operation[between] = { ...common, ...hostKeys(host, given, kind) };
    this.#draft.hosts.process[name] = {
      title: plainValue(`${given.name}: records`),
      rules: [
        { name: 'records', send: { to: between, transform: [...one, `${records.name}.write`] } },
      ],
    };
  }

  /** A line before or after the records of a file, which no record map has. */
  #tellBatch(batch: string, told: TranslationReport): void {
    const parameters = this.#draft.export.classes.get(batch)?.parameters;
    for (const [parameter, where] of [
      ['BatchHeader', 'first'],
      ['BatchTrailer', 'last'],
    ] as const) {
      if (!parameters?.get(parameter)) continue;
      const text = `the ${where} line of a file is ${parameter}, and no record: write it as a kind of record with at: ${where}`;
      told.mark(batch, 'record maps', text);
    }
  }

  /** An own class with an adapter of the product: the adapter is a host, its code a process beside it. */
  #codedHost(
    host: Host,
    of: EndContext & { readonly to: readonly string[] },
    given?: string,
  ): void {
    const { name, kind, common, told, given: item, to } = of;
    const what = given ?? `the code of ${item.className} is not translated: write it as a process`;
    told.mark('code', 'ObjectScript', what);
    const beside = this.#draft.names.take(`${name}-${kind === 'service' ? 'code' : 'out'}`);
    const process = kind === 'service' ? beside : name;
    this.#draft.files.set(`processes/${process}.ts`, this.#draft.stubText(item.className, what));
    const code = { title: plainValue(`${item.name}: code`), code: `processes/${process}.ts` };
    if (kind === 'service') {
      this.#draft.hosts.service[name] = { ...common, ...hostKeys(host, item, kind), to: beside };
      this.#draft.hosts.process[beside] = { ...code, ...(to.length > 0 && { to: oneOrMore(to) }) };
    } else {
      this.#draft.hosts.operation[beside] = { ...common, ...hostKeys(host, item, kind) };
      this.#draft.hosts.process[name] = { ...code, to: beside };
    }
  }

  /** The nearest class of the product that has a counterpart. */
  #baseOf(className: string): string | undefined {
    return this.#draft.chain(className).find((one) => HOSTS[one] !== undefined);
  }

  #adapterOf(className: string): string {
    for (const one of this.#draft.chain(className)) {
      const adapter = this.#draft.export.classes.get(one)?.parameters.get('ADAPTER');
      if (adapter !== undefined && adapter !== '') return adapter;
    }
    return '';
  }

  #stub(item: ProductionItem, name: string, kind: Kind): Host {
    const isOwn = this.#draft.export.classes.has(item.className);
    const what = isOwn
      ? `${item.className} is code: write it as an adapter, or choose one`
      : `${item.className} has no adapter yet: choose one`;
    this.#draft.told(item.name).mark(kind, isOwn ? 'ObjectScript' : item.className, what);
    this.#draft.files.set(`adapters/${name}.ts`, this.#draft.stubText(item.className, what));
    return { adapter: `./adapters/${name}.ts`, settings: {} };
  }
}

export interface WatchedItem {
  readonly name: string;
  readonly className: string;
  readonly settings: Pick<ReadonlyMap<string, string>, 'get'>;
}

export interface EndContext {
  readonly name: string;
  readonly kind: 'service' | 'operation';
  readonly common: Block;
  readonly told: TranslationReport;
  readonly given: ProductionItem;
}

function hostKeys({ adapter, settings, keys }: Host, item: ProductionItem, kind: Kind): Block {
  const isParallel = kind === 'operation' && item.pool > 1;
  return {
    adapter,
    ...(Object.keys(settings).length > 0 && { settings }),
    ...keys,
    ...(isParallel && { order: 'none', pool: item.pool }),
  };
}
