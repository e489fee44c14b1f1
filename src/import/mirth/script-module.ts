import type { ReportLine } from '../report.ts';
import type { RewrittenScript } from './script/rewritten.ts';

/** The paths that a module imports from. */
export interface ModulePlace {
  /** `../../code/` for a module under `scripts/<channel>/`. */
  readonly toTemplates: string;
  /** The file of the code template that declares a name. */
  readonly fileOf: (name: string) => string | undefined;
}

const HEADER = '// @ts-nocheck: a script imported from Mirth Connect, without types\n';

function importsOf({ imports, templates }: RewrittenScript, place: ModulePlace): string {
  const lines: string[] = [];
  const own = [...imports].toSorted();
  if (own.length > 0) lines.push(`import { ${own.join(', ')} } from 'waybill/mirth';`);
  const files = Map.groupBy([...templates].toSorted(), (name) => place.fileOf(name) ?? '');
  for (const [file, names] of files) {
    if (file !== '')
      lines.push(`import { ${names.join(', ')} } from '${place.toTemplates}${file}';`);
  }
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

const todoOf = (places: readonly string[]): string =>
  places.length === 0
    ? ''
    : `\n// Remove each line once it is done, and the whole call when none are left.\ntodo([\n${places.map((one) => `  ${JSON.stringify(one)},\n`).join('')}]);\n`;

/** A script as a module whose default export runs it. */
export function scriptModule(
  script: RewrittenScript,
  todo: readonly string[],
  place: ModulePlace,
): string {
  const imports = new Set(script.imports);
  if (todo.length > 0) imports.add('todo');
  const head = importsOf({ ...script, imports }, place);
  return `${HEADER}${head}${todoOf(todo)}\nexport default function script() {${script.text}\n}\n`;
}

interface TemplateScript extends RewrittenScript {
  /** What others import of one that could not be parsed. */
  readonly stubs: readonly string[];
}

/** A code template as a module that exports what it declares. */
export function templateModule(
  script: TemplateScript,
  todo: readonly string[],
  place: ModulePlace,
): string {
  const imports = new Set(script.imports);
  if (todo.length > 0) imports.add('todo');
  const head = importsOf({ ...script, imports }, place);
  const names = script.declares.length === 0 ? '' : `\nexport { ${script.declares.join(', ')} };\n`;
  const stubs = script.stubs.length === 0 ? '' : `\nexport let ${script.stubs.join(', ')};\n`;
  return `${HEADER}${head}${todoOf(todo)}\n${script.text.trimEnd()}\n${names}${stubs}`;
}

/** Describes a marked place. */
export const placeText = ({
  place,
  line,
  text,
}: Pick<ReportLine, 'place' | 'line' | 'text'>): string =>
  `${place}${line === undefined ? '' : `, line ${line}`}: ${text}`;
