import { Command } from 'commander';
import { LOOP_FORMS, PATH_FORMS } from '../document/path-forms.ts';
import { EngineError } from '../error/engine-error.ts';
import { expressionReference, plainType } from '../expression/expression-reference.ts';
import { print, table } from './output.ts';

interface ExpressionsFlags {
  readonly json?: boolean;
}

/** `waybill expressions [word]`: what may stand in rules, transforms and templates, from its declarations. */
export function expressionsCommand(): Command {
  return new Command('expressions')
    .description('Lists the names, functions and paths of expressions, or those that a word is in.')
    .argument('[word]', 'such as date, lookup or OBX')
    .option('--json', 'as JSON')
    .action(show);
}

function show(word: string | undefined, { json }: ExpressionsFlags): void {
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
      `no name, function or path has ${word} in it. waybill expressions lists all.`,
    );
  }
  print(shown.map(([title, rows]) => `${title}\n${indented(table(rows))}`).join('\n\n'));
}

const indented = (text: string): string => text.replaceAll(/^(?=.)/gm, '  ');
