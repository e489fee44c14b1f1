import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { adapterCatalogue, allAdapters } from '../../../adapters/index.ts';
import type { Setting, Settings } from '../../adapter/setting.ts';
import { fieldsSchema } from '../../definition/form/setting-schema.ts';
import { LOOP_FORMS, PATH_FORMS } from '../../document/path-forms.ts';
import { describeError, EngineError } from '../../error/engine-error.ts';
import { nearest } from '../../error/nearest.ts';
import { expressionReference, plainType } from '../../expression/expression-reference.ts';
import { sampleProfile } from '../../rule/profile/sample-profile.ts';
import { sampleMap } from '../../transform/records/sample-map.ts';
import { print, table } from '../output.ts';

interface AdaptersFlags {
  readonly json?: boolean;
}

/** `waybill records <sample>`: a first record map, from a delimited sample. */
export function recordsCommand(): Command {
  return new Command('records')
    .description('Prints a first record map, made from a sample of delimited text.')
    .argument('<sample>', 'such as messages/patients.csv')
    .action(async (sample: string) => {
      print(sampleMap(await sampleOf(sample)).trimEnd());
    });
}

/** `waybill profile <samples>`: a first profile, from HL7 v2 or EDIFACT messages. */
export function profileCommand(): Command {
  return new Command('profile')
    .description('Prints a first profile of HL7 v2 or EDIFACT messages, made from samples of them.')
    .argument(
      '<samples...>',
      'files with messages of one kind, such as messages/adt-*.hl7; batches as well. The first 1,000 messages are looked at',
    )
    .action(async (samples: string[]) => {
      print(sampleProfile(await Promise.all(samples.map(sampleOf))).trimEnd());
    });
}

const sampleOf = (file: string): Promise<Uint8Array> =>
  readFile(file).catch((error: unknown) => {
    const { text } = describeError(error);
    throw new EngineError('NOT_FOUND', `the sample cannot be read: ${text}`, { cause: error });
  });

/** `waybill adapters [type]`: what each adapter does, and its settings from their declaration. */
export function adaptersCommand(): Command {
  return new Command('adapters')
    .description('Lists the adapters, or the settings of one with help, default and example.')
    .argument('[type]', 'such as mllp-in')
    .option('--json', 'as JSON: the settings as JSON Schema')
    .action(showAdapters);
}

async function showAdapters(type: string | undefined, { json }: AdaptersFlags): Promise<void> {
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
  const hint = near === undefined ? `Known: ${types.join(', ')}.` : `Did you mean ${near}?`;
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

interface ExpressionsFlags {
  readonly json?: boolean;
}

/** `waybill expressions [word]`: what rules, transforms and templates may use, from its declarations. */
export function expressionsCommand(): Command {
  return new Command('expressions')
    .description('Lists the names, functions and paths of expressions, or those that match a word.')
    .argument('[word]', 'such as date, lookup or OBX')
    .option('--json', 'as JSON')
    .action(showExpressions);
}

function showExpressions(word: string | undefined, { json }: ExpressionsFlags): void {
  const { variables, groups } = expressionReference;
  const about = (...texts: readonly string[]): boolean =>
    word === undefined || texts.some((text) => text.toLowerCase().includes(word.toLowerCase()));
  const found = {
    variables: variables.filter(({ name, help }) => about(name, help)),
    groups: groups
      .map(({ title, functions }) => ({
        title,
        functions: functions.filter(({ signature, help }) => about(title, signature, help)),
      }))
      .filter(({ functions }) => functions.length > 0),
    loops: LOOP_FORMS.filter(({ path, help }) => about(path, help, 'loop')),
    paths: PATH_FORMS.map(({ kind, of, forms }) => ({
      kind,
      of,
      forms: forms.filter(({ path, help }) => about(path, help, of)),
    })).filter(({ forms }) => forms.length > 0),
  };
  if (json === true) {
    return print(
      JSON.stringify({
        variables: found.variables.map(({ name, type, help }) => ({ name, type, help })),
        functions: found.groups.flatMap(({ functions }) =>
          functions.map(({ signature, help }) => ({ signature, help })),
        ),
        paths: found.paths,
        loops: found.loops,
      }),
    );
  }
  const sections: [string, string[][]][] = [
    ['Names', found.variables.map(({ name, type, help }) => [name, plainType(type), help])],
    ...found.groups.map(({ title, functions }): [string, string[][]] => [
      title,
      functions.map(({ signature, help }) => [plainType(signature), help]),
    ]),
    ...found.paths.map(({ of, forms }): [string, string[][]] => [
      `Paths into ${of}`,
      forms.map(({ path, help }) => [path, help]),
    ]),
    ['Paths in loops', found.loops.map(({ path, help }) => [path, help])],
  ];
  const shown = sections.filter(([, rows]) => rows.length > 0);
  if (shown.length === 0) {
    throw new EngineError(
      'NOT_FOUND',
      `no name, function or path matches ${word}. waybill expressions lists all.`,
    );
  }
  print(shown.map(([title, rows]) => `${title}\n${indented(table(rows))}`).join('\n\n'));
}

const indented = (text: string): string => text.replaceAll(/^(?=.)/gm, '  ');
