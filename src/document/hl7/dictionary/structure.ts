/** A place in a message structure. */
export interface StructureNode {
  readonly kind: 'segment' | 'group' | 'choice';
  /** The name of a segment or group; `''` for a choice. */
  readonly name: string;
  readonly required: boolean;
  readonly repeats: boolean;
  /** Parts of a group in order; the alternatives of a choice. */
  readonly children: readonly StructureNode[];
}

/** Parses the notation of structures: `MSH [{SFT}] PID [GROUP(OBR <OBX|NTE>)]`. */
export function structureNodes(text: string): StructureNode[] {
  const tokens = text.match(/[A-Z][A-Z\d_]*|[[\]{}()<>|]/g) ?? [];
  let at = 0;
  const take = (token: string): boolean => {
    if (tokens[at] !== token) return false;
    at++;
    return true;
  };
  const until = (close: string): StructureNode[] => {
    const nodes: StructureNode[] = [];
    while (at < tokens.length && !take(close)) {
      if (!take('|')) nodes.push(node());
    }
    return nodes;
  };
  const node = (): StructureNode => {
    const optional = take('[');
    const repeats = take('{');
    const inner = plain();
    if (repeats) take('}');
    if (optional) take(']');
    return { ...inner, required: !optional, repeats };
  };
  const plain = (): StructureNode => {
    const rest = { required: true, repeats: false } as const;
    if (take('<')) return { kind: 'choice', name: '', children: until('>'), ...rest };
    const name = tokens[at++] ?? '';
    if (take('(')) return { kind: 'group', name, children: until(')'), ...rest };
    return { kind: 'segment', name, children: [], ...rest };
  };
  return until('');
}
