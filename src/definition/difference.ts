import type { Definition, HostDefinition } from './definition.ts';
import { type Change, changes, isEqual } from './difference/changes.ts';
import { compareHost } from './difference/compare-host.ts';
import { describeChange } from './difference/describe.ts';
import { type HostKind, SECTIONS } from './grammar/host-settings.ts';
import { shown, valueAt } from './written/written.ts';

interface HostDifference {
  readonly host: string;
  readonly kind: HostKind;
  readonly how: 'added' | 'removed' | 'changed';
  readonly changes: readonly Change[];
  /** Whether it must be stopped and started anew; a comment or a rule needs no restart. */
  readonly restart: boolean;
}

/** What `apply` would change. It holds no secret: what came from one is shown as it is written. */
export interface Difference {
  readonly hosts: readonly HostDifference[];
  /** Beyond the hosts: settings, credentials, transforms, lookups, alerts. */
  readonly production: readonly Change[];
  /** The hosts to stop, and to start again where they still exist. */
  readonly restarts: readonly string[];
}

/** Compares two definitions of a production host by host. */
export function productionDifference(before: Definition, after: Definition): Difference {
  const hosts: HostDifference[] = [];
  const olds = hostsOf(before);
  const news = hostsOf(after);
  for (const [name, host] of olds) {
    if (news.get(name)?.kind === host.kind) continue;
    hosts.push({ host: name, kind: host.kind, how: 'removed', changes: [], restart: true });
  }
  const acceptsOtherwise = !isEqual(acceptance(before), acceptance(after));
  for (const [name, host] of news) {
    const old = olds.get(name);
    if (old?.kind !== host.kind) {
      hosts.push({ host: name, kind: host.kind, how: 'added', changes: [], restart: true });
      continue;
    }
    const compared = compareHost({ definition: before, host: old }, { definition: after, host });
    const restart = compared.restart || (acceptsOtherwise && host.kind === 'service');
    if (compared.changes.length === 0 && !restart) continue;
    hosts.push({ host: name, kind: host.kind, how: 'changed', ...compared, restart });
  }
  return {
    hosts,
    production: productionChanges(before, after),
    restarts: hosts.filter(({ restart }) => restart).map(({ host }) => host),
  };
}

/** Whether two definitions mean the same. */
export function isUnchanged({ hosts, production }: Difference): boolean {
  return hosts.length === 0 && production.length === 0;
}

/** One line a change, for a terminal. */
export function describeDifference({ hosts, production }: Difference): string[] {
  const mark = { added: '+', removed: '-', changed: '~' } as const;
  return [
    ...production.map((change) => `~ ${describeChange(change)}`),
    ...hosts.flatMap(({ host, kind, how, changes: inside, restart }) => [
      `${mark[how]} ${kind} ${host}${how === 'changed' && restart ? ' (restarts)' : ''}`,
      ...inside.map((change) => `    ${describeChange(change)}`),
    ]),
  ];
}

function hostsOf({ services, processes, operations }: Definition): Map<string, HostDefinition> {
  return new Map<string, HostDefinition>([...services, ...processes, ...operations]);
}

/** The settings of the whole production by which services accept messages. */
const acceptance = ({ settings: { duplicateWindow, inlineLimit } }: Definition): unknown => [
  duplicateWindow,
  inlineLimit,
];

function productionChanges(before: Definition, after: Definition): Change[] {
  const written = changes(beyondHosts(before), beyondHosts(after));
  return [...written, ...secretChanges(before, after, written), ...fileChanges(before, after)];
}

function beyondHosts({ source: { written } }: Definition): unknown {
  const all = shown(written);
  if (typeof all !== 'object' || all === null) return {};
  const sections: readonly string[] = Object.values(SECTIONS);
  return Object.fromEntries(Object.entries(all).filter(([key]) => !sections.includes(key)));
}

/** Credentials that are written as before but have got other values. */
function secretChanges(
  before: Definition,
  after: Definition,
  written: readonly Change[],
): Change[] {
  return [...after.credentials].flatMap(([name, { values }]) => {
    const old = before.credentials.get(name)?.values;
    const rewritten = written.some(({ path }) => path.startsWith(`credentials.${name}`));
    if (old === undefined || rewritten || isEqual(old, values)) return [];
    return [{ path: `credentials.${name}`, before: '•••', after: '•••, another value' }];
  });
}

/** Transforms and lookups whose files are the same but not their content. */
function fileChanges(before: Definition, after: Definition): Change[] {
  return ['transforms', 'lookups'].flatMap((section) => {
    const files = valueAt(after.source.written, [section]);
    if (files?.kind !== 'block') return [];
    return [...files.entries].flatMap(([name, { value }]) => {
      const file = value.kind === 'scalar' ? `${after.folder}/${value.value}` : '';
      const old = before.source.digests.get(file);
      if (old === undefined || old === after.source.digests.get(file)) return [];
      return [{ path: `${section}.${name}`, before: 'as it was', after: 'changed' }];
    });
  });
}
