import type { FieldDefinition, Hl7Dictionary } from '../dictionary/dictionary.ts';
import type { StructureNode } from '../dictionary/structure.ts';
import type { FieldRule, Hl7Profile } from './profile.ts';

const whole = new WeakMap<Hl7Profile, Map<Hl7Dictionary, Hl7Dictionary>>();

/**
 * The dictionary of a version with what a profile says instead: its types, and what it permits. The same for the same
 * profile, since structures are compared by automata that are made once.
 */
export function withProfile(dictionary: Hl7Dictionary, profile: Hl7Profile): Hl7Dictionary {
  const known = whole.get(profile) ?? new Map<Hl7Dictionary, Hl7Dictionary>();
  whole.set(profile, known);
  const before = known.get(dictionary);
  if (before !== undefined) return before;
  const relax = relaxing(freed(profile));
  const made = {
    ...dictionary,
    fields: fieldsWith(profile, (segment) => dictionary.fields(segment)),
    structure: (message: string) => {
      const structure = dictionary.structure(message);
      return structure && relax(structure);
    },
    readings: (message: string) => dictionary.readings(message).map(relax),
  };
  known.set(dictionary, made);
  return made;
}

/** Nothing but the types that a profile gives to fields, for messages that HL7's own rules are not asked about. */
export function onlyProfile(dictionary: Hl7Dictionary, profile: Hl7Profile): Hl7Dictionary {
  return { ...dictionary, fields: fieldsWith(profile, () => undefined) };
}

/** A field about which nobody says anything. */
const ANY: FieldDefinition = {
  name: '',
  type: 'ST',
  usage: 'optional',
  repetitions: Number.POSITIVE_INFINITY,
  length: undefined,
  table: undefined,
};

function fieldsWith(
  profile: Hl7Profile,
  before: Hl7Dictionary['fields'],
): (segment: string) => readonly FieldDefinition[] | undefined {
  const made = new Map<string, readonly FieldDefinition[] | undefined>();
  return (segment) => {
    if (!made.has(segment)) made.set(segment, merged(profile, segment, before(segment)));
    return made.get(segment);
  };
}

function merged(
  { fields }: Hl7Profile,
  segment: string,
  before: readonly FieldDefinition[] | undefined,
): readonly FieldDefinition[] | undefined {
  const rules = fields.filter(({ path }) => path.segment === segment && path.component === 0);
  if (rules.length === 0) return before;
  const length = Math.max(before?.length ?? 0, ...rules.map(({ path }) => path.field));
  const definitions = Array.from({ length }, (_, at) => before?.[at] ?? ANY);
  for (const rule of rules) {
    const at = rule.path.field - 1;
    definitions[at] = changed(definitions[at] ?? ANY, rule);
  }
  return definitions;
}

/** What the profile says of a field it also checks, so here it only takes away what HL7 says. */
function changed(before: FieldDefinition, rule: FieldRule): FieldDefinition {
  const { name, required, most, type, length, codes } = rule;
  return {
    name: name ?? before.name,
    type: type ?? before.type,
    usage: required === undefined ? before.usage : 'optional',
    repetitions: most === undefined ? before.repetitions : Number.POSITIVE_INFINITY,
    length: length === undefined ? before.length : undefined,
    table: codes === undefined ? before.table : undefined,
  };
}

/** Segments that may be missing although HL7 requires them. */
function freed({ segments }: Hl7Profile): ReadonlySet<string> {
  const free = [...segments].filter(([, { required, most }]) => required === false || most === 0);
  return new Set(free.map(([name]) => name));
}

function relaxing(
  free: ReadonlySet<string>,
): (structure: readonly StructureNode[]) => readonly StructureNode[] {
  const made = new Map<readonly StructureNode[], readonly StructureNode[]>();
  return (structure) => {
    if (free.size === 0) return structure;
    const nodes = made.get(structure) ?? structure.map((node) => optional(node, free));
    made.set(structure, nodes);
    return nodes;
  };
}

function optional(node: StructureNode, free: ReadonlySet<string>): StructureNode {
  const children = node.children.map((child) => optional(child, free));
  const isFree = node.kind === 'segment' && free.has(node.name);
  return { ...node, children, required: node.required && !isFree };
}
