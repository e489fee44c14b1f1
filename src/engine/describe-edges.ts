import type { Setting, Settings } from '../adapter/setting.ts';
import type { Edge } from '../control/production-description.ts';
import type { Definition, ProcessDefinition } from '../definition/definition.ts';

/** Who sends to whom, as far as the definition says; each pair and cause once. */
export function describeEdges({ services, processes, operations }: Definition): Edge[] {
  const edges: Edge[] = [];
  for (const { name, to, adapter, settings } of services.values()) {
    edges.push(...to.map((target): Edge => ({ from: name, to: target, by: 'to', labels: [] })));
    edges.push(...settingEdges(name, adapter.settings, settings));
  }
  for (const process of processes.values()) edges.push(...processEdges(process));
  for (const { name, adapter, settings, answersTo } of operations.values()) {
    edges.push(
      ...answersTo.map((to): Edge => ({ from: name, to, by: 'setting', labels: ['answersTo'] })),
    );
    edges.push(...settingEdges(name, adapter.settings, settings));
  }
  return edges;
}

function processEdges({ name, rules, to = [], invalid }: ProcessDefinition): Edge[] {
  const labels = new Map<string, Set<string>>();
  const note = (target: string, label: string): void => {
    labels.set(target, (labels.get(target) ?? new Set()).add(label));
  };
  for (const { rules: own, otherwise } of rules) {
    for (const rule of own) for (const send of rule.send) note(send.to, rule.name);
    for (const send of typeof otherwise === 'string' ? [] : otherwise) note(send.to, 'otherwise');
  }
  return [
    ...[...labels].map(
      ([target, names]): Edge => ({ from: name, to: target, by: 'rule', labels: [...names] }),
    ),
    ...to.map((target): Edge => ({ from: name, to: target, by: 'code', labels: [] })),
    ...(invalid === 'suspend'
      ? []
      : [{ from: name, to: invalid, by: 'invalid', labels: [] } satisfies Edge]),
  ];
}

/** Settings that name a target: where an adapter sends what it cannot take. */
function settingEdges(
  name: string,
  declared: Settings,
  values: Readonly<Record<string, unknown>>,
): Edge[] {
  return Object.entries(declared).flatMap(([key, setting]) =>
    targetsIn(setting, values[key]).map(
      (target): Edge => ({ from: name, to: target, by: 'setting', labels: [key] }),
    ),
  );
}

function targetsIn({ kind }: Setting<unknown, unknown>, value: unknown): string[] {
  return kind === 'target' && typeof value === 'string' ? [value] : [];
}
