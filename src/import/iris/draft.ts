import { Names, slug } from '../names.ts';
import { redacted } from '../redacted.ts';
import type { ReportLine } from '../report.ts';
import { keyOf, type ProductionItem } from './items.ts';
import type { IrisClass, IrisExport } from './read-export.ts';
import type { TranslationReport } from './rules.ts';

export type Block = Record<string, unknown>;
export type Kind = 'service' | 'process' | 'operation';

/** A production while it is made of an export: its files, hosts and report. */
export class Draft {
  readonly export: IrisExport;
  readonly files = new Map<string, string>();
  readonly lines: ReportLine[] = [];
  readonly names = new Names();
  /** The hosts that items became. */
  readonly items = new Map<string, string>();
  readonly credentials: Record<string, Block> = {};
  readonly transforms = new Map<string, string>();
  /** Classes of which something was made. */
  readonly used = new Set<string>();
  /** Those whose methods are quoted in a module. */
  readonly quoted = new Set<string>();
  /** Items that nothing is made of. */
  readonly idle = new Set<string>();
  readonly hosts: Record<Kind, Record<string, Block>> = { service: {}, process: {}, operation: {} };

  constructor(exported: IrisExport) {
    this.export = exported;
  }

  line(
    kind: ReportLine['kind'],
    channel: string,
    place: string,
    { category, text }: { category: string; text: string },
  ): void {
    this.lines.push({ kind, channel, place, category, text });
  }

  told(channel: string): TranslationReport {
    return {
      mark: (place, category, text) => this.line('mark', channel, place, { category, text }),
      look: (place, category, text) => this.line('look', channel, place, { category, text }),
    };
  }

  /** A class and those that it extends. */
  chain(className: string): string[] {
    const chain: string[] = [];
    for (let at: string | undefined = className; at !== undefined && chain.length < 20; ) {
      chain.push(at);
      at = this.export.classes.get(at)?.extends[0];
    }
    return chain;
  }

  /** The hosts that an item sends to: by its settings, otherwise those that its code names. */
  targetsOf({ settings, production, className, key }: ProductionItem): string[] {
    const hostsOf = (names: readonly string[]): string[] => [
      ...new Set(
        names
          .map((one) => keyOf(production, one.trim()))
          .filter((one) => one !== key && !this.idle.has(one))
          .map((one) => this.items.get(one))
          .filter((one) => one !== undefined),
      ),
    ];
    const given = TARGETS.flatMap((name) => (settings.get(name) ?? '').split(','));
    const named = hostsOf(given);
    if (named.length > 0) return named;
    const others = hostsOf([...settings.values()].flatMap((value) => value.split(',')));
    if (others.length > 0) return others;
    const code = this.chain(className)
      .flatMap((one) => this.export.classes.get(one)?.methods ?? [])
      .map(({ source }) => source)
      .join('\n');
    return hostsOf([...code.matchAll(/"([^"\n]+)"/g)].map(([, text = '']) => text));
  }

  /** The name of a credential; a person provides its secret. */
  credential(item: string, given: string): string {
    const name = slug(given);
    if (this.credentials[name] === undefined) {
      this.credentials[name] = {
        kind: 'basic',
        user: 'interface',
        password: `\${secret:${name}}`,
      };
      this.line('give', item, 'credentials', {
        category: 'secrets',
        text: `user and password of ${given}: \`waybill secret set ${name}\``,
      });
    }
    return name;
  }

  /** A module that cannot be loaded until a person has written it; the original is in it as a comment. */
  stubText(className: string, what: string): string {
    this.used.add(className);
    this.quoted.add(className);
    const own: IrisClass | undefined = this.export.classes.get(className);
    const parts = [
      ...[...(own?.data ?? [])].map(([name, text]) => `XData ${name}\n${text.text}`),
      ...(own?.methods.map(({ source }) => source) ?? []),
    ];
    const was = parts.length === 0 ? '' : `\n\n// What it was:\n${redacted(parts.join('\n\n'))}`;
    return `throw new Error(${JSON.stringify(`to be done by a person: ${what}`)});${was}\n`;
  }
}

/** Settings that name targets. */
export const TARGETS = ['TargetConfigNames', 'TargetConfigName', 'DuplexTargetConfigName'];

export const oneOrMore = (of: readonly string[]): unknown => (of.length === 1 ? of[0] : of);
