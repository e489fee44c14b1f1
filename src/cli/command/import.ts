import { basename, extname, resolve } from 'node:path';
import { Command } from 'commander';
import { importIris } from '../../import/iris/import-iris.ts';
import { importMirth } from '../../import/mirth/import-mirth.ts';
import {
  exportFiles,
  type ImportedProduction,
  writeProduction,
} from '../../import/production-files.ts';
import { categoriesOf, type ImportReport } from '../../import/report.ts';
import { print, table } from '../output.ts';

interface ImportFlags {
  readonly out?: string;
  readonly json?: boolean;
}

/** `waybill import`: productions from the exports of other engines. */
export function importCommand(): Command {
  const command = new Command('import').description(
    'Makes a production from what another engine exported. Nothing of it is run; what needs a person is listed.',
  );
  command
    .command('mirth')
    .description(
      'Channels of Mirth Connect 3 and 4 and of Open Integration Engine: one channel, a group, or a backup of a server.',
    )
    .argument('<export>', 'a channel.xml, a backup.xml, or a folder of them')
    .option('--out <folder>', 'where to write the production; default the name of the export')
    .option('--json', 'the report as JSON')
    .action((path: string, flags: ImportFlags) => imported(path, flags, { make: importMirth }));
  command
    .command('iris')
    .description(
      'Productions of InterSystems IRIS and Health Connect: classes as source files (.cls) or exports (.xml), and lookup tables (.lut).',
    )
    .argument('<export>', 'a file, or a folder of them')
    .option('--out <folder>', 'where to write the production; default the name of the export')
    .option('--json', 'the report as JSON')
    .action((path: string, flags: ImportFlags) =>
      imported(path, flags, { make: importIris, endings: /\.(cls|xml|lut)$/i }),
    );
  return command;
}

interface Engine {
  readonly make: (
    files: Awaited<ReturnType<typeof exportFiles>>,
    name: string,
  ) => ImportedProduction;
  readonly endings?: RegExp;
}

async function imported(
  path: string,
  { out, json }: ImportFlags,
  { make, endings }: Engine,
): Promise<void> {
  const name = basename(resolve(path), extname(path));
  const folder = out ?? name;
  const production = make(await exportFiles(path, endings), basename(resolve(folder)));
  await writeProduction(production, folder);
  if (json === true) return print(JSON.stringify({ ...production.report, folder }));
  for (const line of summary(production.report, folder)) print(line);
}

function summary({ channels, templates, lines }: ImportReport, folder: string): string[] {
  const marks = lines.filter(({ kind }) => kind === 'mark');
  const given = lines.filter(({ kind }) => kind === 'give');
  const made = [table([...channels, ...templates].map(({ name, state }) => [state, name]))];
  for (const { channel, place, line, text } of marks) {
    made.push(`${channel}, ${place}${line === undefined ? '' : `, line ${line}`}: ${text}`);
  }
  for (const [category, count] of categoriesOf(lines)) made.push(`${count} × ${category}`);
  if (given.length > 0)
    made.push(`${given.length} values are to be given: secrets and environment`);
  made.push(
    `${folder}: ${channels.length} channels or hosts, ${templates.length} code templates; see ${folder}/import-report.md, then waybill check ${folder}`,
  );
  return made;
}
