import type { SourceDefinition, SourceField, SourceNode } from 'hl7-dictionary';

type Tables = Readonly<
  Record<string, { readonly desc: string; readonly values?: Readonly<Record<string, string>> }>
>;

/** Known errors of the source, by version, segment and field: what HL7's own text says instead. */
const FIELDS: Readonly<Record<string, Partial<SourceField>>> = {
  '2.5.1 OBX-2': { rep: 1 },
  '2.5.1 OBX-20': { datatype: 'CWE', desc: 'Observation Site', rep: 0 },
  '2.5.1 OBX-21': { datatype: 'EI', desc: 'Observation Instance Identifier' },
  '2.5.1 OBX-22': { datatype: 'CWE', desc: 'Mood Code' },
};

/** Codes that the source's tables lack. 0125 lists the types an OBX-5 may have; CE and TS were left out. */
const CODES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  125: {
    CE: 'Coded Element',
    CNE: 'Coded with No Exceptions',
    EI: 'Entity Identifier',
    HD: 'Hierarchic Designator',
    ID: 'Coded Value for HL7 Defined Tables',
    IS: 'Coded Value for User-Defined Tables',
    MA: 'Multiplexed Array',
    NA: 'Numeric Array',
    TS: 'Time Stamp',
  },
};

/** Corrects one version of the source: wrong fields, names that are no segment, structures without MSH, choices without names. */
export function correctDefinition(version: string, definition: SourceDefinition): SourceDefinition {
  const segments = Object.entries(definition.segments)
    .filter(([name]) => /^[A-Z][A-Z\d]{2}$/.test(name))
    .map(([name, segment]) => {
      const fields = segment.fields.map((field, index) => ({
        ...field,
        ...FIELDS[`${version} ${name}-${index + 1}`],
      }));
      return [name, { ...segment, fields }] as const;
    });
  const choices = choicesByGroup(definition);
  const messages = Object.entries(definition.messages).map(([name, message]) => {
    const nodes = message.segments.segments.flatMap((node) => correctNode(node, '', choices));
    const header = nodes[0]?.name === 'MSH' ? [] : [{ name: 'MSH', min: 1, max: 1 }];
    // The source writes the letter O of this event as a zero.
    const key = name === 'OMG_019' ? 'OMG_O19' : name;
    return [key, { ...message, segments: { segments: [...header, ...nodes] } }] as const;
  });
  return {
    fields: definition.fields,
    segments: Object.fromEntries(segments),
    messages: Object.fromEntries(messages),
  };
}

export function correctTables(tables: Tables): Tables {
  return Object.fromEntries(
    Object.entries(tables).map(([number, table]) => [
      number,
      { ...table, values: { ...CODES[number], ...table.values } },
    ]),
  );
}

type Choices = ReadonlyMap<string, readonly SourceNode[]>;

/** The named choices inside each group, from the messages that name them. */
function choicesByGroup(definition: SourceDefinition): Choices {
  const choices = new Map<string, readonly SourceNode[]>();
  const visit = (node: SourceNode, group: string): void => {
    const { compounds } = node;
    if (compounds?.every(({ name }) => name !== null) === true && !choices.has(group)) {
      choices.set(group, compounds);
    }
    for (const child of node.children ?? []) visit(child, node.name ?? '');
  };
  for (const { segments } of Object.values(definition.messages)) {
    for (const node of segments.segments) visit(node, '');
  }
  return choices;
}

function correctNode(node: SourceNode, group: string, choices: Choices): SourceNode[] {
  // A placeholder for the segments of a site's own master file.
  if (node.name === 'GenericSegment') return [];
  if (node.compounds?.some(({ name }) => name === null) === true) {
    const compounds = choices.get(group);
    return compounds === undefined ? [] : [{ ...node, compounds }];
  }
  if (node.children === undefined) return [node];
  const children = node.children.flatMap((child) => correctNode(child, node.name ?? '', choices));
  return [{ ...node, children }];
}
