import { Command } from 'commander';
import { adapterCatalogue, allAdapters } from '../../adapters/index.ts';
import type { Setting, Settings } from '../adapter/setting.ts';
import { fieldsSchema } from '../definition/form/setting-schema.ts';
import { EngineError } from '../error/engine-error.ts';
import { nearest } from '../error/nearest.ts';
import { print, table } from './output.ts';

interface AdaptersFlags {
  readonly json?: boolean;
}

/** `waybill adapters [type]`: what each adapter does, and its settings from their declaration. */
export function adaptersCommand(): Command {
  return new Command('adapters')
    .description('Lists the adapters, or the settings of one with help, default and example.')
    .argument('[type]', 'such as mllp-in')
    .option('--json', 'as JSON: the settings as JSON Schema')
    .action(show);
}

async function show(type: string | undefined, { json }: AdaptersFlags): Promise<void> {
  const adapters = await allAdapters();
  const chosen = type === undefined ? adapters : adapters.filter((one) => one.type === type);
  if (type !== undefined && chosen.length === 0) throw unknownAdapter(type);
  if (json === true) {
    const described = chosen.map(({ type: name, title, summary, settings }) => ({
      type: name,
      title,
      summary,
      settings: fieldsSchema(settings),
    }));
    return print(JSON.stringify(type === undefined ? described : described[0]));
  }
  if (type === undefined) {
    return print(table(chosen.map((one) => [one.type, one.title, one.summary])));
  }
  for (const { title, summary, settings } of chosen) {
    print(`${title}\n${summary}\n`);
    for (const line of settingLines(settings, '')) print(line);
  }
}

function unknownAdapter(type: string): EngineError {
  const { types } = adapterCatalogue;
  const near = nearest(type, types);
  const hint = near === undefined ? `There are ${types.join(', ')}.` : `Did you mean ${near}?`;
  return new EngineError('NOT_FOUND', `there is no adapter ${type}. ${hint}`);
}

function* settingLines(settings: Settings, indent: string): Generator<string> {
  for (const [name, setting] of Object.entries(settings)) {
    const needed = setting.default === undefined && setting.optional !== true;
    yield `${indent}${name}: ${kindText(setting)}${needed ? ' (required)' : ''}`;
    yield `${indent}    ${setting.help}`;
    for (const note of notes(setting)) yield `${indent}    ${note}`;
    if (setting.fields !== undefined) yield* settingLines(setting.fields, `${indent}  `);
  }
}

function kindText({ kind, item, kinds }: Setting<unknown, unknown>): string {
  if (kind === 'list' && item !== undefined) return `list of ${kindText(item)}`;
  return kinds === undefined ? kind : `${kind} (${kinds.join(', ')})`;
}

function* notes({
  default: preset,
  example,
  choices,
  minimum,
  maximum,
}: Setting<unknown, unknown>): Generator<string> {
  for (const [choice, meaning] of Object.entries(choices ?? {})) yield `- ${choice}: ${meaning}`;
  if (minimum !== undefined) yield `at least ${minimum}`;
  if (maximum !== undefined) yield `at most ${maximum}`;
  const isEmpty = Array.isArray(preset) && preset.length === 0;
  if (preset !== undefined && !isEmpty) {
    yield `default: ${typeof preset === 'string' && preset === preset.trim() ? preset : JSON.stringify(preset)}`;
  }
  if (example !== undefined) yield `example: ${example}`;
}
