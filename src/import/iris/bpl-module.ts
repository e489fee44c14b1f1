interface ModuleParts {
  readonly body: readonly string[];
  /** The properties of its context, with their first values. */
  readonly initial: readonly string[];
  /** What a person has to do. */
  readonly marks: readonly string[];
  readonly helpers: readonly string[];
  readonly isHl7: boolean;
  readonly answersHl7: boolean;
}

/** The module of a process. */
export function processModule({
  body,
  initial,
  marks,
  helpers,
  isHl7,
  answersHl7,
}: ModuleParts): string {
  const toBeDone =
    marks.length === 0
      ? []
      : [
          '',
          '// Remove this once each place below that says TO DO is done.',
          `throw new Error(${JSON.stringify(`to be done by a person: ${marks.join('; ')}`)});`,
        ];
  const lines = [
    '// @ts-nocheck: a process imported from InterSystems IRIS, without types',
    "import { defineProcess } from 'waybill';",
    ...toBeDone,
    '',
    ...helpers,
    "const json = (body) => ({ body: JSON.stringify(body ?? {}), type: 'application/json' });",
    "const read = (body) => { const given = Buffer.from(body ?? []).toString(); return given === '' ? {} : JSON.parse(given); };",
    '',
    'export default defineProcess(async (message, engine) => {',
    `  const request = ${isHl7 ? 'message.document()' : 'read(await message.bytes())'};`,
    '  let response = {};',
    `  const context = { ${initial.join(', ')} };`,
    ...indented(body),
    `  return ${answersHl7 ? 'response.kind === undefined ? undefined : response' : 'json(response)'};`,
    '});',
  ];
  return `${lines.join('\n')}\n`;
}

export const indented = (lines: readonly string[]): string[] =>
  lines.map((line) => (line === '' ? '' : `  ${line}`));
export const block = (head: string, lines: readonly string[]): string[] => [
  `${head} {`,
  ...indented(lines),
  '}',
];
export const scoped = (lines: readonly string[]): string[] =>
  lines.length === 1 ? [...lines] : ['{', ...indented(lines), '}'];
