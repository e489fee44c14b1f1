import { join, relative, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { adapterCatalogue } from '../../adapters/index.ts';
import { secretResolver, secretStoreFile } from '../credential/secret/secret-resolver.ts';
import { describeProblem, type Problem } from '../definition/problem.ts';
import type { ReadOptions } from '../definition/read.ts';
import { DATA } from './connect.ts';

/** The options of every command that reads the files of a production. */
export interface ReadingFlags {
  readonly overlay: string[];
  readonly data: string;
}

export function readingOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--overlay <name>', 'an overlay; may be repeated')
        .argParser((one: string, all: string[]) => [...all, one])
        .default([] as string[], 'none'),
    )
    .option('--data <folder>', 'the folder that waybill run uses, for its secrets', DATA);
}

/** How to read the files of a production, with the secrets of the store. */
export function readOptions({ overlay, data }: ReadingFlags): ReadOptions {
  return {
    adapters: adapterCatalogue,
    overlays: overlay,
    secrets: secretResolver(secretStoreFile(resolve(data), process.env), process.env),
  };
}

/** A problem in a form that a terminal can open: with the file as seen from here. */
export function problemLine(problem: Problem, folder: string): string {
  return describeProblem({ ...problem, file: join(relative('.', folder), problem.file) });
}
