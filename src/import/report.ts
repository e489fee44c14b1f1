/** One line of the report. */
export interface ReportLine {
  /** `mark`: check fails until a person has done it; `give`: a person must provide a value; `look`: worth a look. */
  readonly kind: 'made' | 'mark' | 'give' | 'look';
  readonly channel: string;
  /** `source`, a destination's name, a script. */
  readonly place: string;
  readonly line?: number | undefined;
  readonly category: string;
  readonly text: string;
}

export interface ImportReport {
  /** The engine that it was exported from. */
  readonly from: string;
  /** What it calls that which was imported. */
  readonly unit: 'channel' | 'item';
  readonly folder: string;
  readonly channels: readonly { readonly name: string; readonly state: ChannelState }[];
  /** Modules that code templates became. */
  readonly templates: readonly { readonly name: string; readonly state: ChannelState }[];
  readonly lines: readonly ReportLine[];
}

/** `complete`: nothing is marked; `partial`: some places are; `not`: neither a service nor an operation could be made. */
export type ChannelState = 'complete' | 'partial' | 'not';

const TITLES: Readonly<Record<ReportLine['kind'], string>> = {
  mark: 'To be done by a person; `waybill check` fails until then',
  give: 'To be provided by a person',
  look: 'Worth a look',
  made: 'What became what',
};

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ');

/** `import-report.md`. It names places and kinds, never a line of a script nor a value. */
export function reportText({ from, unit, channels, templates, lines }: ImportReport): string {
  const counts = (['complete', 'partial', 'not'] as const).map(
    (state) => `${channels.filter((one) => one.state === state).length} ${state}`,
  );
  const parts = [
    `# What was imported from ${from}\n`,
    `${channels.length} ${unit}s: ${counts.join(', ')}.\n`,
    `| ${unit} | state |\n|---|---|`,
    ...channels.map(({ name, state }) => `| ${cell(name)} | ${state} |`),
    ...templates.map(({ name, state }) => `| ${cell(name)} (code template) | ${state} |`),
  ];
  for (const kind of ['mark', 'give', 'look', 'made'] as const) {
    const own = lines.filter((one) => one.kind === kind);
    if (own.length === 0) continue;
    parts.push(`\n## ${TITLES[kind]}\n`, `| ${unit} | place | line | what |\n|---|---|---|---|`);
    for (const { channel, place, line, text } of own) {
      parts.push(`| ${cell(channel)} | ${cell(place)} | ${line ?? ''} | ${cell(text)} |`);
    }
  }
  return `${parts.join('\n')}\n`;
}

/** How often each category is marked. */
export function categoriesOf(lines: readonly ReportLine[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const { kind, category } of lines) {
    if (kind === 'mark') counts.set(category, (counts.get(category) ?? 0) + 1);
  }
  return [...counts].toSorted(([, one], [, other]) => other - one);
}
