/** A segment or a group as it was seen in messages. */
export interface SeenPart {
  /** The segment; of a group the one that begins it. */
  readonly segment: string;
  /** In every message, or in every turn of the group that it is in. */
  readonly required: boolean;
  /** The most that there were. */
  readonly most: number;
  /** Of a group: what follows its first segment. */
  readonly parts?: readonly SeenPart[];
}

/** Names of segments, and of groups that were found: those have a number. */
type Names = readonly string[];

interface Group {
  readonly trigger: string;
  readonly parts: readonly SeenPart[];
}

/**
 * The structure that messages have, given the names of their segments. Groups are what repeats: segments that
 * come again together. Undefined where messages have the same segments in different orders.
 */
export function sampleStructure(
  messages: readonly Names[],
  groups = new Map<string, Group>(),
): SeenPart[] | undefined {
  let rest = messages;
  for (let trigger = triggerIn(rest); trigger !== undefined; trigger = triggerIn(rest)) {
    const cut = rest.map((names) => cutAt(names, trigger ?? '', keptIn(rest, trigger ?? '')));
    const parts = sampleStructure(
      cut.flatMap(({ turns }) => turns),
      groups,
    );
    if (parts === undefined) return undefined;
    const name = String(groups.size);
    groups.set(name, { trigger, parts });
    rest = cut.map(({ before, turns, after }) => [...before, ...turns.map(() => name), ...after]);
  }
  const runs = rest.map(runsOf);
  return inOrder(runs)?.map((key) => {
    const counts = runs.map((one) => one.get(key)?.count ?? 0);
    const name = runs.find((one) => one.has(key))?.get(key)?.name ?? '';
    const { trigger: segment = name, parts } = groups.get(name) ?? {};
    const most = counts.reduce((a, b) => Math.max(a, b), 0);
    const seen = { segment, required: counts.every((one) => one > 0), most };
    return parts === undefined ? seen : { ...seen, parts };
  });
}

interface Cut {
  readonly before: Names;
  /** What follows each occurrence of what begins a group. */
  readonly turns: readonly Names[];
  readonly after: Names;
}

/** The last turn of a group ends before the first segment that no earlier one had. */
function cutAt(names: Names, trigger: string, kept: ReadonlySet<string>): Cut {
  const starts = names.flatMap((name, at) => (name === trigger ? [at] : []));
  const last = starts.at(-1);
  if (last === undefined) return { before: names, turns: [], after: [] };
  const past = names.findIndex((name, at) => at > last && !kept.has(name));
  const end = past < 0 ? names.length : past;
  const turns = starts.map((start, turn) => names.slice(start + 1, starts[turn + 1] ?? end));
  return { before: names.slice(0, starts[0]), turns, after: names.slice(end) };
}

/** What stands between two occurrences of what begins a group. */
function keptIn(messages: readonly Names[], trigger: string): ReadonlySet<string> {
  const between = messages.map((names) =>
    names.slice(names.indexOf(trigger), names.lastIndexOf(trigger)),
  );
  return new Set(between.flat().filter((name) => name !== trigger));
}

const isGroup = (name: string): boolean => /^\d/.test(name);

/** The segment that begins the group whose turns are most alike; the first one of several. */
function triggerIn(messages: readonly Names[]): string | undefined {
  let best: { readonly trigger: string; readonly odd: number } | undefined;
  for (const trigger of new Set(messages.flat().filter((name) => !isGroup(name)))) {
    const kept = keptIn(messages, trigger);
    if (kept.size === 0) continue;
    const turns = messages.flatMap((names) => cutAt(names, trigger, kept).turns);
    const among = turns.map((turn) => new Set(turn));
    const counts = [...kept].map((name) => among.filter((turn) => turn.has(name)).length);
    if (!counts.some((count) => count > 1)) continue;
    const odd = counts.filter((count) => count < turns.length).length;
    if (best === undefined || odd < best.odd) best = { trigger, odd };
  }
  return best?.trigger;
}

interface Run {
  readonly name: string;
  readonly count: number;
}

/** Names that follow themselves count as one; a name that comes again later is another one. */
function runsOf(names: Names): Map<string, Run> {
  const runs = new Map<string, Run>();
  let [key, before] = ['', ''];
  for (const name of names) {
    if (name !== before) {
      let turn = 1;
      while (runs.has(`${name} ${turn}`)) turn += 1;
      key = `${name} ${turn}`;
    }
    runs.set(key, { name, count: (runs.get(key)?.count ?? 0) + 1 });
    before = name;
  }
  return runs;
}

/** One order that all of them are in; undefined if there is none. */
function inOrder(all: readonly ReadonlyMap<string, Run>[]): string[] | undefined {
  const before = new Map<string, Set<string>>();
  for (const runs of all) {
    let last: string | undefined;
    for (const key of runs.keys()) {
      const known = before.get(key) ?? new Set();
      before.set(key, last === undefined ? known : known.add(last));
      last = key;
    }
  }
  const order: string[] = [];
  const done = new Set<string>();
  while (done.size < before.size) {
    const next = [...before].find(([key, those]) => !done.has(key) && those.isSubsetOf(done));
    if (next === undefined) return undefined;
    done.add(next[0]);
    order.push(next[0]);
  }
  return order;
}
